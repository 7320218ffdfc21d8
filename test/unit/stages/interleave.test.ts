// Several pieces of long work at once: all results in order, bounded, and no failure lost.
import assert from 'node:assert/strict';
import type { LongWork } from '../../../src/protocol/progress.ts';
import { interleave } from '../../../src/stages/interleave.ts';

const steps: string[] = [];
let running = 0;
let most = 0;

async function* work(name: string, count: number, failure?: Error): LongWork<string> {
  running += 1;
  most = Math.max(most, running);
  try {
    for (let step = 1; step <= count; step++) {
      await new Promise((resolve) => setImmediate(resolve));
      steps.push(`${name}${step}`);
      yield { message: `${name}${step}` };
    }
    if (failure !== undefined) throw failure;
    return `${name} done`;
  } finally {
    running -= 1;
  }
}

async function run(works: LongWork<string>[], atOnce: number): Promise<{ told: string[]; results: string[] }> {
  const told: string[] = [];
  const all = interleave(works, atOnce);
  for (;;) {
    const step = await all.next();
    if (step.done) return { told, results: step.value };
    told.push(step.value.message);
  }
}

describe('interleaved work', () => {
  beforeEach(() => {
    steps.length = 0;
    most = 0;
  });

  it('returns the results in the order of the works and tells all progress, never more than the limit at once', async () => {
    const { told, results } = await run([work('a', 3), work('b', 1), work('c', 2)], 2);
    assert.deepEqual(results, ['a done', 'b done', 'c done']);
    assert.deepEqual([...told].sort(), ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']);
    assert.equal(most, 2);
    assert.ok(steps.indexOf('b1') < steps.indexOf('a3'), 'the first two run side by side');
  });

  it('lets what runs come to its end when one fails, begins nothing more, and throws the failure', async () => {
    const failure = new Error('no answer');
    await assert.rejects(run([work('a', 1, failure), work('b', 4), work('c', 1)], 2), failure);
    assert.ok(steps.includes('b4'));
    assert.ok(!steps.includes('c1'));
    assert.equal(running, 0);
  });

  it('ends the works that have begun when its reader stops early', async () => {
    const all = interleave([work('a', 5), work('b', 5), work('c', 5)], 2);
    assert.equal((await all.next()).done, false);
    assert.equal(running, 2);
    await all.return([]);
    assert.equal(running, 0);
    assert.ok(!steps.includes('a5') && !steps.includes('c1'), steps.join());
  });

  it('is empty for no work', async () => {
    assert.deepEqual((await run([], 2)).results, []);
  });
});

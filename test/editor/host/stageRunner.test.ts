// The runner of long work, inside the extension host: one at a time, and no refusal while cancelled work comes to its end.
import assert from 'node:assert/strict';
import { UserError } from '../../../src/domain/errors.ts';
import { cancellation } from '../../../src/protocol/requestChannel.ts';
import type { CurationFolder } from '../../../src/editor/curationFolder.ts';
import { StageRunner, type StageWork } from '../../../src/editor/stageRunner.ts';

const work = <Result>(title: string, run: StageWork<Result>['run']): StageWork<Result> => ({ folder: {} as CurationFolder, stage: null, source: null, title, run });

/** Work that ends when the test says so, however early it is cancelled: as a job that is told to end. */
function slowWork(title: string): { work: StageWork<string>; begun: Promise<void>; end: () => void } {
  let end = (): void => undefined;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const asked = work<string>(title, (signal) => new Promise((resolve, reject) => {
    end = () => (signal.aborted ? reject(cancellation()) : resolve(title));
    begin();
  }));
  return { work: asked, begun, end: () => end() };
}

describe('the runner of long work', () => {
  let runner: StageRunner;
  beforeEach(() => (runner = new StageRunner()));
  afterEach(() => runner.dispose());

  it('refuses while something runs', async () => {
    const first = slowWork('first');
    const done = runner.run(first.work);
    await first.begun;
    await assert.rejects(runner.run(work('second', () => Promise.resolve(2))), (error) => error instanceof UserError && error.code === 'busy');
    first.end();
    assert.equal(await done, 'first');
  });

  it('begins the next work in the moment in which the former has told its result', async () => {
    for (let round = 0; round < 50; round++) {
      assert.equal(await runner.run(work('first', () => Promise.resolve(1))).then(() => runner.run(work('second', () => Promise.resolve(2)))), 2);
    }
  });

  it('lets the next work wait for the end of cancelled work, and only one at a time', async () => {
    const first = slowWork('first');
    const second = slowWork('second');
    const done = assert.rejects(runner.run(first.work), { name: 'AbortError' });
    await first.begun;
    runner.cancel();
    const next = runner.run(second.work);
    const third = assert.rejects(runner.run(work('third', () => Promise.resolve(3))), (error) => error instanceof UserError && error.code === 'busy');
    assert.equal(runner.running?.title, 'first');
    first.end();
    await done;
    await second.begun;
    await third;
    assert.equal(runner.running?.title, 'second');
    second.end();
    assert.equal(await next, 'second');
    assert.equal(runner.running, null);
  });
});

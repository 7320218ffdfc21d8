// How a trainer job is left: with a host that only notes what it is asked. The trainer's own runs are in trainModel.test.ts.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../../src/hosts/host.ts';
import type { JobState, JobStatus } from '../../../src/protocol/job.ts';
import { runJob, type JobOrder } from '../../../src/stages/runJob.ts';
import type { StageContext } from '../../../src/stages/stageContext.ts';
import { openTestStore, testContext } from './stageFixture.ts';

const order: JobOrder = {
  stage: 'predict', title: 'Predicting', request: { source: 'posts' }, weights: 'weights', offline: true, data: [{ path: 'data/prompts.jsonl', rows: [] }],
  run: {
    version: 1, verb: 'predict', seed: 0, threads: 1, model: { base: '/base', adapter: null }, data: 'data/prompts.jsonl', range: { min_hundredths: 100, max_hundredths: 200 },
    decoders: [{ name: 'median' }], batch_size: 1, output: 'out/predictions.jsonl',
  },
};

/** A job that runs for ever and tells its progress at once; `cancelled` says how often its end was asked for. */
async function endlessJob() {
  const store = await openTestStore();
  const base = testContext(store);
  const trainer = join(base.folder, 'trainer');
  mkdirSync(join(trainer, 'multismp'), { recursive: true });
  writeFileSync(join(trainer, 'multismp', '__main__.py'), '');
  const asked = { cancelled: 0 };
  const status = (state: JobState): JobStatus => ({
    version: 1, state, boot_id: 'b', supervisor_pid: 1, supervisor_start: '1', child_pid: null, child_start: null, started: 1, updated: 1, exit_code: null, reason: null,
  });
  let started = false;
  const host: Partial<Host> = {
    name: 'endless', folderOf: (id) => join(base.storeFolder, 'runs', id), prepare: () => Promise.resolve(),
    start: () => {
      started = true;
      return Promise.resolve(status('running'));
    },
    status: () => Promise.resolve(started ? status('running') : null),
    async *follow(_id, _file, _offset, signal) {
      for (let done = 1; !signal.aborted; done++) {
        yield Buffer.from(`${JSON.stringify({ time: done, event: 'progress', what: 'answering', done, total: 1000 })}\n`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    cancel: () => {
      asked.cancelled += 1;
      return Promise.resolve(status('cancelled'));
    },
  };
  const context: StageContext = { ...base, host: host as Host, trainer: { python: () => Promise.resolve('/python'), package: trainer, threads: 1 } };
  const controller = new AbortController();
  return { store, asked, controller, work: runJob(context, order, controller.signal) };
}

describe('a trainer job', () => {
  it('is cancelled when its reader goes on after an abort', async () => {
    const { store, asked, controller, work } = await endlessJob();
    assert.equal((await work.next()).done, false);
    controller.abort();
    await assert.rejects(async () => {
      for await (const progress of work) void progress;
    }, { name: 'AbortError' });
    assert.equal(asked.cancelled, 1);
    assert.equal(store.prepare<{ state: string }>('SELECT state FROM runs').get()!.state, 'cancelled');
  });

  it('is cancelled when its reader stops reading after an abort', async () => {
    const { store, asked, controller, work } = await endlessJob();
    assert.equal((await work.next()).done, false);
    controller.abort();
    await work.return(undefined as never);
    assert.equal(asked.cancelled, 1);
    assert.equal(store.prepare<{ state: string }>('SELECT state FROM runs').get()!.state, 'cancelled');
  });

  it('goes on when its reader only stops reading', async () => {
    const { asked, work } = await endlessJob();
    assert.equal((await work.next()).done, false);
    await work.return(undefined as never);
    assert.equal(asked.cancelled, 0);
  });
});

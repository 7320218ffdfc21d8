// Cancelling a job that was started elsewhere, and where a source is indexed from again.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../../src/hosts/host.ts';
import type { JobState, JobStatus } from '../../../src/protocol/job.ts';
import { mappingSchema } from '../../../src/protocol/stages.ts';
import { writeMapping } from '../../../src/sources/mapping.ts';
import { cancelJob } from '../../../src/stages/cancelJob.ts';
import { indexedPlace } from '../../../src/stages/indexedPlace.ts';
import { findRun, recordRunStart } from '../../../src/store/runs.ts';
import { instructedStore } from './stageFixture.ts';

/** A host with one job in a state; a cancel ends it. */
function hostWith(state: JobState | null): { host: Host; cancelled: string[] } {
  const cancelled: string[] = [];
  let now = state;
  const status = (): JobStatus | null => (now === null ? null : ({ state: now } as JobStatus));
  const host = {
    status: () => Promise.resolve(status()),
    cancel: (id: string) => {
      cancelled.push(id);
      if (now === 'running') now = 'cancelled';
      return Promise.resolve(status());
    },
  } as Partial<Host> as Host;
  return { host, cancelled };
}

describe('cancelJob', () => {
  const start = async () => {
    const { store } = await instructedStore();
    recordRunStart(store, { id: 'train-1', stage: 'train', host: 'local', inputHash: 'x', request: { source: 'posts' }, startedAt: 5 });
    return store;
  };

  it('ends a job of another process and records that it was cancelled', async () => {
    const store = await start();
    const { host, cancelled } = hostWith('running');
    assert.equal(await cancelJob({ store, host, now: () => 9 }, 'train-1'), true);
    assert.deepEqual(cancelled, ['train-1']);
    const { state, endedAt } = findRun(store, 'train-1')!;
    assert.deepEqual({ state, endedAt }, { state: 'cancelled', endedAt: 9 });
  });

  it('leaves a job alone that had ended, for its stage to collect, and one that it does not know', async () => {
    const store = await start();
    assert.equal(await cancelJob({ store, host: hostWith('succeeded').host, now: () => 9 }, 'train-1'), false);
    assert.equal(findRun(store, 'train-1')!.endedAt, null);
    assert.equal(await cancelJob({ store, host: hostWith(null).host, now: () => 9 }, 'train-2'), false);
    assert.equal(findRun(store, 'train-2'), undefined);
  });
});

describe('indexedPlace', () => {
  const MAPPING = mappingSchema.parse({
    version: 1, format: 'csv', delimiter: ',', popularityScale: 'as-is', timeFormat: 'unix-seconds', extra: [], outcome: [], allowOutcome: [],
    columns: { pid: 'id', uid: 'author', time: 'time', popularity: 'score', title: 'title', tags: null, category: null, subcategory: null, concept: null, image: null, latitude: null, longitude: null },
  });

  it('is the file of a table with the mapping that is kept, and the folder of anything else', async () => {
    const { store, context } = await instructedStore();
    store.prepare("UPDATE sources SET kind = 'table', mapping = ?").run(JSON.stringify(MAPPING));
    store.exec("INSERT INTO files (generation_id, path, role, size, modified_at, sha256) SELECT live_generation, 'posts.csv', 'table', 1, 0, '' FROM sources");
    assert.deepEqual(indexedPlace(context, 'posts'), { path: join('/data', 'posts.csv'), name: 'posts', mapping: MAPPING });
    mkdirSync(context.storeFolder, { recursive: true });
    const edited = { ...MAPPING, timeFormat: 'iso' as const };
    writeMapping(context.storeFolder, 'posts', edited);
    assert.deepEqual(indexedPlace(context, 'posts').mapping, edited);
    store.exec("UPDATE sources SET kind = 'smpd-2022'");
    assert.deepEqual(indexedPlace(context, 'posts'), { path: '/data', name: 'posts', mapping: null });
    assert.throws(() => indexedPlace(context, 'other'), { code: 'source-unknown' });
  });
});

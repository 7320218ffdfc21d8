// The live worker as a thread of its own: makes a copied store point to where it will lie, finds the trainer's Python.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseWorker, startThread } from '../../../src/editor/databaseWorker.ts';
import type { LiveMethods } from '../../../src/protocol/workerRpc.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { fillSource, regularPosts } from '../stages/stageFixture.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function liveWorker(home: string, folder: string): DatabaseWorker<LiveMethods> {
  const storeFolder = join(folder, '.smp');
  const data = { role: 'live', folder, storeFolder, storeFile: join(storeFolder, 'curation.sqlite'), resources: join(root, 'resources'), storage: home, productVersion: '0' } as const;
  return new DatabaseWorker<LiveMethods>(startThread(join(root, 'src', 'worker.ts'), data), silent);
}

describe('the live worker', function () {
  this.timeout(30_000); // a thread that reads every module of the worker

  it('moves the paths of a copy, after which the copy can be moved', async () => {
    const home = mkdtempSync(join(tmpdir(), 'smp-relocate-'));
    const [building, folder] = [join(home, 'building'), join(home, 'sample')];
    const storeFolder = join(building, '.smp');
    mkdirSync(storeFolder, { recursive: true });
    const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false });
    fillSource(store, 'posts', regularPosts(1, 1)); // its root is /data
    store.close();

    const worker = liveWorker(home, building);
    try {
      await worker.request('relocateStore', { folder });
      assert.equal(existsSync(join(storeFolder, 'curation.sqlite-wal')), false, 'the worker still holds the store');
    } finally {
      await worker.dispose();
    }
    renameSync(building, folder);
    const moved = await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: true });
    assert.deepEqual(moved.prepare('SELECT root FROM sources').all(), [{ root: folder }]);
    moved.close();
    rmSync(home, { recursive: true });
  });

  it('finds the Python that trains, and makes no store to say so', async () => {
    const home = mkdtempSync(join(tmpdir(), 'smp-python-'));
    const worker = liveWorker(home, home);
    try {
      const python = join(root, '.venv', 'bin', 'python');
      assert.equal(await worker.request('trainerPython', { python }), python);
      assert.equal(await worker.request('trainerPython', { python: join(home, 'no-python') }), null);
      assert.equal(existsSync(join(home, '.smp')), false);
    } finally {
      await worker.dispose();
      rmSync(home, { recursive: true });
    }
  });
});

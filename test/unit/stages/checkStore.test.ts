// The check of a store and its cleaning: what is found, what it frees, and that nothing goes that somebody needs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { LEFTOVER_KINDS, storeCheckText, type StoreCheck } from '../../../src/protocol/storeCheck.ts';
import { checkStore } from '../../../src/stages/checkStore.ts';
import { cleanStore } from '../../../src/stages/cleanStore.ts';
import { MIGRATIONS } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { recordRunEnd, recordRunStart } from '../../../src/store/runs.ts';
import { contentOf, csvTable, DRIVERS, goodRows, openStoreAtWork, removeFolders, temporaryFolder, writeFiles, type StoreAtWork } from '../sources/sourceFixture.ts';
import { drain, neverAborted } from './stageFixture.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function check({ folder, storeFolder }: Pick<StoreAtWork, 'folder' | 'storeFolder'>): Promise<StoreCheck> {
  return drain(checkStore({ folder, storeFile: join(storeFolder, 'curation.sqlite'), storeFolder, productVersion: '0.0.0-test', python: null }, silent, neverAborted));
}

async function indexed(rows = 200, driver: Parameters<typeof openStoreAtWork>[0] = 'better-sqlite3'): Promise<StoreAtWork> {
  const data = temporaryFolder();
  writeFiles(data, { 'posts.csv': csvTable(goodRows(rows)) });
  const at = await openStoreAtWork(driver);
  await at.index(join(data, 'posts.csv'));
  return at;
}

/** A job folder with 1000 bytes of results and, where asked, 500 of a checkpoint; the run is recorded with that end. */
function job({ store, storeFolder }: StoreAtWork, id: string, state: 'succeeded' | 'cancelled' | 'failed' | 'running', options: { checkpoint?: boolean; record?: boolean; request?: object; startedAt?: number } = {}): void {
  const folder = join(storeFolder, 'runs', id);
  mkdirSync(join(folder, 'out'), { recursive: true });
  writeFileSync(join(folder, 'out', 'model'), 'x'.repeat(1000));
  writeFileSync(join(folder, 'status'), ''); // of a job that got so far; the store says how it ended
  if (options.checkpoint) {
    mkdirSync(join(folder, 'checkpoints'));
    writeFileSync(join(folder, 'checkpoints', 'state.pt'), 'x'.repeat(500));
  }
  if (options.record === false) return;
  recordRunStart(store, { id, stage: 'train', host: 'local', inputHash: id, request: { source: id, ...options.request }, startedAt: options.startedAt ?? 1 });
  if (state !== 'running') recordRunEnd(store, id, state, {}, 2);
}

describe('check of a store', function () {
  this.timeout(20_000);
  after(removeFolders);

  for (const driver of DRIVERS) {
    it(`finds a store whole and nothing to clean, on ${driver}`, async () => {
      const at = await indexed(200, driver);
      const found = await check(at);
      assert.deepEqual([found.problems, found.leftovers, found.isThere], [[], [], true]);
      assert.match(found.checked!, /the words of 200 posts: whole$/);
      assert.equal(found.schema, MIGRATIONS.at(-1)!.name);
      assert.match(storeCheckText(found), /^The store is whole\. It takes .*; there is nothing to clean\.\n/);
      at.store.close();
    });
  }

  it('says that there is no store, and makes none', async () => {
    const folder = temporaryFolder();
    const found = await check({ folder, storeFolder: join(folder, '.smp') });
    assert.deepEqual([found.isThere, found.problems, readdirSync(folder)], [false, [], []]);
  });

  it('names what is damaged: rows without their words, links to nothing, pages, a file that is no store', async () => {
    const at = await indexed();
    const { id } = at.store.prepare<{ id: number }>('SELECT id FROM posts LIMIT 1').get()!;
    at.store.prepare('DELETE FROM posts_search WHERE rowid = ?').run(id);
    at.store.exec('PRAGMA foreign_keys = OFF');
    at.store.exec("INSERT INTO decisions (id, source_id, pid, kind, author, decided_at) VALUES ('1', 77, 'p', 'post-excluded', 'a', 1)");
    const [problem, ...others] = (await check(at)).problems;
    assert.deepEqual([others, problem!.code], [[], 'store-broken']);
    assert.match(problem!.message, /1 posts are missing in the search index/);
    assert.match(problem!.message, /decisions: row 1 points to a row of sources that is not there/);
    assert.match(problem!.nextStep, /Restore a backup .* index again/);

    at.store.exec('PRAGMA journal_mode = DELETE');
    at.store.close();
    writeFileSync(at.store.path, 'no store any more '.repeat(1000));
    assert.deepEqual((await check(at)).problems.map(({ code }) => code), ['store-broken']);
  });

  it('says that a store is of a newer version, and cleaning it is refused', async () => {
    const folder = temporaryFolder();
    const storeFolder = join(folder, '.smp');
    (await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false, migrations: [...MIGRATIONS, { name: '9999-later', sql: 'CREATE TABLE later (x)' }] })).close();
    assert.deepEqual((await check({ folder, storeFolder })).problems.map(({ code }) => code), ['store-newer']);
    const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false });
    await assert.rejects(drain(cleanStore({ store, storeFolder }, LEFTOVER_KINDS, neverAborted)), (error: Error & { code?: string }) => error.code === 'store-newer');
    store.close();
  });

  it('finds what can go with what that frees, cleans it, and leaves all that is needed', async () => {
    const at = await indexed();
    const { store, storeFolder } = at;
    job(at, 'train-of-a-model', 'succeeded', { checkpoint: true });
    store.exec(`INSERT INTO models (role, plan, training_seed, base, path, weights_hash, chosen, training_labels, run_id, range_min, range_max, made_at)
      VALUES ('sft', 'ours', 0, 'tiny', 'runs/train-of-a-model/out/model', '', '', '{}', 'train-of-a-model', 0, 1, 0)`);
    job(at, 'train-replaced', 'succeeded');
    job(at, 'train-not-yet-stored', 'running'); // ended or lost, and nobody has taken its result
    job(at, 'train-resumable', 'cancelled', { checkpoint: true });
    job(at, 'train-nothing-to-resume', 'cancelled');
    job(at, 'train-done-since', 'failed', { checkpoint: true, request: { source: 'posts' } });
    job(at, 'train-that-did-it', 'succeeded', { request: { source: 'posts' }, startedAt: 5 });
    store.exec(`INSERT INTO models (role, plan, training_seed, base, path, weights_hash, chosen, training_labels, run_id, range_min, range_max, made_at)
      VALUES ('aligned', 'ours', 0, 'tiny', 'runs/train-that-did-it/out/model', '', '', '{}', 'train-that-did-it', 0, 1, 0)`);
    job(at, 'train-unknown', 'succeeded', { record: false });
    mkdirSync(join(storeFolder, 'runs', `.new-${process.pid}-alive`));
    mkdirSync(join(storeFolder, 'runs', '.new-999999999-dead'));
    writeFiles(storeFolder, { 'runs/notes.txt': 'mine', 'runs/my folder/file': 'mine', 'curation-before-20260101-120000.sqlite': 'x'.repeat(3000) });
    const before = contentOf(store);

    const found = await check(at);
    assert.deepEqual(found.problems, []);
    assert.deepEqual(Object.fromEntries(found.leftovers.map(({ kind, bytes }) => [kind, bytes])), {
      scratch: 0, 'ended-jobs': 1000 + 1500, 'replaced-jobs': 1000, 'unknown-jobs': 1000, checkpoints: 500, 'kept-stores': 3000,
    });
    assert.match(found.kept, /^1 jobs were broken off and can go on from a checkpoint \(1\.5 kB\)/);
    const fetching = store.tryFetchLock()!;
    await assert.rejects(drain(cleanStore(at, LEFTOVER_KINDS, neverAborted)), (error: Error & { code?: string }) => error.code === 'fetch-running');
    assert.deepEqual((await check(at)).leftovers, found.leftovers, 'nothing is half done');
    fetching.release();
    const cleaned = await drain(cleanStore(at, LEFTOVER_KINDS, neverAborted));
    assert.equal(cleaned.bytes, 2500 + 1000 + 1000 + 500 + 3000);

    assert.deepEqual(readdirSync(join(storeFolder, 'runs')).sort(), [`.new-${process.pid}-alive`, 'my folder', 'notes.txt', 'train-not-yet-stored', 'train-of-a-model', 'train-resumable', 'train-that-did-it']);
    assert.ok(existsSync(join(storeFolder, 'runs', 'train-of-a-model', 'out', 'model')));
    assert.deepEqual(store.prepare('SELECT id FROM runs ORDER BY id').all(), ['train-not-yet-stored', 'train-of-a-model', 'train-resumable', 'train-that-did-it'].map((id) => ({ id })));
    assert.deepEqual(contentOf(store), before);
    assert.deepEqual((await check(at)).leftovers, []);
    store.close();
  });

  it('cleans posts that nobody sees and gives their room back to the disk; not while an import writes them', async () => {
    const data = temporaryFolder();
    writeFiles(data, { 'more.csv': csvTable(goodRows(6000)) });
    const at = await indexed(100);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'importUntilKilled.ts'), at.storeFolder, join(data, 'more.csv'), 'better-sqlite3'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    assert.deepEqual((await check(at)).leftovers, [], 'they belong to the import that runs');
    await assert.rejects(drain(cleanStore(at, LEFTOVER_KINDS, neverAborted)), (error: Error & { code?: string }) => error.code === 'import-running');
    child.kill('SIGKILL');
    await once(child, 'close');

    const unseen = at.store.prepare<{ n: number }>("SELECT count(*) AS n FROM posts p JOIN generations g ON g.id = p.generation_id WHERE g.state = 'building'").get()!.n;
    const imports = (await check(at)).leftovers.find(({ kind }) => kind === 'imports')!;
    assert.equal(imports.count, unseen);
    assert.ok(imports.bytes > 0);
    assert.equal((await drain(cleanStore(at, ['imports'], neverAborted))).removed.imports, unseen);
    assert.equal(at.store.prepare<{ n: number }>('SELECT count(*) AS n FROM live_posts').get()!.n, 100);

    // Enough empty room to be worth it: a table of 2 MB that is dropped again.
    at.store.exec("CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT randomblob(1000) AS x FROM n; DROP TABLE large; PRAGMA wal_checkpoint(TRUNCATE)");
    const size = statSync(at.store.path).size;
    const room = (await check(at)).leftovers.find(({ kind }) => kind === 'room')!;
    assert.ok(room.bytes >= 2_000_000);
    assert.match(room.detail, /cannot be cancelled, and nobody can write meanwhile/);
    await drain(cleanStore(at, ['room'], neverAborted));
    assert.equal(size - statSync(at.store.path).size, room.bytes);
    assert.deepEqual((await check(at)).problems, []);
    at.store.close();
  });

  it('stops between two folders when it is cancelled', async () => {
    const at = await indexed(20);
    job(at, 'train-one', 'cancelled');
    job(at, 'train-two', 'cancelled');
    const stopping = new AbortController();
    const work = cleanStore(at, ['ended-jobs'], stopping.signal);
    await assert.rejects(drain(work, ({ done }) => {
      if (done === 0) stopping.abort();
    }), { name: 'AbortError' });
    assert.equal(readdirSync(join(at.storeFolder, 'runs')).length, 1);
    assert.equal(at.store.isImporting(), false, 'its lock is free again');
    at.store.close();
  });
});

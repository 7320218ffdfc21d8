// Backup and restore on real files: the round trip, beside an import, beside other connections, cancelled, and onto what is broken.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { backUpStore } from '../../../src/stages/backUpStore.ts';
import { decideOnPost } from '../../../src/stages/decideOnPost.ts';
import { restoreStore } from '../../../src/stages/restoreStore.ts';
import { MIGRATIONS } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { contentOf, csvTable, goodRows, openStoreAtWork, removeFolders, temporaryFolder, writeFiles, type StoreAtWork } from '../sources/sourceFixture.ts';
import { drain, neverAborted } from './stageFixture.ts';

const NOW = 1_700_000_000;
const refusedWith = (code: string) => (error: Error & { code?: string }): boolean => {
  assert.equal(error.code, code, error.stack);
  return true;
};

const placeOf = ({ store, storeFolder }: StoreAtWork) => ({ storeFile: store.path, storeFolder, productVersion: '0.0.0-test' });
const backUp = (at: StoreAtWork, file: string, overwrite = false, signal = neverAborted) => drain(backUpStore(placeOf(at), { file, overwrite }, NOW, signal));
const restore = (at: StoreAtWork, file: string, signal = neverAborted) => drain(restoreStore(placeOf(at), file, NOW, signal));
const exclude = ({ store, storeFolder }: StoreAtWork, pid: string): void =>
  decideOnPost({ store, storeFolder, now: () => NOW }, { kind: 'post-excluded', source: 'posts', pid, reason: 'blurred', author: 'anna' });
const integrity = (at: StoreAtWork): unknown => at.store.prepare('PRAGMA integrity_check').all();
const WHOLE = [{ integrity_check: 'ok' }];

/** A store with 200 posts of posts.csv. */
async function indexedStore(): Promise<StoreAtWork & { readonly data: string }> {
  const data = temporaryFolder();
  writeFiles(data, { 'posts.csv': csvTable(goodRows(200)) });
  const at = await openStoreAtWork();
  await at.index(join(data, 'posts.csv'));
  return { ...at, data };
}

const PAGE = 4096; // bytes, of every store

function overwrite(path: string, start: number, bytes: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, 0xa5), 0, undefined, start);
  closeSync(file);
}

/** A third of the file: pages of tables, not the head that says what it is. */
function overwriteMiddle(path: string): void {
  const third = Math.floor(readFileSync(path).length / 3);
  overwrite(path, third, third);
}

describe('backup and restore', function () {
  this.timeout(30_000);
  after(removeFolders);

  it('bring back what was there, with the files of decisions, and keep the store of before', async () => {
    const at = await indexedStore();
    exclude(at, 'p1');
    const before = contentOf(at.store);
    const file = join(temporaryFolder(), 'deep', 'backup.sqlite');
    const made = await backUp(at, file);
    assert.match(made.summary, /2 files of decisions, mappings and plans\. Not in it: your data, and the weights/);
    assert.deepEqual(readdirSync(join(file, '..')), ['backup.sqlite'], 'nothing else lies beside it');

    exclude(at, 'p2');
    rmSync(join(at.storeFolder, 'mappings'), { recursive: true });
    const decisions = readFileSync(join(at.storeFolder, 'decisions', 'anna.jsonl'), 'utf8');
    const other = await openStore(at.store.path, { readOnly: true }); // another window
    assert.equal(other.prepare<{ n: number }>('SELECT count(*) AS n FROM excluded_posts').get()!.n, 2);
    const restored = await restore(at, file);

    assert.deepEqual(contentOf(at.store), before);
    assert.equal(other.prepare<{ n: number }>('SELECT count(*) AS n FROM excluded_posts').get()!.n, 1, 'who has it open sees the restored state at once');
    assert.equal(at.store.isCurrent(), true);
    assert.deepEqual(integrity(at), WHOLE);
    assert.equal(restored.files, 1, 'the mapping');
    assert.ok(existsSync(join(at.storeFolder, 'mappings', 'posts.json')));
    assert.equal(readFileSync(join(at.storeFolder, 'decisions', 'anna.jsonl'), 'utf8'), decisions, 'decisions made since stay in their file');
    const kept = await openStore(restored.kept!, { readOnly: true });
    assert.equal(kept.prepare<{ n: number }>('SELECT count(*) AS n FROM excluded_posts').get()!.n, 2);
    for (const store of [kept, other]) store.close();

    // and what was decided since comes back with the next index
    writeFileSync(join(at.data, 'posts.csv'), csvTable(goodRows(201)));
    await at.index(join(at.data, 'posts.csv'));
    assert.equal(at.store.prepare<{ n: number }>('SELECT count(*) AS n FROM excluded_posts').get()!.n, 2);
    at.store.close();
  });

  it('is of one moment while an import writes, and the import goes on', async () => {
    const at = await indexedStore();
    const beside = await openStoreAtWork('better-sqlite3', at.folder);
    writeFileSync(join(at.data, 'posts.csv'), csvTable(goodRows(20_000)));
    const file = join(temporaryFolder(), 'backup.sqlite');
    const backing: Promise<unknown>[] = [];
    await beside.index(join(at.data, 'posts.csv'), {}, neverAborted, ({ message }) => {
      if (message === 'Reading posts' && backing.length === 0) backing.push(backUp(at, file));
    });
    assert.equal(backing.length, 1, 'the backup began in the middle of the import');
    await Promise.all(backing);
    assert.equal(at.store.prepare<{ n: number }>('SELECT count(*) AS n FROM live_posts').get()!.n, 20_000);
    const backup = await openStore(file, { readOnly: true });
    assert.equal(backup.prepare<{ n: number }>('SELECT count(*) AS n FROM live_posts').get()!.n, 200);
    assert.deepEqual(backup.prepare('PRAGMA integrity_check').all(), WHOLE);
    for (const store of [backup, beside.store, at.store]) store.close();
  });

  it('overwrite no file without being told, nor the store itself', async () => {
    const at = await indexedStore();
    const file = join(temporaryFolder(), 'notes.txt');
    writeFileSync(file, 'mine');
    await assert.rejects(backUp(at, file), refusedWith('backup-exists'));
    assert.equal(readFileSync(file, 'utf8'), 'mine');
    await assert.rejects(backUp(at, at.store.path, true), refusedWith('backup-exists'));
    await backUp(at, file, true);
    assert.equal(readFileSync(file).subarray(0, 15).toString(), 'SQLite format 3');
    at.store.close();
  });

  it('leave nothing behind when they are cancelled', async () => {
    const at = await indexedStore();
    const folder = temporaryFolder();
    const stopping = new AbortController();
    const work = backUpStore(placeOf(at), { file: join(folder, 'backup.sqlite'), overwrite: false }, NOW, stopping.signal);
    await work.next();
    stopping.abort();
    await assert.rejects(drain(work), { name: 'AbortError' });
    assert.deepEqual(readdirSync(folder), []);

    const file = join(folder, 'backup.sqlite');
    await backUp(at, file);
    exclude(at, 'p1');
    const before = contentOf(at.store);
    at.store.tryFetchLock()!.release(); // as a restore does: its empty file stays, like that of imports
    const files = readdirSync(at.storeFolder).sort();
    const again = new AbortController();
    const restoring = restoreStore(placeOf(at), file, NOW, again.signal);
    for (let step = await restoring.next(); !step.done; step = await restoring.next()) {
      if (step.value.message === 'Restoring' || step.value.message === 'Keeping the store of before') break;
    }
    again.abort();
    await restoring.return(undefined as never);
    assert.deepEqual(contentOf(at.store), before);
    assert.deepEqual(readdirSync(at.storeFolder).sort(), files);
    at.store.close();
  });

  it('refuse what is no backup, damaged or of a newer version, and leave the store alone', async () => {
    const at = await indexedStore();
    const folder = temporaryFolder();
    const before = contentOf(at.store);
    writeFiles(folder, { 'notes.txt': 'no database', 'empty.sqlite': '' });
    const good = join(folder, 'good.sqlite');
    await backUp(at, good);
    const damaged = join(folder, 'damaged.sqlite');
    writeFileSync(damaged, readFileSync(good));
    const intact = await openStore(good, { readOnly: true });
    const { rootpage } = intact.prepare<{ rootpage: number }>("SELECT rootpage FROM sqlite_schema WHERE name = 'posts_by_pid'").get()!;
    intact.close();
    overwrite(damaged, (rootpage - 1) * PAGE, PAGE);
    const newer = join(folder, 'newer.sqlite');
    (await openStore(newer, { readOnly: false, migrations: [...MIGRATIONS, { name: '9999-later', sql: 'CREATE TABLE later (x)' }] })).close();
    await assert.rejects(restore(at, join(folder, 'nowhere.sqlite')), refusedWith('backup-missing'));
    await assert.rejects(restore(at, join(folder, 'notes.txt')), refusedWith('backup-unusable'));
    await assert.rejects(restore(at, damaged), refusedWith('backup-damaged'));
    await assert.rejects(restore(at, newer), refusedWith('backup-newer'));
    assert.deepEqual(contentOf(at.store), before);
    assert.deepEqual(readdirSync(at.storeFolder).filter((name) => name.includes('restoring') || name.includes('before')), []);
    at.store.close();
  });

  it('refuse while pictures are fetched', async () => {
    const at = await indexedStore();
    const file = join(temporaryFolder(), 'backup.sqlite');
    await backUp(at, file);
    const before = contentOf(at.store);
    const lock = at.store.tryFetchLock()!;
    await assert.rejects(restore(at, file), refusedWith('fetch-running'));
    assert.deepEqual(contentOf(at.store), before);
    lock.release();
    await restore(at, file);
    at.store.tryFetchLock()!.release();
    at.store.close();
  });

  it('refuse where somebody decided while the store of before was being kept: the decision would be in neither', async () => {
    const at = await indexedStore();
    const file = join(temporaryFolder(), 'backup.sqlite');
    await backUp(at, file);
    let isDecided = false;
    const restoring = async (): Promise<void> => {
      for await (const { message } of restoreStore(placeOf(at), file, NOW, neverAborted)) {
        if (message !== 'Keeping the store of before' || isDecided) continue;
        isDecided = true;
        exclude(at, 'p2');
      }
    };
    await assert.rejects(restoring(), refusedWith('store-busy'));
    assert.ok(isDecided);
    assert.equal(at.store.prepare<{ n: number }>('SELECT count(*) AS n FROM decisions').get()!.n, 1);
    assert.deepEqual(readdirSync(at.storeFolder).filter((name) => name.startsWith('curation-before')), []);
    at.store.close();
  });

  it('refuse while another process imports', async () => {
    const at = await indexedStore();
    const file = join(temporaryFolder(), 'backup.sqlite');
    await backUp(at, file);
    const data = temporaryFolder();
    writeFiles(data, { 'more.csv': csvTable(goodRows(6000)) });
    const child = spawn(process.execPath, [join(import.meta.dirname, 'importUntilKilled.ts'), at.storeFolder, join(data, 'more.csv'), 'better-sqlite3'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    try {
      await assert.rejects(restore(at, file), refusedWith('import-running'));
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    await restore(at, file);
    assert.deepEqual(integrity(at), WHOLE);
    at.store.close();
  });

  it('mend a store whose tables are damaged, and one that is no database any more; the damaged file is kept', async () => {
    for (const damage of [overwriteMiddle, (path: string) => writeFileSync(path, 'gone wrong '.repeat(5000))]) {
      const at = await indexedStore();
      const file = join(temporaryFolder(), 'backup.sqlite');
      await backUp(at, file);
      const before = contentOf(at.store);
      at.store.close();
      damage(at.store.path);
      const { kept } = await restore(at, file);
      const mended = await openStoreAtWork('better-sqlite3', at.folder);
      assert.deepEqual(contentOf(mended.store), before);
      assert.deepEqual(integrity(mended), WHOLE);
      assert.ok(existsSync(kept!));
      mended.store.close();
    }
  });

  it('do not take a file that is no database from under a process that has it open', async () => {
    const at = await indexedStore();
    const file = join(temporaryFolder(), 'backup.sqlite');
    await backUp(at, file);
    at.store.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    writeFileSync(at.store.path, 'gone wrong '.repeat(5000)); // `at` has it open
    // Elsewhere than on Linux nobody says who has a file open; Windows then refuses to move it.
    await assert.rejects(restore(at, file), process.platform === 'linux' ? refusedWith('store-in-use') : Error);
    at.store.close();
  });

  it('put a backup where no store is yet', async () => {
    const at = await indexedStore();
    const file = join(temporaryFolder(), 'backup.sqlite');
    exclude(at, 'p3');
    await backUp(at, file);
    const before = contentOf(at.store);
    at.store.close();
    const folder = temporaryFolder();
    mkdirSync(join(folder, '.smp'));
    const { kept } = await drain(restoreStore({ storeFile: join(folder, '.smp', 'curation.sqlite'), storeFolder: join(folder, '.smp') }, file, NOW, neverAborted));
    assert.equal(kept, null);
    const there = await openStoreAtWork('better-sqlite3', folder);
    assert.deepEqual(contentOf(there.store), before);
    assert.equal(readFileSync(join(folder, '.smp', 'decisions', 'anna.jsonl'), 'utf8').trimEnd().split('\n').length, 1);
    there.store.close();
  });
});

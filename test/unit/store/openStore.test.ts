import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { openStore } from '../../../src/store/openStore.ts';
import { MIGRATIONS } from '../../../src/store/migrations.ts';
import { DRIVERS, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

const refusedWith = (code: string) => (error: Error & { code?: string }): boolean => error.code === code;

for (const driver of DRIVERS) {
  describe(`openStore on ${driver}`, () => {
    after(removeFolders);
    const newPath = (): string => join(temporaryFolder(), 'deep', 'curation.sqlite');

    it('makes a store with every migration, once', async () => {
      const path = newPath();
      const first = await openStore(path, { readOnly: false, driver });
      assert.equal(first.driver, driver);
      first.close();
      const second = await openStore(path, { readOnly: false, driver });
      assert.deepEqual(second.prepare('SELECT name FROM migrations ORDER BY applied_at, name').all(), MIGRATIONS.map(({ name }) => ({ name })));
      assert.deepEqual(second.prepare('PRAGMA journal_mode').get(), { journal_mode: 'wal' });
      assert.deepEqual(second.prepare('PRAGMA foreign_keys').get(), { foreign_keys: 1 });
      second.close();
    });

    it('applies what a later version adds, and rolls a migration back whole when it fails', async () => {
      const path = newPath();
      (await openStore(path, { readOnly: false, driver })).close();
      const broken = { name: '9998-broken', sql: 'CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)' };
      await assert.rejects(openStore(path, { readOnly: false, driver, migrations: [...MIGRATIONS, broken] }));
      const later = { name: '9999-later', sql: 'CREATE TABLE later (x)' };
      const store = await openStore(path, { readOnly: false, driver, migrations: [...MIGRATIONS, later] });
      assert.deepEqual(store.prepare("SELECT name FROM sqlite_schema WHERE name IN ('half', 'later')").all(), [{ name: 'later' }]);
      store.close();
    });

    it('tells that its file was deleted, or replaced by another', async () => {
      const path = newPath();
      const store = await openStore(path, { readOnly: false, driver });
      assert.equal(store.isCurrent(), true);
      renameSync(path, `${path}.away`);
      assert.equal(store.isCurrent(), false);
      const other = await openStore(path, { readOnly: false, driver });
      assert.deepEqual([store.isCurrent(), other.isCurrent()], [false, true]);
      store.close();
      assert.deepEqual(other.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }], 'closing the old one leaves the new one whole');
      other.close();
      const inMemory = await openStore(':memory:', { readOnly: false, driver });
      assert.equal(inMemory.isCurrent(), true);
      inMemory.close();
    });

    it('opens a store of a newer version for reading only, and says so when something is written', async () => {
      const path = newPath();
      (await openStore(path, { readOnly: false, driver, migrations: [...MIGRATIONS, { name: '9999-later', sql: 'CREATE TABLE later (x)' }] })).close();
      const warnings: string[] = [];
      const store = await openStore(path, { readOnly: false, driver, log: { info: () => undefined, warn: (message) => warnings.push(message), error: () => undefined } });
      assert.ok(store.readOnly);
      assert.deepEqual(store.newerMigrations, ['9999-later']);
      assert.equal(warnings.length, 1);
      assert.throws(() => store.transaction(() => undefined), refusedWith('store-newer'));
      assert.throws(() => store.prepare("INSERT INTO sources (name, kind, root, template, created_at) VALUES ('x', 'table', '/', 'smpd', 0)").run());
      store.close();
    });

    it('refuses to read what is missing, older or no store', async () => {
      const folder = temporaryFolder();
      await assert.rejects(openStore(join(folder, 'none.sqlite'), { readOnly: true, driver }), refusedWith('store-missing'));
      assert.ok(!existsSync(join(folder, 'none.sqlite')));
      const path = newPath();
      (await openStore(path, { readOnly: false, driver })).close();
      await assert.rejects(openStore(path, { readOnly: true, driver, migrations: [...MIGRATIONS, { name: '9999-later', sql: '' }] }), refusedWith('store-older'));
      writeFiles(folder, { 'text.sqlite': 'this is a letter, not a database, and it is long enough to be read as one'.repeat(20) });
      await assert.rejects(openStore(join(folder, 'text.sqlite'), { readOnly: false, driver }), refusedWith('store-broken'));
      assert.match(readFileSync(join(folder, 'text.sqlite'), 'utf8'), /^this is a letter/);
    });

    it('rolls a transaction back when its work throws', async () => {
      const store = await openStore(':memory:', { readOnly: false, driver });
      const insert = store.prepare('INSERT INTO sources (name, kind, root, template, created_at) VALUES (?, ?, ?, ?, ?)');
      assert.throws(() => store.transaction(() => {
        insert.run('x', 'table', '/', 'smpd', 0);
        throw new Error('on purpose');
      }), /on purpose/);
      assert.deepEqual(store.prepare('SELECT name FROM sources').all(), []);
      assert.equal(store.transaction(() => insert.run('y', 'table', '/', 'smpd', 0).changes), 1);
      assert.deepEqual(store.prepare('SELECT name FROM sources').get(), { name: 'y' });
      assert.equal(store.prepare('SELECT name FROM sources WHERE id = -1').get(), undefined);
      store.close();
    });

    it('binds parameters by name, and more than the statement names', async () => {
      const store = await openStore(':memory:', { readOnly: false, driver });
      assert.deepEqual(store.prepare('SELECT @a + :b AS sum').get({ a: 1, b: 2, c: 3 }), { sum: 3 });
      assert.deepEqual([...store.prepare('SELECT value FROM json_each(?)').iterate('[1,2]')], [{ value: 1 }, { value: 2 }]);
      store.close();
    });

    it('gives the import lock to one connection at a time', async () => {
      const path = newPath();
      const first = await openStore(path, { readOnly: false, driver });
      const second = await openStore(path, { readOnly: false, driver });
      const lock = first.tryImportLock();
      assert.notEqual(lock, null);
      assert.equal(second.tryImportLock(), null);
      assert.equal(first.tryImportLock(), null);
      lock!.release();
      const next = second.tryImportLock();
      assert.notEqual(next, null);
      next!.release();
      first.close();
      second.close();
    });

    it('sweeps a generation that nobody is building, and leaves one that is being built', async () => {
      const path = newPath();
      const store = await openStore(path, { readOnly: false, driver });
      store.exec(`INSERT INTO sources (id, name, kind, root, template, created_at) VALUES (1, 'x', 'table', '/', 'smpd', 0);
        INSERT INTO generations (id, source_id, state, fingerprint, started_at) VALUES (1, 1, 'building', '', 0);
        INSERT INTO posts (id, generation_id, pid, uid, posted_at, title, category, subcategory, concept, tags, image_path, file, row) VALUES (1, 1, 'p', 'u', 1, 't', '', '', '', '', '', 'f', 1);
        INSERT INTO posts_search (rowid, title, tags, caption) VALUES (1, 't', '', '')`);
      const count = (): unknown => store.prepare('SELECT (SELECT count(*) FROM sources) AS sources, (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM posts_search) AS words').get();
      const lock = store.tryImportLock();
      const told: string[] = [];
      const log = { info: (message: string) => void told.push(message), warn: () => undefined, error: () => undefined };
      (await openStore(path, { readOnly: false, driver, log })).close();
      assert.deepEqual({ ...(count() as object), told }, { sources: 1, posts: 1, words: 1, told: [] });
      lock!.release();
      (await openStore(path, { readOnly: false, driver, log })).close();
      assert.deepEqual(count(), { sources: 0, posts: 0, words: 0 });
      assert.match(told.join('\n'), /^[^\n]*import that was broken off[^\n]*$/);
      store.close();
    });
  });
}

describe('openStore where better-sqlite3 does not load', () => {
  after(removeFolders);

  it("takes Node's own SQLite and says why", async () => {
    const warnings: string[] = [];
    const store = await openStore(':memory:', { readOnly: false, nativeBinding: '/nowhere/better_sqlite3.node', log: { info: () => undefined, warn: (message) => warnings.push(message), error: () => undefined } });
    assert.equal(store.driver, 'node:sqlite');
    assert.match(warnings.join(), /better-sqlite3 does not load/);
    store.close();
  });
});

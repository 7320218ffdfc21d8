// What happens to a store over time: the same files again, changed files, a cancel, a kill, another source, removal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, renameSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, it } from 'mocha';
import { decideOnPost } from '../../../src/stages/decideOnPost.ts';
import { removeSource } from '../../../src/stages/removeSource.ts';
import type { Database } from '../../../src/store/database.ts';
import { contentHash } from '../../../src/store/decisions.ts';
import { postByPid } from '../../../src/store/posts.ts';
import { searchPosts } from '../../../src/store/search.ts';
import { listSources, requireSource } from '../../../src/store/sources.ts';
import { PICTURES } from '../sources/pictureBytes.ts';
import { contentOf, csvTable, DRIVERS, goodRows, manyPosts, openStoreAtWork, removeFolders, smpdFiles, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';
import { drain, usersWithPosts } from './stageFixture.ts';

const refusedWith = (code: string) => (error: Error & { code?: string }): boolean => error.code === code;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const titles = (store: Database): string[] => store.prepare<{ title: string }>('SELECT title FROM live_posts ORDER BY pid').all().map((row) => row.title);

/** Rows enough for several batches and messages of progress. */
const LARGE = csvTable(goodRows(6000));

for (const driver of DRIVERS) {
  describe(`an indexed source over time (${driver})`, () => {
    after(removeFolders);

    it('is not read again while its files are the same, also when they were only touched or moved', async () => {
      const folder = temporaryFolder();
      writeFiles(folder, { 'data/posts.csv': csvTable(goodRows(20)) });
      const { store, index } = await openStoreAtWork(driver);
      await index(join(folder, 'data'));
      const generation = requireSource(store, 'posts').liveGeneration;
      const path = join(folder, 'data', 'posts.csv');
      assert.equal((await index(path)).result.unchanged, true);
      utimesSync(path, 1_600_000_000, 1_600_000_000);
      assert.equal((await index(path)).result.unchanged, true);
      renameSync(join(folder, 'data'), join(folder, 'moved'));
      assert.equal((await index(join(folder, 'moved', 'posts.csv'))).result.unchanged, true);
      assert.equal(requireSource(store, 'posts').root, join(folder, 'moved'));
      assert.equal(requireSource(store, 'posts').liveGeneration, generation);
      store.close();
    });

    it('takes changed files, clears what was before, and keeps what people decided', async () => {
      const folder = temporaryFolder();
      const path = join(folder, 'posts.csv');
      writeFiles(folder, { 'posts.csv': csvTable(goodRows(20)) });
      const { store, storeFolder, index } = await openStoreAtWork(driver);
      await index(path);
      decideOnPost({ store, storeFolder, now: () => 1 }, { source: 'posts', pid: 'p1', kind: 'post-excluded', reason: 'spam', author: 'anna' });
      const before = postByPid(store, 1, 'p1')!;
      appendFileSync(path, 'p99,u1,2020-03-01 10:00:00,Fresh words,3.5\n');
      const { result } = await index(path);
      assert.equal(result.unchanged, false);
      assert.equal(result.counts['posts'], 21);
      assert.deepEqual(store.prepare('SELECT state, count(*) AS generations FROM generations GROUP BY state').all(), [{ state: 'live', generations: 1 }]);
      assert.deepEqual(store.prepare('SELECT (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM posts_search) AS words').get(), { posts: 21, words: 21 });
      assert.equal(contentHash(postByPid(store, 1, 'p1')!), contentHash(before));
      assert.equal(usersWithPosts(store, 1).find(({ uid }) => uid === 'u1')!.posts, 3); // p1 left out, p8, p15, and p99
      assert.deepEqual(searchPosts(store, null, 'fresh', 5).map((hit) => hit.pid), ['p99']);
      store.close();
    });

    it('notices pictures that came or went', async () => {
      const folder = temporaryFolder();
      writeFiles(folder, smpdFiles(manyPosts(6).map((post, i) => ({ ...post, picture: i === 2 ? null : PICTURES.jpeg }))));
      const { store, index } = await openStoreAtWork(driver);
      assert.equal((await index(folder, { name: 'smpd' })).result.counts['dropped'], 1);
      assert.equal((await index(folder, { name: 'smpd' })).result.unchanged, true);
      writeFiles(folder, { 'train/0@N75/3.jpg': PICTURES.jpeg });
      assert.equal((await index(folder, { name: 'smpd' })).result.counts['dropped'], 0);
      store.close();
    });

    it('stays as it is when an import is cancelled in the middle, and the next import is whole', async () => {
      const folder = temporaryFolder();
      const path = join(folder, 'posts.csv');
      writeFiles(folder, { 'posts.csv': csvTable(goodRows(20)) });
      const { store, index } = await openStoreAtWork(driver);
      await index(path);
      const before = contentOf(store);
      writeFiles(folder, { 'posts.csv': LARGE });
      const controller = new AbortController();
      let written = 0;
      const cancelled = index(path, {}, controller.signal, (progress) => {
        if (progress.message !== 'Reading posts') return;
        written = store.prepare<{ posts: number }>('SELECT count(*) AS posts FROM posts').get()!.posts;
        controller.abort();
      });
      await assert.rejects(cancelled, (error) => error === controller.signal.reason);
      assert.ok(written > 20, 'posts had been written when the cancel came');
      assert.deepEqual(contentOf(store)['sources'], before['sources']);
      assert.equal(titles(store).length, 20);
      assert.equal((await index(path)).result.counts['posts'], 6000);
      assert.deepEqual(store.prepare('SELECT (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM posts_search) AS words, (SELECT count(*) FROM generations) AS generations').get(), { posts: 6000, words: 6000, generations: 1 });
      store.close();
    });

    it('survives a kill in the middle of an import: the next opening sweeps', async () => {
      const data = temporaryFolder(), folder = temporaryFolder();
      writeFiles(data, { 'posts.csv': LARGE });
      const storeFolder = join(folder, '.smp');
      const child = spawn(process.execPath, [join(import.meta.dirname, 'importUntilKilled.ts'), storeFolder, join(data, 'posts.csv'), driver], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      // While the process lives its work is its own: opening the store leaves it alone, and a second import is refused.
      const beside = await openStoreAtWork(driver, folder);
      const count = (): unknown => beside.store.prepare('SELECT (SELECT count(*) FROM posts) > 0 AS posts, (SELECT count(*) FROM generations) AS generations').get();
      assert.deepEqual(count(), { posts: 1, generations: 1 });
      assert.deepEqual(listSources(beside.store), []);
      await assert.rejects(beside.index(join(data, 'posts.csv')), refusedWith('import-running'));
      child.kill('SIGKILL');
      await once(child, 'close');
      const { store, index } = await openStoreAtWork(driver, folder);
      assert.deepEqual(count(), { posts: 0, generations: 0 });
      assert.deepEqual(store.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }]);
      assert.deepEqual(store.prepare('PRAGMA foreign_key_check').all(), []);
      assert.equal((await index(join(data, 'posts.csv'))).result.counts['posts'], 6000);
      store.close();
      beside.store.close();
    });

    it('is not replaced by other data of the same name', async () => {
      const one = temporaryFolder(), two = temporaryFolder();
      writeFiles(one, { 'posts.csv': csvTable(goodRows(20)) });
      writeFiles(two, { 'posts.csv': csvTable(goodRows(30)) });
      const { store, index } = await openStoreAtWork(driver);
      await index(one);
      await assert.rejects(index(two), (error: Error) => refusedWith('source-name-taken')(error) && error.message.includes('--name'));
      assert.equal(titles(store).length, 20);
      await index(two, { name: 'other posts' });
      assert.deepEqual(listSources(store).map(({ name }) => name), ['posts', 'other posts']);
      await assert.rejects(index(two, { name: '../evil' }), refusedWith('source-name'));
      store.close();
    });

    it('is not touched by a file that changes while it is read', async () => {
      const folder = temporaryFolder();
      const path = join(folder, 'posts.csv');
      writeFiles(folder, { 'posts.csv': LARGE });
      const { store, index } = await openStoreAtWork(driver);
      const before = contentOf(store);
      await assert.rejects(index(path, {}, undefined, ({ message }) => {
        if (message === 'Reading posts') appendFileSync(path, 'late,u,2020-01-01 10:00:00,x,1.5\n');
      }), (error: Error) => refusedWith('file-changed')(error) && error.message.startsWith(basename(path)));
      assert.deepEqual(contentOf(store), before);
      store.close();
    });

    it('is removed with all that hangs on it, and others stay', async () => {
      const folder = temporaryFolder();
      writeFiles(folder, { 'one.csv': csvTable(goodRows(20)), 'two.csv': csvTable(goodRows(10)) });
      const { store, storeFolder, index } = await openStoreAtWork(driver);
      await index(join(folder, 'one.csv'));
      await index(join(folder, 'two.csv'));
      decideOnPost({ store, storeFolder, now: () => 1 }, { source: 'one', pid: 'p1', kind: 'post-excluded', reason: '', author: 'anna' });
      const result = await drain(removeSource({ store, log: silent }, { source: 'one' }, new AbortController().signal));
      assert.deepEqual(result.counts, { posts: 20 });
      assert.deepEqual(listSources(store).map(({ name }) => name), ['two']);
      assert.deepEqual(store.prepare('SELECT (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM posts_search) AS words, (SELECT count(*) FROM decisions) AS decisions').get(), { posts: 10, words: 10, decisions: 0 });
      await assert.rejects(drain(removeSource({ store, log: silent }, { source: 'one' }, new AbortController().signal)), (error: Error) => refusedWith('source-unknown')(error) && error.message.includes('“two”'));
      store.close();
    });
  });
}

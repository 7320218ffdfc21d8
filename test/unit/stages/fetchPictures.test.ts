import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { UserError } from '../../../src/domain/errors.ts';
import type { StageRequest, StageResult } from '../../../src/protocol/stages.ts';
import { fetchPictures, pictureFile } from '../../../src/stages/fetchPictures.ts';
import { indexPosts } from '../../../src/stages/indexPosts.ts';
import type { Database } from '../../../src/store/database.ts';
import { countFetches, fetchedPicture, listDeadPictures } from '../../../src/store/fetchedPictures.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { bytes, once, page, silent, startPictureServer, status, type PictureServer } from '../../harness/pictureServer.ts';
import { PICTURES } from '../sources/pictureBytes.ts';
import { csvTable, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';
import { drain, fillSource, openTestStore, regularPosts } from './stageFixture.ts';

const never = new AbortController().signal;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('stage fetchPictures', () => {
  let server: PictureServer;
  let store: Database;
  let sourceId: number;
  let storeFolder: string;
  before(async () => {
    server = await startPictureServer();
  });
  beforeEach(async () => {
    store = await openTestStore();
    sourceId = fillSource(store, 'posts', regularPosts(4, 3));
    storeFolder = join(temporaryFolder(), '.smp');
  });
  afterEach(() => {
    store.close();
    server.answers.clear();
    server.asked.length = 0;
  });
  after(async () => {
    await server.close();
    removeFolders();
  });

  /** Gives posts the addresses of their pictures. */
  const name = (addresses: Readonly<Record<string, string>>): void => {
    for (const [pid, path] of Object.entries(addresses)) store.prepare('UPDATE posts SET image_url = ? WHERE pid = ?').run(path.startsWith('/') ? server.base + path : path, pid);
  };
  const request = (changes: Partial<StageRequest<'fetchPictures'>> = {}): StageRequest<'fetchPictures'> => ({ source: 'posts', retryDead: false, requestsPerSecond: 1000, allowHost: server.host, limit: null, ...changes });
  const run = async (changes: Partial<StageRequest<'fetchPictures'>> = {}, signal = never, onProgress: (message: string) => void = () => undefined): Promise<StageResult> => {
    const work = fetchPictures({ store, log: quiet, storeFolder, productVersion: '1.2.3', now: () => 1000 }, request(changes), signal);
    for (;;) {
      const step = await work.next();
      if (step.done) return step.value;
      onProgress(step.value.message);
    }
  };
  const fileOf = (pid: string): string | null => {
    const { url } = store.prepare<{ url: string }>('SELECT image_url AS url FROM posts WHERE pid = ?').get(pid)!;
    return fetchedPicture(store, sourceId, pid, url);
  };
  const asksAgain = async (changes: Partial<StageRequest<'fetchPictures'>> = {}): Promise<readonly string[]> => {
    server.asked.length = 0;
    await run(changes);
    return [...server.asked].sort();
  };

  it('fetches what has only an address into the store’s folder, and asks for nothing twice', async () => {
    name({ 'u000-0': '/photos/a', 'u000-1': '/b.png', 'u001-0': '/gone' });
    server.answers.set('/photos/a', page('/a.jpg')).set('/a.jpg', bytes(PICTURES.jpeg)).set('/b.png', bytes(PICTURES.png));
    const messages: string[] = [];
    const result = await run({}, never, (message) => messages.push(message));
    assert.deepEqual(result.counts, { fetched: 2, dead: 1, later: 0, bytes: PICTURES.jpeg.length + PICTURES.png.length, returning: 0 });
    assert.equal(result.summary, `posts: 2 pictures fetched (${PICTURES.jpeg.length + PICTURES.png.length} bytes), 1 address dead.`);
    assert.equal(messages[0], '0 pictures fetched'); // the notification's title says of what
    assert.match(fileOf('u000-0')!, /^posts\/[0-9a-f]{2}\/u000-0-[0-9a-f]{12}\.jpg$/);
    assert.deepEqual(readFileSync(join(storeFolder, 'pictures', fileOf('u000-0')!)), PICTURES.jpeg);
    assert.deepEqual(readFileSync(join(storeFolder, 'pictures', fileOf('u000-1')!)), PICTURES.png);
    assert.ok(!existsSync(join(storeFolder, 'pictures', 'posts', '.unfinished')));
    assert.deepEqual(await asksAgain(), []);
    assert.equal((await run()).unchanged, true);
  });

  it('remembers the dead with their reasons, and asks for them only on request', async () => {
    name({ 'u000-0': '/gone', 'u000-1': '/removed', 'u001-0': 'http://10.0.0.1/x.jpg', 'u001-1': '/ok' });
    server.answers.set('/gone', status(410)).set('/removed', page(null)).set('/ok', bytes(PICTURES.jpeg));
    await run();
    assert.deepEqual(listDeadPictures(store, sourceId, 10).map(({ pid, reason, file, row, triedAt }) => [pid, reason, file, row, triedAt]), [
      ['u000-0', 'HTTP 410', 'posts.csv', 2, 1000], ['u000-1', 'page names no picture', 'posts.csv', 3, 1000], ['u001-0', 'private network address', 'posts.csv', 5, 1000],
    ]);
    assert.deepEqual(await asksAgain(), []);
    server.answers.set('/gone', bytes(PICTURES.jpeg));
    assert.deepEqual(await asksAgain({ retryDead: true }), ['/gone', '/removed']);
    assert.deepEqual(countFetches(store, sourceId), { fetched: 2, dead: 2, later: 0 });
  });

  it('tries again what failed, and calls it dead after three answers without a picture', async () => {
    name({ 'u000-0': '/cut', 'u000-1': '/ok' });
    server.answers.set('/cut', bytes(PICTURES.jpeg.subarray(0, 200))).set('/ok', bytes(PICTURES.jpeg));
    await run();
    assert.deepEqual(countFetches(store, sourceId), { fetched: 1, dead: 0, later: 1 });
    assert.deepEqual(await asksAgain(), ['/cut']);
    await run();
    assert.deepEqual(countFetches(store, sourceId), { fetched: 1, dead: 1, later: 0 });
    assert.deepEqual(listDeadPictures(store, sourceId, 10).map(({ reason }) => reason), ['picture broken']);
  });

  it('marks nothing as dead when no server answers', async () => {
    const away = await startPictureServer();
    await away.close();
    name(Object.fromEntries(['u000-0', 'u000-1', 'u000-2', 'u001-0', 'u001-1', 'u001-2', 'u002-0', 'u002-1'].map((pid) => [pid, `${away.base}/${pid}`])));
    await assert.rejects(run({ allowHost: away.host }), (error) => error instanceof UserError && error.code === 'pictures-unreachable' && error.message.includes(`${away.host} server refuses connections`));
    assert.equal(countFetches(store, sourceId).dead, 0);
    name({ 'u003-0': '/ok' });
    server.answers.set('/ok', bytes(PICTURES.jpeg));
    const result = await run({ allowHost: `${away.host},${server.host}` });
    assert.deepEqual([result.counts['fetched'], result.counts['dead'], result.counts['later']], [1, 0, 8]);
    assert.match(result.summary, /8 to be tried again \(127\.0\.0\.1:\d+ server refuses connections\)/);
  });

  it('waits as long as a server asks', async () => {
    name({ 'u000-0': '/busy' });
    server.answers.set('/busy', once(status(429, { 'retry-after': '1' }), bytes(PICTURES.jpeg)));
    const begun = performance.now();
    assert.equal((await run()).counts['fetched'], 1);
    assert.ok(performance.now() - begun >= 990, 'a second went by');
  });

  it('ends soon when it is cancelled, and goes on from there', async () => {
    const pids = regularPosts(4, 3).map(({ pid }) => pid);
    name(Object.fromEntries(pids.map((pid) => [pid, `/${pid}`])));
    for (const pid of pids) server.answers.set(`/${pid}`, pids.indexOf(pid) < 5 ? bytes(PICTURES.jpeg) : silent(PICTURES.jpeg.subarray(0, 99)));
    const controller = new AbortController();
    const going = run({}, controller.signal, () => {
      if (server.asked.length >= 9) controller.abort();
    });
    await assert.rejects(going, { name: 'AbortError' });
    assert.equal(countFetches(store, sourceId).fetched, 5);
    assert.ok(!existsSync(join(storeFolder, 'pictures', 'posts', '.unfinished')));
    for (const pid of pids) server.answers.set(`/${pid}`, bytes(PICTURES.jpeg));
    assert.deepEqual(await asksAgain(), pids.slice(5).map((pid) => `/${pid}`).sort());
  });

  it('takes pictures that are there, and fetches those that are there no more', async () => {
    name({ 'u000-0': '/a', 'u000-1': '/b' });
    server.answers.set('/a', bytes(PICTURES.jpeg)).set('/b', bytes(PICTURES.jpeg));
    await run();
    store.exec('DELETE FROM fetched_pictures');
    assert.deepEqual(await asksAgain(), [], 'the files tell');
    assert.equal(countFetches(store, sourceId).fetched, 2);
    rmSync(join(storeFolder, 'pictures', fileOf('u000-1')!));
    assert.deepEqual(await asksAgain(), ['/b']);
  });

  it('leaves posts alone that have a picture, and asks anew for another address', async () => {
    name({ 'u000-0': '/a', 'u000-1': '/b', 'u000-2': '/c' });
    store.exec("UPDATE posts SET image_path = 'train/x.jpg' WHERE pid IN ('u000-0', 'u000-1')");
    store.exec("UPDATE posts SET dropped = 'picture missing' WHERE pid = 'u000-1'");
    for (const path of ['/b', '/c', '/d']) server.answers.set(path, bytes(PICTURES.jpeg));
    const result = await run();
    assert.deepEqual([...server.asked].sort(), ['/b', '/c']);
    assert.equal(result.counts['returning'], 1);
    assert.match(result.summary, /1 post that was left out has a picture now/);
    name({ 'u000-2': '/d' });
    assert.deepEqual(await asksAgain(), ['/d']);
  });

  it('brings posts back that were dropped for their picture, at the next import and no other', async () => {
    const data = temporaryFolder();
    const header = 'id,user,time,title,score,image';
    const row = (pid: string, image: string): string[] => [pid, 'u', `2020-01-0${pid} 10:00:00`, `Title ${pid}`, '5.25', image];
    writeFiles(data, { 'table.csv': csvTable([row('1', 'a.jpg'), row('2', `${server.base}/2`), row('3', `${server.base}/gone`)], header), 'a.jpg': PICTURES.jpeg });
    const index = async (): Promise<StageResult> => drain(indexPosts({ store, storeFolder, log: quiet, now: () => 0 }, { path: join(data, 'table.csv'), name: null, mapping: null, allowSkips: false }, never));
    const droppedPids = (): string[] => store.prepare<{ pid: string }>("SELECT pid FROM live_posts WHERE source = 'table' AND dropped IS NOT NULL ORDER BY pid").all().map(({ pid }) => pid);
    assert.equal((await index()).counts['dropped'], 2);
    assert.deepEqual(droppedPids(), ['2', '3']);
    assert.equal((await index()).unchanged, true);
    server.answers.set('/2', bytes(PICTURES.jpeg));
    assert.equal((await run({ source: 'table' })).counts['returning'], 1);
    const again = await index();
    assert.equal(again.unchanged, false);
    assert.deepEqual(droppedPids(), ['3']);
    assert.equal((await index()).unchanged, true, 'nothing has changed since');
    rmSync(join(storeFolder, 'pictures', 'table'), { recursive: true });
    await index();
    assert.deepEqual(droppedPids(), ['2', '3'], 'a picture that is gone is missing again');
    assert.equal((await run({ source: 'table' })).counts['fetched'], 1);
  });

  it('drops no post of a source that has addresses alone, whatever becomes of them', async () => {
    const data = temporaryFolder();
    writeFiles(data, { 'web.csv': csvTable([['1', 'u', '2020-01-01 10:00:00', 'One', '5.25', `${server.base}/1`], ['2', 'u', '2020-01-02 10:00:00', 'Two', '5.5', `${server.base}/gone`]], 'id,user,time,title,score,image_url') });
    const index = async (): Promise<StageResult> => drain(indexPosts({ store, storeFolder, log: quiet, now: () => 0 }, { path: data, name: null, mapping: null, allowSkips: false }, never));
    server.answers.set('/1', bytes(PICTURES.jpeg));
    assert.equal((await index()).counts['dropped'], 0);
    assert.equal(requireSource(store, 'web').statistics!.pictureAddresses, 2);
    assert.deepEqual((await run({ source: 'web' })).counts, { fetched: 1, dead: 1, later: 0, bytes: PICTURES.jpeg.length, returning: 0 });
    assert.equal((await index()).unchanged, true);
  });

  it('fetches no more than it is told to', async () => {
    name({ 'u000-0': '/a', 'u000-1': '/b', 'u000-2': '/c' });
    for (const path of ['/a', '/b', '/c']) server.answers.set(path, bytes(PICTURES.jpeg));
    assert.equal((await run({ limit: 2 })).counts['fetched'], 2);
    assert.equal(server.asked.length, 2);
    assert.equal((await run({ limit: 2 })).counts['fetched'], 1);
  });

  it('names files safely after hostile ids', async () => {
    const pids = ['../../etc/passwd', 'a/b\\c:*?"<>|', '.', '..', '', 'CON', 'ü'.repeat(300), '\u0000\n'];
    const files = pids.map((pid) => pictureFile('posts', { pid, url: 'http://x.org/' }, 'jpg'));
    for (const file of files) assert.match(file, /^posts\/[0-9a-f]{2}\/[A-Za-z0-9_-]{0,60}-[0-9a-f]{12}\.jpg$/);
    assert.equal(new Set(files.map((file) => file.toLowerCase())).size, pids.length);
    store.exec("UPDATE posts SET pid = '../../../escape' WHERE pid = 'u000-0'");
    name({ '../../../escape': '/a' });
    server.answers.set('/a', bytes(PICTURES.jpeg));
    await run();
    assert.deepEqual(readdirSync(join(storeFolder, '..')), ['.smp']);
    assert.deepEqual(readdirSync(join(storeFolder, 'pictures')), ['posts']);
  });

  it('lets only one start fetch into a store', async () => {
    const { openStore } = await import('../../../src/store/openStore.ts');
    const file = join(temporaryFolder(), 'curation.sqlite');
    const first = await openStore(file, { readOnly: false });
    fillSource(first, 'posts', regularPosts(1, 1));
    const lock = first.tryFetchLock()!;
    const second = await openStore(file, { readOnly: false });
    const work = fetchPictures({ store: second, log: quiet, storeFolder, productVersion: '1', now: () => 0 }, request(), never);
    await assert.rejects(work.next(), (error) => error instanceof UserError && error.code === 'fetch-running');
    lock.release();
    first.close();
    second.close();
  });
});

// How fast the Posts view and hovers are at 486,194 posts, each with a prediction, asked of the packaged live worker as the
// editor asks. Each question is asked in another form every time, so that no answer is one that was kept.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { smpQuietly } from '../../scripts/execute.ts';
import { DIST, RESOURCES } from '../../scripts/paths.ts';
import { DatabaseWorker, startThread } from '../../src/editor/databaseWorker.ts';
import { EVERY_POST, type PagePlace, type PostsPage, type PostsQuery } from '../../src/protocol/postsView.ts';
import type { LiveMethods } from '../../src/protocol/workerRpc.ts';
import { openStore } from '../../src/store/openStore.ts';
import { createPostCards } from '../../src/store/postCards.ts';
import { BENCH_FOLDER } from './fullSizeData.ts';
import { buildWorkers, storeFileOf } from './importRuns.ts';
import { machineLine, median, percentile } from './machine.ts';

/** Posts of SMPD 2019 with its test part: the largest release. */
const POSTS = 486_194;
const ROUNDS = 60;
const HOVERS = 2000;
const SIZE = 100; // rows of a page, as the view asks
const WORDS = ['cat', 'morning', 'light', 'bus', 'old', 'new day', 'first', 'snow', 'canon', 'square', 'blue', 'city lights', 'dog', 'happy', 'quiet', 'a', 'so', 'street', 'portrait', 'naturalligh'];
const experiment = { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' } as const;

export async function bench(print: (line: string) => void): Promise<void> {
  await buildWorkers();
  const workspace = join(BENCH_FOLDER, 'posts-view');
  const storeFile = storeFileOf(workspace);
  if (!existsSync(storeFile)) await makeStore(workspace);
  const silent = (): void => undefined;
  const live = new DatabaseWorker<LiveMethods>(startThread(join(DIST, 'worker.cjs'), {
    role: 'live', folder: workspace, storeFile, storeFolder: join(workspace, '.smp'), resources: RESOURCES, storage: join(workspace, '.storage'), productVersion: '0.0.0',
  }), { info: silent, warn: silent, error: (message, error) => process.stderr.write(`${message} ${String(error)}\n`) });
  try {
    await measurePages(live, print);
    await measureHovers(storeFile, print);
  } finally {
    await live.dispose();
  }
}

/** Posts by the generator and the import, and a prediction of each written straight into the store: no trainer runs half a million times here. */
async function makeStore(workspace: string): Promise<void> {
  const data = join(workspace, 'smpd');
  rmSync(workspace, { recursive: true, force: true });
  smpQuietly('demo', '--out', data, '--posts', String(POSTS), '--no-pictures');
  smpQuietly('index', data, '--workspace', workspace, '--name', 'smpd');
  const store = await openStore(storeFileOf(workspace), { readOnly: false });
  try {
    store.transaction(() => {
      const source = store.prepare<{ id: number }>('SELECT id FROM sources').get()!.id;
      const draw = store.prepare("INSERT INTO draws (source_id, seed, generator, input_hash, sizes, range_min, range_max, details, drawn_at) VALUES (?, 0, 'bench', '', '{}', 100, 1660, '{}', 0)").run(source).lastInsertRowid;
      const model = store.prepare("INSERT INTO models (draw_id, role, plan, variant, training_seed, base, path, weights_hash, chosen, training_labels, range_min, range_max, made_at) VALUES (?, 'sft', 'ours', '', 0, 'tiny', 'x', 'x', 'x', '{}', 100, 1660, 0)").run(draw).lastInsertRowid;
      store.prepare(`INSERT INTO predictions (model_id, source_id, pid, k, decoder, draw, text, value, prompt_hash, history, predicted_at)
        SELECT ?, source_id, pid, 3, 'median', 0, '6.40', (id * 7919) % 1500 + 100, 'x', '[]', 1 FROM live_posts`).run(model);
      store.prepare("INSERT INTO captions (source_id, pid, text, made_by, made_at, origin) SELECT source_id, pid, 'a picture of something', 'generator', 0, '{}' FROM live_posts WHERE id % 2 = 0").run();
    });
  } finally {
    store.close();
  }
}

async function measurePages(live: DatabaseWorker<LiveMethods>, print: (line: string) => void): Promise<void> {
  const ask = (query: Partial<PostsQuery>, place: PagePlace = { kind: 'first' }): Promise<PostsPage> => live.request('postsPage', { query: { ...EVERY_POST, ...query }, experiment, place, size: SIZE });
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const rows = async (name: string, work: (round: number) => Promise<unknown>): Promise<void> => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await timed(() => work(round)));
    print(`  ${name.padEnd(34)} p50 ${median(times).toFixed(1).padStart(6)} ms   p95 ${percentile(times, 0.95).toFixed(1).padStart(6)} ms   longest ${Math.max(...times).toFixed(1).padStart(6)} ms`);
  };

  print(`Posts view at ${POSTS.toLocaleString('en-US')} posts, ${SIZE} rows a page, ${ROUNDS} questions each (aim: p95 50 ms); ${machineLine()}`);
  print(`  very first page, posts are read into memory: ${(await timed(() => ask({}))).toFixed(0)} ms`);
  for (const sort of ['time', 'score', 'user', 'id', 'error'] as const) print(`  first page by ${sort}, its order is made: ${(await timed(() => ask({ sort }))).toFixed(0)} ms`);
  for (const query of [{ hasCaption: true }, { split: 'pool' }] as const) print(`  first filter by ${Object.keys(query)[0]!}, its column is read: ${(await timed(() => ask(query))).toFixed(0)} ms`);

  const orders: Partial<PostsQuery>[] = (['file', 'time', 'score', 'user', 'id', 'error'] as const).flatMap((sort) => [{ sort }, { sort, descending: true }]);
  await rows('first page, every order', (round) => ask(orders[round % orders.length]!));
  await rows('last page, every order', (round) => ask(orders[round % orders.length]!, { kind: 'last' }));
  let shown = await ask({ sort: 'score', descending: true });
  await rows('next page', async () => {
    const last = shown.rows.at(-1)!;
    shown = await ask({ sort: 'score', descending: true }, { kind: 'after', post: { source: last.source, pid: last.pid } });
  });
  await rows('go to a position', (round) => ask({ sort: 'time' }, { kind: 'position', position: round * 8000 }));
  await rows('go to a score', (round) => ask({ sort: 'score' }, { kind: 'value', value: 200 + round * 10 }));
  await rows('search', (round) => ask({ text: `${WORDS[round % WORDS.length]!}${' '.repeat(Math.floor(round / WORDS.length))}` }));
  await rows('filter by month', (round) => ask({ months: { from: `2015-${String((round % 12) + 1).padStart(2, '0')}`, to: `2016-${String((round % 9) + 1).padStart(2, '0')}` } }));
  await rows('filter by scores, sorted by time', (round) => ask({ scores: { from: 300 + round, to: 900 - round }, sort: 'time' }));
  await rows('filter that leaves nothing', (round) => ask({ scores: { from: 20_000 + round, to: 30_000 } }));
  const users = [...new Set(shown.rows.map((row) => row.uid))];
  await rows('filter by user', (round) => ask({ user: users[round % users.length]! }));
  await rows('search, captions, scores together', (round) => ask({ text: WORDS[round % WORDS.length]!, hasCaption: true, scores: { from: 300 + round, to: 900 }, sort: 'error', descending: true }));
  await rows('counts and scores of a filter', (round) => live.request('postsOverview', { query: { ...EVERY_POST, months: { from: '2015-03', to: `2016-${String((round % 9) + 1).padStart(2, '0')}` } }, experiment, bins: 48 }));
  await rows('decision, then the page again', async (round) => {
    const { source, pid } = shown.rows[round % SIZE]!;
    await live.request('decideOnPosts', { kind: round < ROUNDS / 2 ? 'post-excluded' : 'post-restored', posts: [{ source, pid }], reason: '', author: 'bench' });
    await ask({ sort: 'score', descending: true });
  });
  print(`  memory of this process with the worker in it: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`);
}

async function measureHovers(storeFile: string, print: (line: string) => void): Promise<void> {
  const store = await openStore(storeFile, { readOnly: true });
  const cards = createPostCards(store, () => experiment);
  try {
    const pids = store.prepare<{ pid: string }>('SELECT pid FROM live_posts WHERE id % ? = 0 LIMIT ?').all(Math.floor(POSTS / HOVERS), HOVERS).map(({ pid }) => pid);
    const times = pids.map((pid) => {
      const began = performance.now();
      cards.byKey({ source: 'smpd', pid });
      return performance.now() - began;
    });
    print(`Hover from the store, ${times.length} posts once each: p50 ${median(times).toFixed(2)} ms, p95 ${percentile(times, 0.95).toFixed(2)} ms, longest ${Math.max(...times).toFixed(1)} ms (aim: p95 10 ms); ${machineLine()}`);
  } finally {
    cards.close();
  }
}

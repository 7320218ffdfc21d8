// A thousand seeded mutations of valid folders of every layout: an import of each either succeeds, and then the store is whole, or
// it throws a UserError, and then the store is as it was. What fails here can be done again: the seed stands in the message.
import assert from 'node:assert/strict';
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { UserError } from '../../../src/domain/errors.ts';
import { inventPosts } from '../../../src/domain/inventedPosts.ts';
import { RandomStream } from '../../../src/domain/randomStream.ts';
import { DEMO_FORMATS, demoRequest, FORMATS_WITH_PICTURES, type DemoFormat } from '../../../src/protocol/demo.ts';
import { makeDemo } from '../../../src/stages/makeDemo.ts';
import type { Database } from '../../../src/store/database.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { drain, neverAborted } from '../stages/stageFixture.ts';
import { writeDamaged, writeFolder, type FolderFiles } from './mutateFolder.ts';
import { contentOf, openStoreAtWork, removeFolders, temporaryFolder } from './sourceFixture.ts';

const LAYOUTS = [...DEMO_FORMATS, 'tsv', 'smp-video'] as const;
const MUTATIONS = Number(process.env['SMP_MUTATIONS'] ?? 1000);
const POSTS = 24;
const STREAM = 8101; // of the seed's random streams
/** One seed alone: SMP_MUTATION_SEED=417 mocha … --grep tpic-2017; more of them: SMP_MUTATIONS=20000. */
const ONLY = process.env['SMP_MUTATION_SEED'];

/** The files of a small valid folder. */
async function validFiles(layout: (typeof LAYOUTS)[number]): Promise<FolderFiles> {
  const folder = join(temporaryFolder(), layout);
  if (layout === 'smp-video') return smpVideo();
  const format: DemoFormat = layout === 'tsv' ? 'csv' : layout;
  await drain(makeDemo(demoRequest(folder, { format, posts: POSTS, seed: 3, testShare: format === 'tpic-2017' ? 0 : 0.25, pictures: FORMATS_WITH_PICTURES.includes(format), vectors: format === 'smpd-2020' }), neverAborted));
  const names = globSync('**', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile() && !/^(captions\.jsonl|demo\.json|settings\.json)$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const files: FolderFiles = new Map(names.sort().map((name) => [name, readFileSync(join(folder, name))]));
  if (layout === 'tsv') {
    files.set('posts.tsv', Buffer.from(files.get('posts.csv')!.toString('utf8').replaceAll(',', '\t')));
    files.delete('posts.csv');
  }
  return files;
}

function smpVideo(): FolderFiles {
  const posts = [...inventPosts(demoRequest('none', { posts: POSTS }))].flat().map(({ post }) => post);
  const lines = (rows: readonly object[]): Buffer => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const ids = (pid: string, uid: string) => ({ pid: `POST${pid}`, uid: `USER${uid}` });
  return new Map([
    ['smp_posts_train.jsonl', lines(posts.map((post) => ({
      ...ids(post.pid, post.uid), post_content: post.title, post_location: 'RO', post_suggested_words: post.tags.split(' '), post_text_language: 'en', video_path: `train/${post.pid}.mp4`, post_time: new Date(post.postedAt * 1000).toISOString().slice(0, 16).replace('T', ' '),
    })))],
    ['smp_users_train.jsonl', lines(posts.map((post) => ({ uid: `USER${post.uid}`, user_following_count: 1, user_follower_count: 2, user_likes_count: 3, user_video_count: 4, user_digg_count: 5, user_heart_count: 6, user_friend_count: 7 })))],
    ['smp_videos_train.jsonl', lines(posts.map((post) => ({ vid: `V${post.pid}`, ...ids(post.pid, post.uid), video_height: 10, video_width: 10, video_duration: 3, video_ratio: '720p', video_format: 'mp4', music_title: 'x', music_duration: 3 })))],
    ['smp_popularity_train.jsonl', lines(posts.map((post) => ({ ...ids(post.pid, post.uid), popularity: post.label! / 100 })))],
  ]);
}

/** What must hold after every import that succeeded. */
function requireWhole(store: Database, posts: number): void {
  const source = requireSource(store, 'data');
  const rows = store.prepare<{ id: number; pid: string; uid: string; title: string; image_path: string; label: number | null; user_order: number; posted_at: number; generation_id: number }>(
    'SELECT id, pid, uid, title, image_path, label, user_order, posted_at, generation_id FROM posts ORDER BY uid, user_order').all();
  assert.equal(rows.length, posts);
  assert.equal(source.statistics!.posts, posts);
  assert.deepEqual(store.prepare('SELECT state, count(*) AS count FROM generations GROUP BY state').all(), [{ state: 'live', count: 1 }]);
  assert.deepEqual(store.prepare('SELECT rowid AS id FROM posts_search ORDER BY rowid').all(), rows.map(({ id }) => ({ id })).sort((a, b) => a.id - b.id));
  for (const [at, row] of rows.entries()) {
    const before = rows[at - 1]?.uid === row.uid ? rows[at - 1]! : null;
    assert.equal(row.user_order, before === null ? 0 : before.user_order + 1, row.pid);
    assert.ok(before === null || before.posted_at <= row.posted_at, row.pid);
    assert.ok(row.pid !== '' && row.uid !== '' && !/\u0000/.test(row.pid + row.uid + row.title), JSON.stringify(row));
    assert.ok(row.label === null || (row.label >= 0 && row.label <= 3199), JSON.stringify(row));
    assert.ok(!row.image_path.startsWith('/') && !row.image_path.split('/').includes('..'), row.image_path);
  }
}

const livePids = (store: Database): string => store.prepare<{ pids: string | null }>('SELECT group_concat(pid) AS pids FROM (SELECT pid FROM live_posts ORDER BY pid)').get()!.pids ?? '';

describe('mutations of valid folders', function () {
  this.timeout(Math.max(120_000, MUTATIONS * 100));
  after(removeFolders);

  LAYOUTS.forEach((layout, number) => {
    it(`leave the store whole (${layout})`, async () => {
      const valid = await validFiles(layout);
      const { store, storeFolder, index } = await openStoreAtWork();
      const data = join(temporaryFolder(), 'data');
      writeFolder(data, valid);
      const first = await index(data, { name: 'data' });
      assert.ok(Number(first.result.counts['posts']) >= POSTS - 1 && Number(first.result.counts['posts']) <= POSTS);
      const seeds = ONLY === undefined ? Array.from({ length: Math.ceil(MUTATIONS / LAYOUTS.length) }, (_, at) => at * LAYOUTS.length + number) : [Number(ONLY)];
      let succeeded = 0;
      for (const seed of seeds) {
        const random = new RandomStream(seed, STREAM);
        const damage = writeDamaged(data, valid, random);
        const allowSkips = random.chance(0.5);
        rmSync(join(storeFolder, 'mappings'), { recursive: true, force: true }); // a mapping that was kept would decide about the next mutation
        const before = contentOf(store), pids = livePids(store);
        try {
          const { result } = await index(data, { name: 'data', allowSkips }, undefined, ({ message }) => {
            if (message === 'Reading posts') assert.equal(livePids(store), pids, 'posts showed before all were read');
          });
          requireWhole(store, Number(result.counts['posts']));
          succeeded++;
        } catch (error) {
          if (!(error instanceof UserError)) throw new Error(`Seed ${seed} (${layout}: ${damage}): ${(error as Error).stack}`, { cause: error });
          assert.ok(error.whatHappened.length < 4000 && !/[\u0000-\u0008]/.test(error.whatHappened), `Seed ${seed}: ${error.whatHappened.slice(0, 500)}`);
          assert.deepEqual(contentOf(store), before, `Seed ${seed} (${layout}: ${damage}): the store changed although the import failed with ${error.code}`);
        }
        if (seed % 25 === 0) assert.deepEqual(store.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }], `Seed ${seed} (${layout}: ${damage})`);
      }
      assert.deepEqual(store.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }]);
      if (ONLY === undefined) assert.ok(succeeded > 0 && succeeded < seeds.length, `${succeeded} of ${seeds.length} mutations were imported`);
      // After all of that the valid folder is imported as if nothing had been.
      mkdirSync(data, { recursive: true });
      writeFolder(data, valid);
      rmSync(join(storeFolder, 'mappings'), { recursive: true, force: true });
      const last = await index(data, { name: 'data' });
      assert.deepEqual(last.result.counts, first.result.counts);
      store.close();
    });
  });
});

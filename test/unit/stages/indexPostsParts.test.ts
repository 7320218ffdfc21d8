// Test parts: posts to be predicted live beside the train posts in one source, and nothing is learned from them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import type { Database } from '../../../src/store/database.ts';
import { findDraw, type StoredDraw } from '../../../src/store/draws.ts';
import { earlierPosts, postAt, postByPid, scoreCounts } from '../../../src/store/posts.ts';
import { requireSource, type SourceStatistics } from '../../../src/store/sources.ts';
import { assertRefused, files2018, files2020, filesTpic, filesVideo, userColumns, type Files, type LayoutPost } from '../sources/layoutFixture.ts';
import { contentOf, openStoreAtWork, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';
import { drain, neverAborted, testContext, usersWithPosts } from './stageFixture.ts';

const USERS = 60;
/** Five posts of each user, an hour apart, then the same users' newest posts without scores. */
const TRAIN: readonly LayoutPost[] = Array.from({ length: USERS * 5 }, (_, i) => ({ uid: `${Math.floor(i / 5)}@N75`, pid: String(1000 + i), time: 1446016778 + i * 3600 }));
const TEST: readonly LayoutPost[] = Array.from({ length: USERS }, (_, i) => ({ uid: `${i}@N75`, pid: String(5000 + i), time: 1456016778 + i, title: 'a title that is much longer than all others', tags: 'unheard unseen' }));

interface Indexed {
  readonly store: Database;
  readonly folder: string;
  readonly sourceId: number;
  readonly statistics: SourceStatistics;
  readonly draw: StoredDraw;
}

async function indexAndSample(files: Files): Promise<Indexed> {
  const folder = temporaryFolder();
  writeFiles(folder, files);
  const { store, index } = await openStoreAtWork();
  await index(folder, { name: 'posts' });
  const source = requireSource(store, 'posts');
  await drain(samplePosts(testContext(store), { source: 'posts', dataSeed: 0 }, neverAborted));
  await drain(buildInstructions(testContext(store), { source: 'posts', dataSeed: 0, captions: 'any' }, neverAborted));
  return { store, folder, sourceId: source.id, statistics: source.statistics!, draw: findDraw(store, source.id, 0)! };
}

const LAYOUTS: readonly { name: string; train: Files; both: Files }[] = [
  { name: 'SMPD 2018', train: files2018(TRAIN), both: files2018(TRAIN, TEST) },
  { name: 'SMPD 2020', train: files2020(TRAIN), both: { ...files2020(TRAIN), ...files2020(TEST, 'test') } },
  { name: 'SMPD with users by column', train: files2020(TRAIN, 'train', userColumns), both: { ...files2020(TRAIN, 'train', userColumns), ...files2020(TEST, 'test', userColumns) } },
];

for (const { name, train, both } of LAYOUTS) {
  describe(`a test part beside a train part (${name})`, () => {
    after(removeFolders);

    it('changes neither the draw nor what describes the data set', async () => {
      const alone = await indexAndSample(train), beside = await indexAndSample(both);
      assert.equal(beside.draw.inputHash, alone.draw.inputHash);
      assert.deepEqual([beside.draw.sizes, beside.draw.rangeMin, beside.draw.rangeMax], [alone.draw.sizes, alone.draw.rangeMin, alone.draw.rangeMax]);
      assert.deepEqual(beside.statistics, { ...alone.statistics, posts: TRAIN.length + TEST.length, pictureAddresses: TRAIN.length + TEST.length });
      assert.deepEqual(usersWithPosts(beside.store, beside.sourceId), usersWithPosts(alone.store, alone.sourceId));
      assert.deepEqual(scoreCounts(beside.store, beside.sourceId), scoreCounts(alone.store, alone.sourceId));
      const asked = ({ store }: Indexed): unknown => store.prepare('SELECT set_name, form, k, pid, history, answer, prompt_hash FROM instructions ORDER BY set_name, form, k, pid').all();
      assert.deepEqual(asked(beside), asked(alone));
      for (const { store } of [alone, beside]) store.close();
    });

    it('is there to be predicted: found by id, with the user’s scores before it', async () => {
      const { store, sourceId } = await indexAndSample(both);
      const post = postByPid(store, sourceId, '5007')!;
      assert.equal(post.label, null);
      assert.deepEqual(earlierPosts(store, post, 3).map(({ pid }) => pid), ['1037', '1038', '1039']);
      store.close();
    });
  });
}

describe('rows of the files', () => {
  after(removeFolders);

  async function indexed(files: Files): Promise<{ pidAt: (file: string, row: number) => string | undefined; store: Database }> {
    const folder = temporaryFolder();
    writeFiles(folder, files);
    const { store, index } = await openStoreAtWork();
    await index(folder, { name: 'posts' });
    return { store, pidAt: (file, row) => postAt(store, join(folder, file), row)?.pid };
  }

  it('lead to their posts in labels, addresses and users, each part apart', async () => {
    const { store, pidAt } = await indexed({ ...files2020(TRAIN.slice(0, 6)), ...files2020(TEST.slice(0, 3), 'test') });
    for (const file of ['train_label.txt', 'train_img.txt', 'train_userdata.json', 'train_tags.json']) assert.equal(pidAt(file, 2), '1001', file);
    for (const file of ['test_imgfile.txt', 'test_userdata.json']) assert.equal(pidAt(file, 2), '5001', file);
    assert.equal(pidAt('test_imgfile.txt', 5), undefined);
    store.close();
  });

  it('are counted in each shard by itself', async () => {
    const { store, pidAt } = await indexed(files2018(TRAIN.slice(0, 6), TEST.slice(0, 7)));
    assert.deepEqual([pidAt('t2_train_label.txt', 4), pidAt('t2_train_img.txt', 4), pidAt('t2_train_data.txt', 4)], ['1003', '1003', '1003']);
    assert.deepEqual([pidAt('t2_metadata0.txt', 2), pidAt('t2_metadata1.txt', 2), pidAt('t2_metadata2.txt', 1), pidAt('t2_metadata2.txt', 2)], ['5001', '5004', '5006', undefined]);
    store.close();
  });

  it('are those of TPIC2017 and of SMP-Video', async () => {
    const tpic = await indexed(filesTpic(TRAIN.slice(0, 6)));
    for (const file of ['LABEL.txt', 'PHOTO_URL.txt', 'TIME_FLAG.txt', 'USER_META.txt']) assert.equal(tpic.pidAt(file, 3), '1002', file);
    const video = await indexed(filesVideo(TRAIN.slice(0, 6)));
    assert.equal(video.pidAt('smp_posts_train.jsonl', 3), '1002');
    for (const { store } of [tpic, video]) store.close();
  });
});

describe('a post that is there twice', () => {
  after(removeFolders);
  const twice = [...TRAIN.slice(0, 4), TRAIN[1]!];
  for (const [what, files, place] of [
    ['in the lines of 2018', files2018(twice), /t2_train_data\.txt, record 5: post “1001”/],
    ['in two shards', files2018(TRAIN.slice(0, 3), [...TEST.slice(0, 4), TEST[0]!]), /t2_metadata1\.txt, record 2: post “5000”/],
    ['in the train and the test part', { ...files2020(TRAIN.slice(0, 4)), ...files2020(TRAIN.slice(2, 4), 'test') }, /test_tags\.json, record 1: post “1002”/],
  ] as const) {
    it(`${what} stops the import, and the store is unchanged`, async () => {
      const folder = temporaryFolder();
      writeFiles(folder, files);
      const { store, index } = await openStoreAtWork();
      const before = contentOf(store);
      await assertRefused(index(folder), 'smpd-duplicate', place);
      assert.deepEqual(contentOf(store), before);
      store.close();
    });
  }
});

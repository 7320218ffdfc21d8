import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { decideOnPost } from '../../../src/stages/decideOnPost.ts';
import type { Database, Statement } from '../../../src/store/database.ts';
import { pageOfWantedPictures } from '../../../src/store/fetchedPictures.ts';
import { pageOfPicturePaths } from '../../../src/store/generations.ts';
import { earlierPosts, livePostCount, pageOfDroppedPosts, pageOfPosts, postAt, postByPid, postsOfUser, scoreCounts, type StoredPost } from '../../../src/store/posts.ts';
import { pageOfSubmissionPosts } from '../../../src/store/submissionPosts.ts';
import { csvTable, DRIVERS, openStoreAtWork, removeFolders, temporaryFolder, writeFiles, type StoreAtWork } from '../sources/sourceFixture.ts';

const ROWS = [
  ['a3', 'ann', '2020-01-03', 'third', '3.00'], ['a1', 'ann', '2020-01-01', 'first', '1.00'], ['a2', 'ann', '2020-01-02', 'second', '2.00'],
  ['a4', 'ann', '2020-01-04', 'no score yet', ''], ['b1', 'bob', '2020-01-01', 'of bob', '1.00'], ['a5', 'ann', '2020-01-05', 'left out', '5.00'],
];
const pids = (posts: readonly StoredPost[]): string[] => posts.map((post) => post.pid);

for (const driver of DRIVERS) {
  describe(`queries over posts (${driver})`, () => {
    let work: StoreAtWork;
    let folder: string;
    before(async () => {
      folder = temporaryFolder();
      writeFiles(folder, { 'posts.csv': csvTable(ROWS) });
      work = await openStoreAtWork(driver);
      await work.index(folder);
      decideOnPost({ store: work.store, storeFolder: work.storeFolder, now: () => 1 }, { source: 'posts', pid: 'a5', kind: 'post-excluded', reason: 'advertising', author: 'anna' });
    });
    after(() => {
      work.store.close();
      removeFolders();
    });

    it('count all live posts, and only usable, labelled ones of users', () => {
      assert.equal(livePostCount(work.store, 1), 6);
      assert.deepEqual(['ann', 'bob'].map((uid) => postsOfUser(work.store, 1, uid).length), [3, 1]);
    });

    it('give a user’s posts in the order of time', () => {
      assert.deepEqual(pids(postsOfUser(work.store, 1, 'ann')), ['a1', 'a2', 'a3']);
    });

    it('give what came before a post, the newest, oldest first, without what is unlabelled or left out', () => {
      const before5 = postByPid(work.store, 1, 'a5')!;
      assert.equal(before5.userOrder, 4);
      assert.deepEqual(pids(earlierPosts(work.store, before5, 2)), ['a2', 'a3']);
      assert.deepEqual(pids(earlierPosts(work.store, postByPid(work.store, 1, 'a1')!, 2)), []);
    });

    it('page by key, every post once', () => {
      const seen: string[] = [];
      for (let page = pageOfPosts(work.store, 1, 0, 2); page.length > 0; page = pageOfPosts(work.store, 1, page.at(-1)!.id, 2)) seen.push(...pids(page));
      assert.deepEqual(seen.sort(), ['a1', 'a2', 'a3', 'a4', 'b1']);
    });

    it('read pages of posts where the last one ended, without sorting those that are left', () => {
      const { store } = work;
      const plans: string[] = [];
      const watched: Database = {
        ...store,
        prepare: <Row>(sql: string): Statement<Row> => ({
          ...store.prepare<Row>(sql),
          all: (...parameters) => {
            plans.push(store.prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters).map(({ detail }) => detail).join('\n'));
            return store.prepare<Row>(sql).all(...parameters);
          },
        }),
      };
      pageOfPosts(watched, 1, 2, 2);
      pageOfPicturePaths(watched, 1, 2, 2);
      pageOfWantedPictures(watched, 1, false, 2, 2);
      pageOfSubmissionPosts(watched, 1, null, 2, 2);
      assert.equal(plans.length, 4);
      for (const plan of plans) {
        assert.match(plan, /SEARCH p USING INTEGER PRIMARY KEY \(rowid>\?\)/);
        assert.doesNotMatch(plan, /ORDER BY/);
      }
    });

    it('list dropped posts a page at a time, with their reason and place', () => {
      work.store.prepare("UPDATE posts SET dropped = 'picture missing', image_path = 'pictures/' || pid || '.jpg' WHERE pid IN ('a2', 'b1')").run();
      const [first, ...rest] = pageOfDroppedPosts(work.store, 1, 0, 1);
      assert.deepEqual(rest, []);
      assert.deepEqual({ ...first!, id: 0 }, { id: 0, pid: 'a2', reason: 'picture missing', title: 'second', imagePath: 'pictures/a2.jpg', file: 'posts.csv', row: 4 });
      assert.deepEqual(pageOfDroppedPosts(work.store, 1, first!.id, 5).map(({ pid }) => pid), ['b1']);
      work.store.prepare('UPDATE posts SET dropped = NULL, image_path = \'\'').run();
    });

    it('find a post by its line', () => {
      assert.equal(postAt(work.store, join(folder, 'posts.csv'), 3)?.pid, 'a1');
      assert.equal(postAt(work.store, join(folder, 'posts.csv'), 1), null);
      assert.equal(postAt(work.store, '/elsewhere/posts.csv', 3), null);
    });

    it('count posts by score', () => {
      assert.deepEqual(scoreCounts(work.store, 1), [[100, 2], [200, 1], [300, 1]]);
    });
  });
}

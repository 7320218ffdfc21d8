// The real Hacker News posts, where this machine has them (SMP_REAL_POSTS).
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { pageOfPosts } from '../../../src/store/posts.ts';
import { usersWithPosts } from './stageFixture.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { openStoreAtWork, removeFolders, type StoreAtWork } from '../sources/sourceFixture.ts';

const path = process.env['SMP_REAL_POSTS'];

(path === undefined ? describe.skip : describe)('the real posts', () => {
  let work: StoreAtWork;
  before(async () => {
    work = await openStoreAtWork();
    await work.index(path!, { name: 'hacker news' });
  });
  after(() => {
    work.store.close();
    removeFolders();
  });

  it('are indexed without hand work', () => {
    const source = requireSource(work.store, 'hacker news');
    assert.deepEqual(source.mapping!.columns, {
      pid: 'id', uid: 'author', time: 'created_at', popularity: 'points', title: 'title', tags: null, category: null, subcategory: null, concept: null, image: null, latitude: null, longitude: null,
    });
    assert.equal(source.mapping!.popularityScale, 'log2-count-plus-1');
    assert.equal(source.statistics!.posts, 10_000);
    assert.equal(source.statistics!.labelled, 10_000);
    assert.equal(source.statistics!.skippedRows, 0);
    assert.equal(usersWithPosts(work.store, source.id).filter(({ posts }) => posts >= 5).length, 254);
  });

  it('carry no outcome: comments are classed as one, and no post has an extra value', () => {
    const source = requireSource(work.store, 'hacker news');
    assert.deepEqual(source.mapping!.outcome, ['comments']);
    assert.ok(pageOfPosts(work.store, source.id, 0, 10_000).every((post) => Object.keys(post.extra).length === 0));
  });

  it('have not changed the second time', async () => {
    assert.equal((await work.index(path!, { name: 'hacker news' })).result.unchanged, true);
  });
});

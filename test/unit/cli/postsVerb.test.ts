// Filters of `smp posts` as a query, and the posts of a query over several pages.
import assert from 'node:assert/strict';
import { listPosts, postsQueryOf, postsText } from '../../../src/cli/postsVerb.ts';
import { EVERY_POST } from '../../../src/protocol/postsView.ts';
import { drain, fillSource, openTestStore, regularPosts } from '../stages/stageFixture.ts';

const asked = (...filter: string[]) => postsQueryOf(null, { filter, sort: 'score', descending: true, limit: '5' }).query;
const experiment = { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' } as const;

describe('smp posts', () => {
  it('reads every filter', () => {
    assert.deepEqual(asked('text=a b', 'user=u1', 'category=Food=x', 'from=2016-01', 'to=2016-03', 'set=few-shot', 'status=used', 'caption=yes', 'prediction=no', 'score=3.00..8.5'), {
      ...EVERY_POST, text: 'a b', user: 'u1', category: 'Food=x', months: { from: '2016-01', to: '2016-03' }, split: 'few-shot', state: 'used', hasCaption: true, hasPrediction: false, scores: { from: 300, to: 850 }, sort: 'score', descending: true,
    });
    assert.equal(asked('score=no').hasScore, false);
  });

  it('refuses what is no filter, naming it', () => {
    for (const filter of ['colour=red', 'text', 'caption=maybe', 'score=high', 'set=train', 'from=May']) assert.throws(() => asked(filter), { name: 'UserError', code: 'filter' }, filter);
    assert.throws(() => postsQueryOf(null, { sort: 'file', limit: '0' }), { code: 'limit' });
  });

  it('lists as many as asked over several pages, each once', async () => {
    const store = await openTestStore();
    fillSource(store, 'posts', regularPosts(100, 5));
    const { posts, matches, all } = await drain(listPosts(store, EVERY_POST, 450, experiment));
    assert.equal(new Set(posts.map((post) => post.pid)).size, 450);
    assert.deepEqual([matches, all], [500, 500]);
    assert.match(postsText(posts.slice(0, 2), matches, all), /u000-0[\s\S]*2 of 500 posts that match, of 500\.$/);
    assert.deepEqual((await drain(listPosts(store, { ...EVERY_POST, user: 'nobody' }, 5, experiment))).posts, []);
  });
});

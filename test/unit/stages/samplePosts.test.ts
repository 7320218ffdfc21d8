import assert from 'node:assert/strict';
import { UserError } from '../../../src/domain/errors.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import { findDraw, usersOfSet } from '../../../src/store/draws.ts';
import { drain, excludePost, fillSource, neverAborted, openTestStore, regularPosts, testContext } from './stageFixture.ts';

const request = { source: 'posts', dataSeed: 7 };

describe('stage sample', () => {
  it('draws users into the sets of the rule, with the range of their training rows', async () => {
    const store = await openTestStore();
    // 100 users with 6 posts, 3 with 2 (pool only), 1 with 1 (nowhere): 20 validation, 40 few-shot, 40 alignment
    const few = regularPosts(3, 2).map((post) => ({ ...post, uid: `p${post.uid}`, pid: `p${post.pid}` }));
    const sourceId = fillSource(store, 'posts', [...regularPosts(100, 6), ...few, { pid: 'lone', uid: 'lone', postedAt: 1, label: 3000 }]);
    const result = await drain(samplePosts(testContext(store), request, neverAborted));
    const draw = findDraw(store, sourceId, 7)!;
    assert.deepEqual(draw.sizes, { validation: 20, 'few-shot': 40, alignment: 40, 'extra-1': 0, 'extra-2': 0, pool: 3 });
    // labels 2.00 … 11.05; the newest of few-shot users is no training row, so the largest training label is 11.04 at most
    assert.deepEqual([draw.rangeMin, draw.rangeMax], [100, 1204]);
    assert.equal(result.unchanged, false);
    assert.match(result.summary, /few-shot 40, alignment 40, pool 3; answers 1\.00–12\.04/);
    assert.deepEqual(draw.details['unused'], {});
    const drawn = (['validation', 'few-shot', 'alignment', 'pool'] as const).flatMap((set) => usersOfSet(store, draw.id, set));
    assert.equal(new Set(drawn).size, 103);
    assert.ok(!drawn.includes('lone'));
  });

  it('does nothing when the posts are the same, and keeps the draw\'s id when they are not', async () => {
    const store = await openTestStore();
    const sourceId = fillSource(store, 'posts', regularPosts(80, 6), { fingerprint: 'a' });
    const context = testContext(store);
    await drain(samplePosts(context, request, neverAborted));
    const first = findDraw(store, sourceId, 7)!;
    assert.equal((await drain(samplePosts(context, request, neverAborted))).unchanged, true);

    fillSource(store, 'posts', regularPosts(80, 6), { fingerprint: 'b' }); // other files, same posts
    assert.equal((await drain(samplePosts(context, request, neverAborted))).unchanged, true);

    excludePost(store, sourceId, usersOfSet(store, first.id, 'few-shot')[0]! + '-5');
    assert.equal((await drain(samplePosts(context, request, neverAborted))).unchanged, false);
    const second = findDraw(store, sourceId, 7)!;
    assert.equal(second.id, first.id);
    assert.notEqual(second.inputHash, first.inputHash);
    assert.deepEqual(second.details['unused'], { 'excluded by a person': 1 });
  });

  it('counts drops by reason, ties in time and albums', async () => {
    const store = await openTestStore();
    // every post of a user at the same time: all later ones are ties, all questions are albums
    const posts = regularPosts(60, 5).map((post) => ({ ...post, postedAt: 1_500_000_000 }));
    const sourceId = fillSource(store, 'posts', [
      ...posts,
      { pid: 'broken', uid: 'u000', postedAt: 2, label: 500, dropped: 'picture broken' },
      { pid: 'new', uid: 'u001', postedAt: 2, label: null },
    ]);
    await drain(samplePosts(testContext(store), request, neverAborted));
    const { details } = findDraw(store, sourceId, 7)!;
    assert.deepEqual(details['unused'], { 'picture broken': 1, 'without a score': 1 });
    assert.equal(details['timeTies'], 60 * 4);
    assert.equal(details['albumShare'], 1);
  });

  it('refuses fewer than 60 eligible users and says what still works', async () => {
    const store = await openTestStore();
    fillSource(store, 'posts', regularPosts(59, 5));
    await assert.rejects(drain(samplePosts(testContext(store), request, neverAborted)), (error) => error instanceof UserError && error.code === 'too-few-users' && /59/.test(error.message));
  });

  it('stops at the signal and leaves nothing behind', async () => {
    const store = await openTestStore();
    const sourceId = fillSource(store, 'posts', regularPosts(80, 5));
    const controller = new AbortController();
    await assert.rejects(drain(samplePosts(testContext(store), request, controller.signal), () => controller.abort()), { name: 'AbortError' });
    assert.equal(findDraw(store, sourceId, 7), undefined);
  });
});

// The wire of the Posts view refuses what is no question and no answer of it, on both ends.
import assert from 'node:assert/strict';
import { postsTexts } from '../../../src/editor/postsTexts.ts';
import { EVERY_POST, keptPostsSchema, LARGEST_SELECTION, POSTS_TEXT_KEYS, POSTS_VIEW, postsNoticeSchema } from '../../../src/protocol/postsView.ts';

const page = { query: EVERY_POST, place: { kind: 'first' }, size: 100 };
const isQuestion = (changes: object): boolean => POSTS_VIEW.page.parameters.safeParse({ ...page, ...changes }).success;

describe('the wire of the Posts view', () => {
  it('takes every place and refuses others', () => {
    const post = { source: 's', pid: '1' };
    for (const place of [{ kind: 'first' }, { kind: 'last' }, { kind: 'from', post }, { kind: 'after', post }, { kind: 'before', post }, { kind: 'position', position: 0 }, { kind: 'value', value: 3.5 }, { kind: 'value', value: 'u' }]) assert.ok(isQuestion({ place }), JSON.stringify(place));
    for (const place of [{ kind: 'offset', offset: 3 }, { kind: 'position', position: -1 }, { kind: 'position', position: 1.5 }, { kind: 'after' }, { kind: 'after', post: { pid: 1 } }, null]) assert.equal(isQuestion({ place }), false, JSON.stringify(place));
  });

  it('refuses queries that name nothing it knows, or too much', () => {
    for (const changes of [{ sort: 'id; DROP TABLE posts' }, { text: 'x'.repeat(201) }, { months: { from: '2016-13', to: null } }, { scores: { from: 1.5, to: 2 } }, { state: 'gone' }, { split: 'train' }, { more: 1 }]) {
      assert.equal(isQuestion({ query: { ...EVERY_POST, ...changes } }), false, JSON.stringify(changes));
    }
    for (const size of [0, -1, 201, 1e9]) assert.equal(isQuestion({ size }), false);
  });

  it('bounds how many posts one decision may name', () => {
    const posts = (count: number) => Array.from({ length: count }, (_, index) => ({ source: 's', pid: String(index) }));
    const accepts = (count: number): boolean => POSTS_VIEW.decide.parameters.safeParse({ kind: 'post-excluded', posts: posts(count), askReason: false }).success;
    assert.deepEqual([accepts(0), accepts(1), accepts(LARGEST_SELECTION), accepts(LARGEST_SELECTION + 1)], [false, true, true, false]);
  });

  it('refuses answers and notices of another shape', () => {
    assert.equal(POSTS_VIEW.page.resultSchema.safeParse({ rows: [], first: 0, matches: 0, all: 0 }).success, true);
    assert.equal(POSTS_VIEW.page.resultSchema.safeParse({ rows: [{}], first: 0, matches: 0, all: 0 }).success, false);
    assert.equal(postsNoticeSchema.safeParse({ type: 'notice', notice: 'changed' }).success, true);
    assert.equal(postsNoticeSchema.safeParse({ type: 'result', id: 1, result: null }).success, false);
    assert.equal(keptPostsSchema.safeParse({ folder: '/x' }).success, false);
  });

  it('gives a text to every key', () => {
    assert.deepEqual(Object.keys(postsTexts((message) => message)).sort(), [...POSTS_TEXT_KEYS].sort());
  });
});

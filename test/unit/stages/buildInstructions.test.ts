import assert from 'node:assert/strict';
import { UserError } from '../../../src/domain/errors.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import { addCaptions } from '../../../src/store/captions.ts';
import { findDraw, usersOfSet } from '../../../src/store/draws.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { drain, excludePost, fillSource, neverAborted, openTestStore, regularPosts, testContext } from './stageFixture.ts';

const request = { source: 'posts', dataSeed: 0, captions: 'any' } as const;

async function sampled() {
  const store = await openTestStore();
  const sourceId = fillSource(store, 'posts', regularPosts(60, 6)); // 20 validation, 20 few-shot, 20 alignment
  const context = testContext(store);
  await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted));
  const draw = findDraw(store, sourceId, 0)!;
  return { store, sourceId, context, draw, instruct: (captions: 'any' | 'approved' = 'any') => drain(buildInstructions(context, { ...request, captions }, neverAborted)) };
}

describe('stage instruct', () => {
  it('renders training and test instructions of every set, with the histories and answers of the method', async () => {
    const { store, draw, instruct } = await sampled();
    const result = await instruct();
    assert.deepEqual(result.counts, { 'alignment test': 60, 'few-shot test': 60, 'few-shot train': 60, 'validation test': 60 });
    const uid = usersOfSet(store, draw.id, 'few-shot')[0]!;
    const pids = [1, 2, 3, 4, 5].map((post) => `${uid}-${post}`); // the five newest of six: p1 … p5
    const level = 200 + (Number(uid.slice(1)) % 10) * 100;
    for (const k of [1, 2, 3]) {
      const train = listInstructions(store, draw.id, 'few-shot', 'train', k)[0]!;
      assert.deepEqual([train.history, train.pid, train.answer], [pids.slice(0, k), pids[k], level + 1 + k]);
      const asked = listInstructions(store, draw.id, 'few-shot', 'test', k)[0]!;
      assert.deepEqual([asked.history, asked.pid, asked.answer], [pids.slice(0, k + 1), pids[4], level + 5]);
      const text = asked.pieces.map(([, piece]) => piece).join('');
      assert.ok(text.includes(`The target user ID is ${uid}.`) && text.includes(`The popularity score of post ${pids[0]} is ${((level + 1) / 100).toFixed(2)}.`));
      assert.ok(!text.includes(`The popularity score of post ${pids[4]}`), 'the answer is not in the prompt');
      assert.equal(asked.album, false);
    }
  });

  it('renders again only what a changed caption is part of', async () => {
    const { store, sourceId, draw, instruct } = await sampled();
    await instruct();
    assert.equal((await instruct()).unchanged, true);
    const uid = usersOfSet(store, draw.id, 'few-shot')[0]!;
    addCaptions(store, sourceId, [{ pid: `${uid}-5`, text: 'a red coat', madeBy: 'a', origin: {} }], 1);
    const again = await instruct();
    assert.equal(again.unchanged, false);
    assert.match(again.summary, /; 3 new or changed/); // the newest post is asked about at k = 1, 2, 3 and stands in no history
    const asked = listInstructions(store, draw.id, 'few-shot', 'test', 1)[0]!;
    assert.ok(asked.pieces.some(([kind, text]) => kind === 'v' && text === ' a red coat'));
  });

  it('warns where captions are there but none is approved', async () => {
    const { store, sourceId, draw, instruct } = await sampled();
    assert.ok(!(await instruct('approved')).summary.includes('No prompt holds a caption'), 'without captions there is nothing to warn of');
    const uid = usersOfSet(store, draw.id, 'few-shot')[0]!;
    addCaptions(store, sourceId, [{ pid: `${uid}-5`, text: 'a boat', madeBy: 'a', origin: {} }], 1);
    assert.match((await instruct('approved')).summary, /No prompt holds a caption: none of the 1 is approved\./);
    assert.ok(!(await instruct('any')).summary.includes('No prompt holds a caption'));
  });

  it('takes approved captions only, when asked to', async () => {
    const { store, sourceId, draw, instruct } = await sampled();
    const [first, second] = usersOfSet(store, draw.id, 'few-shot') as [string, string];
    addCaptions(store, sourceId, [first, second].map((uid) => ({ pid: `${uid}-5`, text: `picture of ${uid}`, madeBy: 'a', origin: {} })), 1);
    const captionId = store.prepare<{ id: number }>('SELECT id FROM captions WHERE pid = ?').get(`${first}-5`)!.id;
    store.prepare("INSERT INTO decisions (id, source_id, pid, kind, payload, author, decided_at) VALUES ('d', ?, ?, 'caption-approved', ?, 'anna', 1)")
      .run(sourceId, `${first}-5`, JSON.stringify({ caption_id: captionId }));
    assert.ok(!(await instruct('approved')).summary.includes('No prompt holds a caption'));
    const texts = listInstructions(store, draw.id, 'few-shot', 'test', 1).slice(0, 2).map((row) => row.pieces.map(([, piece]) => piece).join(''));
    assert.ok(texts[0]!.includes(`shows picture of ${first}`));
    assert.ok(!texts[1]!.includes('shows'));
  });

  it('removes instructions whose question is no longer asked', async () => {
    const { store, sourceId, draw, context, instruct } = await sampled();
    await instruct();
    const uid = usersOfSet(store, draw.id, 'few-shot')[0]!;
    excludePost(store, sourceId, `${uid}-5`);
    await assert.rejects(instruct(), (error) => error instanceof UserError && error.code === 'sample-stale');
    await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted));
    await instruct();
    const asked = store.prepare<{ pid: string }>("SELECT DISTINCT pid FROM instructions WHERE draw_id = ? AND form = 'test' AND uid = ?").all(draw.id, uid);
    assert.deepEqual(asked.map((row) => row.pid), [`${uid}-4`]);
  });

  it('says that users must be drawn first', async () => {
    const store = await openTestStore();
    fillSource(store, 'posts', regularPosts(60, 5));
    await assert.rejects(drain(buildInstructions(testContext(store), request, neverAborted)), (error) => error instanceof UserError && error.code === 'not-sampled');
  });
});

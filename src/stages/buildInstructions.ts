// Stage `instruct`: renders the instruction of every question of every set but the pool's (method.md, sections 2 and 3).
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { isAlbum, POSTS_PER_USER, SHOTS, testWindow, trainingWindow, type Shots, type Window } from '../domain/draws.ts';
import { buildInstruction, type TemplateName } from '../domain/instructions.ts';
import type { LongWork } from '../protocol/progress.ts';
import { SET_NAMES, type SetName, type StageRequest, type StageResult } from '../protocol/stages.ts';
import { captionText, countCaptions, type CaptionPolicy } from '../store/captions.ts';
import type { Database } from '../store/database.ts';
import { requireFreshDraw, usersOfSet, type StoredDraw } from '../store/draws.ts';
import { countInstructions, instructionInputVersion, instructionKey, listInstructions, promptHash, promptPost, removeOtherInstructions, saveInstructions, type StoredInstruction } from '../store/instructions.ts';
import { postsOfUser, type StoredPost } from '../store/posts.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { drawScope, LEARNABLE, readStageState, recordStageSuccess } from '../store/stageStates.ts';
import type { StageContext } from './stageContext.ts';

const USERS_IN_BATCH = 10; // 60 instructions in a transaction, about 10 ms
const POOL_USERS_AT_ONCE = 50; // read before other work of this thread gets its turn, about 10 ms

/** @throws {UserError} `not-sampled`, `sample-stale` */
export async function* buildInstructions({ store, now }: StageContext, request: StageRequest<'instruct'>, signal: AbortSignal): LongWork<StageResult> {
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const scope = drawScope(request);
  const version = instructionInputVersion(store, source, draw.inputHash, request.captions);
  const warning = captionWarning(store, source, request.captions);
  const before = readStageState(store, source.id, 'instruct', scope);
  if (before?.inputHash === version && typeof before.counts[LEARNABLE] === 'string') return resultOf(countInstructions(store, draw.id), 0, true, warning);

  const users = SET_NAMES.filter((set) => set !== 'pool').flatMap((set) => usersOfSet(store, draw.id, set).map((uid) => ({ set, uid })));
  const kept = new Set<string>();
  let changed = 0;
  for (let start = 0; start < users.length; start += USERS_IN_BATCH) {
    const rows = users.slice(start, start + USERS_IN_BATCH).flatMap(({ set, uid }) => instructionsOfUser(store, source, set, uid, request.captions));
    for (const row of rows) kept.add(instructionKey(row));
    changed += saveInstructions(store, draw.id, rows);
    yield { message: 'Rendering instructions', done: Math.min(start + USERS_IN_BATCH, users.length), total: users.length, unit: 'users' };
    signal.throwIfAborted();
  }
  changed += removeOtherInstructions(store, draw.id, kept);
  const counts = countInstructions(store, draw.id);
  const learnable = yield* hashOfLearnable(store, source, draw, request.captions, signal);
  // Where no prompt came out differently, nothing that was made of them is stale: the time stays.
  recordStageSuccess(store, source.id, 'instruct', scope, version, { ...counts, [LEARNABLE]: learnable }, changed === 0 && before ? before.finishedAt : now());
  return resultOf(counts, changed, changed === 0, warning);
}

/** Few-shot users are trained on and tested; the other sets are only asked their newest post. */
function instructionsOfUser(store: Database, source: Source, set: SetName, uid: string, captions: CaptionPolicy): StoredInstruction[] {
  const posts = postsOfUser(store, source.id, uid).slice(-POSTS_PER_USER);
  const texts = new Map(posts.map((post) => [post.pid, captionText(store, source.id, post.pid, captions)]));
  const build = (form: 'train' | 'test', k: Shots, window: Window<StoredPost>): StoredInstruction => {
    const shown = (post: StoredPost) => promptPost(post, texts.get(post.pid)!, source.template);
    const { pieces } = buildInstruction({ template: source.template as TemplateName, uid, history: window.history.map(shown), question: shown(window.question) });
    return {
      set, form, k, pid: window.question.pid, uid, history: window.history.map((post) => post.pid), pieces, answer: window.question.label,
      promptHash: promptHash(pieces), captions, album: isAlbum(window),
    };
  };
  return SHOTS.flatMap((k) => [
    ...(set === 'few-shot' ? [build('train', k, trainingWindow(posts, k))] : []),
    build('test', k, testWindow(posts, k)),
  ]);
}

/**
 * Everything that a model of this draw can learn from: prompts and answers of training, validation and alignment, and what
 * the pool's prompts are rendered from. What is only asked in tests is no part of it: sets share no user.
 */
async function* hashOfLearnable(store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, signal: AbortSignal): LongWork<string> {
  const hash = createHash('sha256');
  for (const [set, form] of [['few-shot', 'train'], ['validation', 'test'], ['alignment', 'test']] as const) {
    for (const row of listInstructions(store, draw.id, set, form)) hash.update(JSON.stringify([set, row.k, row.pid, row.promptHash, row.answer])).update('\n');
  }
  const pool = usersOfSet(store, draw.id, 'pool');
  for (let start = 0; start < pool.length; start += POOL_USERS_AT_ONCE) {
    for (const uid of pool.slice(start, start + POOL_USERS_AT_ONCE)) {
      for (const post of postsOfUser(store, source.id, uid)) hash.update(JSON.stringify([uid, promptPost(post, captionText(store, source.id, post.pid, captions), source.template)])).update('\n');
    }
    yield { message: 'Reading the pool', done: Math.min(start + POOL_USERS_AT_ONCE, pool.length), total: pool.length, unit: 'users' };
    await setImmediate(); // lets other work of this thread in
    signal.throwIfAborted();
  }
  return hash.digest('hex');
}

/** Captions that nobody approved are easily taken for used ones. */
function captionWarning(store: Database, source: Source, captions: CaptionPolicy): string {
  const { captioned, approved } = countCaptions(store, source.id);
  if (captions === 'any' || captioned === 0 || approved > 0) return '';
  return ` No prompt holds a caption: none of the ${captioned.toLocaleString('en')} is approved. With the setting “captions: any” they are used as they are.`;
}

function resultOf(counts: Readonly<Record<string, number>>, changed: number, unchanged: boolean, warning: string): StageResult {
  const listed = Object.entries(counts).map(([name, count]) => `${name} ${count.toLocaleString('en')}`).join(', ');
  return { summary: `Instructions: ${listed}${changed > 0 ? `; ${changed.toLocaleString('en')} new or changed` : ''}.${warning}`, counts, unchanged };
}

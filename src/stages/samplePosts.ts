// Stage `sample`: draws the users of a source into sets (method.md, section 2) and freezes the range of answers with them.
import { createHash } from 'node:crypto';
import { answerRange, drawSets, isAlbum, POSTS_PER_USER, testWindow, type Draw } from '../domain/draws.ts';
import type { LongWork } from '../protocol/progress.ts';
import { SET_NAMES, type SetName, type StageRequest, type StageResult } from '../protocol/stages.ts';
import { drawInputVersion, findDraw, pageForDraw, saveDraw, unusedPosts, type DrawPost, type StoredDraw } from '../store/draws.ts';
import { requireSource } from '../store/sources.ts';
import { drawScope, readStageState, recordStageSuccess } from '../store/stageStates.ts';
import type { StageContext } from './stageContext.ts';

const PAGE = 5_000; // posts read between two looks at the signal

/** @throws {UserError} `too-few-users` below 60 eligible users, `no-labels`, `score-out-of-range` */
export async function* samplePosts({ store, now }: StageContext, request: StageRequest<'sample'>, signal: AbortSignal): LongWork<StageResult> {
  const source = requireSource(store, request.source);
  const scope = drawScope(request);
  const version = drawInputVersion(store, source);
  const existing = findDraw(store, source.id, request.dataSeed);
  const before = readStageState(store, source.id, 'sample', scope);
  if (existing && before?.inputHash === version) return resultOf(existing, true);

  const users = new Map<string, DrawPost[]>();
  const hash = createHash('sha256');
  let posts = 0;
  for (let page = pageForDraw(store, source.id, { uid: '', userOrder: -1 }, PAGE); page.length > 0; page = pageForDraw(store, source.id, page.at(-1)!, PAGE)) {
    for (const post of page) {
      const ofUser = users.get(post.uid);
      if (ofUser) ofUser.push(post);
      else users.set(post.uid, [post]);
      hash.update(JSON.stringify([post.uid, post.pid, post.postedAt, post.label])).update('\n');
    }
    posts += page.length;
    yield { message: 'Reading posts', done: posts, unit: 'posts' };
    signal.throwIfAborted();
  }
  const inputHash = hash.digest('hex');
  if (existing?.inputHash === inputHash) {
    recordStageSuccess(store, source.id, 'sample', scope, version, countsOf(existing), before?.finishedAt ?? now()); // nothing that was made of it is stale
    return resultOf(existing, true);
  }

  yield { message: 'Drawing users' };
  signal.throwIfAborted();
  const drawn = drawSets({ eligible: uidsWith(users, POSTS_PER_USER), poolCandidates: uidsWith(users, 2), seed: request.dataSeed });
  const range = answerRange(source.kind.startsWith('smpd') ? 'smpd' : 'other', trainingLabels(users, drawn));
  const draw: Omit<StoredDraw, 'id'> = {
    sourceId: source.id, seed: request.dataSeed, generator: drawn.generator, inputHash, sizes: drawn.sizes,
    rangeMin: range.min, rangeMax: range.max, drawnAt: now(),
    details: {
      users: users.size, eligible: uidsWith(users, POSTS_PER_USER).length, posts, timeTies: timeTies(users), albumShare: albumShare(users, drawn),
      unused: unusedPosts(store, source.id),
    },
  };
  const id = saveDraw(store, draw, drawn.sets);
  recordStageSuccess(store, source.id, 'sample', scope, version, countsOf(draw), now());
  return resultOf({ id, ...draw }, false);
}

const uidsWith = (users: ReadonlyMap<string, readonly DrawPost[]>, posts: number): string[] =>
  [...users].filter(([, ofUser]) => ofUser.length >= posts).map(([uid]) => uid);

const newestPosts = (users: ReadonlyMap<string, readonly DrawPost[]>, uid: string): readonly DrawPost[] => users.get(uid)!.slice(-POSTS_PER_USER);

/** Scores of the rows that a model trains on: p1 … p4 of the few-shot users and everything of the pool. */
function* trainingLabels(users: ReadonlyMap<string, readonly DrawPost[]>, drawn: Draw): IterableIterator<number> {
  for (const uid of drawn.sets['few-shot']) for (const post of newestPosts(users, uid).slice(0, -1)) yield post.label;
  for (const uid of drawn.sets.pool) for (const post of users.get(uid)!) yield post.label;
}

/** Posts whose time is the one of the user's post before: their order rests on their ids alone. */
function timeTies(users: ReadonlyMap<string, readonly DrawPost[]>): number {
  let ties = 0;
  for (const posts of users.values()) for (let i = 1; i < posts.length; i++) if (posts[i]!.postedAt === posts[i - 1]!.postedAt) ties += 1;
  return ties;
}

/** Share of the drawn users whose newest post belongs to an album of the four before (3-shot test, the longest history). */
function albumShare(users: ReadonlyMap<string, readonly DrawPost[]>, drawn: Draw): number {
  const uids = SET_NAMES.filter((set) => set !== 'pool').flatMap((set) => drawn.sets[set]);
  const albums = uids.filter((uid) => isAlbum(testWindow(newestPosts(users, uid), 3)));
  return albums.length / uids.length;
}

function countsOf(draw: Omit<StoredDraw, 'id'>): Record<string, number | string> {
  return { ...draw.sizes, rangeMin: draw.rangeMin, rangeMax: draw.rangeMax };
}

function resultOf(draw: StoredDraw, unchanged: boolean): StageResult {
  const sizes = SET_NAMES.filter((set) => draw.sizes[set] > 0).map((set: SetName) => `${set} ${draw.sizes[set].toLocaleString('en')}`).join(', ');
  const counts: Record<string, number | string> = { ...countsOf(draw) };
  for (const [name, value] of Object.entries(draw.details)) if (typeof value !== 'object') counts[name] = value;
  const range = `${(draw.rangeMin / 100).toFixed(2)}–${(draw.rangeMax / 100).toFixed(2)}`;
  const tied = draw.details['timeTies'];
  const ties = typeof tied === 'number' && tied > 0 ? `; posts at the same time as another of their user, ordered by id: ${tied.toLocaleString('en')}` : '';
  return { summary: `Users by set: ${sizes}; answers ${range}${ties}.`, counts, unchanged };
}

// Draws users into sets that share nobody, and a user's posts into histories and questions (method.md, section 2, "Ours").
// One seed determines everything, the same on every machine.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { UserError } from './errors.ts';
import { compareByCodePoint, LARGEST_SCORE, type Hundredths } from './posts.ts';
import { GENERATOR_NAME, seededGenerator } from './seededGenerator.ts';

export const POSTS_PER_USER = 5; // the newest ones, p1 … p5
export const SHOTS = [1, 2, 3] as const; // k
export type Shots = (typeof SHOTS)[number];

const FULL_SET = 200; // users in each of the paper's sets
const SMALLEST_EXTRA_SET = 50; // below, an interval says nothing
const SMALLEST_DRAW = 60;

export type DrawnSet = 'validation' | 'few-shot' | 'alignment' | 'extra-1' | 'extra-2';
export type DrawSizes = Readonly<Record<DrawnSet, number>>;

/**
 * How many of `eligible` users (those with at least 5 usable labelled posts) each set gets; an extra set may get 0.
 * Throws a UserError below 60 users.
 */
export function setSizes(eligible: number): DrawSizes {
  if (eligible < SMALLEST_DRAW) {
    throw new UserError(
      'too-few-users',
      `Only ${eligible} users have at least ${POSTS_PER_USER} usable labelled posts; the few-shot protocol needs ${SMALLEST_DRAW}.`,
      'Browsing, searching and captioning these posts still work, and so does predicting them with a model trained on other data. Add posts of more users to draw sets.',
    );
  }
  const validation = Math.min(400, Math.max(20, Math.floor(eligible / 10)));
  const rest = eligible - validation;
  if (rest >= 4 * FULL_SET) return { validation, 'few-shot': FULL_SET, alignment: FULL_SET, 'extra-1': FULL_SET, 'extra-2': FULL_SET };
  const main = Math.min(FULL_SET, Math.floor(rest / 2));
  const left = rest - 2 * main;
  const half = Math.floor(left / 2);
  if (half >= SMALLEST_EXTRA_SET) return { validation, 'few-shot': main, alignment: main, 'extra-1': half, 'extra-2': half };
  return { validation, 'few-shot': main, alignment: main, 'extra-1': left >= SMALLEST_EXTRA_SET ? left : 0, 'extra-2': 0 };
}

export interface Draw {
  readonly sets: Readonly<Record<DrawnSet | 'pool', readonly string[]>>; // Uids, in the order drawn; the pool by code point
  readonly sizes: Readonly<Record<DrawnSet | 'pool', number>>;
  readonly generator: string;
}

export interface DrawRequest {
  readonly eligible: Iterable<string>; // Uids with at least 5 usable labelled posts, in any order
  readonly poolCandidates: Iterable<string>; // Uids with at least 2; may name eligible users again
  readonly seed: number; // integer, 0 … 2³¹ − 1
}

/** Sets by one shuffle of the sorted eligible users, in slices; the pool is everybody else. Throws a UserError below 60 eligible users. */
export function drawSets({ eligible, poolCandidates, seed }: DrawRequest): Draw {
  const users = [...new Set(eligible)].sort(compareByCodePoint);
  const sizes = setSizes(users.length);
  shuffle(users, seed);
  let taken = 0;
  const take = (set: DrawnSet): string[] => users.slice(taken, (taken += sizes[set]));
  const drawn = { validation: take('validation'), 'few-shot': take('few-shot'), alignment: take('alignment'), 'extra-1': take('extra-1'), 'extra-2': take('extra-2') };
  const inSets = new Set(users.slice(0, taken));
  const pool = [...new Set([...users, ...poolCandidates])].filter((uid) => !inSets.has(uid)).sort(compareByCodePoint);
  return { sets: { ...drawn, pool }, sizes: { ...sizes, pool: pool.length }, generator: `${GENERATOR_NAME}, uniformInt, Fisher-Yates from the end` };
}

/** Fisher–Yates in place, from the end. */
function shuffle(values: string[], seed: number): void {
  const generator = seededGenerator(seed);
  for (let last = values.length - 1; last > 0; last--) {
    const chosen = uniformInt(generator, 0, last);
    [values[last], values[chosen]] = [values[chosen]!, values[last]!];
  }
}

/** The answers a data set allows, both ends included. */
export interface ScoreRange {
  readonly min: Hundredths;
  readonly max: Hundredths;
}

/** SMPD's own, and so that of the demo in its layout. */
export const SMPD_RANGE: ScoreRange = { min: 100, max: 1656 };
const STEP = 100; // one step of 1 in the score

/**
 * The range of answers, which belongs to the data (method.md, section 3): SMPD's own, else one step beyond the smallest and
 * largest of `labels` (those of the training and pool rows), never below 0 nor above 31.99.
 * Throws a UserError when there is no label, or one that no prompt can hold.
 */
export function answerRange(source: 'smpd' | 'other', labels: Iterable<Hundredths>): ScoreRange {
  if (source === 'smpd') return SMPD_RANGE;
  let min = Infinity;
  let max = -Infinity;
  for (const label of labels) {
    min = Math.min(min, label);
    max = Math.max(max, label);
  }
  if (min === Infinity) {
    throw new UserError('no-labels', 'No training post has a score, so there is no range of answers.', 'Choose the column that holds the popularity when you index the posts.');
  }
  if (min < 0 || max > LARGEST_SCORE) {
    const culprit = min < 0 ? min : max;
    throw new UserError('score-out-of-range', `A score of ${(culprit / 100).toFixed(2)} lies outside 0 … 31.99.`, 'Index the posts with the scale log2(count + 1), or shift the scores so that none is negative.');
  }
  return { min: Math.max(0, min - STEP), max: Math.min(LARGEST_SCORE, max + STEP) };
}

/** Consecutive posts of one user, oldest first, and the post that is asked about. */
export interface Window<Post> {
  readonly history: readonly Post[];
  readonly question: Post;
}

/** k-shot training: p1 … pk, asked about p(k+1). `posts` are a user's 5 newest, oldest first. */
export function trainingWindow<Post>(posts: readonly Post[], shots: Shots): Window<Post> {
  return windowOf(newestFive(posts), 0, shots, shots);
}

/** k-shot test, and the alignment set: p1 … p(k+1), asked about p5. `posts` are a user's 5 newest, oldest first. */
export function testWindow<Post>(posts: readonly Post[], shots: Shots): Window<Post> {
  return windowOf(newestFive(posts), 0, shots + 1, POSTS_PER_USER - 1);
}

/** Every window of a pool user: any 1 … 4 consecutive posts, asked about the next. `posts` are all of the user's, oldest first. */
export function poolWindows<Post>(posts: readonly Post[]): Window<Post>[] {
  const windows: Window<Post>[] = [];
  for (let question = 1; question < posts.length; question++) {
    for (let length = 1; length <= Math.min(POSTS_PER_USER - 1, question); length++) {
      windows.push(windowOf(posts, question - length, length, question));
    }
  }
  return windows;
}

function newestFive<Post>(posts: readonly Post[]): readonly Post[] {
  if (posts.length !== POSTS_PER_USER) throw new Error(`Few-shot windows need a user's ${POSTS_PER_USER} newest posts, not ${posts.length}.`);
  return posts;
}

function windowOf<Post>(posts: readonly Post[], start: number, length: number, question: number): Window<Post> {
  return { history: posts.slice(start, start + length), question: posts[question]! };
}

const ALBUM_SECONDS = 3600;

interface TimedTitle {
  readonly postedAt: number; // unix seconds
  readonly title: string;
}

/**
 * Whether the question belongs to an album of its history: within an hour of a history post, or titled as one. Such a
 * question is nearly answered by its history. Times of whole days count as the same hour, the cautious side.
 */
export function isAlbum({ history, question }: Window<TimedTitle>): boolean {
  const title = normaliseTitle(question.title);
  return history.some((post) => Math.abs(question.postedAt - post.postedAt) <= ALBUM_SECONDS || (title !== '' && normaliseTitle(post.title) === title));
}

function normaliseTitle(title: string): string {
  return title.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
}

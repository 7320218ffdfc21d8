// Preference data (method.md, sections 5 and 6): which of two answers is better, and how hard the loss punishes a pair.
// Errors are compared as integer hundredths. These are the only W and μ there are: a frozen training set carries μ.
import type { ScoreRange } from './draws.ts';
import { UserError } from './errors.ts';
import { formatHundredths, type Hundredths } from './posts.ts';

/** The score that an answer states, or null where it is no number with two decimals or lies outside `range`. */
export function parseAnswer(text: string, range: ScoreRange): Hundredths | null {
  if (!/^\s*\d{1,2}\.\d{2}\s*$/.test(text)) return null;
  const score = Number(text.trim().replace('.', ''));
  return score >= range.min && score <= range.max ? score : null;
}

export type PairState = 'ordered' | 'tie' | 'unparsable';

/** Two answers to one instruction. `chosen` has the smaller error where ordered; a tie keeps the order in which they were drawn. */
export interface AnswerPair {
  readonly state: PairState;
  readonly chosen: string; // canonical ('7.52'); as the model wrote it where it states no score
  readonly rejected: string;
  readonly errorChosen: Hundredths | null; // M, the absolute error; null where the answer states no score
  readonly errorRejected: Hundredths | null;
}

/** Orders two answers by their absolute errors against the true score. Of an unparsable pair, the side that states a score stands first. */
export function orderAnswers(first: string, second: string, truth: Hundredths, range: ScoreRange): AnswerPair {
  const sides = [first, second].map((text) => {
    const score = parseAnswer(text, range);
    return score === null ? { text, error: null } : { text: formatHundredths(score), error: Math.abs(score - truth) };
  }) as [AnswerSide, AnswerSide];
  const [a, b] = sides;
  if (a.error === null || b.error === null) {
    return a.error === null && b.error !== null ? pairOf('unparsable', b, a) : pairOf('unparsable', a, b);
  }
  if (a.error === b.error) return pairOf('tie', a, b);
  return a.error < b.error ? pairOf('ordered', a, b) : pairOf('ordered', b, a);
}

interface AnswerSide {
  readonly text: string;
  readonly error: Hundredths | null;
}

function pairOf(state: PairState, chosen: AnswerSide, rejected: AnswerSide): AnswerPair {
  return { state, chosen: chosen.text, rejected: rejected.text, errorChosen: chosen.error, errorRejected: rejected.error };
}

/** Mmin and Mmax of (13), in hundredths. Frozen with an export. */
export interface ErrorRange {
  readonly min: Hundredths;
  readonly max: Hundredths;
}

/**
 * Mmin and Mmax over both answers of every parsed pair, ties included, before any filter or decision.
 * Throws a UserError when there are none or all errors are equal: (13) would divide by zero.
 */
export function errorRange(pairs: Iterable<AnswerPair>): ErrorRange {
  let min = Infinity;
  let max = -Infinity;
  for (const { errorChosen, errorRejected } of pairs) {
    if (errorChosen === null || errorRejected === null) continue;
    min = Math.min(min, errorChosen, errorRejected);
    max = Math.max(max, errorChosen, errorRejected);
  }
  if (min === Infinity) {
    throw new UserError('no-parsed-pairs', 'No pair has two answers that are scores within the range.', 'Look at the answers in the list of pairs; a model that has not learned the format needs more training before it can be aligned.');
  }
  if (min === max) {
    throw new UserError('equal-errors', `Every answer of every pair has the same error, ${formatHundredths(min)}, so there is nothing to prefer.`, 'Draw the answers again with another seed, or train the model for other steps first.');
  }
  return { min, max };
}

/** W of an answer with absolute error M, by (13): 10·exp(−α·M / (Mmax − Mmin)). */
export function answerWeight(error: Hundredths, range: ErrorRange, alpha: number): number {
  return 10 * Math.exp((-alpha * error) / (range.max - range.min));
}

export interface PenaltySettings {
  readonly mode: 'ours' | 'paper';
  readonly alpha: number;
  readonly lambda: number;
  readonly delta: number;
  readonly cap: number; // largest μ; not used in `paper` mode
}

/**
 * μ of a pair, by (14): λ / (W_chosen − W_rejected + δ).
 * Ours: at most `cap`, and `cap` for a pair whose chosen answer is no better, which only a person can have kept (swapped, or
 * a tie): (14) alone would turn its penalty into a reward. `paper` has no cap and takes the machine's order alone, so there
 * such a pair is a bug of the caller and throws.
 */
export function penaltyStrength(errorChosen: Hundredths, errorRejected: Hundredths, range: ErrorRange, settings: PenaltySettings): number {
  const { mode, alpha, lambda, delta, cap } = settings;
  const isBetter = errorChosen < errorRejected;
  if (!isBetter && mode === 'paper') throw new Error(`The paper's μ needs a chosen answer with the smaller error, not ${errorChosen} against ${errorRejected}.`);
  if (!isBetter) return cap;
  const strength = lambda / (answerWeight(errorChosen, range, alpha) - answerWeight(errorRejected, range, alpha) + delta);
  return mode === 'paper' ? strength : Math.min(cap, strength);
}

/**
 * Why a pair takes no part in preference training, or null when it does: ordered pairs do whose errors differ by at least
 * `margin` hundredths (null: no minimum, as in the paper).
 */
export function reasonLeftOut(pair: AnswerPair, margin: Hundredths | null): 'tie' | 'unparsable' | 'margin' | null {
  const { state, errorChosen, errorRejected } = pair;
  if (state === 'tie') return 'tie';
  if (state !== 'ordered' || errorChosen === null || errorRejected === null) return 'unparsable';
  return margin !== null && errorRejected - errorChosen < margin ? 'margin' : null;
}

export interface TrainingPairs<Pair> {
  readonly pairs: readonly { readonly pair: Pair; readonly mu: number }[];
  readonly range: ErrorRange;
  readonly leftOut: { readonly tie: number; readonly unparsable: number; readonly margin: number };
}

/** The pairs that preference training sees, with μ. `margin` as in `reasonLeftOut`. Throws a UserError where `errorRange` does. */
export function trainingPairs<Pair extends AnswerPair>(pairs: readonly Pair[], settings: PenaltySettings & { readonly margin: Hundredths | null }): TrainingPairs<Pair> {
  const range = errorRange(pairs);
  const leftOut = { tie: 0, unparsable: 0, margin: 0 };
  const kept: { pair: Pair; mu: number }[] = [];
  for (const pair of pairs) {
    const reason = reasonLeftOut(pair, settings.margin);
    if (reason === null) kept.push({ pair, mu: penaltyStrength(pair.errorChosen!, pair.errorRejected!, range, settings) });
    else leftOut[reason]++;
  }
  return { pairs: kept, range, leftOut };
}

// How sure a number is (method.md, section 7): bootstrap with users as clusters, paired across methods; a sign-flip
// permutation test of a difference; Holm's correction for a table.
import type { Hundredths } from './posts.ts';
import { seededGenerator } from './seededGenerator.ts';

const RESAMPLES = 10_000;

/** One method's answers to the questions of a set, in the order of the questions. */
export interface MethodAnswers {
  readonly predictions: readonly (Hundredths | null)[]; // null: no number within the range
  readonly fallback: Hundredths; // stands for failures in `maeFilled`: the median of the labels that the method was fitted on
}

export interface BootstrapRequest {
  readonly users: readonly string[]; // the Uid of each question; a user's questions are drawn together
  readonly truths: readonly Hundredths[];
  readonly methods: readonly MethodAnswers[];
  readonly seed: number;
  readonly resamples?: number; // RESAMPLES unless a test says otherwise
}

/** A method's measures in every resample, shape (resamples). The same index is the same draw of users for all methods. */
export interface ResampledMeasures {
  readonly mae: Float64Array; // over answers that are numbers, as a score; NaN where the resample has none
  readonly maeFilled: Float64Array; // failures replaced by the fallback
  readonly spearman: Float64Array; // over answers that are numbers; NaN where predictions or truths are all equal
}

/**
 * Draws users with replacement and measures every method on the same draws. Linear in the questions: values are sorted
 * once, and a resample only changes how often each counts, so its average ranks are running sums of these counts.
 */
export function bootstrap({ users, truths, methods, seed, resamples = RESAMPLES }: BootstrapRequest): ResampledMeasures[] {
  const clusterOf = clusterIndices(users);
  const clusters = 1 + clusterOf.reduce((largest, cluster) => Math.max(largest, cluster), -1);
  const rankings = new Map<string, TruthRanks>(); // shared by methods that fail on the same questions
  const measured = methods.map((method) => {
    const failed = indicesWhere(method.predictions, (prediction) => prediction === null);
    const key = failed.join();
    const ranking = rankings.get(key) ?? new TruthRanks(truths, indicesWhere(method.predictions, (prediction) => prediction !== null));
    rankings.set(key, ranking);
    return new MeasuredMethod(method, truths, failed, ranking, resamples);
  });

  const generator = seededGenerator(seed);
  const drawn = new Uint32Array(clusters);
  const weights = new Float64Array(users.length); // how often each question counts in this resample
  for (let resample = 0; resample < resamples; resample++) {
    drawn.fill(0);
    // 32 bits scaled to an index: no rejection, four times as fast, and off by less than clusters / 2³² in probability.
    for (let i = 0; i < clusters; i++) drawn[Math.floor(((generator.next() >>> 0) / 2 ** 32) * clusters)]!++;
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i] = drawn[clusterOf[i]!]!;
    for (const ranking of rankings.values()) ranking.update(weights);
    for (const method of measured) method.measure(weights, total, resample);
  }
  return measured;
}

/** Questions in the order of a value, with the end of each group of equal values. */
class SortedGroups {
  readonly order: Int32Array; // indices of questions
  readonly ends: Int32Array; // into `order`, one a group

  constructor(values: readonly number[], questions: Int32Array) {
    this.order = questions.slice().sort((a, b) => values[a]! - values[b]!);
    const ends: number[] = [];
    for (let i = 1; i <= this.order.length; i++) {
      if (i === this.order.length || values[this.order[i]!] !== values[this.order[i - 1]!]) ends.push(i);
    }
    this.ends = Int32Array.from(ends);
  }
}

/** Weighted average ranks of the truths of some questions. */
class TruthRanks {
  readonly ranks: Float64Array; // by question
  total = 0; // weight of all these questions
  sumOfSquares = 0; // of the ranks, weighted
  readonly #groups: SortedGroups;

  constructor(truths: readonly Hundredths[], questions: Int32Array) {
    this.ranks = new Float64Array(truths.length);
    this.#groups = new SortedGroups(truths, questions);
  }

  update(weights: Float64Array): void {
    const { order, ends } = this.#groups;
    const ranks = this.ranks;
    let before = 0;
    let squares = 0;
    let start = 0;
    for (let group = 0; group < ends.length; group++) {
      const end = ends[group]!;
      let weight = 0;
      for (let i = start; i < end; i++) weight += weights[order[i]!]!;
      const rank = before + (weight + 1) / 2;
      for (let i = start; i < end; i++) ranks[order[i]!] = rank;
      squares += weight * rank * rank;
      before += weight;
      start = end;
    }
    this.total = before;
    this.sumOfSquares = squares;
  }
}

class MeasuredMethod implements ResampledMeasures {
  readonly mae: Float64Array;
  readonly maeFilled: Float64Array;
  readonly spearman: Float64Array;
  readonly #errors: Float64Array; // absolute, hundredths, failures filled
  readonly #failed: Int32Array; // questions
  readonly #groups: SortedGroups;
  readonly #truth: TruthRanks;

  constructor({ predictions, fallback }: MethodAnswers, truths: readonly Hundredths[], failed: Int32Array, truth: TruthRanks, resamples: number) {
    this.mae = new Float64Array(resamples);
    this.maeFilled = new Float64Array(resamples);
    this.spearman = new Float64Array(resamples);
    this.#errors = Float64Array.from(truths, (label, i) => Math.abs((predictions[i] ?? fallback) - label));
    this.#failed = failed;
    this.#groups = new SortedGroups(predictions.map((prediction) => prediction ?? NaN), indicesWhere(predictions, (prediction) => prediction !== null));
    this.#truth = truth;
  }

  measure(weights: Float64Array, total: number, resample: number): void {
    const errors = this.#errors;
    let error = 0;
    for (let i = 0; i < weights.length; i++) error += weights[i]! * errors[i]!;
    let failedError = 0;
    for (const question of this.#failed) failedError += weights[question]! * errors[question]!;
    this.maeFilled[resample] = error / total / 100;
    this.mae[resample] = (error - failedError) / this.#truth.total / 100; // 0 / 0 is NaN, as promised
    this.spearman[resample] = this.#rankCorrelation(weights);
  }

  #rankCorrelation(weights: Float64Array): number {
    const { order, ends } = this.#groups;
    const { ranks, total, sumOfSquares } = this.#truth;
    let before = 0;
    let squares = 0;
    let products = 0;
    let start = 0;
    for (let group = 0; group < ends.length; group++) {
      const end = ends[group]!;
      let weight = 0;
      let truthRanks = 0;
      for (let i = start; i < end; i++) {
        const question = order[i]!;
        weight += weights[question]!;
        truthRanks += weights[question]! * ranks[question]!;
      }
      const rank = before + (weight + 1) / 2;
      squares += weight * rank * rank;
      products += rank * truthRanks;
      before += weight;
      start = end;
    }
    const correction = (total * (total + 1) ** 2) / 4; // the mean rank is (total + 1) / 2 whatever the ties
    const variances = (squares - correction) * (sumOfSquares - correction);
    return variances <= 0 ? NaN : (products - correction) / Math.sqrt(variances);
  }
}

function clusterIndices(users: readonly string[]): Int32Array {
  const clusters = new Map<string, number>();
  return Int32Array.from(users, (user) => {
    const cluster = clusters.get(user) ?? clusters.size;
    clusters.set(user, cluster);
    return cluster;
  });
}

function indicesWhere<Value>(values: readonly Value[], holds: (value: Value) => boolean): Int32Array {
  return Int32Array.from(values.flatMap((value, i) => (holds(value) ? [i] : [])));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The middle 95 % of the resamples (percentiles, linear between order statistics as numpy's), NaN left out; null when all are NaN. */
export function percentileInterval(resampled: Float64Array): Interval | null {
  const sorted = resampled.filter((value) => !Number.isNaN(value)).sort();
  return sorted.length === 0 ? null : { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const lower = sorted[below]!;
  return lower + (position - below) * (sorted[Math.min(below + 1, sorted.length - 1)]! - lower);
}

/** The interval of a difference between two methods that were measured on the same draws, `method` less `reference`. */
export function differenceInterval(method: Float64Array, reference: Float64Array): Interval | null {
  return percentileInterval(method.map((value, i) => value - reference[i]!));
}

/**
 * Two-sided sign-flip permutation test of paired differences, one a user (a sum where a user has several questions), in
 * hundredths: the share of random sign patterns whose sum lies at least as far from 0, the observed one counted in, so
 * never 0. With hundredths sums are exact, and ties count as they must.
 */
export function signFlipTest(differences: readonly number[], seed: number, flips: number = RESAMPLES): number {
  const values = Float64Array.from(differences);
  const sum = values.reduce((running, value) => running + value, 0);
  const observed = Math.abs(sum);
  const generator = seededGenerator(seed);
  let asFar = 1;
  for (let flip = 0; flip < flips; flip++) {
    let positive = 0; // sum of the values whose sign is kept
    let bits = 0;
    for (let i = 0; i < values.length; i++) {
      if (i % 32 === 0) bits = generator.next(); // 32 signs a draw
      positive += (bits & 1) * values[i]!;
      bits >>>= 1;
    }
    if (Math.abs(2 * positive - sum) >= observed) asFar++;
  }
  return asFar / (flips + 1);
}

/** Holm's step-down correction of a table's p-values, in their order. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, position) => {
    largest = Math.max(largest, Math.min(1, pValues[index]! * (pValues.length - position)));
    adjusted[index] = largest;
  });
  return adjusted;
}

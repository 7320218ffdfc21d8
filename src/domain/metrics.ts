// How predictions are measured (method.md, section 7). Predictions and truths are integer hundredths; null is an answer
// that is no number within the range. Errors are returned as scores.
import type { Hundredths } from './posts.ts';

/** 'equal': all predictions (or all truths) are equal, printed NaN. 'unparsable': more than half are no numbers, printed —. */
export type NoCorrelation = 'equal' | 'unparsable';

/** MAE, equation (15), over the answers that are numbers, as a score; null when there are none. */
export function meanAbsoluteError(predictions: readonly (Hundredths | null)[], truths: readonly Hundredths[]): number | null {
  const { predicted, actual } = parsedPairs(predictions, truths);
  return predicted.length === 0 ? null : predicted.reduce((sum, value, i) => sum + Math.abs(value - actual[i]!), 0) / predicted.length / 100;
}

/** Failures replaced by `fallback`, the median of the training labels. */
export function fillFailures(predictions: readonly (Hundredths | null)[], fallback: Hundredths): Hundredths[] {
  return predictions.map((prediction) => prediction ?? fallback);
}

/** Spearman's rank correlation with average ranks for ties, as scipy.stats.spearmanr, over the answers that are numbers. */
export function spearman(predictions: readonly (Hundredths | null)[], truths: readonly Hundredths[]): number | NoCorrelation {
  return correlation(predictions, truths, (predicted, actual) => productMoment(averageRanks(predicted), averageRanks(actual)));
}

/** Pearson's correlation of raw values: the paper's equation (16) as it is printed, over the answers that are numbers. */
export function pearson(predictions: readonly (Hundredths | null)[], truths: readonly Hundredths[]): number | NoCorrelation {
  return correlation(predictions, truths, productMoment);
}

/** Ranks from 1; equal values share the mean of the ranks that they take up. */
export function averageRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

function correlation(
  predictions: readonly (Hundredths | null)[], truths: readonly Hundredths[], measure: (predicted: readonly number[], actual: readonly number[]) => number | null,
): number | NoCorrelation {
  const { predicted, actual } = parsedPairs(predictions, truths);
  if (isMostlyUnparsable(predicted.length, predictions.length)) return 'unparsable';
  return measure(predicted, actual) ?? 'equal';
}

/** The paper's "—": more than half of the answers are no numbers. */
function isMostlyUnparsable(parsed: number, asked: number): boolean {
  return 2 * (asked - parsed) > asked;
}

/** Null where one side does not vary. */
function productMoment(x: readonly number[], y: readonly number[]): number | null {
  const meanX = mean(x);
  const meanY = mean(y);
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    xx += (x[i]! - meanX) ** 2;
    yy += (y[i]! - meanY) ** 2;
    xy += (x[i]! - meanX) * (y[i]! - meanY);
  }
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function parsedPairs(predictions: readonly (Hundredths | null)[], truths: readonly Hundredths[]): { predicted: number[]; actual: number[] } {
  if (predictions.length !== truths.length) throw new Error(`${predictions.length} predictions do not belong to ${truths.length} truths.`);
  const predicted: number[] = [];
  const actual: number[] = [];
  predictions.forEach((prediction, i) => {
    if (prediction === null) return;
    predicted.push(prediction);
    actual.push(truths[i]!);
  });
  return { predicted, actual };
}

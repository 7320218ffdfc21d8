// Ridge regression on standardised features, its penalty chosen by cross-validation whose folds are users.
import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** Rows of one kind: `features` has shape (columns), the same for all. */
export interface RidgeRow {
  readonly user: string; // rows of a user never stand on both sides of a fold
  readonly features: readonly number[];
  readonly target: number;
}

export type RidgePredictor = (features: readonly number[]) => number;

export const RIDGE_PENALTIES: readonly number[] = [0.1, 1, 10, 100, 1000, 10_000];
const FOLDS = 5;

/**
 * Minimises Σ (y − b − z·w)² + λ |w|², where z are the features standardised on the rows (population SD) and the
 * intercept b is free. A column that does not vary gets weight 0.
 */
export function fitRidge(rows: readonly RidgeRow[], penalty: number): RidgePredictor {
  return solveRidge(momentsOf(rows), penalty);
}

/** Ridge with the λ of RIDGE_PENALTIES whose mean absolute error over users held out is smallest (the larger λ among equals). */
export function fitCrossValidatedRidge(rows: readonly RidgeRow[]): { readonly predict: RidgePredictor; readonly penalty: number } {
  const folds = foldsByUser(rows);
  const moments = folds.map(momentsOf);
  const all = moments.reduce(addMoments);
  let best = { penalty: RIDGE_PENALTIES.at(-1)!, error: Infinity };
  for (const penalty of RIDGE_PENALTIES.toReversed()) {
    let error = 0;
    folds.forEach((held, fold) => {
      const predict = solveRidge(moments.filter((_, other) => other !== fold).reduce(addMoments), penalty);
      for (const { features, target } of held) error += Math.abs(predict(features) - target);
    });
    if (error < best.error) best = { penalty, error };
  }
  return { predict: solveRidge(all, best.penalty), penalty: best.penalty };
}

/** Users in the order in which they come, dealt out like cards. Throws with fewer than two users (a bug: sets have 20 at least). */
function foldsByUser(rows: readonly RidgeRow[]): RidgeRow[][] {
  const users = [...new Set(rows.map(({ user }) => user))];
  if (users.length < 2) throw new Error('Cross-validation by user needs two users.');
  const foldOf = new Map(users.map((user, i) => [user, i % FOLDS]));
  const folds = Array.from({ length: Math.min(FOLDS, users.length) }, (): RidgeRow[] => []);
  for (const row of rows) folds[foldOf.get(row.user)!]!.push(row);
  return folds;
}

/** Sums that are all a ridge needs of its rows, so that a fold is left out by adding up the others: a pool has hundreds of thousands of rows. */
interface Moments {
  readonly count: number;
  readonly sums: readonly number[]; // of the features and, last, the target
  readonly products: readonly (readonly number[])[]; // of every pair of these, shape (columns + 1, columns + 1)
}

function momentsOf(rows: readonly RidgeRow[]): Moments {
  const width = rows[0]!.features.length + 1;
  const sums = new Array<number>(width).fill(0);
  const products = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  for (const { features, target } of rows) {
    const values = [...features, target];
    for (let i = 0; i < width; i++) {
      sums[i]! += values[i]!;
      for (let j = 0; j <= i; j++) products[i]![j]! += values[i]! * values[j]!;
    }
  }
  for (let i = 0; i < width; i++) for (let j = i + 1; j < width; j++) products[i]![j] = products[j]![i]!;
  return { count: rows.length, sums, products };
}

function addMoments(a: Moments, b: Moments): Moments {
  return {
    count: a.count + b.count,
    sums: a.sums.map((value, i) => value + b.sums[i]!),
    products: a.products.map((row, i) => row.map((value, j) => value + b.products[i]![j]!)),
  };
}

function solveRidge({ count, sums, products }: Moments, penalty: number): RidgePredictor {
  const columns = sums.length - 1;
  const means = sums.map((sum) => sum / count);
  const covariance = (i: number, j: number): number => products[i]![j]! / count - means[i]! * means[j]!;
  const deviations = means.slice(0, columns).map((mean, i) => {
    const variance = covariance(i, i);
    return variance > 1e-12 * Math.max(1, mean * mean) ? Math.sqrt(variance) : 0; // rounding leaves a constant column a trace of variance
  });
  const standardised = (i: number, value: number): number => (deviations[i]! === 0 ? 0 : value / deviations[i]!);
  const gram = new Matrix(columns, columns);
  const right = new Matrix(columns, 1);
  for (let i = 0; i < columns; i++) {
    right.set(i, 0, count * standardised(i, covariance(i, columns)));
    for (let j = 0; j <= i; j++) {
      const product = count * standardised(i, standardised(j, covariance(i, j))) + (i === j ? penalty : 0);
      gram.set(i, j, product);
      gram.set(j, i, product); // not computed anew: the decomposition refuses what rounding made unsymmetric
    }
  }
  const weights = new CholeskyDecomposition(gram).solve(right).to1DArray(); // positive definite, since the penalty is
  return (features) => means[columns]! + features.reduce((sum, value, i) => sum + weights[i]! * standardised(i, value - means[i]!), 0);
}

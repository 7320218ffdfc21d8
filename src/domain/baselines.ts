// The six plain baselines (method.md, section 7): what a model must beat before it can be said to have learned something.
// Scores in and out are integer hundredths. Training windows are the ones a model saw, so both were fitted on the same labels.
import type { ScoreRange, Window } from './draws.ts';
import type { Hundredths } from './posts.ts';
import { fitCrossValidatedRidge } from './ridge.ts';

export interface BaselinePost {
  readonly pid: string;
  readonly title: string;
  readonly tags: string;
  readonly caption: string;
}

export interface ScoredPost extends BaselinePost {
  readonly label: Hundredths;
}

/** A question with its history, oldest first and never empty, as the model is asked. */
export interface BaselineQuestion {
  readonly uid: string;
  readonly history: readonly ScoredPost[];
  readonly question: BaselinePost;
}

export interface BaselineExample extends Window<ScoredPost> {
  readonly uid: string;
}

export const BASELINE_NAMES = ['global median', 'user mean', 'user median', 'last score', 'shrunken user mean', 'ridge'] as const;
export type BaselineName = (typeof BASELINE_NAMES)[number];

/**
 * Predictions of all six for every question, in hundredths. `training` is empty of no kind: at least two users, one of
 * them with two posts (throws otherwise). `range` bounds the ridge, which alone could leave it.
 */
export function predictBaselines(training: readonly BaselineExample[], questions: readonly BaselineQuestion[], range: ScoreRange): Record<BaselineName, Hundredths[]> {
  const overall = trainingMedian(training);
  const levels = fitUserLevels(training);
  const ridge = fitHistoryRidge(training, range);
  const forEach = (predict: (question: BaselineQuestion) => number): Hundredths[] => questions.map((question) => Math.round(predict(question)));
  return {
    'global median': forEach(() => overall),
    'user mean': forEach(({ history }) => mean(labelsOf(history))),
    'user median': forEach(({ history }) => median(labelsOf(history))),
    'last score': forEach(({ history }) => history.at(-1)!.label),
    'shrunken user mean': forEach(({ history }) => shrunkenMean(labelsOf(history), levels)),
    ridge: forEach(ridge),
  };
}

/** The median of the labels of all distinct posts in the windows, histories included: the model saw those too. Rounded to a hundredth. */
export function trainingMedian(training: readonly BaselineExample[]): Hundredths {
  return Math.round(median([...labelsByUser(training).values()].flat()));
}

/** A population of users whose levels vary around `mean` with variance `between`, and whose posts vary around them with `within`. */
export interface UserLevels {
  readonly mean: number;
  readonly between: number;
  readonly within: number;
}

/**
 * Between- and within-user variance by moments, the analysis of variance of a one-way random-effects model with U users
 * of n_u posts, N together:
 *   within  = Σ_u Σ_i (x_ui − x̄_u)² / (N − U)
 *   between = max(0, (Σ_u n_u (x̄_u − x̄)² / (U − 1) − within) / n₀),  n₀ = (N − Σ n_u² / N) / (U − 1)
 * and the mean of levels weighs each user's mean by 1 / (between + within / n_u). Searle, Casella and McCulloch, Variance
 * Components (1992), section 3.6. A post in several windows counts once.
 */
export function fitUserLevels(training: readonly BaselineExample[]): UserLevels {
  const users = [...labelsByUser(training).values()].map((labels) => ({ count: labels.length, mean: mean(labels), labels }));
  const posts = sum(users.map(({ count }) => count));
  if (users.length < 2 || posts === users.length) throw new Error('Variances between and within users need two users, and one with two posts.');
  const grandMean = sum(users.map(({ count, mean }) => count * mean)) / posts;
  const within = sum(users.map(({ labels, mean }) => sum(labels.map((label) => (label - mean) ** 2)))) / (posts - users.length);
  const amongMeans = sum(users.map(({ count, mean }) => count * (mean - grandMean) ** 2)) / (users.length - 1);
  const effectiveCount = (posts - sum(users.map(({ count }) => count ** 2)) / posts) / (users.length - 1);
  const between = Math.max(0, (amongMeans - within) / effectiveCount);
  if (between === 0) return { mean: grandMean, between, within }; // also where nothing varies and the weights below would be infinite
  const weights = users.map(({ count }) => 1 / (between + within / count));
  return { mean: sum(users.map(({ mean }, i) => weights[i]! * mean)) / sum(weights), between, within };
}

/** The user's mean drawn towards the mean of levels: m + b/(b + w/n) · (x̄ − m), for a history of n scores. */
export function shrunkenMean(history: readonly Hundredths[], { mean: level, between, within }: UserLevels): number {
  const trust = between === 0 ? 0 : between / (between + within / history.length);
  return level + trust * (mean(history) - level);
}

function fitHistoryRidge(training: readonly BaselineExample[], range: ScoreRange): (question: BaselineQuestion) => number {
  const rows = training.map((example) => ({ user: example.uid, features: historyFeatures(example), target: example.question.label }));
  const { predict } = fitCrossValidatedRidge(rows);
  return (question) => Math.min(range.max, Math.max(range.min, predict(historyFeatures(question))));
}

/**
 * Mean, last, standard deviation (population), smallest and largest of the history's scores, then the lengths of the
 * question's title, tags and caption as ln(1 + characters): a length has no upper bound, and one huge title must not
 * decide a weight. Shape (8).
 */
export function historyFeatures({ history, question }: BaselineQuestion): number[] {
  const labels = labelsOf(history);
  const average = mean(labels);
  const deviation = Math.sqrt(mean(labels.map((label) => (label - average) ** 2)));
  const lengths = [question.title, question.tags, question.caption].map((text) => Math.log1p(text.length));
  return [average, labels.at(-1)!, deviation, Math.min(...labels), Math.max(...labels), ...lengths];
}

function labelsByUser(training: readonly BaselineExample[]): Map<string, Hundredths[]> {
  const posts = new Map<string, Map<string, Hundredths>>();
  for (const { uid, history, question } of training) {
    const ofUser = posts.get(uid) ?? new Map<string, Hundredths>();
    for (const { pid, label } of [...history, question]) ofUser.set(pid, label);
    posts.set(uid, ofUser);
  }
  return new Map([...posts].map(([uid, ofUser]) => [uid, [...ofUser.values()]]));
}

function labelsOf(history: readonly ScoredPost[]): Hundredths[] {
  if (history.length === 0) throw new Error('A plain baseline needs a history of at least one scored post.');
  return history.map(({ label }) => label);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** The mean of the two middle values where their number is even. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

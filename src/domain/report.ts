// The evaluation report (method.md, section 7): from predictions to rows with intervals, a headline and sentences that the
// numbers bear out. A pure function of predictions and labels: every metric that a person reads comes from here.
import { bootstrap, differenceInterval, holm, percentileInterval, signFlipTest, type Interval, type ResampledMeasures } from './intervals.ts';
import { fillFailures, meanAbsoluteError, pearson, spearman, type NoCorrelation } from './metrics.ts';
import type { Hundredths } from './posts.ts';
import { withHalfWidth } from './reportCells.ts';

/** A mean over users' posts and its 95 % interval (bootstrap with users as clusters). Scores, not hundredths. */
export interface Estimate extends Interval {
  readonly value: number;
}

/** `NaN` (all predictions equal), `—` (more than half of the answers are no numbers) and a value are three different things. */
export type Correlation = Estimate | NoCorrelation;

export interface EvaluationRow {
  readonly name: string; // 'tiny base', 'tiny base, 400 pool users, SFT', 'IDPOP', 'user mean', …
  readonly kind: 'model' | 'baseline' | 'published';
  readonly decoder: 'median' | 'greedy' | null; // null: not a model
  readonly fittedOn: string; // which labels it has seen
  readonly users: number; // n
  readonly parsed: number; // answers that are numbers within the range
  readonly mae: Estimate | null; // over parsed answers
  readonly maeFilled: Estimate | null; // failures replaced by the training median
  readonly spearman: Correlation | null;
  readonly pearson: number | null;
  readonly validMass?: number | null; // mean share of the probability that valid answers held, 0 … 1; null: not computed
  readonly difference: PairedDifference | null; // against the best plain baseline; null in its own row
  readonly isControl?: boolean; // a model that was trained to tell method and extra data apart, not to be used
  readonly alignedFrom?: string; // name of the tuned model that an aligned one started from
}

export interface PairedDifference {
  readonly against: string;
  readonly mae: Estimate; // this row less the other, failures filled on both sides, so that both answer the same questions
  readonly p: number; // sign-flip permutation test over users, Holm-corrected over the table's rows
}

export interface EvaluationTable {
  readonly set: string; // 'few-shot', 'extra-1', 'extra-2', 'pooled'
  readonly k: number;
  readonly albumShare: number; // of questions within an hour of a history post or titled as one
  readonly rows: readonly EvaluationRow[];
}

/** What the numbers say, as a sentence; `kind` lets readers choose without reading it. */
export interface Finding {
  readonly kind: 'verdict' | 'alignment' | 'no-better-than-median' | 'history-says-little' | 'history-tells' | 'history-undecided';
  readonly k: number;
  readonly text: string;
}

export interface EvaluationReport {
  readonly version: 1;
  readonly source: string;
  readonly plan: string;
  readonly dataSeed: number;
  readonly trainingSeed: number;
  readonly split: string; // a sentence: how users were drawn
  readonly sizes: Readonly<Record<string, number>>;
  readonly tables: readonly EvaluationTable[];
  readonly headline: string; // '3-shot MAE 0.87 ± .06 · best plain baseline 1.09'
  readonly findings: readonly Finding[]; // drawn from the numbers
}

/** One row to be: what a model or baseline answered to every question of a set, in the order of the questions. */
export interface EvaluatedMethod {
  readonly name: string;
  readonly kind: 'model' | 'baseline';
  readonly decoder: 'median' | 'greedy' | null;
  readonly fittedOn: string;
  readonly predictions: readonly (Hundredths | null)[]; // null: no number within the range
  readonly fallback: Hundredths; // the median of its training labels
  readonly masses?: readonly (number | null)[]; // per question: share of the probability that valid answers held, 0 … 1
  readonly isControl?: boolean; // of a model
  readonly alignedFrom?: string; // of an aligned model: the name of the one it started from
}

/** The questions of a set at one k, shape (questions) throughout, and who answered them. Models stand in the order in which they were made. */
export interface EvaluatedQuestions {
  readonly set: string;
  readonly k: number;
  readonly users: readonly string[]; // Uids
  readonly truths: readonly Hundredths[];
  readonly albums: readonly boolean[];
  readonly methods: readonly EvaluatedMethod[];
}

/** A table, and the paired comparisons that findings are drawn from. */
export interface MeasuredTable {
  readonly table: EvaluationTable;
  readonly compare: (row: number, reference: number) => Estimate; // MAE of a row less that of another, failures filled
}

/** Measures one table. Throws when there is no question or no plain baseline: a model's number alone says nothing. */
export function measureTable(questions: EvaluatedQuestions, seed: number, resamples?: number): MeasuredTable {
  const { set, k, users, truths, albums, methods } = questions;
  if (truths.length === 0) throw new Error(`Set ${set} has no questions at ${k}-shot.`);
  const resampled = bootstrap({ users, truths, methods, seed, ...(resamples === undefined ? {} : { resamples }) });
  const filled = methods.map(({ predictions, fallback }) => fillFailures(predictions, fallback));
  const errors = filled.map((predictions) => meanAbsoluteError(predictions, truths)!);

  const compare = (row: number, reference: number): Estimate => ({
    value: errors[row]! - errors[reference]!,
    ...found(differenceInterval(resampled[row]!.maeFilled, resampled[reference]!.maeFilled)),
  });
  const best = smallest(methods.flatMap(({ kind }, i) => (kind === 'baseline' ? [i] : [])), errors);
  const pValues = holm(methods.flatMap((_, i) => (i === best ? [] : [signFlipTest(differencesByUser(filled[i]!, filled[best]!, truths, users), seed)])));
  const differenceOf = (row: number): PairedDifference | null =>
    row === best ? null : { against: labelOf(methods, best), mae: compare(row, best), p: pValues[row < best ? row : row - 1]! };

  const rows = methods.map((method, i) => measureRow(method, truths, users, errors[i]!, resampled[i]!, differenceOf(i)));
  return { table: { set, k, albumShare: albums.filter(Boolean).length / albums.length, rows }, compare };
}

function measureRow(
  method: EvaluatedMethod, truths: readonly Hundredths[], users: readonly string[], maeFilled: number, resampled: ResampledMeasures, difference: PairedDifference | null,
): EvaluationRow {
  const { name, kind, decoder, fittedOn, predictions, masses, isControl, alignedFrom } = method;
  const mae = meanAbsoluteError(predictions, truths);
  const rank = spearman(predictions, truths);
  const linear = pearson(predictions, truths);
  return {
    name, kind, decoder, fittedOn,
    users: new Set(users).size,
    parsed: predictions.filter((prediction) => prediction !== null).length,
    mae: mae === null ? null : { value: mae, ...found(percentileInterval(resampled.mae)) },
    maeFilled: { value: maeFilled, ...found(percentileInterval(resampled.maeFilled)) },
    spearman: typeof rank === 'number' ? { value: rank, ...found(percentileInterval(resampled.spearman)) } : rank,
    pearson: typeof linear === 'number' ? linear : null,
    validMass: mean((masses ?? []).filter((mass) => mass !== null)),
    difference,
    ...(isControl ? { isControl } : {}),
    ...(alignedFrom === undefined ? {} : { alignedFrom }),
  };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A baseline's name, with what it was fitted on where the table has it fitted on several things. */
function labelOf(rows: readonly Pick<EvaluationRow, 'name' | 'kind' | 'fittedOn'>[], index: number): string {
  const { name, kind, fittedOn } = rows[index]!;
  return rows.filter((row) => row.kind === kind && row.name === name).length > 1 ? `${name} fitted on ${fittedOn}` : name;
}

/** A measure that has a value has it in some resample too. */
function found(interval: Interval | null): Interval {
  if (interval === null) throw new Error('No resample had a value.');
  return interval;
}

function smallest(candidates: readonly number[], values: readonly number[]): number {
  if (candidates.length === 0) throw new Error('A table needs a plain baseline.');
  return candidates.reduce((best, candidate) => (values[candidate]! < values[best]! ? candidate : best));
}

/** |error of a| − |error of b| in hundredths, summed over each user's questions. */
function differencesByUser(a: readonly Hundredths[], b: readonly Hundredths[], truths: readonly Hundredths[], users: readonly string[]): number[] {
  const differences = new Map<string, number>();
  truths.forEach((truth, i) => {
    differences.set(users[i]!, (differences.get(users[i]!) ?? 0) + Math.abs(a[i]! - truth) - Math.abs(b[i]! - truth));
  });
  return [...differences.values()];
}

/** All sets of one k together, under the name 'pooled'. Their methods must be the same in the same order. */
export function poolQuestions(sets: readonly EvaluatedQuestions[]): EvaluatedQuestions {
  const [first, ...others] = sets;
  if (first === undefined) throw new Error('There is nothing to pool.');
  const label = ({ name, decoder, fittedOn }: EvaluatedMethod): string => JSON.stringify([name, decoder, fittedOn]);
  for (const other of others) {
    if (other.k !== first.k || other.methods.map(label).join() !== first.methods.map(label).join()) {
      throw new Error(`Sets ${first.set} and ${other.set} were not answered by the same methods at the same k.`);
    }
  }
  return {
    set: 'pooled', k: first.k,
    users: sets.flatMap(({ users }) => users), truths: sets.flatMap(({ truths }) => truths), albums: sets.flatMap(({ albums }) => albums),
    methods: first.methods.map((method, i) => ({
      ...method, predictions: sets.flatMap(({ methods }) => methods[i]!.predictions), masses: sets.flatMap(({ methods }) => methods[i]!.masses ?? []),
    })),
  };
}

/** The slice whose questions are no albums: an answer that stands in the history is no prediction. */
export function withoutAlbums(questions: EvaluatedQuestions): EvaluatedQuestions {
  const keep = <Value>(values: readonly Value[]): Value[] => values.filter((_, i) => !questions.albums[i]);
  return {
    set: `${questions.set} without albums`, k: questions.k,
    users: keep(questions.users), truths: keep(questions.truths), albums: keep(questions.albums),
    methods: questions.methods.map((method) => ({ ...method, predictions: keep(method.predictions), masses: keep(method.masses ?? []) })),
  };
}

export type ReportHeader = Pick<EvaluationReport, 'source' | 'plan' | 'dataSeed' | 'trainingSeed' | 'split' | 'sizes'>;

/** The report of measured tables. Findings are drawn from the pooled tables where there are some, else from the first set's. */
export function assembleReport(header: ReportHeader, measured: readonly MeasuredTable[]): EvaluationReport {
  const first = measured[0];
  if (first === undefined) throw new Error('A report needs a table.');
  const setOfFindings = measured.some(({ table }) => table.set === 'pooled') ? 'pooled' : first.table.set;
  return {
    version: 1, ...header,
    tables: measured.map(({ table }) => table),
    headline: headline(measured.map(({ table }) => table).filter(({ set }) => set === first.table.set)),
    findings: measured.filter(({ table }) => table.set === setOfFindings).flatMap(findingsOf),
  };
}

/**
 * '3-shot MAE 0.87 ± .06 · best plain baseline 1.09', of the last model at the largest k that is no control, read by its median
 * where it has one. Both over all questions, failures filled: a model that answers the easy ones alone must not look better.
 */
function headline(tables: readonly EvaluationTable[]): string {
  const { k, rows } = tables.reduce((largest, table) => (table.k > largest.k ? table : largest));
  const model = rows[verdictRows(rows).findLast((row) => !rows[row]!.isControl) ?? -1];
  const baseline = Math.min(...rows.flatMap(({ kind, maeFilled }) => (kind === 'baseline' && maeFilled !== null ? [maeFilled.value] : [])));
  const ofBaseline = `best plain baseline ${baseline.toFixed(2)}`;
  if (model === undefined) return `${k}-shot: no model yet · ${ofBaseline}`;
  return `${k}-shot MAE ${model.maeFilled === null || model.mae === null ? '—' : withHalfWidth(model.maeFilled)} · ${ofBaseline}`;
}

/** One row a model, the median's where there is one: two decoders of one model are not two findings. */
function verdictRows(rows: readonly EvaluationRow[]): number[] {
  const ofModel = new Map<string, number>();
  rows.forEach(({ name, kind, decoder }, i) => {
    if (kind === 'model' && (!ofModel.has(name) || decoder === 'median')) ofModel.set(name, i);
  });
  return [...ofModel.values()];
}

function findingsOf({ table, compare }: MeasuredTable): Finding[] {
  const { rows } = table;
  const place = `${table.k}-shot, ${table.set}: `;
  const models = verdictRows(rows);
  const baselines = rows.flatMap(({ kind }, i) => (kind === 'baseline' ? [i] : []));
  const indexOf = (name: string): number => rows.findIndex((row) => row.kind === 'baseline' && row.name === name);
  const median = indexOf('global median');
  const userMean = indexOf('user mean');
  return [
    ...models.map((model) => ({ kind: 'verdict' as const, text: verdict(rows, model, baselines, compare) })),
    ...models.flatMap((model) => ofAlignment(rows, models, model, compare)),
    ...(median === -1 || models.length === 0 ? [] : againstMedian(rows, models, median, compare)),
    ...(median === -1 || userMean === -1 ? [] : [ofUserMean(compare(userMean, median))]),
  ].map(({ kind, text }) => ({ kind, k: table.k, text: place + text }));
}

/** Of baselines that a model is not shown to beat, those it is furthest behind are named. */
const NAMED_BASELINES = 2;

/** "A model has learned something only if it beats each of these in MAE by a paired interval below 0, and its SRC interval lies above 0." */
function verdict(rows: readonly EvaluationRow[], model: number, baselines: readonly number[], compare: MeasuredTable['compare']): string {
  const row = rows[model]!;
  const name = row.decoder === null ? row.name : `${row.name} (${row.decoder})`;
  const notBeaten = baselines.map((baseline) => ({ baseline: labelOf(rows, baseline), difference: compare(model, baseline) })).filter(({ difference }) => difference.high >= 0);
  const ranks = row.spearman !== null && typeof row.spearman === 'object' && row.spearman.low > 0;
  if (notBeaten.length === 0 && ranks) return `${name} has learned something: it beats each plain baseline in MAE, and its Spearman interval lies above 0.`;
  if (notBeaten.length === 0) return `${name} beats each plain baseline in MAE, but its Spearman interval does not lie above 0.`;
  const hardest = [...notBeaten].sort((a, b) => b.difference.value - a.difference.value).slice(0, NAMED_BASELINES);
  const list = notBeaten.filter((one) => hardest.includes(one)).map(({ baseline, difference }) => `the ${baseline} (${withInterval(difference)})`).join(', ');
  const others = notBeaten.length - hardest.length;
  const isBehind = hardest.every(({ difference }) => difference.low > 0);
  return `${name} ${isBehind ? 'is worse than' : 'is not shown to beat'} ${list}${others > 0 ? `, and not shown to beat ${others} more of ${baselines.length} plain baselines` : ''}, in MAE.`;
}

type Sentence = Pick<Finding, 'kind' | 'text'>;

/** What alignment did to the model it started from, paired: a model that was good before has not learned from its pairs by being good. */
function ofAlignment(rows: readonly EvaluationRow[], models: readonly number[], model: number, compare: MeasuredTable['compare']): Sentence[] {
  const { name, decoder, alignedFrom } = rows[model]!;
  const start = models.find((other) => rows[other]!.name === alignedFrom && rows[other]!.decoder === decoder);
  if (start === undefined) return [];
  const difference = compare(model, start);
  const verdict = difference.high < 0 ? 'the step helped' : difference.low > 0 ? 'the step did harm' : 'no effect is shown';
  return [{ kind: 'alignment', text: `${name} changes the MAE of ${alignedFrom} by ${withInterval(difference)}: ${verdict}.` }];
}

function againstMedian(rows: readonly EvaluationRow[], models: readonly number[], median: number, compare: MeasuredTable['compare']): Sentence[] {
  const differences = models.map((model) => ({ name: rows[model]!.name, difference: compare(model, median) }));
  if (differences.some(({ difference }) => difference.high < 0)) return [];
  const closest = differences.reduce((best, other) => (other.difference.value < best.difference.value ? other : best));
  return [{ kind: 'no-better-than-median', text: `no model is shown to beat the global median; ${closest.name} comes closest, its MAE differs by ${withInterval(closest.difference)}.` }];
}

function ofUserMean(difference: Estimate): Sentence {
  if (difference.low > 0) return { kind: 'history-says-little', text: `the user mean is worse than the global median by ${withInterval(difference)}: a user's history says little about the next score.` };
  if (difference.high < 0) return { kind: 'history-tells', text: `the user mean is better than the global median by ${withInterval(difference)}: users differ, and their history tells.` };
  return { kind: 'history-undecided', text: `the user mean and the global median cannot be told apart (${withInterval(difference)}).` };
}

function withInterval({ value, low, high }: Estimate): string {
  return `${signed(value)} [${signed(low)}, ${signed(high)}]`;
}

function signed(value: number): string {
  const text = value.toFixed(3).replace('-', '−');
  return value > 0 ? `+${text}` : text;
}

// The evaluation report: computed from predictions in the store, shown by the command line, the editor and the docs.

/** A mean over users' posts and its 95 % interval (bootstrap with users as clusters). Scores, not hundredths. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** `NaN` (all predictions equal), `—` (more than half of the answers are no numbers) and a value are three different things. */
export type Correlation = Estimate | 'equal' | 'unparsable';

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
  readonly difference: { readonly against: string; readonly mae: Estimate } | null; // paired, against the best plain baseline
}

export interface EvaluationTable {
  readonly set: string; // 'few-shot', 'extra-1', 'extra-2', 'pooled'
  readonly k: number;
  readonly albumShare: number; // of questions within an hour of a history post or titled as one
  readonly rows: readonly EvaluationRow[];
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
  readonly findings: readonly string[]; // sentences drawn from the numbers, such as "no model beats the global median"
}

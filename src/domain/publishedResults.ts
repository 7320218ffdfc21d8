// What the paper reports (MultiSmpLLM, its tables 5 to 7; method.md, section 7), to stand beside our own numbers. Its cells are
// single runs without intervals, on its own draw of SMPD's users, which is not published: they can be read beside ours,
// never compared by an interval.
import type { EvaluationRow } from './report.ts';

/** MAE and correlation at 1, 2 and 3-shot. NaN: all predictions equal. null: more than half of the answers were no numbers. */
type Cell = readonly [mae: number, src: number] | null;
type Shots3 = readonly [Cell, Cell, Cell];

const FEW_SHOT: Readonly<Record<string, Shots3>> = {
  HyFea: [[2.1, 0.59], [1.93, 0.63], [1.78, 0.67]],
  'CR (USTC-CR)': [[2.16, 0.62], [2.09, 0.71], [1.71, 0.76]],
  'GPT-4o (in context)': [[3.07, NaN], [2.78, NaN], [3.05, NaN]],
  'GPT-3.5 (in context)': [null, null, null],
  'ChatGLM-6B untuned': [null, null, null],
  'VisualGLM-6B untuned': [null, null, null],
  'Llama2-7B untuned': [null, null, null],
  'VisualGLM-6B (LoRA)': [[3.77, 0.11], [2.43, 0.09], [4.76, -0.17]],
  'Llama2-7B (LoRA)': [[3.24, 0.19], [3.65, -0.1], [2.67, 0.24]],
  'Llama3.2-1B (Full)': [[3.09, 0.05], [3.34, -0.01], [1.69, 0.75]],
  'MultiSmpLLM (Freeze)': [[3.12, 0.13], [2.53, 0.34], [2.68, 0.32]],
  'MultiSmpLLM (Prefix)': [null, null, null],
  'MultiSmpLLM (LoRA)': [[1.23, 0.8], [1.33, 0.71], [1.02, 0.89]],
};

const EXTRA_1: Readonly<Record<string, Shots3>> = {
  HyFea: [[2.08, 0.4], [1.95, 0.42], [1.85, 0.45]],
  'CR (USTC-CR)': [[1.9, 0.39], [1.87, 0.43], [1.84, 0.44]],
  'VisualGLM-6B (LoRA)': [[3.63, 0.13], [2.5, 0.13], [4.67, -0.22]],
  'Llama2-7B (LoRA)': [[3.05, 0.22], [3.04, 0.17], [2.88, 0.24]],
  'Llama3.2-1B (Full)': [[2.54, 0.12], [2.66, 0.14], [1.98, 0.55]],
  'MultiSmpLLM (Freeze)': [[3.31, -0.07], [3.42, 0.07], [2.65, 0.31]],
  'MultiSmpLLM (LoRA)': [[1.4, 0.8], [1.05, 0.83], [0.92, 0.85]],
};

const EXTRA_2: Readonly<Record<string, Shots3>> = {
  HyFea: [[1.97, 0.34], [1.95, 0.41], [2.07, 0.35]],
  'CR (USTC-CR)': [[1.99, 0.46], [2, 0.51], [2, 0.49]],
  'VisualGLM-6B (LoRA)': [[3.72, 0.09], [2.45, -0.13], [4.54, 0.12]],
  'Llama2-7B (LoRA)': [[3.67, -0.13], [3.25, 0.19], [3.06, 0.25]],
  'Llama3.2-1B (Full)': [[2.57, 0.08], [2.45, 0.2], [1.86, 0.69]],
  'MultiSmpLLM (Freeze)': [[3.1, 0.09], [3.29, 0.14], [3.15, 0.05]],
  'MultiSmpLLM (LoRA)': [[1.31, 0.77], [1.03, 0.84], [0.94, 0.81]],
};

const TABLES: Readonly<Record<string, Readonly<Record<string, Shots3>>>> = { 'few-shot': FEW_SHOT, 'extra-1': EXTRA_1, 'extra-2': EXTRA_2 };

/** Users of each of the paper's sets. */
const PUBLISHED_USERS = 200;

/**
 * The published rows of a set at k shots, none for sets that the paper does not have (such as pooled ones). A single run has
 * no interval: its estimate's bounds are the value itself, and who prints it leaves them out.
 */
export function publishedRows(set: string, k: number): EvaluationRow[] {
  return Object.entries(TABLES[set] ?? {}).map(([name, cells]) => {
    const cell = cells[k - 1] ?? null;
    const single = (value: number): { value: number; low: number; high: number } => ({ value, low: value, high: value });
    return {
      name, kind: 'published', decoder: null, fittedOn: 'SMPD, single run, no interval published', users: PUBLISHED_USERS, parsed: cell === null ? 0 : PUBLISHED_USERS,
      mae: cell === null ? null : single(cell[0]), maeFilled: null, spearman: cell === null ? 'unparsable' : Number.isNaN(cell[1]) ? 'equal' : single(cell[1]), pearson: null, difference: null,
    };
  });
}

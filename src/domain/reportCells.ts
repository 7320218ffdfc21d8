// How the numbers of an evaluation report are written, wherever it is shown: the same number must read the same in the
// terminal and in the editor's preview.
import type { Correlation, Estimate, EvaluationRow } from './report.ts';

/**
 * '0.87 ± .06 / .74'. Where some answers are no numbers, also the share that are, and the MAE over all questions with the
 * training median in place of the others: '0.10 ± .00 / 1.00 (60 %, all 1.66)'.
 */
export function scoreCell(row: EvaluationRow): string {
  const all = row.maeFilled === null ? '' : `, all ${row.maeFilled.value.toFixed(2)}`;
  const numbers = row.parsed < row.users && row.kind === 'model' ? ` (${Math.floor((100 * row.parsed) / row.users)} %${all})` : '';
  if (row.mae === null) return `—${numbers}`;
  return `${estimateText(row.mae, row.kind)} / ${correlationText(row.spearman)}${numbers}`;
}

/** '0.87 ± .06'. An interval that is not symmetric shows its wider half. What was published is a single run without one. */
function estimateText(value: Estimate, kind: EvaluationRow['kind']): string {
  return kind === 'published' ? value.value.toFixed(2) : withHalfWidth(value);
}

export function withHalfWidth({ value, low, high }: Estimate): string {
  return `${value.toFixed(2)} ± ${Math.max(high - value, value - low).toFixed(2).replace(/^0/, '')}`;
}

/** '.74', '−.10'; 'NaN' where all predictions are equal, '—' where more than half of the answers are no numbers. */
function correlationText(value: Correlation | null): string {
  if (value === null || value === 'unparsable') return '—';
  if (value === 'equal') return 'NaN';
  return shortNumber(value.value);
}

const shortNumber = (value: number): string => value.toFixed(2).replace('0.', '.').replace('-', '−');

/** '.76', and for a model whose distribution was computed the mean probability that valid answers held: '.76, 98.1 %'. */
export function detailCell(row: EvaluationRow): string {
  const linear = row.pearson === null ? '—' : shortNumber(row.pearson);
  return row.validMass === undefined || row.validMass === null ? linear : `${linear}, ${(Math.floor(1000 * row.validMass) / 10).toFixed(1)} %`;
}

/** The name of a row; a baseline that was fitted on several sets of labels says on which. */
export function rowName(rows: readonly EvaluationRow[], row: EvaluationRow): string {
  const isFittedTwice = rows.filter((other) => other.kind === 'baseline' && other.name === row.name).length > 1;
  return row.kind === 'baseline' && isFittedTwice ? `${row.name} (${row.fittedOn})` : row.name;
}

// How the numbers of an evaluation report are written, wherever it is shown: the same number must read the same in the
// terminal and in the editor's preview.
import type { Correlation, Estimate, EvaluationRow } from './report.ts';

/** '0.87 ± .06 / .74', with the share of numbers where some answers are none: '3.10 ± .20 / — (31 %)'. */
export function scoreCell(row: EvaluationRow): string {
  const numbers = row.parsed < row.users && row.kind === 'model' ? ` (${Math.floor((100 * row.parsed) / row.users)} %)` : '';
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
  return value.value.toFixed(2).replace('0.', '.').replace('-', '−');
}

/** The name of a row; a baseline that was fitted on several sets of labels says on which. */
export function rowName(rows: readonly EvaluationRow[], row: EvaluationRow): string {
  const isFittedTwice = rows.filter((other) => other.kind === 'baseline' && other.name === row.name).length > 1;
  return row.kind === 'baseline' && isFittedTwice ? `${row.name} (${row.fittedOn})` : row.name;
}

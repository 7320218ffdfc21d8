// An evaluation report for the terminal, in the shape of the paper's tables: a method a row, MAE / Spearman for each k.
import type { Correlation, Estimate, EvaluationReport, EvaluationRow, EvaluationTable, Finding } from '../protocol/report.ts';
import { textTable } from './textTable.ts';

/** Tables of the given sets and what the numbers say at the largest k; with null everything. */
export function reportText(report: EvaluationReport, sets: readonly string[] | null): string {
  const shown = [...new Set(report.tables.map((table) => table.set))].filter((set) => sets === null || sets.includes(set));
  const sizes = Object.entries(report.sizes).filter(([, users]) => users > 0).map(([set, users]) => `${set} ${users}`).join(', ');
  return [
    report.headline,
    `${report.source}, plan ${report.plan}, data seed ${report.dataSeed}, training seed ${report.trainingSeed}. ${report.split}`,
    `Users: ${sizes}.`,
    ...shown.map((set) => setText(report.tables.filter((table) => table.set === set))),
    legendOf(report),
    findingsOf(report, sets === null).map((finding) => `- ${finding.text}`).join('\n'),
  ].filter((part) => part !== '').join('\n\n');
}

/** All findings, or those of the largest k. */
function findingsOf(report: EvaluationReport, all: boolean): readonly Finding[] {
  const largest = Math.max(...report.tables.map((table) => table.k));
  return all ? report.findings : report.findings.filter((finding) => finding.k === largest);
}

function setText(tables: readonly EvaluationTable[]): string {
  const first = tables[0]!;
  const header = [`${first.set} (n = ${first.rows[0]?.users ?? 0}, ${Math.round(100 * first.albumShare)} % albums)`, 'decoder', ...tables.map((table) => `${table.k}-shot MAE / SRC`)];
  const rows = first.rows.map((row, index) => [nameOf(first.rows, row), row.decoder ?? '', ...tables.map((table) => cell(table.rows[index]!))]);
  return textTable([header, ...rows]);
}

function nameOf(rows: readonly EvaluationRow[], row: EvaluationRow): string {
  if (row.kind === 'published') return `${row.name} (published)`;
  const isFittedTwice = rows.filter((other) => other.kind === 'baseline' && other.name === row.name).length > 1;
  return row.kind === 'baseline' && isFittedTwice ? `${row.name} (${row.fittedOn})` : row.name;
}

/** '0.87 ± .06 / .74', with the share of numbers where some answers are none: '3.10 ± .20 / — (31 %)'. */
function cell(row: EvaluationRow): string {
  const numbers = row.parsed < row.users && row.kind === 'model' ? ` (${Math.floor((100 * row.parsed) / row.users)} %)` : '';
  if (row.mae === null) return `—${numbers}`;
  return `${estimate(row.mae, row.kind)} / ${correlation(row.spearman)}${numbers}`;
}

function estimate(value: Estimate, kind: EvaluationRow['kind']): string {
  if (kind === 'published') return value.value.toFixed(2); // a single run: there is no interval
  return `${value.value.toFixed(2)} ± ${Math.max(value.high - value.value, value.value - value.low).toFixed(2).replace(/^0/, '')}`;
}

function correlation(value: Correlation | null): string {
  if (value === null || value === 'unparsable') return '—';
  if (value === 'equal') return 'NaN';
  return value.value.toFixed(2).replace('0.', '.').replace('-', '−');
}

function legendOf(report: EvaluationReport): string {
  const published = report.tables.some((table) => table.rows.some((row) => row.kind === 'published'));
  return [
    '± is half of the 95 % interval (bootstrap over users). NaN: all predictions are equal. —: more than half of the answers are no numbers; (%): share that are.',
    ...(published ? ['Published rows are the paper\'s: single runs without intervals, on its own draw of SMPD\'s users.'] : []),
  ].join('\n');
}

// An evaluation report for the terminal, in the shape of the paper's tables: a method a row, MAE / Spearman for each k.
import { apart, PUBLISHED_TITLE, rowName, scoreCell } from '../domain/reportCells.ts';
import type { EvaluationReport, EvaluationTable, Finding } from '../protocol/report.ts';
import { textTable } from './textTable.ts';

/** Tables of the given sets (null: of all) and what the numbers say at the largest k. */
export function reportText(report: EvaluationReport, sets: readonly string[] | null): string {
  const shown = [...new Set(report.tables.map((table) => table.set))].filter((set) => sets === null || sets.includes(set));
  const tablesBySet = shown.map((set) => report.tables.filter((table) => table.set === set));
  const sizes = Object.entries(report.sizes).filter(([, users]) => users > 0).map(([set, users]) => `${set} ${users}`).join(', ');
  return [
    report.headline,
    `${report.source}, plan ${report.plan}, data seed ${report.dataSeed}, training seed ${report.trainingSeed}. ${report.split}`,
    `Users: ${sizes}.`,
    ...tablesBySet.map(setText),
    LEGEND,
    findingsOf(report).map((finding) => `- ${finding.text}`).join('\n'),
    ...tablesBySet.map(publishedText),
  ].filter((part) => part !== '').join('\n\n');
}

/** Findings at the largest k: those of every k are in the JSON and in the editor's report. */
function findingsOf(report: EvaluationReport): readonly Finding[] {
  const largest = Math.max(...report.tables.map((table) => table.k));
  return report.findings.filter((finding) => finding.k === largest);
}

function setText(tables: readonly EvaluationTable[]): string {
  const first = tables[0]!;
  const header = [`${first.set} (n = ${first.rows[0]?.users ?? 0}, ${Math.round(100 * first.albumShare)} % albums)`, 'decoder', ...headings(tables)];
  const measured = tables.map((table) => apart(table).measured);
  return textTable([header, ...measured[0]!.map((row, index) => [rowName(measured[0]!, row), row.decoder ?? '', ...measured.map((rows) => scoreCell(rows[index]!))])]);
}

/** What the paper reports for a set, under a heading of its own; '' for sets that it does not have. */
function publishedText(tables: readonly EvaluationTable[]): string {
  const published = tables.map((table) => apart(table).published);
  if (published[0]!.length === 0) return '';
  return `${PUBLISHED_TITLE}:\n${textTable([[tables[0]!.set, ...headings(tables)], ...published[0]!.map((row, index) => [row.name, ...published.map((rows) => scoreCell(rows[index]!))])])}`;
}

const headings = (tables: readonly EvaluationTable[]): string[] => tables.map((table) => `${table.k}-shot MAE / SRC`);

const LEGEND = '± is half of the 95 % interval (bootstrap over users). NaN: all predictions are equal. —: more than half of the answers are no numbers; (%): share that are.';

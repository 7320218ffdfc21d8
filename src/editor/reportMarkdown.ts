// The evaluation report as Markdown, for the built-in preview: a table a set in the shape of the paper's (a method a row,
// MAE and Spearman for each k), then what each model is worth against the best plain baseline.
import { apart, PUBLISHED_TITLE, rowName, scoreCell } from '../domain/reportCells.ts';
import type { EvaluationReport, EvaluationRow, EvaluationTable } from '../protocol/report.ts';
import { escapeText } from './escapeMarkdown.ts';

const LEGEND = '± is half of the 95 % interval (bootstrap with users as clusters). NaN: all predictions are equal. —: more than half of the answers are no numbers; (%): the share that are.';

export function reportMarkdown(report: EvaluationReport): string {
  const sizes = Object.entries(report.sizes).filter(([, users]) => users > 0).map(([name, users]) => `${escapeText(name, 40)} ${users}`).join(', ');
  const sets = [...new Set(report.tables.map((table) => table.set))];
  return [
    `# ${escapeText(report.headline, 200)}`,
    `${escapeText(report.source, 80)}, plan ${escapeText(report.plan, 40)}, data seed ${report.dataSeed}, training seed ${report.trainingSeed}. ${escapeText(report.split, 400)}`,
    `Users: ${sizes}.`,
    ...sets.map((set) => setMarkdown(report.tables.filter((table) => table.set === set))),
    LEGEND,
    ...published(sets.map((set) => report.tables.filter((table) => table.set === set))),
    ...(report.findings.length === 0 ? [] : ['## What the numbers say', report.findings.map((finding) => `- ${escapeText(finding.text, 2000)}`).join('\n')]),
    '',
  ].join('\n\n');
}

/** @param tables of one set, one for each k, with the same methods in the same order */
function setMarkdown(tables: readonly EvaluationTable[]): string {
  const first = tables[0]!;
  const shots = tables.map((table) => `${table.k}-shot`);
  const methods = apart(first).measured.map((row, index) => [nameOf(first.rows, row), row.decoder ?? '', ...tables.map((table) => scoreCell(apart(table).measured[index]!))]);
  const judged = first.rows.flatMap((row, index) => (row.kind === 'model' ? [[nameOf(first.rows, row), row.decoder ?? '', ...tables.map((table) => differenceCell(table.rows[index]!))]] : []));
  return [
    `## ${escapeText(first.set, 40)} (n = ${first.rows[0]?.users ?? 0})`,
    markdownTable(['', 'decoder', ...shots.map((shot) => `${shot} MAE / SRC`)], methods),
    ...(judged.length === 0 ? [] : ['MAE less that of the best plain baseline, with its 95 % interval; below 0 is better:', markdownTable(['', 'decoder', ...shots], judged)]),
    `Albums: ${Math.round(first.albumShare * 100)} % of the questions lie within an hour of a history post or share its title.`,
  ].join('\n\n');
}

/** What the paper reports, in a part of its own: a table for each set that it has. */
function published(tablesBySet: readonly (readonly EvaluationTable[])[]): string[] {
  const parts = tablesBySet.filter((tables) => apart(tables[0]!).published.length > 0).map((tables) => {
    const rows = tables.map((table) => apart(table).published);
    return markdownTable([escapeText(tables[0]!.set, 40), '', ...tables.map((table) => `${table.k}-shot MAE / SRC`)],
      rows[0]!.map((row, index) => [escapeText(row.name, 80), '', ...rows.map((ofShots) => scoreCell(ofShots[index]!))]));
  });
  return parts.length === 0 ? [] : [`## ${PUBLISHED_TITLE}`, ...parts];
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_cell, index) => (index < 2 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

function nameOf(rows: readonly EvaluationRow[], row: EvaluationRow): string {
  const name = escapeText(rowName(rows, row), 120);
  return row.kind === 'model' ? `**${name}**` : name;
}

function differenceCell(row: EvaluationRow): string {
  if (row.difference === null) return '';
  const { mae, p, against } = row.difference;
  return `${signed(mae.value)} [${signed(mae.low)}, ${signed(mae.high)}], p ${p.toFixed(3)}, against ${escapeText(against, 60)}`;
}

const signed = (value: number): string => (value > 0 ? `+${value.toFixed(3)}` : value.toFixed(3).replace('-', '−'));

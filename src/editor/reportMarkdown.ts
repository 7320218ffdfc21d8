// The evaluation report as Markdown, for the built-in preview: a table a set in the shape of the paper's (a method a row,
// MAE and Spearman for each k), then what each model is worth against the best plain baseline.
import type { Correlation, Estimate, EvaluationReport, EvaluationRow, EvaluationTable } from '../protocol/report.ts';
import { escapeText } from './escapeMarkdown.ts';

const LEGEND = '± is half of the 95 % interval (bootstrap with users as clusters). NaN: all predictions are equal. —: more than half of the answers are no numbers; (%): the share that are. Published rows are the paper\'s: single runs without intervals, on its own draw of users.';

export function reportMarkdown(report: EvaluationReport): string {
  const sizes = Object.entries(report.sizes).filter(([, users]) => users > 0).map(([name, users]) => `${escapeText(name, 40)} ${users}`).join(', ');
  const sets = [...new Set(report.tables.map((table) => table.set))];
  return [
    `# ${escapeText(report.headline, 200)}`,
    `${escapeText(report.source, 80)}, plan ${escapeText(report.plan, 40)}, data seed ${report.dataSeed}, training seed ${report.trainingSeed}. ${escapeText(report.split, 400)}`,
    `Users: ${sizes}.`,
    ...sets.map((set) => setMarkdown(report.tables.filter((table) => table.set === set))),
    LEGEND,
    ...(report.findings.length === 0 ? [] : ['## What the numbers say', report.findings.map((finding) => `- ${escapeText(finding.text, 2000)}`).join('\n')]),
    '',
  ].join('\n\n');
}

/** @param tables of one set, one for each k, with the same methods in the same order */
function setMarkdown(tables: readonly EvaluationTable[]): string {
  const first = tables[0]!;
  const shots = tables.map((table) => `${table.k}-shot`);
  const methods = first.rows.map((row, index) => [nameOf(first.rows, row), row.decoder ?? '', ...tables.map((table) => scoreCell(table.rows[index]!))]);
  const judged = first.rows.flatMap((row, index) => (row.kind === 'model' ? [[nameOf(first.rows, row), row.decoder ?? '', ...tables.map((table) => differenceCell(table.rows[index]!))]] : []));
  return [
    `## ${escapeText(first.set, 40)} (n = ${first.rows[0]?.users ?? 0})`,
    markdownTable(['', 'decoder', ...shots.map((shot) => `${shot} MAE / SRC`)], methods),
    ...(judged.length === 0 ? [] : ['MAE less that of the best plain baseline, with its 95 % interval; below 0 is better:', markdownTable(['', 'decoder', ...shots], judged)]),
    `Albums: ${Math.round(first.albumShare * 100)} % of the questions lie within an hour of a history post or share its title.`,
  ].join('\n\n');
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_cell, index) => (index < 2 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** A baseline that was fitted on several sets of labels says on which. */
function nameOf(rows: readonly EvaluationRow[], row: EvaluationRow): string {
  const name = escapeText(row.name, 80);
  if (row.kind === 'model') return `**${name}**`;
  if (row.kind === 'published') return `${name} (published)`;
  return rows.filter((other) => other.kind === 'baseline' && other.name === row.name).length > 1 ? `${name} (${escapeText(row.fittedOn, 60)})` : name;
}

/** '0.87 ± .06 / .74', with the share of numbers where some answers are none. */
function scoreCell(row: EvaluationRow): string {
  const numbers = row.kind === 'model' && row.parsed < row.users ? ` (${Math.floor((100 * row.parsed) / row.users)} %)` : '';
  if (row.mae === null) return `—${numbers}`;
  return `${estimate(row.mae, row.kind)} / ${correlation(row.spearman)}${numbers}`;
}

/** An interval that is not symmetric shows its wider half. What was published is a single run without one. */
function estimate(value: Estimate, kind: EvaluationRow['kind']): string {
  if (kind === 'published') return value.value.toFixed(2);
  const half = Math.max(value.high - value.value, value.value - value.low);
  return `${value.value.toFixed(2)} ± ${half.toFixed(2).replace(/^0/, '')}`;
}

function correlation(value: Correlation | null): string {
  if (value === null || value === 'unparsable') return '—';
  if (value === 'equal') return 'NaN';
  return value.value.toFixed(2).replace('0.', '.').replace('-', '−');
}

function differenceCell(row: EvaluationRow): string {
  if (row.difference === null) return '';
  const { mae, p, against } = row.difference;
  return `${signed(mae.value)} [${signed(mae.low)}, ${signed(mae.high)}], p ${p.toFixed(3)}, against ${escapeText(against, 60)}`;
}

const signed = (value: number): string => (value > 0 ? `+${value.toFixed(3)}` : value.toFixed(3).replace('-', '−'));

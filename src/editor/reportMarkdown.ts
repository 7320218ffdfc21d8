// The evaluation report as Markdown, for the built-in preview.
import type { Correlation, Estimate, EvaluationReport, EvaluationRow, EvaluationTable } from '../protocol/report.ts';
import { escapeText } from './escapeMarkdown.ts';

const LEGEND = '± is half of the 95 % interval (bootstrap with users as clusters). NaN: all predictions are equal. —: more than half of the answers are no numbers. Numbers are this machine\'s; rows marked published are the paper\'s.';

export function reportMarkdown(report: EvaluationReport): string {
  const sizes = Object.entries(report.sizes).map(([name, users]) => `${escapeText(name, 40)} ${users}`).join(', ');
  return [
    `# ${escapeText(report.source, 80)}: ${escapeText(report.headline, 200)}`,
    `Plan ${escapeText(report.plan, 40)}, data seed ${report.dataSeed}, training seed ${report.trainingSeed}. ${escapeText(report.split, 400)}`,
    `Users in each set: ${sizes}.`,
    ...report.tables.map(tableMarkdown),
    LEGEND,
    ...(report.findings.length === 0 ? [] : ['## What the numbers say', report.findings.map((finding) => `- ${escapeText(finding, 2000)}`).join('\n')]),
    '',
  ].join('\n\n');
}

function tableMarkdown(table: EvaluationTable): string {
  const header = '| | decoder | fitted on | n | numbers | MAE | MAE, failures filled | Spearman | Pearson | ΔMAE against the best plain baseline |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|';
  return [
    `## ${escapeText(table.set, 40)}, ${table.k}-shot`,
    `Albums: ${Math.round(table.albumShare * 100)} % of the questions lie within an hour of a history post or share its title.`,
    [header, ...table.rows.map(rowMarkdown)].join('\n'),
  ].join('\n\n');
}

function rowMarkdown(row: EvaluationRow): string {
  const cells = [
    row.kind === 'model' ? `**${escapeText(row.name, 80)}**` : `${escapeText(row.name, 80)}${row.kind === 'published' ? ' (published)' : ''}`,
    row.decoder ?? '', escapeText(row.fittedOn, 60), String(row.users), `${row.parsed} of ${row.users}`,
    estimate(row.mae, row.kind), estimate(row.maeFilled, row.kind), correlation(row.spearman, row.kind), row.pearson === null ? '' : decimal(row.pearson),
    row.difference === null ? '' : `${interval(row.difference.mae)} (${escapeText(row.difference.against, 60)}), p ${row.difference.p.toFixed(3)}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** '0.87 ± .06'; an interval that is not symmetric shows its wider half. What was published is a single run without one. */
function estimate(value: Estimate | null, kind: EvaluationRow['kind']): string {
  if (value === null) return '—';
  if (kind === 'published') return decimal(value.value);
  const half = Math.max(value.high - value.value, value.value - value.low);
  return `${decimal(value.value)} ± ${decimal(half).replace(/^0/, '')}`;
}

function correlation(value: Correlation | null, kind: EvaluationRow['kind']): string {
  if (value === null) return '';
  if (value === 'equal') return 'NaN';
  return value === 'unparsable' ? '—' : estimate(value, kind);
}

function interval(value: Estimate): string {
  return `${signed(value.value)} [${signed(value.low)}, ${signed(value.high)}]`;
}

const decimal = (value: number): string => value.toFixed(2).replace('-', '−');
const signed = (value: number): string => (value > 0 ? `+${value.toFixed(3)}` : value.toFixed(3).replace('-', '−'));

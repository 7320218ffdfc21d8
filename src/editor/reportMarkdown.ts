// The evaluation report as Markdown, for the built-in preview: domain/reportLayout.ts says what stands where, here every
// cell is escaped and written down.
import { layOutReport, type LaidOutRow, type LaidOutSet, type LaidOutTable } from '../domain/reportLayout.ts';
import type { EvaluationReport } from '../protocol/report.ts';
import { escapeText } from './escapeMarkdown.ts';

export function reportMarkdown(report: EvaluationReport): string {
  const layout = layOutReport(report);
  const published = layout.sets.filter((set) => set.published.rows.length > 0);
  return [
    `# ${escapeText(layout.headline, 200)}`,
    escapeText(layout.subject, 600),
    `Users: ${escapeText(layout.sizes, 400)}.`,
    ...layout.sets.map(setMarkdown),
    layout.legend,
    ...(published.length === 0 ? [] : [`## ${layout.publishedTitle}`]),
    ...published.map(({ set, published: table }) => markdownTable([set, ''], table)),
    ...(layout.findings.length === 0 ? [] : ['## What the numbers say', layout.findings.map((finding) => `- ${escapeText(finding.text, 2000)}`).join('\n')]),
    '',
  ].join('\n\n');
}

function setMarkdown({ set, users, albumPercent, measured, differences, details }: LaidOutSet): string {
  return [
    `## ${escapeText(set, 40)} (n = ${users})`,
    markdownTable(['', 'decoder'], measured),
    ...(differences.rows.length === 0 ? [] : ['MAE less that of the best plain baseline, with its 95 % interval; below 0 is better:', markdownTable(['', 'decoder'], differences)]),
    ...(details.rows.length === 0 ? [] : ["Pearson's correlation; for medians also the mean probability that valid answers held before it was renormalised:", markdownTable(['', 'decoder'], details)]),
    `Albums: ${albumPercent} % of the questions lie within an hour of a history post or share its title.`,
  ].join('\n\n');
}

/** @param head of the two columns that name a row */
function markdownTable(head: readonly [string, string], table: LaidOutTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line([...head.map((cell) => escapeText(cell, 40)), ...table.headings]),
    line(['---', '---', ...table.headings.map(() => '--:')]),
    ...table.rows.map((row) => line([nameOf(row), row.decoder, ...row.cells.map((cell) => escapeText(cell, 160))])),
  ].join('\n');
}

function nameOf(row: LaidOutRow): string {
  const name = escapeText(row.name, 120);
  return row.isModel ? `**${name}**` : name;
}

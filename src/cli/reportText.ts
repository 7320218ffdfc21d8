// An evaluation report for the terminal, as domain/reportLayout.ts lays it out.
import { layOutReport, type LaidOutSet } from '../domain/reportLayout.ts';
import type { EvaluationReport } from '../protocol/report.ts';
import { textTable } from './textTable.ts';

/** Tables of the given sets (null: of all) and what the numbers say at the largest k: the rest is in the JSON and in the editor's report. */
export function reportText(report: EvaluationReport, sets: readonly string[] | null): string {
  const layout = layOutReport(report, sets);
  return [
    layout.headline,
    layout.subject,
    `Users: ${layout.sizes}.`,
    ...layout.sets.map(measuredText),
    layout.legend,
    layout.findings.filter((finding) => finding.k === layout.largestK).map((finding) => `- ${finding.text}`).join('\n'),
    ...layout.sets.filter(({ published }) => published.rows.length > 0).map((set) => `${layout.publishedTitle}:\n${publishedText(set)}`),
  ].filter((part) => part !== '').join('\n\n');
}

function measuredText({ set, users, albumPercent, measured }: LaidOutSet): string {
  return textTable([[`${set} (n = ${users}, ${albumPercent} % albums)`, 'decoder', ...measured.headings], ...measured.rows.map((row) => [row.name, row.decoder, ...row.cells])]);
}

function publishedText({ set, published }: LaidOutSet): string {
  return textTable([[set, ...published.headings], ...published.rows.map((row) => [row.name, ...row.cells])]);
}

// How an evaluation report is laid out, wherever it is shown: which tables in which order, a method a row, a column for
// each k, in the shape of the paper's. The terminal and the editor only write these cells down in their own way.
import { detailCell, rowName, scoreCell } from './reportCells.ts';
import type { EvaluationReport, EvaluationRow, EvaluationTable, Finding } from './report.ts';

export interface LaidOutRow {
  readonly name: string;
  readonly isModel: boolean;
  readonly decoder: string; // '' where no model answers
  readonly cells: readonly string[]; // one for each k
}

export interface LaidOutTable {
  readonly headings: readonly string[]; // of the cells
  readonly rows: readonly LaidOutRow[];
}

/** What is shown of one set; a table without rows is left out. */
export interface LaidOutSet {
  readonly set: string;
  readonly users: number;
  readonly albumPercent: number; // of the questions lie within an hour of a history post or share its title
  readonly measured: LaidOutTable;
  readonly differences: LaidOutTable; // of each model: its MAE less that of the best plain baseline
  readonly details: LaidOutTable; // Pearson's correlation, and how much probability valid answers held
  readonly published: LaidOutTable; // apart from what was measured: it is not on the same users
}

/** Names come from data sets and models: whoever shows a layout escapes all of its text. */
export interface ReportLayout {
  readonly headline: string;
  readonly subject: string; // source, plan, seeds, and how users were drawn
  readonly sizes: string; // users of each set that has any
  readonly sets: readonly LaidOutSet[];
  readonly legend: string;
  readonly publishedTitle: string;
  readonly findings: readonly Finding[]; // of every k
  readonly largestK: number;
}

const PUBLISHED_TITLE = "Published, on the paper's own draw of SMPD (single runs without intervals, not comparable row by row)";
const LEGEND = '± is the wider half of the 95 % interval (bootstrap with users as clusters). NaN: all predictions are equal. —: more than half of the answers are no numbers. '
  + '(%, all): the share of answers that are numbers, and the MAE over all questions with the training median in place of the others.';

/** @param sets those to show; null: all */
export function layOutReport(report: EvaluationReport, sets: readonly string[] | null = null): ReportLayout {
  const shown = [...new Set(report.tables.map((table) => table.set))].filter((set) => sets === null || sets.includes(set));
  return {
    headline: report.headline,
    subject: `${report.source}, plan ${report.plan}, data seed ${report.dataSeed}, training seed ${report.trainingSeed}. ${report.split}`,
    sizes: Object.entries(report.sizes).filter(([, users]) => users > 0).map(([set, users]) => `${set} ${users}`).join(', '),
    sets: shown.map((set) => layOutSet(report.tables.filter((table) => table.set === set))),
    legend: LEGEND,
    publishedTitle: PUBLISHED_TITLE,
    findings: report.findings,
    largestK: Math.max(...report.tables.map((table) => table.k)),
  };
}

/** @param tables of one set, one for each k, with the same methods in the same order */
function layOutSet(tables: readonly EvaluationTable[]): LaidOutSet {
  const first = tables[0]!;
  const shots = tables.map((table) => `${table.k}-shot`);
  const measures = shots.map((shot) => `${shot} MAE / SRC`);
  const measured = first.rows.filter((row) => row.kind !== 'published');
  const published = first.rows.filter((row) => row.kind === 'published');
  const table = (headings: readonly string[], rows: readonly EvaluationRow[], cell: (row: EvaluationRow) => string): LaidOutTable => ({
    headings,
    rows: rows.map((row) => ({
      name: rowName(first.rows, row), isModel: row.kind === 'model', decoder: row.decoder ?? '',
      cells: tables.map((one) => cell(one.rows[first.rows.indexOf(row)]!)),
    })),
  });
  return {
    set: first.set, users: first.rows[0]?.users ?? 0, albumPercent: Math.round(100 * first.albumShare),
    measured: table(measures, measured, scoreCell),
    differences: table(shots, measured.filter((row) => row.kind === 'model'), differenceCell),
    details: table(shots, measured, detailCell),
    published: table(measures, published, scoreCell),
  };
}

/** '−0.123 [−0.200, −0.050], p 0.012, against user mean'; '' for the best plain baseline itself. */
function differenceCell({ difference }: EvaluationRow): string {
  if (difference === null) return '';
  const { mae, p, against } = difference;
  return `${signed(mae.value)} [${signed(mae.low)}, ${signed(mae.high)}], p ${p.toFixed(3)}, against ${against}`;
}

const signed = (value: number): string => (value > 0 ? `+${value.toFixed(3)}` : value.toFixed(3).replace('-', '−'));

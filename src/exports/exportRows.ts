// What every export format is written from: instructions with their answers, or pairs, as plain text.
import type { StageRequest } from '../protocol/stages.ts';

export type ExportFormat = StageRequest<'export'>['format'];
export type ExportContent = StageRequest<'export'>['content'];

/** A supervised row. `prompt` is instruction, newline, input (method.md, section 3); `answer` is canonical, '7.52'. */
export interface InstructionExportRow {
  readonly postId: string; // pid of the question: traces the row back
  readonly k: number;
  readonly prompt: string;
  readonly answer: string;
}

export interface PairExportRow {
  readonly postId: string;
  readonly pairId: string;
  readonly k: number;
  readonly prompt: string;
  readonly chosen: string; // canonical, '7.52'
  readonly rejected: string;
}

export interface ExportFile {
  readonly path: string; // inside the export's folder, with forward slashes
  readonly text: string;
  readonly rows: number;
}

/** One JSON object a line. */
export function jsonLines(path: string, rows: readonly object[]): ExportFile {
  return { path, text: rows.map((row) => `${JSON.stringify(row)}\n`).join(''), rows: rows.length };
}

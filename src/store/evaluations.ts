// What an evaluation reads (answers to the questions as they are now) and the reports that came of it.
import type { EvaluationReport } from '../protocol/report.ts';
import type { Hundredths } from '../domain/posts.ts';
import type { Database } from './database.ts';

/** An answer, and how much of the probability the valid answers held together (0 … 1; null where it was not computed). */
export interface Answer {
  readonly value: Hundredths | null; // null: no number within the range
  readonly mass: number | null;
}

/** What a model answered to the test questions of a set at k, by the pid of the question. Answers to an older prompt are left out. */
export function answersToQuestions(store: Database, drawId: number, modelId: number, set: string, k: number, decoder: 'median' | 'greedy'): Map<string, Answer> {
  const rows = store.prepare<{ pid: string } & Answer>(
    `SELECT i.pid, p.value, p.mass FROM instructions i
     JOIN draws d ON d.id = i.draw_id
     JOIN predictions p ON p.source_id = d.source_id AND p.pid = i.pid AND p.model_id = ? AND p.k = i.k AND p.decoder = ? AND p.draw = 0 AND p.prompt_hash = i.prompt_hash
     WHERE i.draw_id = ? AND i.set_name = ? AND i.form = 'test' AND i.k = ?`).all(modelId, decoder, drawId, set, k);
  return new Map(rows.map(({ pid, value, mass }) => [pid, { value, mass }]));
}

export interface StoredEvaluation {
  readonly id: number;
  readonly inputHash: string; // of the predictions and labels it read
  readonly report: EvaluationReport;
  readonly evaluatedAt: number; // unix seconds
}

/** Keeps a report and answers its id. One transaction. */
export function saveEvaluation(store: Database, drawId: number, plan: string, inputHash: string, report: EvaluationReport, evaluatedAt: number): number {
  const statement = store.prepare('INSERT INTO evaluations (draw_id, plan, input_hash, report, evaluated_at) VALUES (?, ?, ?, ?, ?)');
  return store.transaction(() => Number(statement.run(drawId, plan, inputHash, JSON.stringify(report), evaluatedAt).lastInsertRowid));
}

export function findEvaluation(store: Database, id: number): StoredEvaluation | undefined {
  const row = store.prepare<{ id: number; input_hash: string; report: string; evaluated_at: number }>('SELECT id, input_hash, report, evaluated_at FROM evaluations WHERE id = ?').get(id);
  return row && { id: row.id, inputHash: row.input_hash, report: JSON.parse(row.report) as EvaluationReport, evaluatedAt: row.evaluated_at };
}

/** A report's headline, read without parsing its tables. */
export function evaluationHeadline(store: Database, id: number): string | null {
  return store.prepare<{ headline: string | null }>("SELECT json_extract(report, '$.headline') AS headline FROM evaluations WHERE id = ?").get(id)?.headline ?? null;
}

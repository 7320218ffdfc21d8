// Pairs of answers to the alignment set's questions, one a model, k and question.
import type { AnswerPair, PairState } from '../domain/preferences.ts';
import type { Hundredths } from '../domain/posts.ts';
import type { Piece } from '../domain/instructions.ts';
import type { Database } from './database.ts';

/** A question of the alignment set, with the two answers that a model was sampled for it. */
export interface SampledQuestion {
  readonly pid: string;
  readonly uid: string;
  readonly k: number;
  readonly truth: Hundredths;
  readonly promptHash: string;
  readonly answers: readonly [string, string] | null; // null: not sampled yet, or sampled with another prompt
  readonly sampledFrom: string; // 'trie', 'mask', 'free'
}

/** The k-shot questions of the alignment set in the order in which the users were drawn. */
export function sampledQuestions(store: Database, drawId: number, modelId: number, k: number): SampledQuestion[] {
  const rows = store.prepare<{ pid: string; uid: string; k: number; answer: number; prompt_hash: string; first: string | null; second: string | null; sampled_from: string | null }>(
    `SELECT i.pid, i.uid, i.k, i.answer, i.prompt_hash, a.text AS first, b.text AS second, a.sampled_from
     FROM instructions i
     JOIN draws d ON d.id = i.draw_id
     LEFT JOIN draw_users u ON u.draw_id = i.draw_id AND u.uid = i.uid
     LEFT JOIN predictions a ON a.source_id = d.source_id AND a.pid = i.pid AND a.model_id = ? AND a.k = i.k AND a.decoder = 'sample' AND a.draw = 0 AND a.prompt_hash = i.prompt_hash
     LEFT JOIN predictions b ON b.source_id = d.source_id AND b.pid = i.pid AND b.model_id = ? AND b.k = i.k AND b.decoder = 'sample' AND b.draw = 1 AND b.prompt_hash = i.prompt_hash
     WHERE i.draw_id = ? AND i.set_name = 'alignment' AND i.form = 'test' AND i.k = ? AND i.answer IS NOT NULL
     ORDER BY u.position`).all(modelId, modelId, drawId, k);
  return rows.map((row) => ({
    pid: row.pid, uid: row.uid, k: row.k, truth: row.answer, promptHash: row.prompt_hash, sampledFrom: row.sampled_from ?? '',
    answers: row.first !== null && row.second !== null ? [row.first, row.second] : null,
  }));
}

/** An ordered, tied or unparsable pair as it is stored. Errors are hundredths. */
export interface StoredPair extends AnswerPair {
  readonly id: number;
  readonly modelId: number;
  readonly k: number;
  readonly pid: string;
  readonly promptHash: string;
  readonly sampledFrom: string;
}
export type NewPair = Omit<StoredPair, 'id'>;

/** Writes the pairs of some models over whatever these models had before, in one transaction; ids of pairs that did not change stay. */
export function savePairs(store: Database, drawId: number, modelIds: readonly number[], pairs: readonly NewPair[], madeAt: number): void {
  const write = store.prepare(`INSERT INTO pairs (draw_id, model_id, k, pid, state, chosen, rejected, error_chosen, error_rejected, prompt_hash, sampled_from, made_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (model_id, k, pid) DO UPDATE SET draw_id = excluded.draw_id, state = excluded.state, chosen = excluded.chosen, rejected = excluded.rejected, error_chosen = excluded.error_chosen,
      error_rejected = excluded.error_rejected, prompt_hash = excluded.prompt_hash, sampled_from = excluded.sampled_from, made_at = excluded.made_at`);
  const existing = store.prepare<{ id: number; k: number; pid: string }>('SELECT id, k, pid FROM pairs WHERE model_id = ?');
  const remove = store.prepare('DELETE FROM pairs WHERE id = ?');
  const kept = new Set(pairs.map((pair) => `${pair.modelId} ${pair.k} ${pair.pid}`));
  store.transaction(() => {
    for (const modelId of modelIds) for (const row of existing.all(modelId)) if (!kept.has(`${modelId} ${row.k} ${row.pid}`)) remove.run(row.id);
    for (const pair of pairs) {
      write.run(drawId, pair.modelId, pair.k, pair.pid, pair.state, pair.chosen, pair.rejected, pair.errorChosen, pair.errorRejected, pair.promptHash, pair.sampledFrom, madeAt);
    }
  });
}

interface PairRow {
  id: number; model_id: number; k: number; pid: string; state: PairState; chosen: string; rejected: string; error_chosen: number | null; error_rejected: number | null;
  prompt_hash: string; sampled_from: string;
}

const fromRow = (row: PairRow): StoredPair => ({
  id: row.id, modelId: row.model_id, k: row.k, pid: row.pid, state: row.state, chosen: row.chosen, rejected: row.rejected, errorChosen: row.error_chosen,
  errorRejected: row.error_rejected, promptHash: row.prompt_hash, sampledFrom: row.sampled_from,
});

/** The pairs of a model, k by k, in the order in which the users were drawn. */
export function pairsOfModel(store: Database, modelId: number): StoredPair[] {
  return store.prepare<PairRow>(
    `SELECT p.* FROM pairs p
     LEFT JOIN instructions i ON i.draw_id = p.draw_id AND i.set_name = 'alignment' AND i.form = 'test' AND i.k = p.k AND i.pid = p.pid
     LEFT JOIN draw_users u ON u.draw_id = p.draw_id AND u.uid = i.uid
     WHERE p.model_id = ? ORDER BY p.k, u.position, p.pid`).all(modelId).map(fromRow);
}

/** A pair with the prompt it answers; `pieces` null when the prompt has changed since, so that the pair must be sampled again. */
export interface PromptedPair extends StoredPair {
  readonly uid: string;
  readonly truth: Hundredths;
  readonly pieces: readonly Piece[] | null;
}

export function promptedPairs(store: Database, modelId: number): PromptedPair[] {
  return store.prepare<PairRow & { uid: string | null; answer: number | null; pieces: string | null; current_hash: string | null }>(
    `SELECT p.*, i.uid, i.answer, i.pieces, i.prompt_hash AS current_hash FROM pairs p
     LEFT JOIN instructions i ON i.draw_id = p.draw_id AND i.set_name = 'alignment' AND i.form = 'test' AND i.k = p.k AND i.pid = p.pid
     LEFT JOIN draw_users u ON u.draw_id = p.draw_id AND u.uid = i.uid
     WHERE p.model_id = ? ORDER BY p.k, u.position, p.pid`).all(modelId).map((row) => ({
    ...fromRow(row), uid: row.uid ?? '', truth: row.answer ?? 0,
    pieces: row.pieces !== null && row.answer !== null && row.current_hash === row.prompt_hash ? (JSON.parse(row.pieces) as Piece[]) : null,
  }));
}

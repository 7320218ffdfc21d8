// What models answered, by post, model, k and decoder. A prediction keeps the prompt it answers: another prompt now means stale.
import type { Hundredths } from '../domain/posts.ts';
import type { PredictionRow } from '../protocol/run.ts';
import type { Database } from './database.ts';

export type DecoderName = PredictionRow['decoder'];

export interface NewPrediction {
  readonly modelId: number;
  readonly sourceId: number;
  readonly pid: string;
  readonly k: number; // history posts less one
  readonly decoder: DecoderName;
  readonly draw: number; // 0 but for samples
  readonly text: string;
  readonly value: Hundredths | null; // null: no number or out of range
  readonly quantiles: PredictionRow['quantiles_hundredths'];
  readonly mass: number | null;
  readonly sampledFrom: PredictionRow['sampled_from'];
  readonly promptHash: string;
  readonly history: readonly string[]; // pids, oldest first
  readonly runId: string;
  readonly predictedAt: number; // unix seconds
}

/** Writes over what was there, in one transaction: callers keep batches small, so that a decision made meanwhile does not wait. */
export function savePredictions(store: Database, predictions: readonly NewPrediction[]): void {
  const write = store.prepare(`INSERT OR REPLACE INTO predictions
    (model_id, source_id, pid, k, decoder, draw, text, value, quantiles, mass, sampled_from, prompt_hash, history, run_id, predicted_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  store.transaction(() => {
    for (const row of predictions) {
      write.run(row.modelId, row.sourceId, row.pid, row.k, row.decoder, row.draw, row.text, row.value, row.quantiles === null ? null : JSON.stringify(row.quantiles),
        row.mass, row.sampledFrom, row.promptHash, JSON.stringify(row.history), row.runId, row.predictedAt);
    }
  });
}

/** How many answers of a decoder a model has given to exactly this prompt. */
export function answersGiven(store: Database, modelId: number, sourceId: number, question: { pid: string; k: number; promptHash: string }, decoder: DecoderName): number {
  return store.prepare<{ count: number }>(
    'SELECT count(*) AS count FROM predictions WHERE source_id = ? AND pid = ? AND model_id = ? AND k = ? AND decoder = ? AND prompt_hash = ?')
    .get(sourceId, question.pid, modelId, question.k, decoder, question.promptHash)!.count;
}

/** Removes up to `limit` predictions of a model and answers how many; 0 means that none are left. */
export function removeSomePredictions(store: Database, modelId: number, limit: number): number {
  return store.prepare(`DELETE FROM predictions WHERE (source_id, pid, model_id, k, decoder, draw) IN
    (SELECT source_id, pid, model_id, k, decoder, draw FROM predictions WHERE model_id = ? LIMIT ?)`).run(modelId, limit).changes;
}

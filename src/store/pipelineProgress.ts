// How far the pipeline has come: counts that the tree shows at every look, so each query is answered from an index or
// touches only the questions of an experiment.
import type { ModelRole, SetName } from '../protocol/stages.ts';
import type { Database } from './database.ts';

/** Questions of some sets and how many of them each model has answered with the prompt as it is now. */
export interface AnsweredQuestions {
  readonly asked: number; // questions that these models are to answer, summed over models
  readonly answered: number;
  readonly unparsable: number; // answers that are no number within the range
  readonly newest: number | null; // unix seconds
}

/** `decoder`: 'sample' counts a question as answered with its second draw. A model of one k is asked that k alone. */
export function answeredQuestions(store: Database, drawId: number, modelIds: readonly number[], sets: readonly SetName[], decoder: 'greedy' | 'sample'): AnsweredQuestions {
  const count = store.prepare<{ asked: number; answered: number; unparsable: number; newest: number | null }>(
    `SELECT count(*) AS asked, count(p.pid) AS answered, ifnull(sum(p.pid IS NOT NULL AND p.value IS NULL), 0) AS unparsable, max(p.predicted_at) AS newest
     FROM models m JOIN draws d ON d.id = m.draw_id JOIN instructions i ON i.draw_id = m.draw_id AND i.set_name = ? AND i.form = 'test' AND (m.k IS NULL OR i.k = m.k)
     LEFT JOIN predictions p ON p.source_id = d.source_id AND p.pid = i.pid AND p.model_id = m.id AND p.k = i.k AND p.decoder = ? AND p.draw = ? AND p.prompt_hash = i.prompt_hash
     WHERE m.id = ? AND m.draw_id = ?`);
  let [asked, answered, unparsable, newest] = [0, 0, 0, null as number | null];
  for (const modelId of modelIds) {
    for (const set of sets) {
      const row = count.get(set, decoder, decoder === 'sample' ? 1 : 0, modelId, drawId)!;
      asked += row.asked;
      answered += row.answered;
      unparsable += row.unparsable;
      if (row.newest !== null) newest = Math.max(newest ?? 0, row.newest);
    }
  }
  return { asked, answered, unparsable, newest };
}

/** Pairs of some models by state, and how many of them are older than their prompts. */
export interface PairCounts {
  readonly pairs: number;
  readonly ordered: number;
  readonly tie: number;
  readonly unparsable: number;
  readonly stale: number;
  readonly newest: number | null; // unix seconds
}

export function countPairs(store: Database, modelIds: readonly number[]): PairCounts {
  const rows = modelIds.flatMap((modelId) => store.prepare<{ state: 'ordered' | 'tie' | 'unparsable'; count: number; stale: number; newest: number }>(
    `SELECT p.state, count(*) AS count, sum(i.prompt_hash IS NOT p.prompt_hash) AS stale, max(p.made_at) AS newest FROM pairs p
     LEFT JOIN instructions i ON i.draw_id = p.draw_id AND i.set_name = 'alignment' AND i.form = 'test' AND i.k = p.k AND i.pid = p.pid
     WHERE p.model_id = ? GROUP BY p.state`).all(modelId));
  const sum = (state?: string): number => rows.filter((row) => state === undefined || row.state === state).reduce((total, row) => total + row.count, 0);
  return {
    pairs: sum(), ordered: sum('ordered'), tie: sum('tie'), unparsable: sum('unparsable'), stale: rows.reduce((total, row) => total + row.stale, 0),
    newest: rows.length === 0 ? null : Math.max(...rows.map((row) => row.newest)),
  };
}

/** When each model of an experiment last changed its weights, by role. */
export function newestModel(models: readonly { readonly role: ModelRole; readonly madeAt: number }[], role: ModelRole): number | null {
  const times = models.filter((model) => model.role === role).map((model) => model.madeAt);
  return times.length === 0 ? null : Math.max(...times);
}

/** Rows that were skipped when a generation was indexed, the most frequent reasons first. */
export function skippedByReason(store: Database, generationId: number): { reason: string; rows: number }[] {
  return store.prepare<{ reason: string; rows: number }>(
    'SELECT reason, count(*) AS rows FROM skipped_rows WHERE generation_id = ? GROUP BY reason ORDER BY rows DESC, reason LIMIT 10').all(generationId);
}

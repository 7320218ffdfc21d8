// What each stage last did: the input it did it with (so that the same work is not done twice), the counts that the tree
// shows, and the last error.
import type { Experiment } from '../protocol/pipelineStatus.ts';
import type { Database } from './database.ts';

/** A stage's last doing for one source; `scope` tells apart what a stage does several times (plan, seed, base). */
export interface StageState {
  readonly stage: string;
  readonly scope: string;
  readonly inputHash: string; // '' after a failure without any success before
  readonly counts: Readonly<Record<string, number | string>>;
  readonly error: string | null;
  readonly finishedAt: number; // unix seconds
}

interface StageStateRow {
  stage: string; scope: string; input_hash: string; summary: string; error: string | null; finished_at: number;
}

const fromRow = (row: StageStateRow): StageState => ({
  stage: row.stage, scope: row.scope, inputHash: row.input_hash,
  counts: JSON.parse(row.summary) as Record<string, number | string>, error: row.error, finishedAt: row.finished_at,
});

export function readStageState(store: Database, sourceId: number, stage: string, scope: string): StageState | undefined {
  const row = store.prepare<StageStateRow>('SELECT * FROM stage_states WHERE source_id = ? AND stage = ? AND scope = ?').get(sourceId, stage, scope);
  return row && fromRow(row);
}

export function listStageStates(store: Database, sourceId: number): StageState[] {
  return store.prepare<StageStateRow>('SELECT * FROM stage_states WHERE source_id = ? ORDER BY stage, scope').all(sourceId).map(fromRow);
}

/** Records a success; clears the error of an earlier failure. One transaction, like each write here. */
export function recordStageSuccess(
  store: Database, sourceId: number, stage: string, scope: string, inputHash: string, counts: Readonly<Record<string, number | string>>, finishedAt: number,
): void {
  const statement = store.prepare(`INSERT INTO stage_states (source_id, stage, scope, input_hash, summary, error, finished_at) VALUES (?, ?, ?, ?, ?, NULL, ?)
    ON CONFLICT (source_id, stage, scope) DO UPDATE SET input_hash = excluded.input_hash, summary = excluded.summary, error = NULL, finished_at = excluded.finished_at`);
  store.transaction(() => statement.run(sourceId, stage, scope, inputHash, JSON.stringify(counts), finishedAt));
}

/** Records a failure beside the last success, whose input, counts and time stay: its results are still in the store. */
export function recordStageFailure(store: Database, sourceId: number, stage: string, scope: string, error: string, finishedAt: number): void {
  const statement = store.prepare(`INSERT INTO stage_states (source_id, stage, scope, input_hash, summary, error, finished_at) VALUES (?, ?, ?, '', '{}', ?, ?)
    ON CONFLICT (source_id, stage, scope) DO UPDATE SET error = excluded.error`);
  store.transaction(() => statement.run(sourceId, stage, scope, error.slice(0, 2000), finishedAt));
}

/** Forgets the failure of a stage that has now found nothing to do. */
export function clearStageFailure(store: Database, sourceId: number, stage: string, scope: string): void {
  const remove = store.prepare("DELETE FROM stage_states WHERE source_id = ? AND stage = ? AND scope = ? AND error IS NOT NULL AND input_hash = ''");
  const clear = store.prepare('UPDATE stage_states SET error = NULL WHERE source_id = ? AND stage = ? AND scope = ? AND error IS NOT NULL');
  store.transaction(() => {
    remove.run(sourceId, stage, scope);
    clear.run(sourceId, stage, scope);
  });
}

/** Where the counts of `instruct` keep the hash of all that a model of the draw can learn from. */
export const LEARNABLE = 'learnable';

/** That hash as it is now; '' before the draw's first instructions. */
export function learnableContent(store: Database, sourceId: number, dataSeed: number): string {
  const recorded = readStageState(store, sourceId, 'instruct', drawScope({ dataSeed }))?.counts[LEARNABLE];
  return typeof recorded === 'string' ? recorded : '';
}

/** Scope of the stages that only the data seed tells apart (sample, instruct). */
export const drawScope = (request: { dataSeed: number }): string => `seed ${request.dataSeed}`;

/** Scope of the stages that a model is part of (train, pair, align, evaluate; predict adds its own scope behind it). */
export const experimentScope = (request: Experiment): string => `seed ${request.dataSeed}, plan ${request.plan}, training seed ${request.trainingSeed}, base ${request.base}`;

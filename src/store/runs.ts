// Trainer jobs as the store remembers them. What a job is doing now is read from its folder (hosts/); this is the record.
import type { JobState } from '../protocol/job.ts';
import type { Database } from './database.ts';

export interface StoredRun {
  readonly id: string; // also the job folder's name
  readonly stage: string;
  readonly host: string;
  readonly inputHash: string; // of everything that decides the outcome
  readonly state: JobState; // when it was last looked at
  readonly request: Readonly<Record<string, unknown>>; // the stage's request
  readonly summary: Readonly<Record<string, unknown>> | null; // when ended
  readonly startedAt: number; // unix seconds
  readonly endedAt: number | null;
}

interface RunRow {
  id: string; stage: string; host: string; input_hash: string; state: JobState; request: string; summary: string | null; started_at: number; ended_at: number | null;
}

const fromRow = (row: RunRow): StoredRun => ({
  id: row.id, stage: row.stage, host: row.host, inputHash: row.input_hash, state: row.state, request: JSON.parse(row.request) as Record<string, unknown>,
  summary: row.summary === null ? null : (JSON.parse(row.summary) as Record<string, unknown>), startedAt: row.started_at, endedAt: row.ended_at,
});

/** Records that a run works (again): whatever an earlier attempt ended with is forgotten. One transaction. */
export function recordRunStart(store: Database, run: Omit<StoredRun, 'state' | 'summary' | 'endedAt'>): void {
  const statement = store.prepare(`INSERT INTO runs (id, stage, host, input_hash, state, request, summary, started_at, ended_at) VALUES (?, ?, ?, ?, 'running', ?, NULL, ?, NULL)
    ON CONFLICT (id) DO UPDATE SET host = excluded.host, state = 'running', request = excluded.request, summary = NULL, started_at = excluded.started_at, ended_at = NULL`);
  store.transaction(() => statement.run(run.id, run.stage, run.host, run.inputHash, JSON.stringify(run.request), run.startedAt));
}

/** Records how a run ended. One transaction. */
export function recordRunEnd(store: Database, id: string, state: JobState, summary: Readonly<Record<string, unknown>>, endedAt: number): void {
  const statement = store.prepare('UPDATE runs SET state = ?, summary = ?, ended_at = ? WHERE id = ?');
  store.transaction(() => statement.run(state, JSON.stringify(summary), endedAt, id));
}

export function findRun(store: Database, id: string): StoredRun | undefined {
  const row = store.prepare<RunRow>('SELECT * FROM runs WHERE id = ?').get(id);
  return row && fromRow(row);
}

/** The newest runs first. */
export function listRuns(store: Database, limit: number): StoredRun[] {
  return store.prepare<RunRow>('SELECT * FROM runs ORDER BY started_at DESC, id LIMIT ?').all(limit).map(fromRow);
}

/** Ids of runs that something in the store came from: a model, a prediction; and of those that nobody has seen the end of. */
export function runsInUse(store: Database): Set<string> {
  const rows = store.prepare<{ id: string }>(`SELECT run_id AS id FROM models WHERE run_id IS NOT NULL
    UNION SELECT run_id FROM predictions WHERE run_id IS NOT NULL UNION SELECT id FROM runs WHERE ended_at IS NULL`).all();
  return new Set(rows.map((row) => row.id));
}

/** Forgets a run that nothing in the store came from; one that is in use stays. One transaction. */
export function forgetRun(store: Database, id: string): void {
  const statement = store.prepare(`DELETE FROM runs WHERE id = ? AND ended_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM models m WHERE m.run_id = runs.id) AND NOT EXISTS (SELECT 1 FROM predictions p WHERE p.run_id = runs.id)`);
  store.transaction(() => statement.run(id));
}

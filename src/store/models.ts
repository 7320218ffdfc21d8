// Models that were made: what they are, what they have seen, where their weights lie. A result stores the model that really ran.
import type { Hundredths } from '../domain/posts.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import type { ModelRole, Plan } from '../protocol/stages.ts';
import type { Database } from './database.ts';

/** Labels that a model has seen, all of them, the pool's too. */
export interface TrainingLabels {
  readonly sets: readonly string[]; // 'few-shot', 'pool', 'alignment'
  readonly poolUsers: number;
  readonly labels: number;
  readonly poolWindows: number | null; // about how many of the pool's windows were chosen at most (instructionRows.ts); null: no pool training
  readonly pairs: readonly string[]; // row ids ('2:1234', k and pid) of the pairs that it was aligned on
  readonly learnable: string; // hash of everything that could be learned from when it was (learnableContent); '' of models that learned nothing
}

/** Of a base; and what a model that an earlier version wrote does not say. */
export const NOTHING_SEEN: TrainingLabels = { sets: [], poolUsers: 0, labels: 0, poolWindows: null, pairs: [], learnable: '' };

export interface StoredModel {
  readonly id: number;
  readonly drawId: number | null;
  readonly role: ModelRole;
  readonly plan: Plan;
  readonly k: number | null; // paper plan: one model a k; null: one for all
  readonly variant: string; // loss or control name of an aligned model
  readonly trainingSeed: number;
  readonly base: string; // 'tiny', a folder or an id
  readonly path: string; // folder with the weights, relative to the store's folder or absolute
  readonly adapterOf: string | null; // base folder when path is an adapter
  readonly weightsHash: string;
  readonly chosen: string; // which state was kept: 'base', 'pool 400', 'sft 40', …
  readonly trainingLabels: TrainingLabels;
  readonly runId: string | null;
  readonly rangeMin: Hundredths;
  readonly rangeMax: Hundredths;
  readonly madeAt: number; // unix seconds
}

interface ModelRow {
  id: number; draw_id: number | null; role: ModelRole; plan: Plan; k: number | null; variant: string; training_seed: number; base: string; path: string; adapter_of: string | null;
  weights_hash: string; chosen: string; training_labels: string; run_id: string | null; range_min: number; range_max: number; made_at: number;
}

const fromRow = (row: ModelRow): StoredModel => ({
  id: row.id, drawId: row.draw_id, role: row.role, plan: row.plan, k: row.k, variant: row.variant, trainingSeed: row.training_seed, base: row.base, path: row.path,
  adapterOf: row.adapter_of, weightsHash: row.weights_hash, chosen: row.chosen, trainingLabels: { ...NOTHING_SEEN, ...(JSON.parse(row.training_labels) as Partial<TrainingLabels>) }, runId: row.run_id,
  rangeMin: row.range_min, rangeMax: row.range_max, madeAt: row.made_at,
});

/** The models of an experiment (all roles, or one), base first, then sft, then aligned; in the paper's plan one for each k. */
export function modelsOfExperiment(store: Database, drawId: number, experiment: Omit<Experiment, 'dataSeed'>, role?: ModelRole): StoredModel[] {
  return store.prepare<ModelRow>(
    `SELECT * FROM models WHERE draw_id = ? AND plan = ? AND training_seed = ? AND base = ? AND (? IS NULL OR role = ?)
     ORDER BY CASE role WHEN 'base' THEN 0 WHEN 'sft' THEN 1 ELSE 2 END, variant, ifnull(k, 0)`)
    .all(drawId, experiment.plan, experiment.trainingSeed, experiment.base, role ?? null, role ?? null).map(fromRow);
}

/** Of the models of a role, the one that answers k-shot questions. */
export const modelForShots = (models: readonly StoredModel[], k: number): StoredModel | undefined => models.find((model) => model.k === k) ?? models.find((model) => model.k === null);

export type NewModel = Omit<StoredModel, 'id'>;

/** The model that stands where `model` would be written: same draw, role, plan, k, variant, training seed and base. */
export function modelInPlaceOf(store: Database, model: NewModel): StoredModel | undefined {
  const row = store.prepare<ModelRow>(
    'SELECT * FROM models WHERE draw_id IS ? AND role = ? AND plan = ? AND ifnull(k, 0) = ? AND variant = ? AND training_seed = ? AND base = ?')
    .get(model.drawId, model.role, model.plan, model.k ?? 0, model.variant, model.trainingSeed, model.base);
  return row && fromRow(row);
}

/** Writes a model and answers its id. The same weights made again keep their id and the time they were made, and so their predictions. */
export function saveModel(store: Database, model: NewModel): number {
  return store.transaction(() => {
    const before = modelInPlaceOf(store, model);
    const values = [
      model.path, model.adapterOf, model.weightsHash, model.chosen, JSON.stringify(model.trainingLabels), model.runId, model.rangeMin, model.rangeMax,
      before?.weightsHash === model.weightsHash ? before.madeAt : model.madeAt,
    ];
    if (before) {
      store.prepare(`UPDATE models SET path = ?, adapter_of = ?, weights_hash = ?, chosen = ?, training_labels = ?, run_id = ?, range_min = ?, range_max = ?, made_at = ?
        WHERE id = ?`).run(...values, before.id);
      return before.id;
    }
    const { lastInsertRowid } = store.prepare(`INSERT INTO models (path, adapter_of, weights_hash, chosen, training_labels, run_id, range_min, range_max, made_at,
        draw_id, role, plan, k, variant, training_seed, base) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
      .run(...values, model.drawId, model.role, model.plan, model.k, model.variant, model.trainingSeed, model.base);
    return Number(lastInsertRowid);
  });
}

/** Where weights lie that a model of the store needs: its own, and the base of an adapter. */
export function listModelPaths(store: Database): string[] {
  return store.prepare<{ path: string }>('SELECT path FROM models UNION SELECT adapter_of FROM models WHERE adapter_of IS NOT NULL').all().map((row) => row.path);
}

/** Removes a model with its pairs and whatever predictions are left of it. */
export function removeModel(store: Database, id: number): void {
  store.prepare('DELETE FROM models WHERE id = ?').run(id);
}

/** Removes the pairs that a model's answers made: with other weights it would answer otherwise. */
export function removePairsOfModel(store: Database, id: number): void {
  store.prepare('DELETE FROM pairs WHERE model_id = ?').run(id);
}

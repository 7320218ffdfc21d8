// Writes the models of an experiment and tells whether they still fit it. A model whose weights changed takes everything
// along that was made with the old ones: its predictions and pairs, and the models that were aligned against it.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { Database } from '../store/database.ts';
import { modelInPlaceOf, modelsOfExperiment, removeModel, removePairsOfModel, saveModel, type NewModel, type StoredModel } from '../store/models.ts';
import { removeSomePredictions } from '../store/predictions.ts';
import type { StoredDraw } from '../store/draws.ts';
import { learnableContent } from '../store/stageStates.ts';

const REMOVED_AT_ONCE = 500; // predictions in a transaction, a few milliseconds

/** Writes the model in the place of its predecessor and returns its id. */
export async function* replaceModel(store: Database, model: NewModel): LongWork<number> {
  const before = modelInPlaceOf(store, model);
  const hasOtherWeights = before !== undefined && before.weightsHash !== model.weightsHash;
  if (before && (hasOtherWeights || before.trainingLabels.learnable !== model.trainingLabels.learnable)) {
    // Also where training came out the same: what was aligned learned from pairs of another draw or of other prompts.
    if (model.role === 'sft' && model.drawId !== null) {
      const aligned = modelsOfExperiment(store, model.drawId, { plan: model.plan, trainingSeed: model.trainingSeed, base: model.base }, 'aligned');
      for (const other of aligned.filter((one) => one.k === model.k)) {
        yield* removePredictions(store, other.id);
        removeModel(store, other.id);
      }
    }
    if (hasOtherWeights) {
      yield* removePredictions(store, before.id);
      removePairsOfModel(store, before.id);
    }
  }
  return saveModel(store, model);
}

/**
 * Makes sure that models learned from the draw and the prompts as they are now: a model of an earlier draw may have been
 * trained on the very users that it would be tested on. A base has learned nothing here.
 * @throws {UserError} `model-stale`
 */
export function requireCurrentModels(store: Database, draw: StoredDraw, models: readonly StoredModel[]): void {
  const content = learnableContent(store, draw.sourceId, draw.seed);
  if (models.every((model) => model.role === 'base' || model.trainingLabels.learnable === content)) return;
  throw new UserError('model-stale', 'The users or their prompts have changed since the models of this experiment were trained.', 'Run “train” again, then the stages after it.');
}

async function* removePredictions(store: Database, modelId: number): LongWork<void> {
  let removed = 0;
  for (let count = -1; count !== 0; removed += count) {
    count = removeSomePredictions(store, modelId, REMOVED_AT_ONCE);
    await setImmediate(); // lets other work of this thread and other writers in
    if (count > 0) yield { message: 'Removing answers of the earlier model', done: removed + count, unit: 'answers' };
  }
}

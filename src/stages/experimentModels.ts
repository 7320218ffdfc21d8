// Writes the models of an experiment. A model whose weights changed takes everything along that was made with the old ones:
// its predictions and pairs, and the models that were aligned against it.
import { setImmediate } from 'node:timers/promises';
import type { LongWork } from '../protocol/progress.ts';
import type { Database } from '../store/database.ts';
import { modelInPlaceOf, modelsOfExperiment, removeModel, removePairsOfModel, saveModel, type NewModel } from '../store/models.ts';
import { removeSomePredictions } from '../store/predictions.ts';

const REMOVED_AT_ONCE = 500; // predictions in a transaction, a few milliseconds

/** Writes the model in the place of its predecessor and returns its id. */
export async function* replaceModel(store: Database, model: NewModel): LongWork<number> {
  const before = modelInPlaceOf(store, model);
  if (before && before.weightsHash !== model.weightsHash) {
    if (model.role === 'sft' && model.drawId !== null) {
      const aligned = modelsOfExperiment(store, model.drawId, { plan: model.plan, trainingSeed: model.trainingSeed, base: model.base }, 'aligned');
      for (const other of aligned.filter((one) => one.k === model.k)) {
        yield* removePredictions(store, other.id);
        removeModel(store, other.id);
      }
    }
    yield* removePredictions(store, before.id);
    removePairsOfModel(store, before.id);
  }
  return saveModel(store, model);
}

async function* removePredictions(store: Database, modelId: number): LongWork<void> {
  let removed = 0;
  for (let count = -1; count !== 0; removed += count) {
    count = removeSomePredictions(store, modelId, REMOVED_AT_ONCE);
    await setImmediate(); // lets other work of this thread and other writers in
    if (count > 0) yield { message: 'Removing answers of the earlier model', done: removed + count, unit: 'answers' };
  }
}

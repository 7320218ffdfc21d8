import assert from 'node:assert/strict';
import { replaceModel } from '../../../src/stages/experimentModels.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { modelsOfExperiment, type NewModel } from '../../../src/store/models.ts';
import { savePairs } from '../../../src/store/pairs.ts';
import { addModel, addPrediction, drain, experiment, instructedStore } from './stageFixture.ts';

describe('replacing a model', () => {
  async function trained() {
    const { store, draw } = await instructedStore();
    const [question, other] = listInstructions(store, draw.id, 'alignment', 'test', 1);
    const ids = { base: addModel(store, draw, 'base'), sft: addModel(store, draw, 'sft'), aligned: addModel(store, draw, 'aligned') };
    for (const id of Object.values(ids)) for (const asked of [question!, other!]) addPrediction(store, id, asked, 'median', 0, '3.00', 300);
    savePairs(store, draw.id, [ids.sft], [{
      modelId: ids.sft, k: 1, pid: question!.pid, state: 'ordered', chosen: '3.00', rejected: '4.00', errorChosen: 1, errorRejected: 99, promptHash: question!.promptHash, sampledFrom: 'trie',
    }], 0);
    const sft: NewModel = { ...modelsOfExperiment(store, draw.id, experiment, 'sft')[0]!, path: 'elsewhere', madeAt: 99 };
    const count = (table: string, modelId: number): number => store.prepare<{ count: number }>(`SELECT count(*) AS count FROM ${table} WHERE model_id = ?`).get(modelId)!.count;
    return { store, draw, ids, sft, count };
  }

  it('keeps id, time and answers while the weights are the same', async () => {
    const { store, draw, ids, sft, count } = await trained();
    assert.equal(await drain(replaceModel(store, sft)), ids.sft);
    const [now] = modelsOfExperiment(store, draw.id, experiment, 'sft');
    assert.deepEqual([now!.path, now!.madeAt], ['elsewhere', 0]);
    assert.deepEqual([count('predictions', ids.sft), count('pairs', ids.sft), count('predictions', ids.aligned)], [2, 1, 2]);
  });

  it('takes answers, pairs and the models aligned against it along when the weights change', async () => {
    const { store, draw, ids, sft, count } = await trained();
    assert.equal(await drain(replaceModel(store, { ...sft, weightsHash: 'other weights' })), ids.sft);
    assert.deepEqual(modelsOfExperiment(store, draw.id, experiment).map((model) => [model.role, model.weightsHash, model.madeAt]), [['base', 'weights of base', 0], ['sft', 'other weights', 99]]);
    assert.deepEqual([count('predictions', ids.sft), count('pairs', ids.sft), count('predictions', ids.aligned), count('predictions', ids.base)], [0, 0, 0, 2]);
  });
});

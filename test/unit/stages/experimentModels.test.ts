import assert from 'node:assert/strict';
import type { StageRequest } from '../../../src/protocol/stages.ts';
import { alignModel } from '../../../src/stages/alignModel.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { evaluateModels } from '../../../src/stages/evaluateModels.ts';
import { replaceModel } from '../../../src/stages/experimentModels.ts';
import { pairAnswers } from '../../../src/stages/pairAnswers.ts';
import { readPipelineStatus } from '../../../src/stages/pipelineStatus.ts';
import { predictPosts } from '../../../src/stages/predictPosts.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import type { StageContext } from '../../../src/stages/stageContext.ts';
import { addCaptions } from '../../../src/store/captions.ts';
import type { Database } from '../../../src/store/database.ts';
import { usersOfSet } from '../../../src/store/draws.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { modelsOfExperiment, type NewModel } from '../../../src/store/models.ts';
import { savePairs } from '../../../src/store/pairs.ts';
import { addModel, addPrediction, drain, excludePost, experiment, instructedStore, neverAborted, regularPosts } from './stageFixture.ts';

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

  it('takes the models aligned against it along when training came out the same from another draw', async () => {
    const { store, draw, ids, sft, count } = await trained();
    await drain(replaceModel(store, { ...sft, trainingLabels: { ...sft.trainingLabels, learnable: 'other' } }));
    assert.deepEqual(modelsOfExperiment(store, draw.id, experiment).map((model) => model.role), ['base', 'sft']);
    assert.deepEqual([count('predictions', ids.sft), count('pairs', ids.sft)], [2, 1]);
  });
});

describe('a model of another draw or of other prompts', () => {
  /** Changes what can be learned, draws and renders again. */
  async function after(change: (made: Awaited<ReturnType<typeof instructedStore>>) => void, captions: 'any' | 'approved' = 'any') {
    const made = await instructedStore([...regularPosts(61, 5), ...regularPosts(2, 3).map((post) => ({ ...post, pid: `pool-${post.pid}`, uid: `pool-${post.uid}` }))]);
    for (const role of ['base', 'sft', 'aligned'] as const) addModel(made.store, made.draw, role);
    change(made);
    await drain(samplePosts(made.context, { source: 'posts', dataSeed: 0 }, neverAborted));
    await drain(buildInstructions(made.context, { source: 'posts', dataSeed: 0, captions }, neverAborted));
    return made;
  }
  const trainEntry = ({ context }: { context: StageContext }) => readPipelineStatus(context, experiment).sources[0]!.entries.find((entry) => entry.id === 'train')!;
  const align: StageRequest<'align'> = { ...experiment, loss: 'idpop', beta: 0.1, alpha: 1, lambda: 1, delta: 0.01, cap: 10, margin: 0, epochs: 1, learningRate: 1, batchSize: 1 };
  const stale = { code: 'model-stale' };

  it('is not asked, paired, aligned or evaluated, until it is trained again', async () => {
    const made = await after(({ store, sourceId, draw }) => excludePost(store, sourceId, `${usersOfSet(store, draw.id, 'few-shot')[0]!}-0`));
    await assert.rejects(drain(predictPosts(made.context, { ...experiment, roles: ['sft'], scope: 'test', batchSize: 1 }, neverAborted)), stale);
    await assert.rejects(drain(predictPosts(made.context, { ...experiment, roles: ['aligned'], scope: { pids: ['u000-4'] }, batchSize: 1 }, neverAborted)), stale);
    await assert.rejects(drain(pairAnswers(made.context, experiment, neverAborted)), stale);
    await assert.rejects(drain(alignModel(made.context, align, neverAborted)), stale);
    await assert.rejects(drain(evaluateModels(made.context, experiment, neverAborted)), stale);
    assert.deepEqual([trainEntry(made).state, trainEntry(made).reason], ['stale', 'users or their prompts have changed since']);
  });

  it('is one too when a caption of the pool or which captions are allowed has changed', async () => {
    const caption = ({ store, sourceId }: { store: Database; sourceId: number }, pid: string) => addCaptions(store, sourceId, [{ pid, text: 'a red coat', madeBy: 'a', origin: {} }], 1);
    assert.equal(trainEntry(await after((made) => caption(made, 'pool-u000-1'))).state, 'stale');
    assert.equal(trainEntry(await after((made) => excludePost(made.store, made.sourceId, 'pool-u000-1'))).state, 'stale');
    assert.equal(trainEntry(await after((made) => caption(made, 'pool-u000-1'), 'approved')).state, 'done', 'no prompt holds the caption');
    assert.equal(trainEntry(await after((made) => caption(made, `${usersOfSet(made.store, made.draw.id, 'few-shot')[0]!}-4`))).state, 'done', 'p5 is asked about and never learned from');
  });
});

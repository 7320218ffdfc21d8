// Stages `predict` and `align` with the real trainer, one after the other on one small store, as the pipeline runs them.
import assert from 'node:assert/strict';
import { UserError } from '../../../src/domain/errors.ts';
import { errorRange, penaltyStrength } from '../../../src/domain/preferences.ts';
import type { Progress } from '../../../src/protocol/progress.ts';
import type { AlignRun, PairRow, PredictRun } from '../../../src/protocol/run.ts';
import type { StageRequest, StageResult } from '../../../src/protocol/stages.ts';
import { alignModel } from '../../../src/stages/alignModel.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { pairAnswers } from '../../../src/stages/pairAnswers.ts';
import { predictPosts } from '../../../src/stages/predictPosts.ts';
import { scorePairs } from '../../../src/stages/scorePairs.ts';
import { trainModel } from '../../../src/stages/trainModel.ts';
import { addCaptions } from '../../../src/store/captions.ts';
import { usersOfSet } from '../../../src/store/draws.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { modelsOfExperiment } from '../../../src/store/models.ts';
import { pairsOfModel } from '../../../src/store/pairs.ts';
import { findRun } from '../../../src/store/runs.ts';
import { drain, experiment, neverAborted } from './stageFixture.ts';
import { alignRequest, eventsOf, jobFile, jobIds, makeWorkspace, predictRequest, removeWorkspace, trainRequest, type TrainingWorkspace } from './trainingFixture.ts';

interface Answer {
  pid: string; k: number; decoder: string; draw: number; value: number | null; quantiles: string | null; history: string; run_id: string; role: string;
}

const scoreRequest: StageRequest<'score'> = { ...experiment, batchSize: 16 };
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('stages predict, score and align', function () {
  this.timeout(180_000);
  let workspace: TrainingWorkspace;

  before(async () => {
    workspace = await makeWorkspace();
    await drain(trainModel(workspace.context, trainRequest, neverAborted));
  });
  after(() => removeWorkspace(workspace));

  const predict = (scope: StageRequest<'predict'>['scope'], roles?: StageRequest<'predict'>['roles'], onProgress?: (progress: Progress) => void): Promise<StageResult> =>
    drain(predictPosts(workspace.context, predictRequest(scope, roles), neverAborted), onProgress);
  const answers = (where = '1 = 1'): Answer[] => workspace.context.store.prepare<Answer>(
    `SELECT p.pid, p.k, p.decoder, p.draw, p.value, p.quantiles, p.history, p.run_id, m.role FROM predictions p JOIN models m ON m.id = p.model_id WHERE ${where} ORDER BY p.pid, p.k, p.draw`).all();
  const models = () => modelsOfExperiment(workspace.context.store, workspace.draw.id, experiment);
  const jobsOf = (stage: string): string[] => jobIds(workspace).filter((id) => id.startsWith(`${stage}-`));

  it('refuses to align without pairs, and to predict without a model', async () => {
    await assert.rejects(drain(alignModel(workspace.context, alignRequest, neverAborted)), { code: 'not-paired' });
    await assert.rejects(drain(scorePairs(workspace.context, scoreRequest, neverAborted)), { code: 'not-paired' });
    await assert.rejects(drain(predictPosts(workspace.context, { ...predictRequest('test'), trainingSeed: 7 }, neverAborted)), { code: 'not-trained' });
    await assert.rejects(predict('test', ['aligned']), { code: 'not-trained' });
  });

  it('draws two samples for each question of the alignment set, by the tuned model alone', async () => {
    const seen: Progress[] = [];
    const result = await predict('alignment', ['base', 'sft', 'aligned'], (progress) => seen.push(progress));
    assert.deepEqual(result.counts, { models: 1, answers: 120, prompts: 60, current: 0 });
    const drawn = answers();
    assert.equal(drawn.length, 120);
    assert.ok(drawn.every((row) => row.role === 'sft' && row.decoder === 'sample' && row.quantiles === null));
    assert.deepEqual(new Set(drawn.map((row) => row.pid)).size, 20);
    const { min, max } = { min: workspace.draw.rangeMin, max: workspace.draw.rangeMax };
    assert.ok(drawn.every((row) => row.value !== null && row.value >= min && row.value <= max));
    assert.ok(drawn.some((row, at) => row.draw === 1 && row.value !== drawn[at - 1]!.value), 'the two draws differ somewhere');
    assert.ok(seen.some(({ message, done, total }) => message === 'Predicting with the tuned model: answering' && done === 60 && total === 60), JSON.stringify(seen));
    assert.equal((await predict('alignment')).unchanged, true);
  });

  it('scores both answers of each pair by every model, as the trainer sees them', async () => {
    await drain(pairAnswers(workspace.context, experiment, neverAborted));
    const pairs = pairsOfModel(workspace.context.store, models()[1]!.id).filter((pair) => pair.state === 'ordered');
    const { counts, summary } = await drain(scorePairs(workspace.context, scoreRequest, neverAborted));
    const jobs = jobsOf('score');
    assert.equal(jobs.length, 2, 'the base and the tuned model');
    const ofJob = (id: string) => jobFile(workspace, id, 'out/scores.jsonl').trimEnd().split('\n').map((line) => JSON.parse(line) as { id: string; tokens: string[]; logps: number[]; sum: number });
    const ofTuned = jobs.map(ofJob).find((rows) => Math.abs(mean(rows.filter(({ id }) => id.endsWith(' chosen')).map(({ sum }) => sum)) - (counts['sft chosen'] as number)) < 1e-9)!;
    assert.deepEqual(ofTuned.map(({ id }) => id), pairs.flatMap(({ k, pid }) => [`${k}:${pid} chosen`, `${k}:${pid} rejected`]));
    assert.ok(ofTuned.every(({ logps, sum }) => Math.abs(logps.reduce((total, one) => total + one, 0) - sum) < 1e-6 && sum < 0));
    const margins = pairs.map((_pair, at) => ofTuned[2 * at]!.sum - ofTuned[2 * at + 1]!.sum);
    assert.equal(counts['pairs'], pairs.length);
    assert.ok(Math.abs((counts['sft margin'] as number) - mean(margins)) < 1e-9);
    assert.equal(counts['sft preferred'], margins.filter((margin) => margin > 0).length / pairs.length);
    assert.match(summary, /^Of \d+ pairs the chosen answer is the likelier one in \d+ % by base \(margin [+−]\d+\.\d\d, chosen −\d+\.\d\d\), \d+ % by sft \(/);
    assert.equal((await drain(scorePairs(workspace.context, scoreRequest, neverAborted))).unchanged, true);
  });

  it('aligns on the pairs with a margin, with μ of the method, and records what it left out', async () => {
    await drain(pairAnswers(workspace.context, experiment, neverAborted));
    const result = await drain(alignModel(workspace.context, alignRequest, neverAborted));
    const [id] = jobsOf('align') as [string];
    const pairs = pairsOfModel(workspace.context.store, models()[1]!.id);
    const range = errorRange(pairs);
    const usable = pairs.filter((pair) => pair.state === 'ordered' && pair.errorRejected! - pair.errorChosen! >= 10);
    const rows = jobFile(workspace, id, 'data/pairs.jsonl').trimEnd().split('\n').map((line) => JSON.parse(line) as PairRow);
    assert.deepEqual(rows.map((row) => row.id), usable.map((pair) => `${pair.k}:${pair.pid}`));
    const settings = { mode: 'ours', alpha: 1, lambda: 1, delta: 0.01, cap: 10 } as const;
    assert.deepEqual(rows.map((row) => row.mu), usable.map((pair) => penaltyStrength(pair.errorChosen!, pair.errorRejected!, range, settings)));
    for (const [at, row] of rows.entries()) {
      const truth = Math.round(Number(row.label) * 100);
      const error = (answer: string): number => Math.abs(Math.round(Number(answer) * 100) - truth);
      assert.deepEqual([error(row.chosen), error(row.rejected)], [usable[at]!.errorChosen, usable[at]!.errorRejected]);
    }
    const run = JSON.parse(jobFile(workspace, id, 'run.json')) as AlignRun;
    assert.deepEqual([run.loss.name, run.model.adapter, run.epochs, run.clip], ['idpop', null, 1, 1]);
    assert.ok(run.model.base.endsWith('/out/model'), 'policy and reference start as the tuned model');
    assert.equal(result.counts['pairs'], usable.length);
    assert.equal(Number(result.counts['pairs']) + Number(result.counts['tie']) + Number(result.counts['belowMargin']) + Number(result.counts['unparsable']), 60);
    assert.deepEqual(findRun(workspace.context.store, id)?.summary?.['errorRangeHundredths'], range);

    const aligned = models()[2]!;
    assert.deepEqual([aligned.role, aligned.variant, aligned.runId, aligned.k], ['aligned', 'idpop', id, null]);
    assert.deepEqual(aligned.trainingLabels.sets, ['few-shot', 'pool', 'alignment']);
    assert.deepEqual(aligned.trainingLabels.pairs, usable.map((pair) => `${pair.k}:${pair.pid}`));
    const seen = new Set(listInstructions(workspace.context.store, workspace.draw.id, 'alignment', 'test').filter((row) => usable.some((pair) => pair.k === row.k && pair.pid === row.pid)).flatMap((row) => [...row.history, row.pid]));
    assert.equal(aligned.trainingLabels.labels, models()[1]!.trainingLabels.labels + seen.size, 'the scores of the histories were seen too');
    assert.notEqual(aligned.weightsHash, models()[1]!.weightsHash);
    assert.equal((await drain(alignModel(workspace.context, alignRequest, neverAborted))).unchanged, true);
  });

  it('says when no pair is left to train on', async () => {
    await assert.rejects(drain(alignModel(workspace.context, { ...alignRequest, margin: 40 }, neverAborted)), (error) => error instanceof UserError && error.code === 'no-training-pairs' && / 60 pairs /.test(error.message));
  });

  it('keeps a control beside the aligned model', async () => {
    await drain(alignModel(workspace.context, { ...alignRequest, loss: 'sft-chosen' }, neverAborted));
    assert.deepEqual(models().map((model) => [model.role, model.variant]), [['base', ''], ['sft', ''], ['aligned', 'idpop'], ['aligned', 'sft-chosen']]);
  });

  it('answers the test sets by median and greedily, each model in one job', async () => {
    const before = jobsOf('predict').length;
    const result = await predict('test', ['sft', 'aligned']);
    assert.equal(result.counts['answers'], 3 * 60 * 2);
    const made = jobsOf('predict');
    assert.equal(made.length - before, 3);
    const median = answers("p.decoder = 'median' AND m.role = 'sft'");
    assert.equal(median.length, 60);
    for (const row of median) {
      const quantiles = JSON.parse(row.quantiles!) as Record<string, number>;
      assert.equal(quantiles['50'], row.value);
      assert.ok(quantiles['10']! <= row.value! && row.value! <= quantiles['90']!);
      assert.equal((JSON.parse(row.history) as string[]).length, row.k + 1);
    }
    assert.equal(answers("p.decoder = 'greedy' AND m.variant = 'sft-chosen'").length, 60);
  });

  it('asks again only for prompts that have changed', async () => {
    const before = jobsOf('predict');
    const [uid] = usersOfSet(workspace.context.store, workspace.draw.id, 'few-shot') as [string];
    addCaptions(workspace.context.store, workspace.sourceId, [{ pid: `${uid}-4`, text: 'a red coat', madeBy: 'a', origin: {} }], 1);
    await assert.rejects(predict('test', ['sft']), { code: 'instructions-stale' });
    await drain(buildInstructions(workspace.context, { source: 'posts', dataSeed: 0, captions: 'any' }, neverAborted));
    const result = await predict('test', ['sft']);
    assert.deepEqual([result.counts['prompts'], result.counts['current']], [3, 57]); // p5 is asked about three times, and never trained on
    const [id] = jobsOf('predict').filter((one) => !before.includes(one)) as [string];
    assert.match(jobFile(workspace, id, 'data/prompts.jsonl'), /"v"," a red coat/);
  });

  it('answers every post that has an earlier one, unlabelled ones too, with the latest four as history', async () => {
    const before = jobsOf('predict');
    const result = await predict('every', ['sft']);
    assert.equal(Number(result.counts['prompts']) + Number(result.counts['current']), 60 * 4 + 10 * 2 + 1);
    assert.ok(Number(result.counts['current']) >= 20, 'the 3-shot test questions had been answered before');
    const [newest] = answers("p.pid = 'newest'");
    assert.deepEqual([newest!.k, newest!.decoder, JSON.parse(newest!.history)], [3, 'median', ['u000-1', 'u000-2', 'u000-3', 'u000-4']]);
    const [second] = answers("p.pid = 'u001-1' AND p.decoder = 'median'");
    assert.deepEqual([second!.k, JSON.parse(second!.history)], [0, ['u001-0']]);
    const [id] = jobsOf('predict').filter((one) => !before.includes(one)) as [string];
    assert.deepEqual((JSON.parse(jobFile(workspace, id, 'run.json')) as PredictRun).decoders, [{ name: 'median' }]);
    assert.equal(eventsOf(workspace, id).at(-1)?.event, 'finished');
    assert.equal((await predict('every', ['sft'])).unchanged, true);
    assert.equal((await predict({ pids: ['newest'] }, ['sft'])).unchanged, true, 'the same prompt is not asked again');
  });

  it('says why a given post cannot be answered', async () => {
    await assert.rejects(predict({ pids: ['u001-0'] }, ['sft']), { code: 'no-history' });
    await assert.rejects(predict({ pids: ['nobody'] }, ['sft']), { code: 'post-unknown' });
  });
});

// Stage `train`: from the base to the tuned model (method.md, section 2; engine.md, "Tiny").
// Plan `ours`: one model for all k, first on the pool's windows where there is a pool, then on the few-shot users' training
// instructions. Plan `paper`: for each k one model from the base, no pool. In both the state with the smallest error on the
// validation users goes on, the base as it is included.
import { SHOTS } from '../domain/draws.ts';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import { LORA_RANK, RUN_VERSION, type TrainRun } from '../protocol/run.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import { requireFreshDraw, usersOfSet, type StoredDraw } from '../store/draws.ts';
import { instructionsHash, listInstructions, type StoredInstruction } from '../store/instructions.ts';
import { NOTHING_SEEN, type NewModel, type TrainingLabels } from '../store/models.ts';
import { requireSource } from '../store/sources.ts';
import { experimentScope, learnableContent, recordStageSuccess } from '../store/stageStates.ts';
import { findBase, hashOfFiles, storedPath, type BaseModel } from './baseModel.ts';
import { replaceModel } from './experimentModels.ts';
import type { DataFile } from './freezeRows.ts';
import { choosePool, poolRows, requireFreshInstructions, toInstructionRows, type Rendering } from './instructionRows.ts';
import { PromptFitter } from './promptFitter.ts';
import { runJob, type FinishedJob } from './runJob.ts';
import type { StageContext } from './stageContext.ts';

const OUTPUT = 'out/model';
const LOOKS_PER_PHASE = 4; // at the validation rows; each is also a checkpoint
const HISTORY_SCORE_WEIGHT = 0.3; // × loss on the history's score tokens: what makes the tiny base learn to read scores (engine.md)

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `base-missing`, `base-unknown`, and those of runJob */
export async function* trainModel(context: StageContext, request: StageRequest<'train'>, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  const learnable = learnableContent(store, source.id, request.dataSeed);
  yield { message: 'Looking at the base' };
  const base = await findBase(context, request.base);
  signal.throwIfAborted();

  const experiment: Experiment = { request, draw, base };
  const rendering: Rendering = { store, source, captions, fitter: await PromptFitter.of(base) };
  const poolLimit = request.poolSteps * request.batchSize; // windows that pool training can see
  const jobs: { k: number | null; job: FinishedJob; labels: TrainingLabels }[] = [];
  for (const k of request.plan === 'paper' ? SHOTS : [null]) {
    const training = listInstructions(store, draw.id, 'few-shot', 'train', k ?? undefined);
    const validation = toInstructionRows(rendering, listInstructions(store, draw.id, 'validation', 'test', k ?? undefined));
    if (training.length === 0) throw new UserError('not-instructed', 'The few-shot users have no training instructions.', 'Run “instruct” again.');
    const uids = request.plan === 'ours' && request.poolSteps > 0 ? usersOfSet(store, draw.id, 'pool') : [];
    const choice = yield* choosePool(store, source, uids, poolLimit, request.trainingSeed, signal);
    const pool = poolRows(rendering, uids, choice);
    const withPool = choice.windows > 0;
    const data: DataFile[] = [
      ...(withPool ? [{ path: 'data/pool.jsonl', rows: pool.rows }] : []),
      { path: 'data/sft.jsonl', rows: toInstructionRows(rendering, training) },
      ...(validation.length > 0 ? [{ path: 'data/validation.jsonl', rows: validation }] : []),
    ];
    const job = yield* runJob(context, {
      stage: 'train', title: k === null ? 'Training' : `Training for ${k}-shot`, request, data, weights: base.weightsHash, offline: base.isLocal,
      run: runOf(context, experiment, { withPool, withValidation: validation.length > 0 }),
    }, signal);
    jobs.push({ k, job, labels: labelsOf(training, pool.seen(), withPool ? poolLimit : null, learnable) });
  }

  yield* replaceModel(store, baseRow(context, experiment, jobs[0]!.job.id));
  for (const { k, job, labels } of jobs) yield* replaceModel(store, await tunedRow(context, experiment, k, job, labels));
  const counts = countsOf(jobs);
  recordStageSuccess(store, source.id, 'train', experimentScope(request), `${instructionsHash(store, draw.id)} ${base.weightsHash}`, counts, context.now());
  return { summary: `${summaryOf(base, jobs)}${rendering.fitter.note}`, counts, unchanged: jobs.every(({ job }) => job.unchanged) };
}

interface Experiment {
  readonly request: StageRequest<'train'>;
  readonly draw: StoredDraw;
  readonly base: BaseModel;
}

function runOf(context: StageContext, { request, draw, base }: Experiment, parts: { withPool: boolean; withValidation: boolean }): TrainRun {
  const phase = (name: 'pool' | 'sft', steps: number, learningRate: number): TrainRun['phases'][number] => ({
    name, data: `data/${name}.jsonl`, steps, batch_size: request.batchSize, learning_rate: learningRate,
    history_score_weight: base.isTiny ? HISTORY_SCORE_WEIGHT : 0, validate_every: Math.ceil(steps / LOOKS_PER_PHASE),
  });
  return {
    version: RUN_VERSION, verb: 'train', seed: request.trainingSeed, threads: context.trainer.threads,
    model: { base: base.place, adapter: null }, tuning: { method: request.tuning, lora_rank: LORA_RANK },
    phases: [...(parts.withPool ? [phase('pool', request.poolSteps, request.poolLearningRate)] : []), phase('sft', request.sftSteps, request.sftLearningRate)],
    validation: parts.withValidation ? { data: 'data/validation.jsonl', range: { min_hundredths: draw.rangeMin, max_hundredths: draw.rangeMax } } : null,
    output: OUTPUT,
  };
}

/** All labels that training was offered: p1 … p(k+1) of the few-shot users, and the posts of the pool's chosen windows. */
function labelsOf(training: readonly StoredInstruction[], pool: { users: number; labels: number }, poolWindows: number | null, learnable: string): TrainingLabels {
  const fewShot = new Set(training.flatMap((row) => [...row.history, row.pid]));
  return {
    ...NOTHING_SEEN, sets: poolWindows === null ? ['few-shot'] : ['few-shot', 'pool'], poolUsers: pool.users, labels: fewShot.size + pool.labels, poolWindows, learnable,
  };
}

function rowOf({ request, draw }: Experiment, runId: string, madeAt: number): Omit<NewModel, 'role' | 'path' | 'adapterOf' | 'weightsHash' | 'chosen' | 'trainingLabels' | 'k'> {
  return {
    drawId: draw.id, plan: request.plan, variant: '', trainingSeed: request.trainingSeed, base: request.base, runId,
    rangeMin: draw.rangeMin, rangeMax: draw.rangeMax, madeAt,
  };
}

function baseRow(context: StageContext, experiment: Experiment, runId: string): NewModel {
  const { place, weightsHash } = experiment.base;
  return {
    ...rowOf(experiment, runId, context.now()), role: 'base', k: null, path: place, adapterOf: null, weightsHash, chosen: 'base',
    trainingLabels: NOTHING_SEEN,
  };
}

async function tunedRow(context: StageContext, experiment: Experiment, k: number | null, job: FinishedJob, trainingLabels: TrainingLabels): Promise<NewModel> {
  return {
    ...rowOf(experiment, job.id, context.now()), role: 'sft', k, path: storedPath(context, job.output), adapterOf: experiment.request.tuning === 'lora' ? experiment.base.place : null,
    weightsHash: await hashOfFiles(job.output), chosen: job.chosen, trainingLabels,
  };
}

type TrainedJobs = readonly { k: number | null; job: FinishedJob; labels: TrainingLabels }[];

function countsOf(jobs: TrainedJobs): Record<string, number | string> {
  const rows = (path: string): number => jobs.reduce((sum, { job }) => sum + (job.rows[path] ?? 0), 0);
  return {
    models: jobs.length, trainingRows: rows('data/sft.jsonl'), poolRows: rows('data/pool.jsonl'), validationRows: rows('data/validation.jsonl'),
    poolUsers: jobs[0]!.labels.poolUsers, labels: Math.max(...jobs.map(({ labels }) => labels.labels)),
    chosen: jobs.map(({ k, job }) => (k === null ? job.chosen : `${k}-shot ${job.chosen}`)).join(', '),
  };
}

function summaryOf(base: BaseModel, jobs: TrainedJobs): string {
  const { poolUsers } = jobs[0]!.labels;
  const name = base.isTiny ? `tiny base, ${poolUsers === 0 ? 'no' : poolUsers.toLocaleString('en')} pool users` : base.name;
  const chosen = jobs.map(({ k, job }) => (k === null ? `“${job.chosen}”` : `${k}-shot “${job.chosen}”`)).join(', ');
  return `Trained from the ${name}: on the validation users the best state is ${chosen}.`;
}

// Stage `predict`: answers of an experiment's models to prompts, kept by post, model, k and decoder. Scopes:
//   alignment  two samples for each question of the alignment set, by the tuned model: what pairs are made of
//   test       exact median and free greedy answer for each question of the few-shot and extra sets
//   every      exact median for every usable post that has an earlier labelled post of its user
//   unlabelled the same for those without a score: what a submission needs
//   pids       the same for given posts
// An answer to exactly the same prompt by the same weights is not asked for again.
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import { GREEDY_TOKENS, predictionRowSchema, RUN_VERSION, type Decoder, type PredictionRow, type PromptRow } from '../protocol/run.ts';
import { TEST_SETS, type StageRequest, type StageResult } from '../protocol/stages.ts';
import type { CaptionPolicy } from '../store/captions.ts';
import { requireFreshDraw, type StoredDraw } from '../store/draws.ts';
import { listInstructions } from '../store/instructions.ts';
import { modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { pageOfPosts, postByPid, type StoredPost } from '../store/posts.ts';
import { answersGiven, savePredictions, type NewPrediction } from '../store/predictions.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { recordStageSuccess } from '../store/stageStates.ts';
import { findBase, modelReference, requireSameBase, weightsOf, type BaseModel } from './baseModel.ts';
import { requireCurrentModels } from './experimentModels.ts';
import { fitted, requireFreshInstructions, rowId, type Rendering } from './instructionRows.ts';
import { historyQuestion, type Question } from './historyQuestion.ts';
import { interleave } from './interleave.ts';
import { PromptFitter } from './promptFitter.ts';
import { runJob } from './runJob.ts';
import type { StageContext } from './stageContext.ts';
import { isRecorded, scopeOf } from './stageScope.ts';

const OUTPUT = 'out/predictions.jsonl';
const PROMPTS_PER_JOB = 20_000; // what was answered is in the store after each
const POSTS_PER_PAGE = 25; // read and rendered before other work of this thread gets its turn, some 10 ms
const ROWS_PER_TRANSACTION = 200; // a few milliseconds
const TINY_MODELS_AT_ONCE = 2; // each keeps one processor busy; larger models use all of them, and memory

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `not-trained`, `model-stale`, `base-changed`, `post-unknown`, `no-history`, `prompts-too-long`, and those of runJob */
export async function* predictPosts(context: StageContext, request: StageRequest<'predict'>, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  const models = modelsFor(context, draw, request);
  requireCurrentModels(store, draw, models);
  const base = await findBase(context, request.base);
  requireSameBase(modelsOfExperiment(store, draw.id, request, 'base'), base);
  const work: PredictWork = { context, request, source, draw, captions, base, rendering: { store, source, captions, fitter: await PromptFitter.of(base) }, decoders: decodersOf(request.scope) };

  const asked = yield* interleave(models.map((model) => askModel(work, model, signal)), base.isTiny ? TINY_MODELS_AT_ONCE : 1);
  const sum = (of: keyof Asked): number => asked.reduce((total, one) => total + one[of], 0);
  const counts = { models: models.length, answers: sum('answers'), prompts: sum('prompts'), current: sum('current') };
  if (counts.prompts + counts.current === 0) throw work.rendering.fitter.leftOut > 0 ? tooLong() : nothingToAsk(request);
  if (isRecorded('predict', request)) recordStageSuccess(store, source.id, 'predict', scopeOf('predict', request), models.map((model) => `${model.id} ${model.weightsHash}`).join(' '), counts, context.now());
  return { summary: `${summaryOf(models, counts)}${work.rendering.fitter.note}`, counts, unchanged: counts.prompts === 0 };
}

interface Asked {
  readonly answers: number;
  readonly prompts: number; // asked now
  readonly current: number; // answered before
}

/** All of a model's questions that have no current answer, some at a time. */
async function* askModel(work: PredictWork, model: StoredModel, signal: AbortSignal): LongWork<Asked> {
  const asked = { answers: 0, prompts: 0, current: 0 };
  let waiting: Question[] = [];
  for await (const page of questionsFor(work, model)) {
    for (const question of page) {
      if (isAnswered(work, model, question)) {
        asked.current += 1;
        continue;
      }
      const pieces = fitted(work.rendering, question); // the hash stays that of the whole prompt
      if (pieces !== null) waiting.push({ ...question, pieces });
    }
    yield { message: `Reading posts for the ${nameOf(model)}`, done: waiting.length, unit: 'prompts' };
    signal.throwIfAborted();
    if (waiting.length < PROMPTS_PER_JOB) continue;
    asked.answers += yield* answer(work, model, waiting, signal);
    asked.prompts += waiting.length;
    waiting = [];
  }
  if (waiting.length > 0) asked.answers += yield* answer(work, model, waiting, signal);
  asked.prompts += waiting.length;
  return asked;
}

interface PredictWork {
  readonly context: StageContext;
  readonly request: StageRequest<'predict'>;
  readonly source: Source;
  readonly draw: StoredDraw;
  readonly captions: CaptionPolicy;
  readonly base: BaseModel;
  readonly rendering: Rendering;
  readonly decoders: readonly Decoder[];
}

type Scope = StageRequest<'predict'>['scope'];

function decodersOf(scope: Scope): Decoder[] {
  if (scope === 'alignment') return [{ name: 'sample', draws: 2 }];
  if (scope === 'test') return [{ name: 'median' }, { name: 'greedy', max_new_tokens: GREEDY_TOKENS }];
  return [{ name: 'median' }];
}

function modelsFor({ store }: StageContext, draw: StoredDraw, request: StageRequest<'predict'>): StoredModel[] {
  // Pairs are made of the tuned model's own answers, whichever roles were asked for.
  const roles = request.scope === 'alignment' ? ['sft'] : request.roles;
  const models = modelsOfExperiment(store, draw.id, request).filter((model) => roles.includes(model.role));
  if (models.length === 0) throw new UserError('not-trained', `There is no model of this experiment yet (${roles.join(', ')}).`, 'Run “train” first.');
  return models;
}

/** Questions that this model answers, a page at a time. In the paper's plan a model answers its own k; the 0-shot ones go to the 1-shot model. */
async function* questionsFor(work: PredictWork, model: StoredModel): AsyncGenerator<Question[], void, void> {
  const isIts = (k: number): boolean => model.k === null || model.k === Math.max(1, k);
  for await (const page of allQuestions(work)) yield page.filter((question) => isIts(question.k));
}

async function* allQuestions({ context: { store }, request: { scope }, source, draw, captions }: PredictWork): AsyncGenerator<Question[], void, void> {
  if (scope === 'alignment' || scope === 'test') {
    const sets = scope === 'alignment' ? (['alignment'] as const) : TEST_SETS;
    for (const set of sets) {
      yield listInstructions(store, draw.id, set, 'test').map(({ pid, k, history, pieces, promptHash }) => ({ pid, k, history, pieces, promptHash }));
    }
    return;
  }
  const ask = (post: StoredPost): Question[] => {
    const question = historyQuestion(store, source, captions, post);
    return question === null ? [] : [question];
  };
  if (typeof scope !== 'string') {
    yield scope.pids.flatMap((pid) => {
      const post = postByPid(store, source.id, pid);
      if (post === null) throw new UserError('post-unknown', `The source “${source.name}” has no post ${pid.slice(0, 80)}.`, 'Index the posts again if it is new.');
      return ask(post);
    });
    return;
  }
  for (let page = pageOfPosts(store, source.id, 0, POSTS_PER_PAGE); page.length > 0; page = pageOfPosts(store, source.id, page.at(-1)!.id, POSTS_PER_PAGE)) {
    yield (scope === 'unlabelled' ? page.filter((post) => post.label === null) : page).flatMap(ask);
    await setImmediate();
  }
}

function isAnswered({ context: { store }, source, decoders }: PredictWork, model: StoredModel, question: Question): boolean {
  return decoders.every((decoder) => answersGiven(store, model.id, source.id, question, decoder.name) >= (decoder.name === 'sample' ? decoder.draws : 1));
}

/** One job: asks the model, and puts its answers into the store. Returns how many there are. */
async function* answer(work: PredictWork, model: StoredModel, questions: readonly Question[], signal: AbortSignal): LongWork<number> {
  const { context, request, draw, base } = work;
  const byId = new Map(questions.map((question) => [rowId(question.k, question.pid), question]));
  const rows = [...byId].map(([id, { pieces }]): PromptRow => ({ id, pieces: [...pieces] }));
  const title = `Predicting with the ${nameOf(model)}`;
  const job = yield* runJob(context, {
    stage: 'predict', title, request, data: [{ path: 'data/prompts.jsonl', rows }],
    weights: weightsOf(model, base), offline: base.isLocal || (model.role !== 'base' && model.adapterOf === null),
    run: {
      version: RUN_VERSION, verb: 'predict', seed: request.trainingSeed, threads: context.trainer.threads, model: modelReference(context, model, base),
      data: 'data/prompts.jsonl', range: { min_hundredths: draw.rangeMin, max_hundredths: draw.rangeMax }, decoders: [...work.decoders],
      batch_size: request.batchSize, output: OUTPUT,
    },
  }, signal);
  return yield* keepAnswers(work, model, byId, job, title, signal);
}

async function* keepAnswers(
  { context, source }: PredictWork, model: StoredModel, questions: ReadonlyMap<string, Question>, job: { id: string; output: string }, title: string, signal: AbortSignal,
): LongWork<number> {
  const predictedAt = context.now();
  let kept = 0;
  let batch: NewPrediction[] = [];
  const keep = (): void => {
    savePredictions(context.store, batch);
    kept += batch.length;
    batch = [];
  };
  const file = await open(job.output);
  try {
    for await (const line of file.readLines()) {
      const row = predictionRowSchema.parse(JSON.parse(line));
      const question = questions.get(row.id);
      if (question === undefined) throw new Error(`${job.output} answers ${row.id}, which was not asked`);
      batch.push(toPrediction(row, question, model.id, source.id, job.id, predictedAt));
      if (batch.length < ROWS_PER_TRANSACTION) continue;
      keep();
      yield { message: `${title}: keeping the answers`, done: kept, unit: 'answers' };
      signal.throwIfAborted();
      await setImmediate();
    }
    keep();
  } finally {
    await file.close();
  }
  return kept;
}

function toPrediction(row: PredictionRow, question: Question, modelId: number, sourceId: number, runId: string, predictedAt: number): NewPrediction {
  return {
    modelId, sourceId, pid: question.pid, k: question.k, decoder: row.decoder, draw: row.draw, text: row.text, value: row.value_hundredths, quantiles: row.quantiles_hundredths,
    mass: row.mass, sampledFrom: row.sampled_from, promptHash: question.promptHash, history: question.history, runId, predictedAt,
  };
}

function nameOf(model: StoredModel): string {
  const name = model.role === 'base' ? 'base' : model.role === 'sft' ? 'tuned model' : `aligned model (${model.variant})`;
  return model.k === null ? name : `${model.k}-shot ${name}`;
}

function tooLong(): UserError {
  return new UserError('prompts-too-long', 'Every prompt is too long for the model, even without captions and titles.', 'Choose a base with a longer context.');
}

function nothingToAsk(request: StageRequest<'predict'>): UserError {
  if (typeof request.scope === 'string') return new UserError('no-history', 'No post can be asked about.', 'Posts need an earlier post of their user that has a score.');
  return new UserError('no-history', 'This post has no earlier post of its user with a score, so there is nothing to predict it from.', 'Choose a later post of the user.');
}

function summaryOf(models: readonly StoredModel[], counts: { answers: number; prompts: number; current: number }): string {
  const by = models.map(nameOf).join(', ');
  if (counts.prompts === 0) return `All ${counts.current.toLocaleString('en')} prompts have been answered before (${by}).`;
  const before = counts.current > 0 ? `; ${counts.current.toLocaleString('en')} had been answered before` : '';
  return `${counts.answers.toLocaleString('en')} answers to ${counts.prompts.toLocaleString('en')} prompts by the ${by}${before}.`;
}

// Stage `evaluate`: from the answers in the store to a report (method.md, section 7). Every metric is computed in the domain;
// here the questions, the answers and the plain baselines' training windows are brought together.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { BASELINE_NAMES, predictBaselines, trainingMedian, type BaselineExample, type BaselineName, type BaselineQuestion, type ScoredPost } from '../domain/baselines.ts';
import { POSTS_PER_USER, SHOTS, testWindow, trainingWindow } from '../domain/draws.ts';
import { UserError } from '../domain/errors.ts';
import { publishedRows } from '../domain/publishedResults.ts';
import { assembleReport, measureTable, poolQuestions, withoutAlbums, type EvaluatedMethod, type EvaluatedQuestions, type MeasuredTable } from '../domain/report.ts';
import type { Hundredths } from '../domain/posts.ts';
import { DEMO_DESCRIPTION } from '../protocol/demo.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { EvaluationReport } from '../protocol/report.ts';
import { CONTROL_NAMES } from '../protocol/run.ts';
import { TINY_BASE } from '../protocol/stageRequests.ts';
import { MODEL_ROLES, TEST_SETS, type StageRequest, type StageResult } from '../protocol/stages.ts';
import { captionText, type CaptionPolicy } from '../store/captions.ts';
import type { Database } from '../store/database.ts';
import { requireFreshDraw, usersOfSet, type StoredDraw } from '../store/draws.ts';
import { answersToQuestions, findEvaluation, saveEvaluation, type Answer } from '../store/evaluations.ts';
import { listInstructions, type StoredInstruction } from '../store/instructions.ts';
import { modelForShots, modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { postsOfUser, type StoredPost } from '../store/posts.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { experimentScope, readStageState, recordStageSuccess } from '../store/stageStates.ts';
import { requireCurrentModels } from './experimentModels.ts';
import { choosePool, fitted, requireFreshInstructions, rowId, type Rendering } from './instructionRows.ts';
import { PromptFitter } from './promptFitter.ts';
import { findBase } from './baseModel.ts';
import type { StageContext } from './stageContext.ts';

const DECODERS = ['median', 'greedy'] as const;
/** Plain baselines that read nothing but the question's history: one row each, whatever the others are fitted on. */
const UNFITTED: ReadonlySet<BaselineName> = new Set(['user mean', 'user median', 'last score']);
const RESAMPLING_SEED = 20241105; // of bootstrap and permutations, the same in every report: it is no part of an experiment
const SMALLEST_SLICE = 20; // questions left without albums; an interval over fewer says nothing
const USERS_AT_ONCE = 200; // read before other work of this thread gets its turn
const REPORT_SHAPE = 5; // part of the input's hash: raised when the same answers would make another report

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `model-stale`, `not-predicted` */
export async function* evaluateModels(context: StageContext, request: StageRequest<'evaluate'>, signal: AbortSignal): LongWork<StageResult> {
  const { store, now } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  yield { message: 'Reading answers' };
  const cells = await readCells(context, source, draw, captions, request);
  const inputHash = hashOf(cells, source, draw, captions);
  const scope = experimentScope(request);
  const before = readStageState(store, source.id, 'evaluate', scope);
  const known = before?.inputHash === inputHash && typeof before.counts['evaluation'] === 'number' ? findEvaluation(store, before.counts['evaluation']) : undefined;
  if (before && known) return { summary: known.report.headline, counts: before.counts, unchanged: true };

  const training = yield* trainingWindows(store, source, draw, captions, modelsOfExperiment(store, draw.id, request), signal);
  const measured: MeasuredTable[] = [];
  const tables = tablesOf(store, source, draw, captions, cells, training);
  for (const [index, questions] of tables.entries()) {
    yield { message: `Measuring ${questions.set}, ${questions.k}-shot`, done: index, total: tables.length, unit: 'tables' };
    await setImmediate();
    signal.throwIfAborted();
    const table = measureTable(questions, RESAMPLING_SEED);
    measured.push(isPublished(source) ? withPublished(table) : table);
  }
  const report: EvaluationReport = assembleReport({
    source: source.name, plan: request.plan, dataSeed: request.dataSeed, trainingSeed: request.trainingSeed, split: splitOf(draw), sizes: draw.sizes,
  }, measured);
  const evaluation = saveEvaluation(store, draw.id, request.plan, inputHash, report, now());
  const counts = { evaluation, tables: report.tables.length, headline: report.headline };
  recordStageSuccess(store, source.id, 'evaluate', scope, inputHash, counts, now());
  return { summary: report.headline, counts, unchanged: false };
}

/** A model's answers by one decoder to a cell's questions, in their order. */
interface CellAnswers {
  readonly model: StoredModel;
  readonly decoder: 'median' | 'greedy';
  readonly values: readonly (Hundredths | null)[];
  readonly masses: readonly (number | null)[];
}

interface Cell {
  readonly set: (typeof TEST_SETS)[number];
  readonly k: number;
  readonly questions: readonly StoredInstruction[];
  readonly answers: readonly CellAnswers[];
}

async function readCells(context: StageContext, source: Source, draw: StoredDraw, captions: CaptionPolicy, request: StageRequest<'evaluate'>): Promise<Cell[]> {
  const { store } = context;
  requireCurrentModels(store, draw, modelsOfExperiment(store, draw.id, request));
  const byRole = MODEL_ROLES.map((role) => modelsOfExperiment(store, draw.id, request, role));
  const variants = byRole.flatMap((models) => [...new Set(models.map((model) => model.variant))].map((variant) => models.filter((model) => model.variant === variant)));
  const isAsked = await promptsThatFit(context, source, draw, captions, request);
  const cells = TEST_SETS.filter((set) => draw.sizes[set] > 0).flatMap((set) => SHOTS.map((k): Cell => {
    const given = variants.flatMap((models) => {
      const model = modelForShots(models, k);
      return model === undefined ? [] : DECODERS.map((decoder) => ({ model, decoder, answers: answersToQuestions(store, draw.id, model.id, set, k, decoder) }));
    }).filter(({ answers }) => answers.size > 0); // asked of no model yet
    const questions = listInstructions(store, draw.id, set, 'test', k).filter((question) => given.some(({ answers }) => answers.has(question.pid)) || isAsked(question));
    const answers = given.map((one) => inOrder(one, set, k, questions));
    return { set, k, questions, answers };
  }));
  if (cells.every((cell) => cell.answers.length === 0)) throw new UserError('not-predicted', 'No model of this experiment has answered the test questions yet.', 'Run “train”, then “predict” for the test sets.');
  const columns = cells.map((cell) => cell.answers.map(({ model, decoder }) => `${model.role} ${model.variant} ${decoder}`).join());
  if (columns.some((column) => column !== columns[0])) throw new UserError('not-predicted', 'Some models have answered only some of the test sets.', 'Run “predict” for the test sets: it goes on where it stopped.');
  return cells;
}

/** A question whose prompt does not fit into the models' context was not asked, and its user is no part of the cell. */
async function promptsThatFit(context: StageContext, source: Source, draw: StoredDraw, captions: CaptionPolicy, request: StageRequest<'evaluate'>): Promise<(question: StoredInstruction) => boolean> {
  if (modelsOfExperiment(context.store, draw.id, request).length === 0) return () => true;
  const rendering: Rendering = { store: context.store, source, captions, fitter: await PromptFitter.of(await findBase(context, request.base)) };
  return (question) => fitted(rendering, question) !== null;
}

/** @throws {UserError} `not-predicted` where an answer is missing */
function inOrder(
  { model, decoder, answers }: { model: StoredModel; decoder: 'median' | 'greedy'; answers: ReadonlyMap<string, Answer> }, set: string, k: number, questions: readonly StoredInstruction[],
): CellAnswers {
  const missing = questions.filter((question) => !answers.has(question.pid)).length;
  if (missing > 0) throw new UserError('not-predicted', `${missing} of ${questions.length} ${k}-shot questions of ${set} have no answer to their prompt as it is now.`, 'Run “predict” for the test sets.');
  const given = questions.map((question) => answers.get(question.pid)!);
  return { model, decoder, values: given.map(({ value }) => value), masses: given.map(({ mass }) => mass) };
}

function hashOf(cells: readonly Cell[], source: Source, draw: StoredDraw, captions: CaptionPolicy): string {
  const hash = createHash('sha256').update(JSON.stringify([REPORT_SHAPE, isPublished(source), source.fingerprint, draw.inputHash, draw.sizes, draw.rangeMin, draw.rangeMax, captions]));
  for (const { set, k, questions, answers } of cells) {
    hash.update(JSON.stringify([set, k, questions.map((question) => [question.pid, question.answer, question.promptHash, question.album])]));
    for (const { model, decoder, values, masses } of answers) hash.update(JSON.stringify([model.role, model.variant, model.weightsHash, model.chosen, model.trainingLabels, decoder, values, masses]));
  }
  return hash.digest('hex');
}

/** Windows by what they come from, as far as some model of the report saw their labels. */
interface TrainingWindows {
  readonly fewShot: ReadonlyMap<number, readonly BaselineExample[]>; // by k
  readonly pool: readonly BaselineExample[]; // empty where no model was trained on the pool
  readonly alignment: ReadonlyMap<string, BaselineExample>; // by the row id of the pair that a model was aligned on
  readonly models: readonly StoredModel[]; // of the experiment
}

async function* trainingWindows(
  store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, models: readonly StoredModel[], signal: AbortSignal,
): LongWork<TrainingWindows> {
  const scored = scoredPosts(store, source, captions);
  const newest = (set: 'few-shot' | 'alignment') => usersOfSet(store, draw.id, set).map((uid) => ({ uid, posts: postsOfUser(store, source.id, uid).slice(-POSTS_PER_USER).map(scored) }));
  const fewShotUsers = newest('few-shot');
  const fewShot = new Map(SHOTS.map((k) => [k as number, fewShotUsers.map(({ uid, posts }) => ({ uid, ...trainingWindow(posts, k) }))]));
  const paired = new Set(models.flatMap((model) => model.trainingLabels.pairs));
  const alignmentWindows = paired.size === 0 ? [] : newest('alignment').flatMap(({ uid, posts }) => SHOTS.map((k): [string, BaselineExample] => {
    const window = testWindow(posts, k);
    return [rowId(k, window.question.pid), { uid, ...window }];
  }));
  const pool: BaselineExample[] = [];
  const trained = models.find((model) => model.trainingLabels.poolWindows !== null);
  if (trained) {
    const poolUsers = usersOfSet(store, draw.id, 'pool');
    const choice = yield* choosePool(store, source, poolUsers, trained.trainingLabels.poolWindows!, trained.trainingSeed, signal);
    for (let start = 0; start < poolUsers.length; start += USERS_AT_ONCE) {
      for (let at = start; at < Math.min(start + USERS_AT_ONCE, poolUsers.length); at++) {
        const uid = poolUsers[at]!;
        for (const { history, question } of choice.of(uid, at)) pool.push({ uid, history: history.map(scored), question: scored(question) });
      }
      yield { message: 'Reading training labels', done: Math.min(start + USERS_AT_ONCE, poolUsers.length), total: poolUsers.length, unit: 'users' };
      await setImmediate();
      signal.throwIfAborted();
    }
  }
  return { fewShot, pool, alignment: new Map(alignmentWindows.filter(([id]) => paired.has(id))), models };
}

/** A stored post as a plain baseline sees it. */
function scoredPosts(store: Database, source: Source, captions: CaptionPolicy): (post: StoredPost) => ScoredPost {
  return (post) => ({ pid: post.pid, title: post.title, tags: post.tags, caption: captionText(store, source.id, post.pid, captions), label: post.label! });
}

/** What a plain baseline is fitted on, and how the report calls it. */
interface Fit {
  readonly name: string;
  readonly examples: readonly BaselineExample[];
}

/** The windows that were used to train some models: in the paper's plan each of them saw the few-shot windows of its own k alone. */
function seenBy(models: readonly StoredModel[], training: TrainingWindows): Record<'few-shot' | 'pool' | 'alignment', readonly BaselineExample[]> {
  const tuned = models.filter((model) => model.role !== 'base');
  const shots = SHOTS.filter((k) => tuned.some((model) => model.k === null || model.k === k));
  const pairs = new Set(tuned.flatMap((model) => model.trainingLabels.pairs));
  return {
    'few-shot': shots.flatMap((k) => training.fewShot.get(k)!),
    pool: tuned.some((model) => model.trainingLabels.poolWindows !== null) ? training.pool : [],
    alignment: [...pairs].map((id) => training.alignment.get(id)!),
  };
}

/** The same labels as all models of these cells together, and the few-shot labels alone where that is less. Where only the base answered, the few-shot labels. */
function fitsFor(models: readonly StoredModel[], training: TrainingWindows): Fit[] {
  const seen = seenBy(models, training);
  const fewShot = seen['few-shot'].length > 0 ? seen['few-shot'] : SHOTS.flatMap((k) => training.fewShot.get(k)!);
  const names = ['few-shot', ...(seen.pool.length > 0 ? ['pool'] : []), ...(seen.alignment.length > 0 ? ['alignment'] : [])];
  const all = { name: `${listed(names)} labels`, examples: [...fewShot, ...seen.pool, ...seen.alignment] };
  return names.length === 1 ? [all] : [all, { name: 'few-shot labels', examples: fewShot }];
}

const listed = (names: readonly string[]): string => (names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`);

/** Set by set and k by k, then all sets together, then these without albums. */
function tablesOf(store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, cells: readonly Cell[], training: TrainingWindows): EvaluatedQuestions[] {
  // Cells whose baselines are fitted alike are predicted together: a pool of many users is fitted once.
  const perShot = training.models.some((model) => model.k !== null);
  const groups = perShot ? SHOTS.map((k) => cells.filter((cell) => cell.k === k)) : [cells];
  const single = groups.flatMap((group) => questionsOfCells(store, source, draw, captions, group, training));
  const ofShots = SHOTS.map((k) => single.filter((questions) => questions.k === k));
  const pooled = single.length > SHOTS.length ? ofShots.map(poolQuestions) : [];
  const sliced = (pooled.length > 0 ? pooled : single)
    .filter((questions) => questions.albums.some(Boolean) && questions.albums.filter((album) => !album).length >= SMALLEST_SLICE).map(withoutAlbums);
  return [...single, ...pooled, ...sliced];
}

function questionsOfCells(store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, cells: readonly Cell[], training: TrainingWindows): EvaluatedQuestions[] {
  const scored = scoredPosts(store, source, captions);
  const asked = cells.flatMap((cell) => cell.questions.map((instruction) => baselineQuestion(store, source, instruction, scored)));
  const models = [...new Map(cells.flatMap((cell) => cell.answers.map(({ model }) => [model.id, model]))).values()];
  const fitted = fitsFor(models, training).map((fit) => ({
    name: fit.name, median: trainingMedian(fit.examples), predictions: predictBaselines(fit.examples, asked, { min: draw.rangeMin, max: draw.rangeMax }),
  }));
  // A model's failures are filled with the median of its own labels; a base has none, and takes that of the few-shot labels.
  const fallbacks = new Map(models.map((model) => {
    const own = Object.values(seenBy([model], training)).flat();
    return [model.id, own.length === 0 ? fitted.at(-1)!.median : trainingMedian(own)];
  }));
  let start = 0;
  return cells.map(({ set, k, questions, answers }): EvaluatedQuestions => {
    const end = start + questions.length;
    const answered = answers.map(({ model, decoder, values, masses }): EvaluatedMethod => ({
      name: modelName(model, training.models), kind: 'model', isControl: isControl(model), ...alignedFrom(model, training.models), decoder, fittedOn: labelsOf(model), predictions: values, masses, fallback: fallbacks.get(model.id)!,
    }));
    const baselines = fitted.flatMap((fit, index) => BASELINE_NAMES.filter((name) => index === 0 || !UNFITTED.has(name)).map((name): EvaluatedMethod => ({
      name, kind: 'baseline', decoder: null, fittedOn: UNFITTED.has(name) ? "the user's own history" : fit.name, predictions: fit.predictions[name].slice(start, end), fallback: fit.median,
    })));
    start = end;
    return {
      set, k, users: questions.map((question) => question.uid), truths: questions.map((question) => question.answer!),
      albums: questions.map((question) => question.album), methods: [...answered, ...baselines],
    };
  });
}

function baselineQuestion(store: Database, source: Source, instruction: StoredInstruction, scored: (post: StoredPost) => ScoredPost): BaselineQuestion {
  const posts = new Map(postsOfUser(store, source.id, instruction.uid).map((post) => [post.pid, post]));
  return { uid: instruction.uid, history: instruction.history.map((pid) => scored(posts.get(pid)!)), question: scored(posts.get(instruction.pid)!) };
}

/**
 * 'tiny base', 'tiny base, 400 pool users, SFT', 'tiny base, 400 pool users, SFT, IDPOP': by role, the same at every k, and
 * with what validation kept where that is not the state after SFT.
 */
function modelName(model: StoredModel, experiment: readonly StoredModel[]): string {
  const base = model.base === TINY_BASE ? 'tiny base' : basename(model.base);
  if (model.role === 'base') return base;
  const { poolUsers } = model.trainingLabels;
  const kept = keptByValidation(experiment.filter((one) => one.role === 'sft'));
  return [base, ...(poolUsers > 0 ? [`${poolUsers} pool users`] : []), `SFT${kept === '' ? '' : ` (validation kept ${kept})`}`, ...(model.role === 'aligned' ? [lossName(model.variant)] : [])].join(', ');
}

function alignedFrom(model: StoredModel, experiment: readonly StoredModel[]): { alignedFrom?: string } {
  const tuned = experiment.find((one) => one.role === 'sft' && one.k === model.k);
  return model.role === 'aligned' && tuned !== undefined ? { alignedFrom: modelName(tuned, experiment) } : {};
}

/** 'the base', 'pool 100', 'the base at 1-shot, pool 100 at 3-shot'; '' where the state after SFT was the best. */
function keptByValidation(tuned: readonly StoredModel[]): string {
  const stateOf = (model: StoredModel): string => (model.chosen === 'base' ? 'the base' : model.chosen);
  const others = tuned.filter((model) => model.chosen !== '' && !model.chosen.startsWith('sft'));
  const states = [...new Set(others.map(stateOf))];
  if (others.length === tuned.length && states.length <= 1) return states.join();
  return others.map((model) => `${stateOf(model)} at ${model.k}-shot`).join(', ');
}

const isControl = (model: StoredModel): boolean => CONTROL_NAMES.some((name) => name === model.variant);

const lossName = (variant: string): string => (CONTROL_NAMES.some((name) => name === variant) ? variant : variant.toUpperCase());

function labelsOf(model: StoredModel): string {
  const { sets, labels } = model.trainingLabels;
  return sets.length === 0 ? 'nothing of this data' : `${labels.toLocaleString('en')} ${listed(sets)} labels`;
}

function splitOf(draw: StoredDraw): string {
  const unused = draw.details['unused'];
  const dropped = typeof unused === 'object' ? Object.entries(unused).map(([reason, count]) => `${count} ${reason}`).join(', ') : '';
  return `Users were drawn at random with seed ${draw.seed} and share no set; each is asked its newest post (not a chronological split).${dropped === '' ? '' : ` Posts left out: ${dropped}.`}`;
}

/** Whether the paper reports the same data set: SMPD itself, not a demo in its layout. */
function isPublished(source: Source): boolean {
  return source.kind.startsWith('smpd') && !existsSync(join(source.root, DEMO_DESCRIPTION));
}

function withPublished({ table, compare }: MeasuredTable): MeasuredTable {
  return { table: { ...table, rows: [...table.rows, ...publishedRows(table.set, table.k)] }, compare };
}

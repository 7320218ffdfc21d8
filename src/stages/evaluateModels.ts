// Stage `evaluate`: from the answers in the store to a report (method.md, section 7). Every metric is computed in the domain;
// here the questions, the answers and the plain baselines' training windows are brought together.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { BASELINE_NAMES, predictBaselines, trainingMedian, type BaselineExample, type BaselineName, type BaselineQuestion, type ScoredPost } from '../domain/baselines.ts';
import { poolWindows, POSTS_PER_USER, SHOTS, testWindow, trainingWindow, type Window } from '../domain/draws.ts';
import { UserError } from '../domain/errors.ts';
import { publishedRows } from '../domain/publishedResults.ts';
import { assembleReport, measureTable, poolQuestions, withoutAlbums, type EvaluatedMethod, type EvaluatedQuestions, type MeasuredTable } from '../domain/report.ts';
import type { Hundredths } from '../domain/posts.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { EvaluationReport } from '../protocol/report.ts';
import { TINY_BASE } from '../protocol/stageRequests.ts';
import { MODEL_ROLES, type StageRequest, type StageResult } from '../protocol/stages.ts';
import { captionText, type CaptionPolicy } from '../store/captions.ts';
import type { Database } from '../store/database.ts';
import { requireFreshDraw, usersOfSet, type StoredDraw } from '../store/draws.ts';
import { answersToQuestions, findEvaluation, saveEvaluation } from '../store/evaluations.ts';
import { listInstructions, type StoredInstruction } from '../store/instructions.ts';
import { modelForShots, modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { postsOfUser, type StoredPost } from '../store/posts.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { experimentScope, readStageState, recordStageSuccess } from '../store/stageStates.ts';
import { requireCurrentModels } from './experimentModels.ts';
import { requireFreshInstructions } from './instructionRows.ts';
import type { StageContext } from './stageContext.ts';

const TEST_SETS = ['few-shot', 'extra-1', 'extra-2'] as const;
const DECODERS = ['median', 'greedy'] as const;
/** Plain baselines that read nothing but the question's history: one row each, whatever the others are fitted on. */
const UNFITTED: ReadonlySet<BaselineName> = new Set(['user mean', 'user median', 'last score']);
const RESAMPLING_SEED = 20241105; // of bootstrap and permutations, the same in every report: it is no part of an experiment
const SMALLEST_SLICE = 20; // questions left without albums; an interval over fewer says nothing
const USERS_AT_ONCE = 200; // read before other work of this thread gets its turn
const REPORT_SHAPE = 2; // part of the input's hash: raised when the same answers would make another report

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `model-stale`, `not-predicted` */
export async function* evaluateModels(context: StageContext, request: StageRequest<'evaluate'>, signal: AbortSignal): LongWork<StageResult> {
  const { store, now } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  yield { message: 'Reading answers' };
  const cells = readCells(store, draw, request);
  const inputHash = hashOf(cells, source, draw, captions);
  const scope = experimentScope(request);
  const before = readStageState(store, source.id, 'evaluate', scope);
  const known = before?.inputHash === inputHash && typeof before.counts['evaluation'] === 'number' ? findEvaluation(store, before.counts['evaluation']) : undefined;
  if (before && known) return { summary: known.report.headline, counts: before.counts, unchanged: true };

  const training = yield* trainingWindows(store, source, draw, captions, request.plan, cells.some((cell) => cell.answers.some(({ model }) => model.role === 'aligned')), signal);
  const measured: MeasuredTable[] = [];
  const tables = tablesOf(store, source, draw, captions, cells, training);
  for (const [index, questions] of tables.entries()) {
    yield { message: `Measuring ${questions.set}, ${questions.k}-shot`, done: index, total: tables.length, unit: 'tables' };
    await setImmediate();
    signal.throwIfAborted();
    measured.push(withPublished(measureTable(questions, RESAMPLING_SEED), source));
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
}

interface Cell {
  readonly set: (typeof TEST_SETS)[number];
  readonly k: number;
  readonly questions: readonly StoredInstruction[];
  readonly answers: readonly CellAnswers[];
}

function readCells(store: Database, draw: StoredDraw, request: StageRequest<'evaluate'>): Cell[] {
  requireCurrentModels(store, draw, modelsOfExperiment(store, draw.id, request));
  const byRole = MODEL_ROLES.map((role) => modelsOfExperiment(store, draw.id, request, role));
  const variants = byRole.flatMap((models) => [...new Set(models.map((model) => model.variant))].map((variant) => models.filter((model) => model.variant === variant)));
  const cells = TEST_SETS.filter((set) => draw.sizes[set] > 0).flatMap((set) => SHOTS.map((k): Cell => {
    const questions = listInstructions(store, draw.id, set, 'test', k);
    const answers = variants.flatMap((models) => {
      const model = modelForShots(models, k);
      return model === undefined ? [] : DECODERS.flatMap((decoder) => answersBy(store, draw, model, set, k, decoder, questions));
    });
    return { set, k, questions, answers };
  }));
  if (cells.every((cell) => cell.answers.length === 0)) throw new UserError('not-predicted', 'No model of this experiment has answered the test questions yet.', 'Run “train”, then “predict” for the test sets.');
  const columns = cells.map((cell) => cell.answers.map(({ model, decoder }) => `${model.role} ${model.variant} ${decoder}`).join());
  if (columns.some((column) => column !== columns[0])) throw new UserError('not-predicted', 'Some models have answered only some of the test sets.', 'Run “predict” for the test sets: it goes on where it stopped.');
  return cells;
}

/** None where the decoder was never used for this model (the exact median is not affordable everywhere). */
function answersBy(
  store: Database, draw: StoredDraw, model: StoredModel, set: string, k: number, decoder: 'median' | 'greedy', questions: readonly StoredInstruction[],
): CellAnswers[] {
  const answers = answersToQuestions(store, draw.id, model.id, set, k, decoder);
  if (answers.size === 0) return [];
  const missing = questions.filter((question) => !answers.has(question.pid)).length;
  if (missing > 0) throw new UserError('not-predicted', `${missing} of ${questions.length} ${k}-shot questions of ${set} have no answer to their prompt as it is now.`, 'Run “predict” for the test sets.');
  return [{ model, decoder, values: questions.map((question) => answers.get(question.pid)!) }];
}

function hashOf(cells: readonly Cell[], source: Source, draw: StoredDraw, captions: CaptionPolicy): string {
  const hash = createHash('sha256').update(JSON.stringify([REPORT_SHAPE, source.kind, source.fingerprint, draw.inputHash, draw.sizes, draw.rangeMin, draw.rangeMax, captions]));
  for (const { set, k, questions, answers } of cells) {
    hash.update(JSON.stringify([set, k, questions.map((question) => [question.pid, question.answer, question.promptHash, question.album])]));
    for (const { model, decoder, values } of answers) hash.update(JSON.stringify([model.role, model.variant, model.weightsHash, model.chosen, model.trainingLabels, decoder, values]));
  }
  return hash.digest('hex');
}

/** Windows by what they come from, as far as some model of the report saw their labels. */
interface TrainingWindows {
  readonly fewShot: ReadonlyMap<number, readonly BaselineExample[]>; // by k
  readonly pool: readonly BaselineExample[];
  readonly alignment: ReadonlyMap<number, readonly BaselineExample[]>;
  readonly plan: string;
}

async function* trainingWindows(
  store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, plan: string, withAlignment: boolean, signal: AbortSignal,
): LongWork<TrainingWindows> {
  const scored = scoredPosts(store, source, captions);
  const newest = (uid: string): ScoredPost[] => postsOfUser(store, source.id, uid).slice(-POSTS_PER_USER).map(scored);
  const windowsOf = (set: 'few-shot' | 'alignment', cut: (posts: readonly ScoredPost[], k: 1 | 2 | 3) => Window<ScoredPost>): Map<number, BaselineExample[]> => {
    const users = usersOfSet(store, draw.id, set).map((uid) => ({ uid, posts: newest(uid) }));
    return new Map(SHOTS.map((k) => [k, users.map(({ uid, posts }) => ({ uid, ...cut(posts, k) }))]));
  };
  const pool: BaselineExample[] = [];
  const poolUsers = plan === 'ours' ? usersOfSet(store, draw.id, 'pool') : [];
  for (let start = 0; start < poolUsers.length; start += USERS_AT_ONCE) {
    for (const uid of poolUsers.slice(start, start + USERS_AT_ONCE)) {
      for (const window of poolWindows(postsOfUser(store, source.id, uid).map(scored))) pool.push({ uid, ...window });
    }
    yield { message: 'Reading training labels', done: Math.min(start + USERS_AT_ONCE, poolUsers.length), total: poolUsers.length, unit: 'users' };
    await setImmediate();
    signal.throwIfAborted();
  }
  return { fewShot: windowsOf('few-shot', trainingWindow), pool, alignment: withAlignment ? windowsOf('alignment', testWindow) : new Map(), plan };
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

/** The same labels as the model that saw the most, and the few-shot labels alone where that is less. The paper's models see one k each. */
function fitsFor(k: number, training: TrainingWindows): Fit[] {
  const shots = training.plan === 'paper' ? [k] : SHOTS;
  const pick = (windows: ReadonlyMap<number, readonly BaselineExample[]>): BaselineExample[] => shots.flatMap((one) => windows.get(one) ?? []);
  const fewShot = pick(training.fewShot);
  const alignment = pick(training.alignment);
  const names = ['few-shot', ...(training.pool.length > 0 ? ['pool'] : []), ...(alignment.length > 0 ? ['alignment'] : [])];
  const all = { name: `${listed(names)} labels`, examples: [...fewShot, ...training.pool, ...alignment] };
  return names.length === 1 ? [all] : [all, { name: 'few-shot labels', examples: fewShot }];
}

const listed = (names: readonly string[]): string => (names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`);

/** Set by set and k by k, then all sets together, then these without albums. */
function tablesOf(store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, cells: readonly Cell[], training: TrainingWindows): EvaluatedQuestions[] {
  // Cells whose baselines are fitted alike are predicted together: a pool of many users is fitted once.
  const groups = training.plan === 'paper' ? SHOTS.map((k) => cells.filter((cell) => cell.k === k)) : [cells];
  const single = groups.flatMap((group) => questionsOfCells(store, source, draw, captions, group, fitsFor(group[0]!.k, training)));
  const ofShots = SHOTS.map((k) => single.filter((questions) => questions.k === k));
  const pooled = single.length > SHOTS.length ? ofShots.map(poolQuestions) : [];
  const sliced = (pooled.length > 0 ? pooled : single)
    .filter((questions) => questions.albums.some(Boolean) && questions.albums.filter((album) => !album).length >= SMALLEST_SLICE).map(withoutAlbums);
  return [...single, ...pooled, ...sliced];
}

function questionsOfCells(store: Database, source: Source, draw: StoredDraw, captions: CaptionPolicy, cells: readonly Cell[], fits: readonly Fit[]): EvaluatedQuestions[] {
  const scored = scoredPosts(store, source, captions);
  const asked = cells.flatMap((cell) => cell.questions.map((instruction) => baselineQuestion(store, source, instruction, scored)));
  const fitted = fits.map((fit) => ({
    name: fit.name, median: trainingMedian(fit.examples), predictions: predictBaselines(fit.examples, asked, { min: draw.rangeMin, max: draw.rangeMax }),
  }));
  let start = 0;
  return cells.map(({ set, k, questions, answers }): EvaluatedQuestions => {
    const end = start + questions.length;
    const models = answers.map(({ model, decoder, values }): EvaluatedMethod => ({
      name: modelName(model), kind: 'model', decoder, fittedOn: seenBy(model), predictions: values, fallback: fitted[0]!.median,
    }));
    const baselines = fitted.flatMap((fit, index) => BASELINE_NAMES.filter((name) => index === 0 || !UNFITTED.has(name)).map((name): EvaluatedMethod => ({
      name, kind: 'baseline', decoder: null, fittedOn: UNFITTED.has(name) ? "the user's own history" : fit.name, predictions: fit.predictions[name].slice(start, end), fallback: fit.median,
    })));
    start = end;
    return {
      set, k, users: questions.map((question) => question.uid), truths: questions.map((question) => question.answer!),
      albums: questions.map((question) => question.album), methods: [...models, ...baselines],
    };
  });
}

function baselineQuestion(store: Database, source: Source, instruction: StoredInstruction, scored: (post: StoredPost) => ScoredPost): BaselineQuestion {
  const posts = new Map(postsOfUser(store, source.id, instruction.uid).map((post) => [post.pid, post]));
  return { uid: instruction.uid, history: instruction.history.map((pid) => scored(posts.get(pid)!)), question: scored(posts.get(instruction.pid)!) };
}

/** 'tiny base', 'tiny base, 400 pool users, SFT', 'tiny base, 400 pool users, SFT, IDPOP'. */
function modelName(model: StoredModel): string {
  const base = model.base === TINY_BASE ? 'tiny base' : basename(model.base);
  const { poolUsers } = model.trainingLabels;
  const tuned = model.chosen === 'base' ? 'SFT (validation kept the base)' : 'SFT';
  const parts = [base, ...(poolUsers > 0 ? [`${poolUsers} pool users`] : []), ...(model.role === 'base' ? [] : [tuned]), ...(model.role === 'aligned' ? [lossName(model.variant)] : [])];
  return parts.join(', ');
}

const lossName = (variant: string): string => (variant.startsWith('sft-') ? variant : variant.toUpperCase());

function seenBy(model: StoredModel): string {
  const { sets, labels } = model.trainingLabels;
  return sets.length === 0 ? 'nothing of this data' : `${labels.toLocaleString('en')} ${listed(sets)} labels`;
}

function splitOf(draw: StoredDraw): string {
  const unused = draw.details['unused'];
  const dropped = typeof unused === 'object' ? Object.entries(unused).map(([reason, count]) => `${count} ${reason}`).join(', ') : '';
  return `Users were drawn at random with seed ${draw.seed} and share no set; each is asked its newest post (not a chronological split).${dropped === '' ? '' : ` Posts left out: ${dropped}.`}`;
}

function withPublished(measured: MeasuredTable, source: Source): MeasuredTable {
  if (!source.kind.startsWith('smpd')) return measured;
  const { table, compare } = measured;
  return { table: { ...table, rows: [...table.rows, ...publishedRows(table.set, table.k)] }, compare };
}

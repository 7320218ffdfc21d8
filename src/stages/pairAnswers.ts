// Stage `pair`: of the two answers sampled for each question of the alignment set, the one with the smaller error is chosen
// (method.md, section 5). Ties and answers that are no numbers are kept, marked, and stay out of training.
// Plan `ours` has one model for all k, so up to three pairs a user; plan `paper` one model a k, so one pair a user for each.
import { createHash } from 'node:crypto';
import { SHOTS } from '../domain/draws.ts';
import { UserError } from '../domain/errors.ts';
import { orderAnswers } from '../domain/preferences.ts';
import { formatHundredths } from '../domain/posts.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import type { Database } from '../store/database.ts';
import { requireFreshDraw, type StoredDraw } from '../store/draws.ts';
import { listInstructions } from '../store/instructions.ts';
import { modelForShots, modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { savePairs, sampledQuestions, type NewPair, type SampledQuestion } from '../store/pairs.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { experimentScope, readStageState, recordStageSuccess } from '../store/stageStates.ts';
import { findBase } from './baseModel.ts';
import { requireCurrentModels } from './experimentModels.ts';
import { fitted, requireFreshInstructions, rowId, type Rendering } from './instructionRows.ts';
import { PromptFitter } from './promptFitter.ts';
import type { StageContext } from './stageContext.ts';

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-trained`, `model-stale`, `not-predicted` when answers are missing or older than their prompts */
export async function* pairAnswers(context: StageContext, request: StageRequest<'pair'>, signal: AbortSignal): LongWork<StageResult> {
  const { store, now } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const models = modelsOfExperiment(store, draw.id, request, 'sft');
  if (models.length === 0) throw new UserError('not-trained', 'There is no tuned model of this experiment yet.', 'Run “train”, then “predict” for the alignment set.');
  requireCurrentModels(store, draw, models);
  yield { message: 'Reading answers' };
  signal.throwIfAborted();

  const cells = yield* withoutTooLong(context, request, source, draw, SHOTS.map((k) => cellOf(store, draw.id, models, k)));
  const questions = cells.flatMap((cell) => cell.questions);
  const missing = questions.filter((question) => question.answers === null).length;
  if (missing > 0 || questions.length === 0) {
    throw new UserError('not-predicted', `${missing} of ${questions.length} questions of the alignment set have no two answers to their prompt as it is now.`, 'Run “predict” for the alignment set.');
  }
  const inputHash = hashOf(cells, draw.rangeMin, draw.rangeMax);
  const scope = experimentScope(request);
  const before = readStageState(store, source.id, 'pair', scope);
  if (before?.inputHash === inputHash) return { summary: summaryOf(before.counts), counts: before.counts, unchanged: true };

  const range = { min: draw.rangeMin, max: draw.rangeMax };
  const pairs = cells.flatMap(({ model, questions: asked }) => asked.map((question): NewPair => ({
    ...orderAnswers(question.answers![0], question.answers![1], question.truth, range),
    modelId: model.id, k: question.k, pid: question.pid, promptHash: question.promptHash, sampledFrom: question.sampledFrom,
  })));
  savePairs(store, draw.id, models.map((model) => model.id), pairs, now());
  const counts = countsOf(pairs);
  recordStageSuccess(store, source.id, 'pair', scope, inputHash, counts, now());
  return { summary: summaryOf(counts), counts, unchanged: false };
}

interface Cell {
  readonly model: StoredModel;
  readonly questions: readonly SampledQuestion[];
}

function cellOf(store: Database, drawId: number, models: readonly StoredModel[], k: number): Cell {
  const model = modelForShots(models, k);
  if (!model) throw new UserError('not-trained', `There is no tuned model for ${k}-shot questions yet.`, 'Run “train” again: it goes on where it stopped.');
  return { model, questions: sampledQuestions(store, drawId, model.id, k) };
}

/** Leaves out the questions without answers whose prompts do not fit into the model's context: they were not asked. */
async function* withoutTooLong(context: StageContext, request: StageRequest<'pair'>, source: Source, draw: StoredDraw, cells: readonly Cell[]): LongWork<readonly Cell[]> {
  if (cells.every((cell) => cell.questions.every((question) => question.answers !== null))) return cells;
  yield { message: 'Measuring prompts' };
  const rendering: Rendering = {
    store: context.store, source, captions: requireFreshInstructions(context.store, source, draw), fitter: await PromptFitter.of(await findBase(context, request.base)),
  };
  return cells.map(({ model, questions }) => {
    const asked = new Map(listInstructions(context.store, draw.id, 'alignment', 'test').map((instruction) => [rowId(instruction.k, instruction.pid), instruction]));
    return { model, questions: questions.filter((question) => question.answers !== null || fitted(rendering, asked.get(rowId(question.k, question.pid))!) !== null) };
  });
}

function hashOf(cells: readonly Cell[], rangeMin: number, rangeMax: number): string {
  const hash = createHash('sha256').update(`${rangeMin} ${rangeMax}\n`);
  for (const { model, questions } of cells) {
    for (const question of questions) hash.update(JSON.stringify([model.id, model.weightsHash, question.k, question.pid, question.promptHash, question.truth, question.answers])).update('\n');
  }
  return hash.digest('hex');
}

function countsOf(pairs: readonly NewPair[]): Record<string, number> {
  const ordered = pairs.filter((pair) => pair.state === 'ordered');
  const margins = ordered.map((pair) => pair.errorRejected! - pair.errorChosen!).sort((a, b) => a - b);
  return {
    pairs: pairs.length, ordered: ordered.length, tie: pairs.filter((pair) => pair.state === 'tie').length, unparsable: pairs.filter((pair) => pair.state === 'unparsable').length,
    ...(margins.length > 0 ? { medianMarginHundredths: margins[Math.floor((margins.length - 1) / 2)]! } : {}),
  };
}

function summaryOf(counts: Readonly<Record<string, number | string>>): string {
  const margin = counts['medianMarginHundredths'];
  const median = typeof margin === 'number' ? `; the median difference of the two errors is ${formatHundredths(margin)}` : '';
  return `${counts['pairs']} pairs: ${counts['ordered']} ordered, ${counts['tie']} tied, ${counts['unparsable']} with an answer that is no number${median}.`;
}

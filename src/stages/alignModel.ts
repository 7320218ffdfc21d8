// Stage `align`: preference training of the tuned model on its own pairs (method.md, section 6), or one of the controls.
// Plan `ours`: the pairs of all k together, a smallest margin, μ capped. Plan `paper`: a model for each k on its own pairs,
// every ordered pair, μ as equation (14) has it. W and μ are computed here; the trainer takes μ as given.
import { UserError } from '../domain/errors.ts';
import { formatHundredths } from '../domain/posts.ts';
import { trainingPairs, type TrainingPairs } from '../domain/preferences.ts';
import type { LongWork } from '../protocol/progress.ts';
import { LORA_RANK, RUN_VERSION, type AlignRun, type PairRow } from '../protocol/run.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import type { Database } from '../store/database.ts';
import { requireFreshDraw, type StoredDraw } from '../store/draws.ts';
import { listInstructions } from '../store/instructions.ts';
import { modelsOfExperiment, type StoredModel, type TrainingLabels } from '../store/models.ts';
import { promptedPairs, type PromptedPair } from '../store/pairs.ts';
import { requireSource } from '../store/sources.ts';
import { experimentScope, recordStageSuccess } from '../store/stageStates.ts';
import { findBase, hashOfFiles, modelReference, requireSameBase, storedPath, weightsOf, type BaseModel } from './baseModel.ts';
import { replaceModel, requireCurrentModels } from './experimentModels.ts';
import { fitted, requireFreshInstructions, rowId, toInstructionRows, type Rendering } from './instructionRows.ts';
import { PromptFitter } from './promptFitter.ts';
import { runJob } from './runJob.ts';
import type { StageContext } from './stageContext.ts';

const OUTPUT = 'out/model';
const CHECKPOINTS = 4; // in a run
const SMALLEST_CHECKPOINT_DISTANCE = 10; // steps
const GRADIENT_CLIP = 1;

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `not-trained`, `model-stale`, `base-changed`, `not-paired`, `pairs-stale`, `no-training-pairs`, those of errorRange and of runJob */
export async function* alignModel(context: StageContext, request: StageRequest<'align'>, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  const tuned = modelsOfExperiment(store, draw.id, request, 'sft');
  if (tuned.length === 0) throw new UserError('not-trained', 'There is no tuned model of this experiment yet.', 'Run “train” first.');
  requireCurrentModels(store, draw, tuned);
  yield { message: 'Weighing pairs' };
  const frozen = tuned.map((model) => ({ model, selected: selectPairs(promptedPairs(store, model.id), request) }));
  const base = await findBase(context, request.base);
  requireSameBase(modelsOfExperiment(store, draw.id, request, 'base'), base);
  signal.throwIfAborted();

  const rendering: Rendering = { store, source, captions, fitter: await PromptFitter.of(base) };
  let unchanged = true;
  for (const { model, selected } of frozen) unchanged = (yield* alignOne(context, rendering, request, draw, base, model, selected, signal)) && unchanged;
  const counts = countsOf(frozen.map(({ selected }) => selected));
  recordStageSuccess(store, source.id, 'align', experimentScope(request), inputHashOf(request, tuned), counts, context.now());
  return { summary: summaryOf(request, counts), counts, unchanged };
}

type SelectedPairs = TrainingPairs<PromptedPair>;

/** The pairs to learn from, each with its μ. Mmin and Mmax come from all parsed pairs, before anything is left out. */
function selectPairs(pairs: readonly PromptedPair[], request: StageRequest<'align'>): SelectedPairs {
  if (pairs.length === 0) throw new UserError('not-paired', 'There are no pairs of this experiment yet.', 'Run “pair” first.');
  const stale = pairs.filter((pair) => pair.pieces === null).length;
  if (stale > 0) throw new UserError('pairs-stale', `${stale} of ${pairs.length} pairs are older than their prompts.`, 'Run “predict” for the alignment set and “pair” again.');
  const { alpha, lambda, delta, cap, margin, plan } = request;
  const selected = trainingPairs(pairs, { mode: plan, alpha, lambda, delta, cap, margin: plan === 'paper' ? null : Math.round(margin * 100) });
  if (selected.pairs.length > 0) return selected;
  const { tie, unparsable, margin: small } = selected.leftOut;
  throw new UserError('no-training-pairs', `None of ${pairs.length} pairs can be trained on: ${tie} ties, ${unparsable} with an answer that is no number, ${small} below the margin.`, 'Lower the margin, or draw the answers again with another training seed.');
}

/** Aligns one tuned model and keeps the result; returns whether it had been done before. */
async function* alignOne(
  context: StageContext, rendering: Rendering, request: StageRequest<'align'>, draw: StoredDraw, base: BaseModel, tuned: StoredModel, selected: SelectedPairs, signal: AbortSignal,
): LongWork<boolean> {
  const validation = toInstructionRows(rendering, listInstructions(context.store, draw.id, 'validation', 'test', tuned.k ?? undefined));
  const job = yield* runJob(context, {
    stage: 'align', title: tuned.k === null ? 'Aligning' : `Aligning for ${tuned.k}-shot`, request,
    weights: weightsOf(tuned, base), offline: base.isLocal || tuned.adapterOf === null,
    data: [{ path: 'data/pairs.jsonl', rows: pairRows(rendering, draw, selected) }, ...(validation.length > 0 ? [{ path: 'data/validation.jsonl', rows: validation }] : [])],
    run: runOf(context, request, draw, base, tuned, selected, validation.length > 0), summary: describe(selected),
  }, signal);
  yield* replaceModel(context.store, {
    drawId: draw.id, role: 'aligned', plan: request.plan, k: tuned.k, variant: request.loss, trainingSeed: request.trainingSeed, base: request.base,
    path: storedPath(context, job.output), adapterOf: tuned.adapterOf, weightsHash: await hashOfFiles(job.output), chosen: job.chosen, runId: job.id,
    trainingLabels: labelsOf(context.store, draw, tuned, selected), rangeMin: draw.rangeMin, rangeMax: draw.rangeMax, madeAt: context.now(),
  });
  return job.unchanged;
}

function runOf(
  context: StageContext, request: StageRequest<'align'>, draw: StoredDraw, base: BaseModel, tuned: StoredModel, selected: SelectedPairs, withValidation: boolean,
): AlignRun {
  const steps = Math.ceil(selected.pairs.length / request.batchSize) * request.epochs;
  return {
    version: RUN_VERSION, verb: 'align', seed: request.trainingSeed, threads: context.trainer.threads, model: modelReference(context, tuned, base),
    tuning: { method: tuned.adapterOf === null ? 'full' : 'lora', lora_rank: LORA_RANK },
    loss: { name: request.loss, beta: request.beta, lambda: request.lambda },
    data: 'data/pairs.jsonl', epochs: request.epochs, batch_size: request.batchSize, learning_rate: request.learningRate, clip: GRADIENT_CLIP, merge_sft: false,
    checkpoint_every: Math.max(SMALLEST_CHECKPOINT_DISTANCE, Math.ceil(steps / CHECKPOINTS)),
    validation: withValidation ? { data: 'data/validation.jsonl', range: { min_hundredths: draw.rangeMin, max_hundredths: draw.rangeMax } } : null,
    output: OUTPUT,
  };
}

/** Pairs were sampled from prompts that fitted, so each of them fits again. */
function pairRows(rendering: Rendering, draw: StoredDraw, { pairs }: SelectedPairs): PairRow[] {
  const asked = new Map(listInstructions(rendering.store, draw.id, 'alignment', 'test').map((instruction) => [rowId(instruction.k, instruction.pid), instruction]));
  return pairs.map(({ pair, mu }) => {
    const id = rowId(pair.k, pair.pid);
    return { id, pieces: [...(fitted(rendering, asked.get(id)!) ?? pair.pieces!)], chosen: pair.chosen, rejected: pair.rejected, mu, label: formatHundredths(pair.truth) };
  });
}

/** What the tuned model has seen; the scores that decided which answer was chosen, and those of the histories in the prompts. */
function labelsOf(store: Database, draw: StoredDraw, tuned: StoredModel, selected: SelectedPairs): TrainingLabels {
  const before = tuned.trainingLabels;
  const pairs = selected.pairs.map(({ pair }) => rowId(pair.k, pair.pid));
  const prompted = new Set(pairs);
  const asked = listInstructions(store, draw.id, 'alignment', 'test').filter(({ k, pid }) => prompted.has(rowId(k, pid)));
  const posts = new Set(asked.flatMap(({ history, pid }) => [...history, pid]));
  return { ...before, sets: [...new Set([...before.sets, 'alignment'])], labels: before.labels + posts.size, pairs };
}

/** Kept with the run: the range of errors that W rests on, what was left out and how μ is spread. */
function describe({ pairs, range, leftOut }: SelectedPairs): Record<string, unknown> {
  const mu = pairs.map((pair) => pair.mu).sort((a, b) => a - b);
  return { pairs: pairs.length, errorRangeHundredths: range, leftOut, medianMu: mu[Math.floor((mu.length - 1) / 2)], largestMu: mu.at(-1) };
}

function inputHashOf(request: StageRequest<'align'>, tuned: readonly StoredModel[]): string {
  return `${request.loss} ${tuned.map((model) => model.weightsHash).join(' ')}`;
}

function countsOf(selected: readonly SelectedPairs[]): Record<string, number> {
  const sum = (count: (one: SelectedPairs) => number): number => selected.reduce((total, one) => total + count(one), 0);
  return {
    models: selected.length, pairs: sum((one) => one.pairs.length),
    tie: sum((one) => one.leftOut.tie), unparsable: sum((one) => one.leftOut.unparsable), belowMargin: sum((one) => one.leftOut.margin),
    smallestErrorHundredths: Math.min(...selected.map((one) => one.range.min)), largestErrorHundredths: Math.max(...selected.map((one) => one.range.max)),
  };
}

function summaryOf(request: StageRequest<'align'>, counts: Readonly<Record<string, number>>): string {
  const range = `${formatHundredths(counts['smallestErrorHundredths']!)}–${formatHundredths(counts['largestErrorHundredths']!)}`;
  const leftOut = `${counts['tie']} ties, ${counts['unparsable']} with an answer that is no number${request.plan === 'paper' ? '' : `, ${counts['belowMargin']} below the margin`}`;
  return `Aligned by ${request.loss} on ${counts['pairs']!.toLocaleString('en')} pairs (left out: ${leftOut}); errors of the answers ${range}.`;
}

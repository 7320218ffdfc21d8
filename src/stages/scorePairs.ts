// Stage `score`: what each model of an experiment thinks of its ordered pairs, by the log-probability of both answers. A look
// at what alignment did, which no later stage needs: whether the chosen answers became likelier than the rejected ones, and
// whether they became less likely in themselves, which is what the penalty of dpop and idpop is against.
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { pairMargins, type PairMargins, type ScoredPair } from '../domain/pairMargins.ts';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import { RUN_VERSION, type InstructionRow } from '../protocol/run.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import { requireFreshDraw } from '../store/draws.ts';
import { listInstructions } from '../store/instructions.ts';
import { modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { promptedPairs, type PromptedPair } from '../store/pairs.ts';
import { requireSource } from '../store/sources.ts';
import { experimentScope, recordStageSuccess } from '../store/stageStates.ts';
import { findBase, modelReference, requireSameBase, weightsOf, type BaseModel } from './baseModel.ts';
import { requireCurrentModels } from './experimentModels.ts';
import { fitted, requireFreshInstructions, rowId, type Rendering } from './instructionRows.ts';
import { PromptFitter } from './promptFitter.ts';
import { runJob } from './runJob.ts';
import type { StageContext } from './stageContext.ts';

const OUTPUT = 'out/scores.jsonl';
const ANSWERS = ['chosen', 'rejected'] as const;

/** What is read of a line of the trainer's output; its tokens with a log-probability each stay in the job's folder. */
const scoreRowSchema = z.object({ id: z.string(), sum: z.number() });

/** @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `not-trained`, `model-stale`, `base-changed`, `not-paired`, `pairs-stale`, and those of runJob */
export async function* scorePairs(context: StageContext, request: StageRequest<'score'>, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  const models = modelsOfExperiment(store, draw.id, request);
  const tuned = models.filter((model) => model.role === 'sft');
  if (tuned.length === 0) throw new UserError('not-trained', 'There is no tuned model of this experiment yet.', 'Run “train” first.');
  requireCurrentModels(store, draw, models);
  yield { message: 'Reading pairs' };
  const pairs = tuned.flatMap((model) => promptedPairs(store, model.id)).filter((pair) => pair.state === 'ordered');
  if (pairs.length === 0) throw new UserError('not-paired', 'There are no ordered pairs of this experiment yet.', 'Run “pair” first.');
  if (pairs.some((pair) => pair.pieces === null)) throw new UserError('pairs-stale', 'Pairs are older than their prompts.', 'Run “predict” for the alignment set and “pair” again.');
  const base = await findBase(context, request.base);
  requireSameBase(models.filter((model) => model.role === 'base'), base);
  signal.throwIfAborted();

  const rows = answerRows({ store, source, captions, fitter: await PromptFitter.of(base) }, draw.id, pairs);
  const scored = new Map<string, ScoredPair[]>();
  let unchanged = true;
  for (const model of models) {
    const own = model.k === null ? rows : rows.filter(({ k }) => k === model.k); // in the paper's plan a model for each k
    if (own.length === 0) continue;
    const job = yield* scoreWith(context, request, model, base, own.flatMap((row) => row.answers), signal);
    unchanged &&= job.unchanged;
    const name = nameOf(model);
    scored.set(name, [...(scored.get(name) ?? []), ...(await readScores(job.output, own.map(({ id }) => id)))]);
  }
  const measured = [...scored].map(([name, of]) => [name, pairMargins(of)] as const);
  const counts = countsOf(measured);
  recordStageSuccess(store, source.id, 'score', experimentScope(request), models.map((model) => model.weightsHash).join(' '), counts, context.now());
  return { summary: summaryOf(measured), counts, unchanged };
}

interface PairRows {
  readonly id: string;
  readonly k: number;
  readonly answers: readonly InstructionRow[]; // chosen, rejected
}

/** Both answers of each pair behind its prompt, as a model is given it. */
function answerRows(rendering: Rendering, drawId: number, pairs: readonly PromptedPair[]): PairRows[] {
  const asked = new Map(listInstructions(rendering.store, drawId, 'alignment', 'test').map((instruction) => [rowId(instruction.k, instruction.pid), instruction]));
  return pairs.map((pair) => {
    const id = rowId(pair.k, pair.pid);
    const pieces = [...(fitted(rendering, asked.get(id)!) ?? pair.pieces!)];
    return { id, k: pair.k, answers: ANSWERS.map((answer) => ({ id: `${id} ${answer}`, pieces, answer: pair[answer] })) };
  });
}

async function* scoreWith(
  context: StageContext, request: StageRequest<'score'>, model: StoredModel, base: BaseModel, rows: readonly InstructionRow[], signal: AbortSignal,
): LongWork<{ output: string; unchanged: boolean }> {
  return yield* runJob(context, {
    stage: 'score', title: `Scoring pairs by ${nameOf(model)}${model.k === null ? '' : `, ${model.k}-shot`}`, request, data: [{ path: 'data/answers.jsonl', rows }],
    weights: weightsOf(model, base), offline: base.isLocal || (model.role !== 'base' && model.adapterOf === null),
    run: {
      version: RUN_VERSION, verb: 'score', seed: request.trainingSeed, threads: context.trainer.threads, model: modelReference(context, model, base),
      data: 'data/answers.jsonl', batch_size: request.batchSize, output: OUTPUT,
    },
  }, signal);
}

/** The scores of the pairs of these ids, in their order. */
async function readScores(output: string, ids: readonly string[]): Promise<ScoredPair[]> {
  const sums = new Map<string, number>();
  const file = await open(output);
  try {
    for await (const line of file.readLines()) {
      const { id, sum } = scoreRowSchema.parse(JSON.parse(line));
      sums.set(id, sum);
    }
  } finally {
    await file.close();
  }
  const sumOf = (id: string): number => {
    const sum = sums.get(id);
    if (sum === undefined) throw new Error(`${output} has no score of ${id}.`);
    return sum;
  };
  return ids.map((id) => ({ chosen: sumOf(`${id} chosen`), rejected: sumOf(`${id} rejected`) }));
}

/** 'base', 'sft', or the loss of an aligned model. */
const nameOf = (model: StoredModel): string => (model.role === 'aligned' ? model.variant : model.role);

type Measured = readonly (readonly [name: string, margins: PairMargins])[];

function countsOf(measured: Measured): Record<string, number> {
  return Object.fromEntries([
    ['pairs', Math.max(...measured.map(([, { pairs }]) => pairs))],
    ...measured.flatMap(([name, { chosen, margin, preferred }]) => [[`${name} chosen`, chosen], [`${name} margin`, margin], [`${name} preferred`, preferred]]),
  ]) as Record<string, number>;
}

/** 'Of 149 pairs the chosen answer is the likelier one in 52 % by base (margin +0.03, chosen −6.31), …' */
function summaryOf(measured: Measured): string {
  const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
  const parts = measured.map(([name, { chosen, margin, preferred }]) => `${Math.round(100 * preferred)} % by ${name} (margin ${signed(margin)}, chosen ${signed(chosen)})`);
  return `Of ${measured[0]![1].pairs.toLocaleString('en')} pairs the chosen answer is the likelier one in ${parts.join(', ')}; means of log-probabilities in nats.`;
}

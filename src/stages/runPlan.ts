// `run`: the whole pipeline for a plan, in the order of the pipeline table. Every stage does only what changed, so a run
// that was broken off goes on where it stopped, and a second run does nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { PIPELINE } from '../pipeline.ts';
import type { LongWork, Progress } from '../protocol/progress.ts';
import {
  alignRequest, evaluateRequest, indexRequest, instructRequest, pairRequest, predictRequest, sampleRequest, trainRequest, type RunRequest,
} from '../protocol/stageRequests.ts';
import type { StageName, StageRequest, StageResult } from '../protocol/stages.ts';
import { findEvaluation } from '../store/evaluations.ts';
import { listSources, requireSource } from '../store/sources.ts';
import type { StageContext } from './stageContext.ts';
import { STAGES, type StageTable } from './stageTable.ts';

/** One stage of a run, and how long it took. */
export interface RanStage {
  readonly title: string; // 'Train'
  readonly summary: string;
  readonly unchanged: boolean;
  readonly seconds: number;
}

export interface RunResult extends StageResult {
  readonly source: string;
  readonly stages: readonly RanStage[];
  readonly evaluation: number; // id in the store
  readonly hints: readonly string[];
}

/** @throws {UserError} `no-source`, `source-ambiguous`, and whatever the stages throw */
export async function* runPlan(context: StageContext, request: RunRequest, signal: AbortSignal, stages: StageTable = STAGES): LongWork<RunResult> {
  const { settings } = request;
  const ran: RanStage[] = [];
  const run = async function* <Name extends StageName>(name: Name, title: string, stageRequest: StageRequest<Name>): LongWork<StageResult> {
    signal.throwIfAborted();
    const startedAt = performance.now();
    yield { message: title };
    const work = stages[name](context, stageRequest, signal);
    let step: IteratorResult<Progress, StageResult> | null = null;
    try {
      step = await work.next();
      while (!step.done) {
        yield { ...step.value, message: `${title}: ${step.value.message}` };
        step = await work.next();
      }
    } finally {
      // Whoever ends this work early ends the stage too: it holds locks, files and jobs.
      if (step?.done === false) await work.return(undefined as never);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    ran.push({ title, summary: step.value.summary, unchanged: step.value.unchanged, seconds });
    yield { message: `${title}: ${step.value.summary} (${step.value.unchanged ? 'nothing to do' : `${seconds.toFixed(1)} s`})`, stays: true };
    return step.value;
  };
  const titleOf = (id: string): string => PIPELINE.find((entry) => entry.id === id)!.title;

  const indexed = request.data === null ? null : yield* run('index', titleOf('index'), indexRequest(request.data, request.source, settings));
  const source = indexed?.source ?? chosenSource(context, request);
  const captions = captionsFileOf(context, request, source);
  yield* run('sample', titleOf('sample'), sampleRequest(source, settings));
  if (captions !== null) yield* run('caption', titleOf('caption'), { source, import: captions });
  yield* run('instruct', titleOf('instruct'), instructRequest(source, settings));
  yield* run('train', titleOf('train'), trainRequest(source, settings));
  yield* run('predict', `${titleOf('predict')} (alignment set)`, predictRequest(source, settings, ['sft'], 'alignment'));
  yield* run('pair', titleOf('pair'), pairRequest(source, settings));
  yield* run('align', titleOf('align'), alignRequest(source, settings));
  yield* run('predict', `${titleOf('predict')} (test sets)`, predictRequest(source, settings, ['base', 'sft', 'aligned'], 'test'));
  const evaluated = yield* run('evaluate', titleOf('evaluate'), evaluateRequest(source, settings));
  if (request.everyPost) yield* run('predict', `${titleOf('predict')} (every post)`, predictRequest(source, settings, ['aligned'], 'every'));

  const evaluation = evaluated.counts['evaluation'] as number;
  return {
    source, stages: ran, evaluation, hints: hintsOf(context, evaluation), summary: evaluated.summary,
    counts: { stages: ran.length, unchanged: ran.filter((stage) => stage.unchanged).length, evaluation }, unchanged: ran.every((stage) => stage.unchanged),
  };
}

/** The source that was asked for, or the only one. */
function chosenSource(context: StageContext, request: RunRequest): string {
  if (request.source !== null) return requireSource(context.store, request.source).name;
  const sources = listSources(context.store);
  if (sources.length === 1) return sources[0]!.name;
  if (sources.length === 0) throw new UserError('no-source', 'There are no posts in this store yet.', 'Index a data set first, or name one (on the command line, --data).');
  throw new UserError('source-ambiguous', `This store has several sources: ${sources.map((source) => `“${source.name}”`).join(', ')}.`, 'Say which is meant (on the command line, --source).');
}

/** The captions that were named, else captions.jsonl beside the data, if it is there. */
function captionsFileOf(context: StageContext, request: RunRequest, source: string): string | null {
  if (request.captionsFile !== null) return request.captionsFile;
  const beside = join(requireSource(context.store, source).root, 'captions.jsonl');
  return existsSync(beside) ? beside : null;
}

/** What a person should know before reading too much into the numbers. */
function hintsOf(context: StageContext, evaluation: number): string[] {
  const report = findEvaluation(context.store, evaluation)!.report;
  return report.findings.filter(({ kind }) => kind === 'history-says-little' || kind === 'no-better-than-median').map(({ text }) => text);
}

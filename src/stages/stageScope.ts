// Which doing of a stage a recorded state is about: the same stage is done once for each seed, plan, base, and so on.
import { basename, dirname } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { indexedFiles } from '../store/generations.ts';
import { listSources, sourceByName, type Source } from '../store/sources.ts';
import { storeFault } from '../store/storeFaults.ts';
import { clearStageFailure, drawScope, experimentScope, recordStageFailure } from '../store/stageStates.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import { isCancellation } from '../protocol/requestChannel.ts';
import type { StageName, StageRequest, StageResult } from '../protocol/stages.ts';
import type { Stage, StageContext } from './stageContext.ts';

/** The scope under which a stage records its state for a request. */
export function scopeOf<Name extends StageName>(stage: Name, request: StageRequest<Name>): string {
  if (stage === 'predict') return predictScope(request as StageRequest<'predict'>, String((request as StageRequest<'predict'>).scope));
  if (stage === 'export') {
    const { format, content } = request as StageRequest<'export'>;
    return exportScope(request as StageRequest<'export'>, format, content);
  }
  if ('trainingSeed' in request) return experimentScope(request);
  if ('dataSeed' in request) return drawScope(request);
  return '';
}

const predictScope = (experiment: Experiment, questions: string): string => `${experimentScope(experiment)}, ${questions}`;
const exportScope = (experiment: Experiment, format: string, content: string): string => `${experimentScope(experiment)}, ${format} ${content}`;

/** Every scope under which a stage can have recorded something about an experiment. */
export function scopesOfExperiment(stage: StageName, experiment: Experiment): readonly string[] {
  if (stage === 'predict') return ['alignment', 'test', 'every', 'unlabelled'].map((questions) => predictScope(experiment, questions));
  if (stage === 'export') return [...['trl', 'llama-factory'].flatMap((format) => ['sft', 'preference'].map((content) => exportScope(experiment, format, content))), exportScope(experiment, 'submission', 'predictions')];
  return ['', drawScope(experiment), experimentScope(experiment)];
}

/** That a single post cannot be asked about says nothing about the stage: nothing of it is recorded. */
export function isRecorded<Name extends StageName>(stage: Name, request: StageRequest<Name>): boolean {
  return stage !== 'predict' || typeof (request as StageRequest<'predict'>).scope === 'string';
}

/** A stage that also records its failures, so that the tree can show them after a restart. A cancelled stage has not failed. */
export function recordingFailures<Name extends StageName>(name: Name, stage: Stage<Name>): Stage<Name> {
  return async function* (context: StageContext, request: StageRequest<Name>, signal: AbortSignal): LongWork<StageResult> {
    const startedAt = context.now();
    context.store.requireWritable(); // at once, not when hours of training want to be stored
    context.log.info(`${name} starts.`);
    try {
      const result = yield* stage(context, request, signal);
      context.log.info(`${name}: ${result.summary} (${(context.now() - startedAt).toFixed(1)} s)`);
      if (result.unchanged && isRecorded(name, request)) settle(context.store, request, name);
      return result;
    } catch (raised) {
      const error = storeFault(raised, context.store.path) ?? raised;
      if (!signal.aborted && !isCancellation(error) && isRecorded(name, request) && !isAboutAnother(error)) tryToRecord(context, request, name, error);
      throw error;
    }
  };
}

/** A store that could not be written may not take the failure either: the first error is the one to tell. */
function tryToRecord<Name extends StageName>(context: StageContext, request: StageRequest<Name>, stage: Name, failure: unknown): void {
  try {
    record(context.store, request, stage, failure, context.now());
  } catch (error) {
    context.log.warn(`That ${stage} failed could not be recorded (${String(error)}).`);
  }
}

/** An import that may not have a source's name says nothing about that source. */
const isAboutAnother = (error: unknown): boolean => error instanceof UserError && error.code === 'source-name-taken';

function record<Name extends StageName>(store: Database, request: StageRequest<Name>, stage: Name, error: unknown, now: number): void {
  const source = concernedSource(store, request);
  if (source) recordStageFailure(store, source.id, stage, scopeOf(stage, request), error instanceof Error ? error.message : String(error), now);
}

function settle<Name extends StageName>(store: Database, request: StageRequest<Name>, stage: Name): void {
  const source = concernedSource(store, request);
  if (source) clearStageFailure(store, source.id, stage, scopeOf(stage, request));
}

/** The source of a request; of an index the one that is there already, by its name or its place. Null where nothing can be recorded. */
function concernedSource(store: Database, request: StageRequest<StageName>): Source | null {
  if (store.readOnly) return null;
  if ('source' in request) return sourceByName(store, request.source);
  if (request.name !== null) return sourceByName(store, request.name);
  return listSources(store).find((source) => source.root === request.path
    || (source.root === dirname(request.path) && indexedFiles(store, source.id).some((file) => file.path === basename(request.path)))) ?? null;
}

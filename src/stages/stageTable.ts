// Every stage by its name: what the command line's process and the editor's worker run. One home, so that both run the same.
import type { LongWork } from '../protocol/progress.ts';
import { stageRequestSchemas, type StageName, type StageRequest, type StageResult } from '../protocol/stages.ts';
import { alignModel } from './alignModel.ts';
import { buildInstructions } from './buildInstructions.ts';
import { captionImages } from './captionImages.ts';
import { evaluateModels } from './evaluateModels.ts';
import { exportDataSet } from './exportDataSet.ts';
import { fetchPictures } from './fetchPictures.ts';
import { indexPosts } from './indexPosts.ts';
import { pairAnswers } from './pairAnswers.ts';
import { predictPosts } from './predictPosts.ts';
import { removeSource } from './removeSource.ts';
import { samplePosts } from './samplePosts.ts';
import { scorePairs } from './scorePairs.ts';
import type { Stage, StageContext } from './stageContext.ts';
import { recordingFailures } from './stageScope.ts';
import { trainModel } from './trainModel.ts';

export type StageTable = { readonly [Name in StageName]: Stage<Name> };

export const STAGES: StageTable = {
  index: recordingFailures('index', indexPosts),
  sample: recordingFailures('sample', samplePosts),
  caption: recordingFailures('caption', captionImages),
  instruct: recordingFailures('instruct', buildInstructions),
  train: recordingFailures('train', trainModel),
  predict: recordingFailures('predict', predictPosts),
  pair: recordingFailures('pair', pairAnswers),
  align: recordingFailures('align', alignModel),
  score: recordingFailures('score', scorePairs), // a look aside: no entry of the pipeline waits for it
  evaluate: recordingFailures('evaluate', evaluateModels),
  export: recordingFailures('export', exportDataSet),
  remove: removeSource, // leaves no source to record a failure of
  fetchPictures, // beside the pipeline: what is missing, the next start fetches
};

/** Runs a stage with a request that came from elsewhere: it is validated first. */
export function runStage(context: StageContext, name: StageName, request: unknown, signal: AbortSignal): LongWork<StageResult> {
  return start(name, context, stageRequestSchemas[name].parse(request) as StageRequest<typeof name>, signal);
}

function start<Name extends StageName>(name: Name, context: StageContext, request: StageRequest<Name>, signal: AbortSignal): LongWork<StageResult> {
  const stage: Stage<Name> = STAGES[name];
  return stage(context, request, signal);
}

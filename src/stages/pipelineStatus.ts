// Reads the pipeline's status from the store: what the terminal's `status`, the editor's tree and its status bar show.
// Nothing is started and nothing large is read, so that it can be asked at every change.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { SUBMISSION_FILE } from '../exports/submission.ts';
import { PIPELINE, type PipelineStage } from '../pipeline.ts';
import type { EntryState, EntryStatus, Experiment, ExportStatus, NextAction, PipelineStatus, RunStatus, SourceStatus, StatusDetail } from '../protocol/pipelineStatus.ts';
import type { EvaluationReport } from '../protocol/report.ts';
import type { Settings } from '../protocol/settings.ts';
import { alignRequest, trainRequest } from '../protocol/stageRequests.ts';
import { TEST_SETS, type StageName } from '../protocol/stages.ts';
import type { Database } from '../store/database.ts';
import { drawInputVersion, findDraw, type StoredDraw } from '../store/draws.ts';
import { evaluationHeadline, findEvaluation } from '../store/evaluations.ts';
import { newestExports } from '../store/exportRecords.ts';
import { countFetches } from '../store/fetchedPictures.ts';
import { indexedFiles } from '../store/generations.ts';
import { countInstructions, instructionInputVersion } from '../store/instructions.ts';
import { modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { answeredQuestions, countPairs, newestModel, skippedByReason } from '../store/pipelineProgress.ts';
import { findRun, listRuns } from '../store/runs.ts';
import { listSources, requireSource, type Source } from '../store/sources.ts';
import { drawScope, experimentScope, learnableContent, listStageStates, type StageState } from '../store/stageStates.ts';
import type { StageContext } from './stageContext.ts';
import { statisticsDetails } from './statisticsDetails.ts';
import { scopesOfExperiment } from './stageScope.ts';
import { readRunningJob, runStateNow } from './runningJob.ts';

type StatusContext = Pick<StageContext, 'store' | 'storeFolder' | 'now'>;

const RUNS_SHOWN = 20;
const EXPORTS_SHOWN = 20;

/**
 * @param settings what the next run of a stage would be asked for, so that what other settings made is told as stale; null where
 *   they are not known, as on the command line, whose flags are gone with the run that they were given to
 */
export function readPipelineStatus({ store, storeFolder }: StatusContext, experiment: Experiment, settings: Settings | null = null): PipelineStatus {
  const sources = listSources(store).sort((a, b) => (a.name < b.name ? -1 : 1));
  const runs = listRuns(store, RUNS_SHOWN).map((run): RunStatus => {
    const jobFolder = join(storeFolder, 'runs', run.id);
    const state = run.endedAt === null ? runStateNow(jobFolder, run.state) : run.state;
    const source = typeof run.request['source'] === 'string' ? run.request['source'] : null;
    return { id: run.id, source, stage: run.stage, host: run.host, state, description: state === 'succeeded' ? whatCameOut(run.summary) : state, startedAt: run.startedAt, endedAt: run.endedAt, jobFolder };
  });
  const working = runs.find((run) => run.state === 'running' || run.state === 'starting');
  return {
    version: 1, runs, sources: sources.map((source) => statusOfSource(store, source, experiment, settings)),
    running: working ? readRunningJob(working, working.stage as StageName) : null,
    exports: sources.flatMap((source) => exportsOf(store, source, experiment)).sort((a, b) => b.exportedAt - a.exportedAt).slice(0, EXPORTS_SHOWN),
  };
}

/** 'sft 40 · validation MAE 1.12': the state that was kept, and the trainer's own signal where it looked at validation users. */
function whatCameOut(summary: Readonly<Record<string, unknown>> | null): string {
  const mae = summary?.['validationMae'];
  return [summary?.['chosen'], typeof mae === 'number' ? `validation MAE ${mae.toFixed(2)}` : null].filter((part) => typeof part === 'string' && part !== '').join(' · ') || 'done';
}

/** The newest report of an experiment; null before its first evaluation. */
export function newestReport(store: Database, sourceName: string, experiment: Experiment): EvaluationReport | null {
  const source = requireSource(store, sourceName);
  const id = evaluationId(listStageStates(store, source.id), experiment);
  return (id === null ? undefined : findEvaluation(store, id))?.report ?? null;
}

function evaluationId(states: readonly StageState[], experiment: Experiment): number | null {
  const counts = states.find((state) => state.stage === 'evaluate' && state.scope === experimentScope(experiment))?.counts;
  return typeof counts?.['evaluation'] === 'number' ? counts['evaluation'] : null;
}

/** What one entry is drawn from; the rest follows from the table. */
interface Found {
  readonly state: EntryState;
  readonly description: string;
  readonly reason?: string;
  readonly details?: readonly StatusDetail[];
}

const number = (value: number): string => value.toLocaleString('en');
const share = (done: number, of: number): string => (done === of ? number(done) : `${number(done)} of ${number(of)}`);

function statusOfSource(store: Database, source: Source, experiment: Experiment, settings: Settings | null): SourceStatus {
  const states = listStageStates(store, source.id);
  const draw = findDraw(store, source.id, experiment.dataSeed);
  const models = draw ? modelsOfExperiment(store, draw.id, experiment) : [];
  const seen: Seen = { store, source, experiment, settings, states, draw, models };
  const entries: EntryStatus[] = [];
  for (const entry of PIPELINE) entries.push(statusOfEntry(seen, entry, entries));
  const evaluation = evaluationId(states, experiment);
  return {
    source: source.name, kind: source.kind, root: source.root, posts: source.statistics?.posts ?? 0, users: source.statistics?.users ?? 0, entries,
    next: nextAction(entries), headline: evaluation === null ? null : evaluationHeadline(store, evaluation),
  };
}

interface Seen {
  readonly store: Database;
  readonly source: Source;
  readonly experiment: Experiment;
  readonly settings: Settings | null;
  readonly states: readonly StageState[];
  readonly draw: StoredDraw | undefined;
  readonly models: readonly StoredModel[];
}

function statusOfEntry(seen: Seen, entry: PipelineStage, before: readonly EntryStatus[]): EntryStatus {
  const found = FINDERS[entry.id]!(seen);
  const failure = failureOf(seen, entry.stage);
  const needed = before.find((other) => entry.needs.includes(other.id) && (other.state === 'stale' || other.state === 'failed'));
  const common = { id: entry.id, stage: entry.stage, title: entry.title, optional: entry.optional, description: found.description, details: found.details ?? [] };
  if (failure !== null) return { ...common, state: 'failed', reason: failure };
  if (found.state === 'done' && needed !== undefined && entry.stage !== 'export') return { ...common, state: 'stale', reason: `${needed.title} comes first: ${needed.reason ?? 'it is not up to date'}` };
  return { ...common, state: found.state, reason: found.reason ?? null };
}

/** A failure of a stage in this experiment that no later attempt has made good. */
function failureOf({ states, experiment }: Seen, stage: StageName): string | null {
  const scopes = scopesOfExperiment(stage, experiment);
  return states.find((state) => state.stage === stage && state.error !== null && scopes.includes(state.scope))?.error ?? null;
}

const FINDERS: Readonly<Record<string, (seen: Seen) => Found>> = {
  index: indexStatus, sample: sampleStatus, caption: captionStatus, instruct: instructStatus, train: trainStatus,
  predict: predictStatus, pair: pairStatus, align: alignStatus, evaluate: evaluateStatus, export: exportStatus,
};

function indexStatus({ store, source }: Seen): Found {
  const { statistics } = source;
  const description = statistics ? `${number(statistics.posts)} posts, ${number(statistics.users)} users` : '';
  const details: StatusDetail[] = [
    ...(statistics ? statisticsDetails(statistics) : []),
    ...Object.entries(statistics?.dropped ?? {}).map(([reason, posts]) => ({ label: reason, description: `${number(posts)} posts not used`, opens: 'skipped-rows' as const })),
    ...pictureDetails(store, source),
    ...skippedByReason(store, source.liveGeneration!).map(({ reason, rows }) => ({ label: reason, description: `${number(rows)} rows skipped`, opens: 'skipped-rows' as const })),
  ];
  for (const file of indexedFiles(store, source.id)) {
    const there = statSync(join(source.root, file.path), { throwIfNoEntry: false });
    if (!there) return { state: 'stale', description, details, reason: `${file.path} is no longer there` };
    if (there.size !== file.size) return { state: 'stale', description, details, reason: `${file.path} has changed since` };
  }
  return { state: 'done', description, details };
}

/** Of posts that name the address of a picture: what is still to be fetched, what is there, what is dead. */
function pictureDetails(store: Database, { id, statistics }: Source): StatusDetail[] {
  const addresses = statistics?.pictureAddresses ?? 0;
  if (addresses === 0) return [];
  const { fetched, dead } = countFetches(store, id);
  const wanted = Math.max(0, addresses - fetched - dead);
  return [
    ...(wanted > 0 ? [{ label: 'pictures to fetch', description: `${number(wanted)} posts name only an address`, opens: 'fetch-pictures' as const }] : []),
    ...(fetched > 0 ? [{ label: 'pictures fetched', description: number(fetched) }] : []),
    ...(dead > 0 ? [{ label: 'dead pages', description: `${number(dead)} pictures cannot be fetched`, opens: 'dead-pictures' as const }] : []),
  ];
}

function sampleStatus({ store, source, states, draw, experiment }: Seen): Found {
  if (!draw) return { state: 'waiting', description: '' };
  const sizes = Object.entries(draw.sizes).filter(([, users]) => users > 0);
  const details = [
    ...sizes.map(([set, users]) => ({ label: set, description: `${number(users)} users` })),
    { label: 'answers', description: `${(draw.rangeMin / 100).toFixed(2)} to ${(draw.rangeMax / 100).toFixed(2)}` },
  ];
  const description = `${number(draw.sizes['few-shot'])} few-shot users${draw.sizes.pool > 0 ? `, pool of ${number(draw.sizes.pool)}` : ''}, seed ${draw.seed}`;
  const fresh = states.find((state) => state.stage === 'sample' && state.scope === drawScope(experiment))?.inputHash === drawInputVersion(store, source);
  return fresh ? { state: 'done', description, details } : { state: 'stale', description, details, reason: 'the posts have changed since users were drawn' };
}

function captionStatus({ store, source, states }: Seen): Found {
  const counts = states.find((state) => state.stage === 'caption')?.counts;
  const captioned = typeof counts?.['captioned'] === 'number' ? counts['captioned'] : 0;
  const { fetched } = countFetches(store, source.id);
  if (captioned === 0) return { state: 'waiting', description: source.hasPictures || fetched > 0 ? 'none: prompts hold text alone' : 'no pictures' };
  const counted = typeof counts?.['pictures'] === 'number' ? counts['pictures'] : captioned;
  const pictures = source.hasPictures ? counted : Math.max(counted, fetched); // some may have come since captions were imported
  const approved = typeof counts?.['approved'] === 'number' ? counts['approved'] : 0;
  const details = [{ label: 'approved by a person', description: number(approved) }];
  return { state: captioned < pictures ? 'partial' : 'done', description: `${share(captioned, Math.max(captioned, pictures))} pictures`, details };
}

function instructStatus({ store, source, states, draw, experiment, settings }: Seen): Found {
  if (!draw) return { state: 'waiting', description: '' };
  const counts = countInstructions(store, draw.id);
  if (Object.keys(counts).length === 0) return { state: 'waiting', description: '' };
  const description = `${number(counts['few-shot train'] ?? 0)} train, ${number(TEST_SETS.reduce((sum, set) => sum + (counts[`${set} test`] ?? 0), 0))} test, ${number(counts['alignment test'] ?? 0)} align`;
  const details = Object.entries(counts).map(([name, rows]) => ({ label: name, description: number(rows) }));
  const recorded = states.find((state) => state.stage === 'instruct' && state.scope === drawScope(experiment))?.inputHash;
  const used = (['any', 'approved'] as const).filter((captions) => recorded === instructionInputVersion(store, source, draw.inputHash, captions));
  if (used.length === 0) return { state: 'stale', description, details, reason: 'posts or captions have changed since' };
  return settings === null || used.includes(settings.captions)
    ? { state: 'done', description, details }
    : { state: 'stale', description, details, reason: `made with captions: ${used[0]}, now ${settings.captions}` };
}

function trainStatus(seen: Seen): Found {
  const tuned = seen.models.filter((model) => model.role === 'sft');
  if (tuned.length === 0) return { state: 'waiting', description: '' };
  const { poolUsers, labels } = tuned[0]!.trainingLabels;
  const details = [
    ...tuned.map((model) => ({ label: model.k === null ? 'kept' : `kept for ${model.k}-shot`, description: model.chosen })),
    { label: 'labels seen', description: number(labels) }, { label: 'pool users', description: number(poolUsers) },
  ];
  const description = `${seen.experiment.base}: ${[...new Set(tuned.map((model) => model.chosen))].join(', ')}`;
  if (seen.experiment.plan === 'paper' && tuned.length < 3) return { state: 'partial', description, details };
  const content = learnableContent(seen.store, seen.source.id, seen.experiment.dataSeed);
  if (tuned.some((model) => model.trainingLabels.learnable !== content)) return { state: 'stale', description, details, reason: 'users or their prompts have changed since' };
  const reason = trainedOtherwise(seen, tuned);
  return reason === null ? { state: 'done', description, details } : { state: 'stale', description, details, reason };
}

function finishedAt({ states, experiment }: Seen, stage: StageName): number | null {
  const scope = stage === 'sample' || stage === 'instruct' ? drawScope(experiment) : experimentScope(experiment);
  const state = states.find((one) => one.stage === stage && one.scope === scope && one.inputHash !== '');
  return state?.finishedAt ?? null;
}

function predictStatus(seen: Seen): Found {
  const { store, draw, models } = seen;
  const tuned = models.filter((model) => model.role === 'sft').map((model) => model.id);
  if (!draw || tuned.length === 0) return { state: 'waiting', description: '' };
  const samples = answeredQuestions(store, draw.id, tuned, ['alignment'], 'sample');
  const tests = answeredQuestions(store, draw.id, models.map((model) => model.id), TEST_SETS, 'greedy');
  const unparsable = samples.unparsable + tests.unparsable;
  const description = `${number(2 * samples.answered + tests.answered)} answers${unparsable > 0 ? `, ${number(unparsable)} no number` : ''}`;
  const details = [
    { label: 'alignment set, two samples', description: share(samples.answered, samples.asked) },
    { label: 'test sets', description: share(tests.answered, tests.asked) },
  ];
  if (samples.answered + tests.answered === 0) return { state: 'waiting', description: '' };
  if (samples.answered < samples.asked) return { state: 'partial', description, details, reason: 'the alignment set is not answered' };
  const hasAligned = models.some((model) => model.role === 'aligned');
  if (hasAligned && tests.answered < tests.asked) return { state: 'partial', description, details, reason: 'the test sets are not answered by every model' };
  return { state: 'done', description, details };
}

function pairStatus({ store, draw, models }: Seen): Found {
  const counts = countPairs(store, models.filter((model) => model.role === 'sft').map((model) => model.id));
  if (!draw || counts.pairs === 0) return { state: 'waiting', description: '' };
  const details = [
    { label: 'ordered', description: number(counts.ordered) }, { label: 'ties', description: number(counts.tie) }, { label: 'no number', description: number(counts.unparsable) },
  ];
  const description = share(counts.ordered, counts.pairs);
  return counts.stale > 0 ? { state: 'stale', description, details, reason: `${number(counts.stale)} prompts have changed since` } : { state: 'done', description, details };
}

function alignStatus(seen: Seen): Found {
  const aligned = seen.models.filter((model) => model.role === 'aligned');
  if (aligned.length === 0) return { state: 'waiting', description: '' };
  const description = [...new Set(aligned.map((model) => model.variant))].join(', ');
  const details = aligned.map((model) => ({ label: model.k === null ? model.variant : `${model.variant}, ${model.k}-shot`, description: model.chosen }));
  const paired = finishedAt(seen, 'pair');
  const alignedAt = finishedAt(seen, 'align');
  const isStale = paired !== null && alignedAt !== null && paired > alignedAt;
  if (isStale) return { state: 'stale', description, details, reason: 'pairs have changed since' };
  const reason = alignedOtherwise(seen, aligned);
  return reason === null ? { state: 'done', description, details } : { state: 'stale', description, details, reason };
}

/** What the settings would have training do otherwise; null: nothing. */
function trainedOtherwise(seen: Seen, tuned: readonly StoredModel[]): string | null {
  if (seen.settings === null) return null;
  const wanted = trainRequest(seen.source.name, seen.settings);
  const usesPool = wanted.plan === 'ours' && (seen.draw?.sizes.pool ?? 0) > 0;
  return otherSettings(seen.store, tuned, wanted, 'train', usesPool ? [] : ['poolSteps', 'poolLearningRate']);
}

/** What the settings would have alignment do otherwise; null: nothing. An aligned model of another loss is no answer to the one that is set. */
function alignedOtherwise(seen: Seen, aligned: readonly StoredModel[]): string | null {
  if (seen.settings === null) return null;
  const wanted = alignRequest(seen.source.name, seen.settings);
  const byLoss = aligned.filter((model) => model.variant === wanted.loss);
  if (byLoss.length === 0) return `made with align.loss: ${[...new Set(aligned.map((model) => model.variant))].join(', ')}, now ${wanted.loss}`;
  return otherSettings(seen.store, byLoss, wanted, 'align', wanted.plan === 'paper' ? ['cap', 'margin'] : []); // the paper's plan has neither
}

/** 'train.sftSteps: 40, now 80': the first part of the request in which the runs that made the models differ. A job's name is made of all of them. */
function otherSettings(store: Database, models: readonly StoredModel[], wanted: Readonly<Record<string, unknown>>, section: string, without: readonly string[]): string | null {
  for (const { runId } of models) {
    const asked = runId === null ? undefined : findRun(store, runId)?.request;
    if (asked === undefined) continue;
    const other = Object.keys(wanted).find((key) => !without.includes(key) && asked[key] !== wanted[key]);
    if (other !== undefined) return `made with ${section}.${other}: ${String(asked[other])}, now ${String(wanted[other])}`;
  }
  return null;
}

function evaluateStatus(seen: Seen): Found {
  const { store, states, experiment, draw, models } = seen;
  const id = evaluationId(states, experiment);
  if (id === null || !draw) return { state: 'waiting', description: '' };
  const description = evaluationHeadline(store, id) ?? '';
  const evaluatedAt = finishedAt(seen, 'evaluate') ?? 0;
  const newest = newestModel(models, 'aligned') ?? newestModel(models, 'sft') ?? 0;
  const answered = answeredQuestions(store, draw.id, models.map((model) => model.id), TEST_SETS, 'greedy').newest ?? 0;
  if (newest > evaluatedAt) return { state: 'stale', description, reason: 'a model is newer' };
  return answered > evaluatedAt ? { state: 'stale', description, reason: 'answers are newer' } : { state: 'done', description };
}

function exportStatus({ store, draw }: Seen): Found {
  const made = draw ? newestExports(store, draw.id, EXPORTS_SHOWN) : [];
  if (made.length === 0) return { state: 'waiting', description: '' };
  return { state: 'done', description: `${number(made.length)} ${made.length === 1 ? 'folder' : 'folders'}`, details: made.map((one) => ({ label: `${one.format}, ${one.content}`, description: one.folder, opens: 'export' as const })) };
}

function exportsOf(store: Database, source: Source, experiment: Experiment): ExportStatus[] {
  const draw = findDraw(store, source.id, experiment.dataSeed);
  if (!draw) return [];
  const states = listStageStates(store, source.id);
  return newestExports(store, draw.id, EXPORTS_SHOWN).map((made): ExportStatus => {
    const manifest = JSON.parse(made.manifest) as { source?: { fingerprint?: string }; files?: { rows: number; path: string }[] };
    const changedAt = Math.max(0, ...states.filter((state) => state.stage === 'instruct' || (made.content === 'preference' && state.stage === 'pair') || (made.content === 'predictions' && state.stage === 'predict')).map((state) => state.finishedAt));
    return {
      source: source.name, format: made.format, content: made.content, folder: made.folder, exportedAt: made.exportedAt,
      rows: (manifest.files ?? []).filter((file) => file.path.endsWith('.jsonl') || file.path === SUBMISSION_FILE).reduce((sum, file) => sum + file.rows, 0),
      stale: manifest.source?.fingerprint !== source.fingerprint || changedAt > made.exportedAt,
    };
  });
}

const ACTIONS: Readonly<Record<string, string>> = {
  index: 'Index the posts again', sample: 'Draw users into sets', caption: 'Import captions', instruct: 'Render instructions', train: 'Train the model',
  predict: 'Let the models answer', pair: 'Pair the answers', align: 'Align the model', evaluate: 'Evaluate the models', export: 'Export a data set',
};

/** The first entry that is not up to date; optional ones are never pressed on anybody unless they failed or are stale. */
function nextAction(entries: readonly EntryStatus[]): NextAction | null {
  const next = entries.find((entry) => entry.state !== 'done' && entry.state !== 'running' && (!entry.optional || entry.state === 'failed' || entry.state === 'stale'));
  if (!next) return null;
  const { verb, command } = PIPELINE.find((entry) => entry.id === next.id)!;
  return { entry: next.id, title: ACTIONS[next.id]!, verb, command };
}

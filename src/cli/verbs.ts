// The verbs of `smp`: each builds a stage's request from flags (protocol/stageRequests.ts, as the editor does), runs it, and
// prints what came out.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { UserError } from '../domain/errors.ts';
import { PIPELINE } from '../pipeline.ts';
import { DEMO_FORMATS, demoRequest, demoRequestSchema } from '../protocol/demo.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { SettingKey, Settings } from '../protocol/settings.ts';
import {
  alignRequest, evaluateRequest, exportRequest, fetchPicturesRequest, indexRequest, instructRequest, pairRequest, predictRequest, sampleRequest, scoreRequest, trainRequest,
} from '../protocol/stageRequests.ts';
import { mappingSchema, MODEL_ROLES, type Mapping, type ModelRole, type StageName, type StageRequest, type StageResult } from '../protocol/stages.ts';
import { decideOnPost } from '../stages/decideOnPost.ts';
import { makeDemo } from '../stages/makeDemo.ts';
import { readPipelineStatus } from '../stages/pipelineStatus.ts';
import { planPictureFetch } from '../stages/planPictureFetch.ts';
import { runPlan } from '../stages/runPlan.ts';
import type { StageContext } from '../stages/stageContext.ts';
import { STAGES } from '../stages/stageTable.ts';
import { findDraw } from '../store/draws.ts';
import { findEvaluation } from '../store/evaluations.ts';
import { modelsOfExperiment } from '../store/models.ts';
import { searchPosts } from '../store/search.ts';
import { listSources, requireSource } from '../store/sources.ts';
import { storeFault } from '../store/storeFaults.ts';
import { removeEmptyStoreFolder } from '../store/storeLocation.ts';
import { planSentences } from './pictureFetchText.ts';
import { addPostsOptions, listPosts, postsQueryOf, postsText } from './postsVerb.ts';
import { reportText } from './reportText.ts';
import { addSettings, settingsFrom } from './settingFlags.ts';
import { statusLines } from './statusLines.ts';
import { duration, Terminal, type Output } from './terminal.ts';
import { textTable } from './textTable.ts';
import { chooseSource, openWorkplace, workspaceFolder, type Surroundings } from './workplace.ts';

/** What a verb is run with. */
export interface Invocation {
  readonly surroundings: Surroundings;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal; // aborted by Ctrl-C
  /** Sets another exit code than 0 for work that came to its end but found something. */
  exitWith(code: number): void;
}

/** What an action works on. */
interface Workplace {
  readonly context: StageContext;
  readonly terminal: Terminal;
  readonly settings: Settings;
  readonly options: CommonOptions & Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

interface CommonOptions {
  readonly workspace?: string;
  readonly source?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Verbs that bring posts in make a store; `status` shows that there is none; the others have nothing to do without one. */
const MISSING_STORE: Readonly<Record<string, 'make' | 'empty'>> = { index: 'make', run: 'make', status: 'empty' };

const EXPERIMENT = ['plan', 'dataSeed', 'trainingSeed', 'base'] as const;
const TRAIN = ['train.tuning', 'train.poolSteps', 'train.poolLearningRate', 'train.sftSteps', 'train.sftLearningRate', 'train.batchSize', 'lora.poolLearningRate', 'lora.sftLearningRate'] as const;
const ALIGN = ['align.loss', 'align.beta', 'align.alpha', 'align.lambda', 'align.delta', 'align.cap', 'align.margin', 'align.epochs', 'align.learningRate', 'align.batchSize', 'lora.alignLearningRate'] as const;

/** Adds every verb to the program. */
export function addVerbs(program: Command, invocation: Invocation): void {
  const verb = (name: string, description: string, keys: readonly SettingKey[], action: (place: Workplace, ...words: string[]) => Promise<void>): Command => {
    const command = program.command(name).description(description);
    addCommon(command);
    addSettings(command, [...keys, 'python', 'threads']);
    return command.action(async (...words: unknown[]) => {
      const given = words.slice(0, -2).map((word) => (Array.isArray(word) ? word.join(' ') : String(word)));
      await atWorkplace(command, invocation, (place) => action(place, ...given));
    });
  };
  const stage = <Name extends StageName>(name: Name, keys: readonly SettingKey[], request: (source: string, settings: Settings) => StageRequest<Name>): Command =>
    verb(name, makes(name), keys, (place) => runStageVerb(place, name, request(chooseSource(place.context.store, place.options.source), place.settings)));

  verb('index <path>', `${makes('index')}: a folder in the SMPD layout, or a CSV, TSV, JSONL or Parquet table`, ['index.allowSkips'], indexVerb)
    .option('--name <name>', 'name of the source; else made of the path')
    .option('--mapping <file>', 'JSON file that says which column is what; else guessed from the header and kept in .smp/mappings');
  verb('remove', 'take a source out of the store; its files stay as they are', [], (place) =>
    runStageVerb(place, 'remove', { source: chooseSource(place.context.store, place.options.source) }));
  stage('sample', ['dataSeed'], sampleRequest);
  verb('caption', makes('caption'), [], captionVerb).requiredOption('--import <file>', 'JSONL file of captions: {"source", "pid", "caption", "by"} a line');
  stage('instruct', ['dataSeed', 'captions'], instructRequest);
  stage('train', [...EXPERIMENT, ...TRAIN], trainRequest);
  verb('predict', `${makes('predict')}; without a choice the alignment set, then the test sets`, [...EXPERIMENT, 'predict.batchSize'], predictVerb)
    .option('--alignment', 'two samples for each question of the alignment set')
    .option('--test', 'exact median and free greedy answer for each question of the test sets')
    .option('--every-post', 'every post that has an earlier post of its user').option('--unlabelled', 'those of them that have no score')
    .option('--pid <pid...>', 'these posts')
    .addOption(new Option('--role <role...>', 'models that answer; else all that are there (of posts: the most tuned one)').choices([...MODEL_ROLES]));
  stage('pair', EXPERIMENT, pairRequest);
  stage('align', [...EXPERIMENT, ...ALIGN], alignRequest);
  verb('score', 'how likely each model finds the chosen and the rejected answers of its pairs', [...EXPERIMENT, 'predict.batchSize'], (place) =>
    runStageVerb(place, 'score', scoreRequest(chooseSource(place.context.store, place.options.source), place.settings)));
  verb('evaluate', makes('evaluate'), EXPERIMENT, evaluateVerb);
  verb('export', makes('export'), [...EXPERIMENT, 'export.format', 'export.content', 'align.margin'], exportVerb)
    .option('--out <folder>', 'folder to make; else exports/SOURCE-FORMAT-CONTENT in the workspace')
    .addOption(new Option('--role <role>', 'of a submission: the model whose predictions are submitted; else the most tuned one').choices([...MODEL_ROLES]))
    .option('--part <part>', 'of a submission: the posts of this part (train, test); else all without a score')
    .option('--external-data <details>', 'of a submission: what was used beyond the data set; else the base, unless it is the tiny one');
  verb('run', 'the whole pipeline for a plan; what is done already is not done again', ['captions', 'index.allowSkips', ...EXPERIMENT, ...TRAIN, 'predict.batchSize', ...ALIGN], runVerb)
    .option('--data <path>', 'data set to index first')
    .option('--captions-file <file>', 'captions to import; else captions.jsonl beside the data, if it is there')
    .option('--every-post', 'at the end let the aligned model predict every post of the source that has an earlier post of its user');
  verb('fetch-pictures', 'pictures of posts that name only an address, into .smp/pictures; without --yes says what that would mean', ['pictures.requestsPerSecond', 'pictures.allowHost'], fetchPicturesVerb)
    .option('--yes', 'start').option('--retry-dead', 'ask also for addresses that were found dead').option('--limit <number>', 'fetch at most so many this time');
  verb('status', 'how far the pipeline is, and what comes next', EXPERIMENT, statusVerb);
  verb('search <words...>', 'posts by id, or by words of title, tags and caption', [], searchVerb).option('--limit <number>', 'posts shown', '20');
  addPostsOptions(verb('posts', 'every post of the store, filtered and ordered', EXPERIMENT, postsVerb));
  for (const kind of ['exclude', 'restore'] as const) {
    verb(`${kind} <pid>`, kind === 'exclude' ? 'leave a post out, without touching its file' : 'take an excluded post back', [], (place, pid) => decideVerb(place, kind, pid!))
      .option('--reason <text>', 'why', '').option('--author <name>', "who decides; else git's user.name");
  }
  addDemo(program, invocation);
}

/** 'Train: the tuned model' */
function makes(stage: StageName): string {
  const entry = PIPELINE.find((one) => one.stage === stage)!;
  return `${entry.title}: ${entry.makes}`;
}

function addCommon(command: Command): void {
  command
    .option('--workspace <folder>', 'folder whose .smp holds the store; else the one you are in')
    .option('--source <name>', "name of the source; else the store's only one")
    .option('--json', 'one JSON object on stdout, progress as JSON lines on stderr')
    .option('--verbose', "show the stages' log");
}

async function atWorkplace(command: Command, { surroundings, stdout, stderr, signal }: Invocation, action: (place: Workplace) => Promise<void>): Promise<void> {
  const options = command.opts<CommonOptions & Record<string, unknown>>();
  const terminal = new Terminal({ stdout, stderr, json: options.json === true, verbose: options.verbose === true });
  const settings = settingsFrom(command);
  const wasThere = existsSync(join(workspaceFolder(surroundings, options.workspace), '.smp'));
  const context = await openWorkplace(surroundings, { workspace: options.workspace, python: settings.python, threads: settings.threads, missingStore: MISSING_STORE[command.name()] ?? 'refuse' }, terminal.log);
  let leavesNothing = false;
  try {
    await action({ context, terminal, settings, options, signal });
  } catch (error) {
    const fault = storeFault(error, context.store.path);
    leavesNothing = !wasThere && fault === null && listSources(context.store).length === 0;
    throw fault ?? error;
  } finally {
    context.store.close();
    if (leavesNothing && existsSync(context.storeFolder)) removeEmptyStoreFolder(context.storeFolder);
  }
}

/** Runs long work to its end and shows its progress. After an abort the work goes on until it has noticed and cleaned up. */
export async function finish<Result>(terminal: Terminal, work: LongWork<Result>): Promise<Result> {
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
    terminal.progress(step.value);
  }
}

async function runStage<Name extends StageName>({ context, terminal, signal }: Workplace, name: Name, request: StageRequest<Name>): Promise<StageResult> {
  return finish(terminal, STAGES[name](context, request, signal));
}

async function runStageVerb<Name extends StageName>(place: Workplace, name: Name, request: StageRequest<Name>): Promise<void> {
  const result = await runStage(place, name, request);
  place.terminal.result({ verb: name, ...result }, `${result.summary}${result.unchanged ? ' Nothing to do.' : ''}`);
}

async function indexVerb(place: Workplace, path: string | undefined): Promise<void> {
  const { options, settings } = place;
  const name = (options['name'] as string | undefined) ?? options.source ?? null;
  const mapping = options['mapping'] === undefined ? null : readMapping(resolve(options['mapping'] as string));
  await runStageVerb(place, 'index', { ...indexRequest(resolve(path!), name, settings), mapping });
}

/** Nothing is asked of any server before a person has seen how much it would be. */
async function fetchPicturesVerb(place: Workplace): Promise<void> {
  const { context, options, settings, terminal } = place;
  const limit = options['limit'] === undefined ? null : Number(options['limit']);
  if (limit !== null && !(Number.isInteger(limit) && limit >= 1)) throw new UserError('limit', `“${String(options['limit'])}” is no number of pictures.`, 'Give a whole number from 1.');
  const request = fetchPicturesRequest(chooseSource(context.store, options.source), settings, options['retryDead'] === true, limit);
  const plan = await planPictureFetch(context, request);
  const sentences = planSentences(plan, request.requestsPerSecond);
  if (options['yes'] === true) {
    for (const sentence of plan.wanted === 0 ? [] : sentences) terminal.note(sentence);
    await runStageVerb(place, 'fetchPictures', request);
  } else if (plan.wanted === 0) {
    terminal.result({ verb: 'fetch-pictures', plan }, `No picture is to be fetched.${plan.dead > 0 ? ` Addresses known to be dead: ${plan.dead}; --retry-dead asks for them again.` : ''}`);
  } else {
    terminal.result({ verb: 'fetch-pictures', plan }, [...sentences, 'Nothing was fetched: start with --yes.'].join('\n'));
  }
}

function readMapping(path: string): Mapping {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UserError('mapping-unreadable', `The mapping ${path} cannot be read (${(error as Error).message}).`, 'Index once without --mapping: the guessed mapping is kept in .smp/mappings and can be edited.');
  }
  const parsed = mappingSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UserError('mapping-malformed', `${path}: “${issue.path.join('.')}”: ${issue.message}.`, 'Correct it, or index once without --mapping to have one made.');
}

async function captionVerb(place: Workplace): Promise<void> {
  await runStageVerb(place, 'caption', { source: chooseSource(place.context.store, place.options.source), import: resolve(place.options['import'] as string) });
}

/** Which posts, and who answers. */
interface PredictPart {
  readonly scope: StageRequest<'predict'>['scope'];
  readonly roles: ModelRole[];
}

async function predictVerb(place: Workplace): Promise<void> {
  const { context, options, settings, terminal } = place;
  const source = chooseSource(context.store, options.source);
  const chosen = (['alignment', 'test', 'everyPost', 'unlabelled', 'pid'] as const).filter((name) => options[name] !== undefined);
  if (chosen.length > 1) throw new UserError('scope-ambiguous', 'Several choices of posts were given.', 'Choose one of --alignment, --test, --every-post, --unlabelled and --pid.');
  const made = madeRoles(context, source, settings);
  const named = options['role'] as ModelRole[] | undefined;
  const mostTuned: ModelRole[] = named ?? [made.at(-1) ?? 'base'];
  const parts: Readonly<Record<'alignment' | 'test' | 'everyPost' | 'unlabelled' | 'pid' | 'both', readonly PredictPart[]>> = {
    alignment: [{ scope: 'alignment', roles: named ?? ['sft'] }],
    test: [{ scope: 'test', roles: named ?? made }],
    everyPost: [{ scope: 'every', roles: mostTuned }],
    unlabelled: [{ scope: 'unlabelled', roles: mostTuned }],
    pid: [{ scope: { pids: (options['pid'] as string[] | undefined) ?? [] }, roles: mostTuned }],
    both: [{ scope: 'alignment', roles: ['sft'] }, { scope: 'test', roles: named ?? made }],
  };
  const results: StageResult[] = [];
  for (const { scope, roles } of parts[chosen[0] ?? 'both']) results.push(await runStage(place, 'predict', predictRequest(source, settings, roles, scope)));
  const unchanged = results.every((result) => result.unchanged);
  const summary = results.map((result) => result.summary).join('\n');
  terminal.result({ verb: 'predict', summary, counts: results.length === 1 ? results[0]!.counts : { alignment: results[0]!.summary, test: results[1]!.summary }, unchanged }, `${summary}${unchanged ? ' Nothing to do.' : ''}`);
}

/** Roles of the models that this experiment has, the base first. */
function madeRoles(context: StageContext, source: string, settings: Settings): ModelRole[] {
  const draw = findDraw(context.store, requireSource(context.store, source).id, settings.dataSeed);
  const models = draw ? modelsOfExperiment(context.store, draw.id, settings) : [];
  return MODEL_ROLES.filter((role) => role === 'base' || models.some((model) => model.role === role));
}

async function evaluateVerb(place: Workplace): Promise<void> {
  const { context, options, settings, terminal } = place;
  const result = await runStage(place, 'evaluate', evaluateRequest(chooseSource(context.store, options.source), settings));
  const { report } = findEvaluation(context.store, result.counts['evaluation'] as number)!;
  terminal.result({ verb: 'evaluate', ...result, report }, reportText(report, null));
}

async function exportVerb(place: Workplace): Promise<void> {
  const { context, options, settings } = place;
  const source = chooseSource(context.store, options.source);
  const format = settings['export.format'];
  const name = `${source}-${format}${format === 'submission' ? '' : `-${settings['export.content']}`}`.replace(/[^\p{L}\p{N}._-]/gu, '_');
  const folder = options['out'] === undefined ? join(context.folder, 'exports', name) : resolve(options['out'] as string);
  const submission = { role: (options['role'] as ModelRole | undefined) ?? null, part: (options['part'] as string | undefined) ?? null, externalData: (options['externalData'] as string | undefined) ?? null };
  await runStageVerb(place, 'export', exportRequest(source, settings, folder, submission));
}

async function runVerb(place: Workplace): Promise<void> {
  const { context, options, settings, terminal, signal } = place;
  const path = (name: string): string | null => (options[name] === undefined ? null : resolve(options[name] as string));
  const result = await finish(terminal, runPlan(context, { data: path('data'), source: options.source ?? null, captionsFile: path('captionsFile'), everyPost: options['everyPost'] === true, settings }, signal));
  const { report } = findEvaluation(context.store, result.evaluation)!;
  const total = result.stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const stages = textTable([['stage', 'time'], ...result.stages.map((stage) => [stage.title, stage.unchanged ? 'nothing to do' : duration(stage.seconds)]), ['together', duration(total)]]);
  terminal.result({ verb: 'run', ...result, report }, [reportText(report, ['few-shot', 'pooled']), stages].join('\n\n'));
}

function statusVerb({ context, terminal, settings, options }: Workplace): Promise<void> {
  const all = readPipelineStatus(context, settings);
  const named = options.source === undefined ? null : requireSource(context.store, options.source).name;
  const status = named === null ? all : { ...all, sources: all.sources.filter(({ source }) => source === named) };
  terminal.result(status, statusLines(status));
  return Promise.resolve();
}

function searchVerb({ context, terminal, options }: Workplace, words: string | undefined): Promise<void> {
  const limit = Number(options['limit']);
  if (!Number.isInteger(limit) || limit < 1) throw new UserError('limit', `“${String(options['limit'])}” is no number of posts.`, 'Give a whole number from 1.');
  const sourceId = options.source === undefined ? null : requireSource(context.store, options.source).id;
  const posts = searchPosts(context.store, sourceId, words ?? '', limit);
  const lines = posts.map((post) => `${post.source} ${post.pid}  ${post.title}\n    ${post.snippet}\n    ${post.file}:${post.row}`);
  terminal.result({ posts }, posts.length === 0 ? 'No post was found.' : lines.join('\n'));
  return Promise.resolve();
}

async function postsVerb({ context, terminal, options, settings }: Workplace): Promise<void> {
  const source = options.source === undefined ? null : requireSource(context.store, options.source).name;
  const { query, limit } = postsQueryOf(source, options);
  const { posts, matches, all } = await finish(terminal, listPosts(context.store, query, limit, settings));
  terminal.result({ posts, matches, all }, postsText(posts, matches, all));
}

function decideVerb({ context, terminal, options }: Workplace, kind: 'exclude' | 'restore', pid: string): Promise<void> {
  const source = chooseSource(context.store, options.source);
  const author = (options['author'] as string | undefined) ?? gitUser() ?? userInfo().username;
  decideOnPost(context, { kind: kind === 'exclude' ? 'post-excluded' : 'post-restored', source, pid, reason: options['reason'] as string, author });
  const summary = kind === 'exclude' ? `Post ${pid} of “${source}” is left out from now on.` : `Post ${pid} of “${source}” is used again.`;
  terminal.result({ verb: kind, summary, counts: {}, unchanged: false }, `${summary} Run “sample” to draw anew.`);
  return Promise.resolve();
}

function gitUser(): string | null {
  const asked = spawnSync('git', ['config', 'user.name'], { encoding: 'utf8' });
  return asked.status === 0 && asked.stdout.trim() !== '' ? asked.stdout.trim() : null;
}

/** The demo writes files and needs no store. */
function addDemo(program: Command, { surroundings, stdout, stderr, signal }: Invocation): void {
  const standard = demoRequest('any');
  const command = program.command('demo').description('invented posts, pictures and captions to try the pipeline on')
    .requiredOption('--out <folder>', 'folder to make')
    .option('--users <number>', 'users with at least 5 posts', String(standard.users)).option('--seed <number>', 'seed of the invention', String(standard.seed))
    .addOption(new Option('--layout <layout>', 'of the files').choices([...DEMO_FORMATS]).default(standard.format))
    .option('--posts <number>', 'exactly so many posts, of as many users as that takes; instead of --users').option('--test-share <share>', 'share of posts without scores, the newest', String(standard.testShare))
    .option('--vectors', 'user files hold 399 and 400 numbers a post, as in the releases until 2020, instead of words')
    .option('--no-pictures', 'leave the pictures out').option('--name <name>', "source that captions.jsonl names; else the folder's name")
    .option('--small-users <share>', 'share of users with 2 to 4 posts', String(standard.smallUsers)).option('--faults <share>', 'share of broken posts', String(standard.faults))
    .option('--spread <name=value...>', 'standard deviation of a part of the score: user, category, subcategory, picture, hour, noise')
    .option('--json', 'one JSON object on stdout, progress as JSON lines on stderr');
  command.action(async () => {
    const options = command.opts<Record<string, unknown>>();
    const terminal = new Terminal({ stdout, stderr, json: options['json'] === true, verbose: false });
    const spreads = Object.fromEntries(((options['spread'] as string[] | undefined) ?? []).map((pair) => [pair.split('=')[0]!, Number(pair.split('=')[1])]));
    if (options['posts'] !== undefined && command.getOptionValueSource('users') === 'cli') throw new UserError('demo-options', 'Both --users and --posts were given.', 'Give one of them.');
    const request = demoRequestSchema.safeParse({
      ...demoRequest(workspaceFolder(surroundings, options['out'] as string), { spreads }), users: Number(options['users']), seed: Number(options['seed']), format: options['layout'],
      pictures: options['pictures'], source: options['name'] ?? null, smallUsers: Number(options['smallUsers']), faults: Number(options['faults']),
      posts: options['posts'] === undefined ? null : Number(options['posts']), testShare: Number(options['testShare']), vectors: options['vectors'] === true,
    });
    if (!request.success) throw new UserError('demo-options', `--${request.error.issues[0]!.path.join('.')}: ${request.error.issues[0]!.message}.`, 'See smp demo --help.');
    const result = await finish(terminal, makeDemo(request.data, signal));
    terminal.result({ verb: 'demo', ...result }, `${result.summary}${result.unchanged ? ' Nothing to do.' : ''}`);
  });
}

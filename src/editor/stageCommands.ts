// Stage by stage, and the whole plan: missing choices are asked, the request is built from the settings, the bulk worker
// does the work, and one line says what came out.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import type { EntryStatus, SourceStatus } from '../protocol/pipelineStatus.ts';
import type { Progress } from '../protocol/progress.ts';
import { alignRequest, evaluateRequest, exportRequest, indexRequest, instructRequest, pairRequest, predictRequest, sampleRequest, scoreRequest, trainRequest } from '../protocol/stageRequests.ts';
import { stageRequestSchemas, type ModelRole, type StageName, type StageRequest, type StageResult } from '../protocol/stages.ts';
import type { Settings } from '../protocol/settings.ts';
import { choose, choosePath, chooseSource, fileChoice, requireFolder, type SourceTarget } from './askFor.ts';
import type { CurationFolder } from './curationFolder.ts';
import { tell } from './notify.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { requireTrust } from './registerCommands.ts';
import { machineOf, readSettings } from './settingsReader.ts';
import type { StageRunner } from './stageRunner.ts';

/** A button of the notification that tells a result. */
interface FollowUp {
  readonly label: string;
  readonly command: string;
  readonly argument?: unknown; // the folder and source, when left out
}

export class StageCommands {
  readonly #model: PipelineModel;
  readonly #runner: StageRunner;
  readonly #log: vscode.LogOutputChannel;

  constructor(model: PipelineModel, runner: StageRunner, log: vscode.LogOutputChannel) {
    this.#model = model;
    this.#runner = runner;
    this.#log = log;
  }

  sample = (argument?: unknown): Promise<void> => this.#run('sample', vscode.l10n.t('Sample'), argument, sampleRequest);
  instruct = (argument?: unknown): Promise<void> => this.#run('instruct', vscode.l10n.t('Instruct'), argument, instructRequest);
  train = (argument?: unknown): Promise<void> => this.#run('train', vscode.l10n.t('Train'), argument, trainRequest);
  pair = (argument?: unknown): Promise<void> => this.#run('pair', vscode.l10n.t('Pair'), argument, pairRequest);
  align = (argument?: unknown): Promise<void> => this.#run('align', vscode.l10n.t('Align'), argument, alignRequest);
  score = (argument?: unknown): Promise<void> => this.#run('score', vscode.l10n.t('Score pairs'), argument, scoreRequest);

  async evaluate(argument?: unknown): Promise<void> {
    await this.#run('evaluate', vscode.l10n.t('Evaluate'), argument, evaluateRequest, { label: vscode.l10n.t('Show Report'), command: 'smpCurator.showReport' });
  }

  async caption(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Import captions of which source?'));
    const beside = [join(source.root, 'captions.jsonl'), join(folder.uri.fsPath, 'captions.jsonl')].filter((path, index, all) => all.indexOf(path) === index && existsSync(path));
    const browse = { label: vscode.l10n.t('Browse…'), description: '{"source","pid","caption","by"}', value: null };
    const chosen = beside.length === 0 ? null : await choose(vscode.l10n.t('Captions (JSONL)'), [...beside.map(fileChoice), browse]);
    const file = chosen ?? await choosePath(vscode.l10n.t('Captions (JSONL)'), folder.uri, ['file'], { JSONL: ['jsonl'] });
    await this.#run('caption', vscode.l10n.t('Import captions'), targetOf(folder, source), (name) => ({ source: name, import: file }));
  }

  async predict(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Predict posts of which source?'));
    const scope = await choose<'test' | 'alignment' | 'every' | 'unlabelled'>(vscode.l10n.t('Predict which posts?'), [
      { label: vscode.l10n.t('Test sets'), description: vscode.l10n.t('exact median and free greedy, every model'), value: 'test' },
      { label: vscode.l10n.t('Alignment set'), description: vscode.l10n.t('two samples, for pairs'), value: 'alignment' },
      { label: vscode.l10n.t('Every post with an earlier post'), description: vscode.l10n.t('for hovers'), value: 'every' },
      { label: vscode.l10n.t('Posts without a score'), description: vscode.l10n.t('for a submission'), value: 'unlabelled' },
    ]);
    await this.#predict(targetOf(folder, source), madeRoles(source), scope);
  }

  async #predict(target: SourceTarget, made: readonly ModelRole[], scope: 'test' | 'alignment' | 'every' | 'unlabelled'): Promise<void> {
    const roles: ModelRole[] = scope === 'test' ? ['base', ...made] : scope === 'alignment' ? ['sft'] : [made.at(-1) ?? 'base'];
    await this.#run('predict', vscode.l10n.t('Predict'), target, (name, settings) => predictRequest(name, settings, roles, scope));
  }

  async export(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Export which source?'));
    const content = await choose<Settings['export.content'] | 'submission'>(vscode.l10n.t('Export what?'), [
      { label: vscode.l10n.t('Preference pairs'), description: 'prompt, chosen, rejected', value: 'preference' },
      { label: vscode.l10n.t('Instructions'), description: 'prompt, completion', value: 'sft' },
      { label: vscode.l10n.t('Submission to the SMP Challenge'), description: vscode.l10n.t('predictions of all posts without a score'), value: 'submission' },
    ]);
    const chosen: Partial<Settings> = content === 'submission' ? { 'export.format': 'submission' } : { 'export.content': content, 'export.format': await chooseTrainer() };
    const kind = content === 'submission' ? content : `${chosen['export.format']}-${content}`;
    const target = join(folder.uri.fsPath, 'exports', `${source.source}-${kind}`.replace(/[^\p{L}\p{N}._-]/gu, '_'));
    await this.#run('export', vscode.l10n.t('Export'), targetOf(folder, source),
      (name, settings) => exportRequest(name, { ...settings, ...chosen }, target),
      { label: vscode.l10n.t('Show Folder'), command: 'smpCurator.revealExport', argument: { folder: target } });
  }

  async runPlan(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Run the plan on which source?'));
    await this.runWholePlan(folder, null, source.source);
  }

  /**
   * @param data a folder or file to index first, or null for the source as it is
   * @param changes what goes before the settings
   */
  async runWholePlan(folder: CurationFolder, data: string | null, source: string | null, changes: Partial<Settings> = {}): Promise<void> {
    const settings = { ...readSettings(folder.uri), ...changes };
    const title = vscode.l10n.t('Running the plan');
    const result = await this.#runner.run({
      folder, stage: null, source, title,
      run: (signal, onProgress) => folder.bulk.request('runPlan', { request: { data, source, captionsFile: null, settings }, ...machineOf(settings) }, { signal, onProgress }),
    });
    this.#tell(title, result, { label: vscode.l10n.t('Show Report'), command: 'smpCurator.showReport', argument: source === null ? undefined : { folder: folder.uri.fsPath, source } satisfies SourceTarget });
  }

  /** Runs an entry of the tree: its own row, or the next action. */
  async runEntry(argument: unknown): Promise<void> {
    const { source, entry } = this.#entryOf(argument);
    const target = targetOf(requireFolder(this.#model), source);
    const made = madeRoles(source);
    const run: Readonly<Record<string, () => Promise<void>>> = {
      index: () => this.indexAgain(target),
      sample: () => this.sample(target),
      caption: () => this.caption(target),
      instruct: () => this.instruct(target),
      train: () => this.#trusted(() => this.train(target)),
      predict: () => this.#trusted(async () => {
        if (made.includes('sft')) await this.#predict(target, made, 'alignment');
        await this.#predict(target, made, 'test');
      }),
      pair: () => this.pair(target),
      align: () => this.#trusted(() => this.align(target)),
      evaluate: () => this.evaluate(target),
      export: () => this.export(target),
    };
    await run[entry.stage]?.();
  }

  /** The same files under the same name, read as they were read before. */
  async indexAgain(argument: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Index which source again?'));
    const { path, name, mapping } = await folder.live.request('indexedPlace', { source: source.source });
    const settings = readSettings(folder.uri);
    const title = vscode.l10n.t('Indexing {0}', name);
    this.#tell(title, await this.runStage(folder, 'index', name, title, { ...indexRequest(path, name, settings), mapping }, settings), undefined);
  }

  /** Follows a job that works already: the same request finds it. */
  async follow(jobFolder: string): Promise<void> {
    requireTrust();
    const folder = requireFolder(this.#model);
    const job = await folder.live.request('jobRequest', { id: basename(jobFolder) });
    if (job === null || !isJobStage(job.stage)) return;
    const request = stageRequestSchemas[job.stage].parse(job.request);
    const title = `${job.stage}: ${request.source}`;
    this.#tell(title, await this.runStage(folder, job.stage, request.source, title, request, readSettings(folder.uri)), undefined);
  }

  async #trusted(run: () => Promise<void>): Promise<void> {
    requireTrust();
    await run();
  }

  #entryOf(argument: unknown): { source: SourceStatus; entry: EntryStatus } {
    const { source: named, entry: wanted } = (argument ?? {}) as { source?: unknown; entry?: unknown };
    const name = typeof named === 'string' ? named : (named as SourceStatus | undefined)?.source;
    const id = typeof wanted === 'string' ? wanted : (wanted as EntryStatus | undefined)?.id;
    const source = this.#model.sources.find((candidate) => candidate.source === name);
    const entry = source?.entries.find((candidate) => candidate.id === id);
    if (source === undefined || entry === undefined) throw new Error(`No entry '${String(id)}' of a source '${String(name)}'.`);
    return { source, entry };
  }

  /** Ends what this window does; else the trainer job of this folder that another window, a terminal or an earlier session started. */
  async cancel(): Promise<void> {
    if (this.#runner.running !== null) return this.#runner.cancel();
    await this.#model.refresh();
    const folder = this.#model.folder;
    const elsewhere = this.#model.running;
    if (folder === undefined || elsewhere === null || elsewhere.jobFolder === null) {
      void tell(vscode.l10n.t('Nothing is running.'));
      return;
    }
    const ended = await folder.live.request('cancelJob', { id: basename(elsewhere.jobFolder), ...machineOf(readSettings(folder.uri)) });
    this.#log.info(`Cancelled ${elsewhere.jobFolder}, which was not started in this window${ended ? '' : '; it had ended'}.`);
    void tell(vscode.l10n.t('Cancelled: {0}. Run it again and it goes on from its last checkpoint.', elsewhere.stage));
    await this.#model.refresh();
  }

  /** Closes the walkthrough's step where the trainer was set up before. That starts Python, which a workspace that nobody trusts must not. */
  async noticeTrainer(): Promise<void> {
    const { folder } = this.#model;
    if (folder === undefined || !vscode.workspace.isTrusted) return;
    const { python } = machineOf(readSettings(folder.uri));
    if ((await folder.live.request('trainerPython', { python })) !== null) await tellTrainerReady();
  }

  async setUpTrainer(): Promise<void> {
    const folder = requireFolder(this.#model);
    const { python } = machineOf(readSettings(folder.uri));
    const title = vscode.l10n.t('Setting up the trainer');
    const made = await this.#runner.run({
      folder, stage: null, source: null, title,
      run: (signal, onProgress) => folder.bulk.request('setUpTrainer', { python }, { signal, onProgress }),
    });
    await tellTrainerReady();
    void tell(vscode.l10n.t('The trainer is set up: {0}', made.python));
  }

  /** Asks for the source where it is missing, runs the stage, and tells its result. */
  async #run<Name extends StageName>(
    stage: Name, title: string, argument: unknown, request: (source: string, settings: Settings) => StageRequest<Name>, action?: FollowUp,
  ): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('{0}: which source?', title));
    const settings = readSettings(folder.uri);
    const result = await this.runStage(folder, stage, source.source, `${title}: ${source.source}`, request(source.source, settings), settings);
    this.#tell(title, result, action === undefined ? undefined : { argument: targetOf(folder, source), ...action });
  }

  runStage<Name extends StageName>(folder: CurationFolder, stage: Name, source: string | null, title: string, request: StageRequest<Name>, settings: Settings): Promise<StageResult> {
    return this.#runner.run({
      folder, stage, source, title,
      run: (signal: AbortSignal, onProgress: (progress: Progress) => void) => folder.bulk.request('runStage', { stage, request, ...machineOf(settings) }, { signal, onProgress }),
    });
  }

  /** In the log and in a notification that nobody waits for. */
  #tell(title: string, result: StageResult, action: FollowUp | undefined): void {
    this.#log.info(`${title}: ${result.summary}${result.unchanged ? ' (nothing had changed)' : ''}`);
    void tell(result.summary, ...(action === undefined ? [] : [action.label])).then((chosen) => {
      if (action !== undefined && chosen === action.label) void vscode.commands.executeCommand(action.command, action.argument);
    });
  }
}

async function tellTrainerReady(): Promise<void> {
  await vscode.commands.executeCommand('setContext', 'smpCurator.trainerReady', true);
}

function chooseTrainer(): Promise<Settings['export.format']> {
  return choose<Settings['export.format']>(vscode.l10n.t('For which trainer?'), [
    { label: 'TRL', description: 'Hugging Face', value: 'trl' },
    { label: 'LLaMA-Factory', description: 'alpaca, dataset_info.json', value: 'llama-factory' },
  ]);
}

const targetOf = (folder: CurationFolder, source: SourceStatus): SourceTarget => ({ folder: folder.uri.fsPath, source: source.source });

const JOB_STAGES = ['train', 'predict', 'align', 'score'] as const;
type JobStage = (typeof JOB_STAGES)[number];
/** Whether a stage works by a trainer job, which goes on without the window that started it. */
export function isJobStage(stage: string): stage is JobStage {
  return (JOB_STAGES as readonly string[]).includes(stage);
}

/** Which tuned models are there, from the least to the most tuned. */
export function madeRoles(source: SourceStatus): ModelRole[] {
  const isThere = (stage: StageName): boolean => source.entries.some((entry) => entry.stage === stage && (entry.state === 'done' || entry.state === 'stale' || entry.state === 'partial'));
  return [...(isThere('train') ? ['sft' as const] : []), ...(isThere('align') ? ['aligned' as const] : [])];
}

// Stage by stage, and the whole plan: missing choices are asked, the request is built from the settings, the bulk worker
// does the work, and one line says what came out.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { EntryStatus, SourceStatus } from '../protocol/pipelineStatus.ts';
import type { Progress } from '../protocol/progress.ts';
import { alignRequest, evaluateRequest, exportRequest, instructRequest, pairRequest, predictRequest, sampleRequest, trainRequest } from '../protocol/stageRequests.ts';
import type { ModelRole, StageName, StageRequest, StageResult } from '../protocol/stages.ts';
import type { Settings } from '../protocol/settings.ts';
import { choose, choosePath, chooseSource, fileChoice, requireFolder } from './askFor.ts';
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
  readonly argument?: unknown; // the source, when left out
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

  async evaluate(argument?: unknown): Promise<void> {
    await this.#run('evaluate', vscode.l10n.t('Evaluate'), argument, evaluateRequest, { label: vscode.l10n.t('Show Report'), command: 'smpCurator.showReport' });
  }

  async caption(argument?: unknown): Promise<void> {
    const folder = requireFolder(this.#model);
    const source = await chooseSource(this.#model, argument, vscode.l10n.t('Import captions of which source?'));
    const beside = [join(source.root, 'captions.jsonl'), join(folder.uri.fsPath, 'captions.jsonl')].filter((path, index, all) => all.indexOf(path) === index && existsSync(path));
    const browse = { label: vscode.l10n.t('Browse…'), description: '{"source","pid","caption","by"}', value: null };
    const chosen = beside.length === 0 ? null : await choose(vscode.l10n.t('Captions (JSONL)'), [...beside.map(fileChoice), browse]);
    const file = chosen ?? await choosePath(vscode.l10n.t('Captions (JSONL)'), folder.uri, ['file'], { JSONL: ['jsonl'] });
    await this.#run('caption', vscode.l10n.t('Import captions'), source.source, (name) => ({ source: name, import: file }));
  }

  async predict(argument?: unknown): Promise<void> {
    const source = await chooseSource(this.#model, argument, vscode.l10n.t('Predict posts of which source?'));
    const scope = await choose<'test' | 'alignment' | 'every'>(vscode.l10n.t('Predict which posts?'), [
      { label: vscode.l10n.t('Test sets'), description: vscode.l10n.t('exact median and free greedy, every model'), value: 'test' },
      { label: vscode.l10n.t('Alignment set'), description: vscode.l10n.t('two samples, for pairs'), value: 'alignment' },
      { label: vscode.l10n.t('Every post with an earlier post'), description: vscode.l10n.t('for hovers'), value: 'every' },
    ]);
    await this.#predict(source, scope);
  }

  async #predict(source: SourceStatus, scope: 'test' | 'alignment' | 'every'): Promise<void> {
    const made = madeRoles(source);
    const roles: ModelRole[] = scope === 'test' ? ['base', ...made] : scope === 'alignment' ? ['sft'] : [made.at(-1) ?? 'base'];
    await this.#run('predict', vscode.l10n.t('Predict'), source.source, (name, settings) => predictRequest(name, settings, roles, scope));
  }

  async export(argument?: unknown): Promise<void> {
    const folder = requireFolder(this.#model);
    const source = await chooseSource(this.#model, argument, vscode.l10n.t('Export which source?'));
    const content = await choose<Settings['export.content']>(vscode.l10n.t('Export what?'), [
      { label: vscode.l10n.t('Preference pairs'), description: 'prompt, chosen, rejected', value: 'preference' },
      { label: vscode.l10n.t('Instructions'), description: 'prompt, completion', value: 'sft' },
    ]);
    const format = await choose<Settings['export.format']>(vscode.l10n.t('For which trainer?'), [
      { label: 'TRL', description: 'Hugging Face', value: 'trl' },
      { label: 'LLaMA-Factory', description: 'alpaca, dataset_info.json', value: 'llama-factory' },
    ]);
    const target = join(folder.uri.fsPath, 'exports', `${source.source}-${format}-${content}`.replace(/[^\p{L}\p{N}._-]/gu, '_'));
    await this.#run('export', vscode.l10n.t('Export'), source.source,
      (name, settings) => exportRequest(name, { ...settings, 'export.content': content, 'export.format': format }, target),
      { label: vscode.l10n.t('Show Folder'), command: 'smpCurator.revealExport', argument: { folder: target } });
  }

  async runPlan(argument?: unknown): Promise<void> {
    const folder = requireFolder(this.#model);
    const source = await chooseSource(this.#model, argument, vscode.l10n.t('Run the plan on which source?'));
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
    this.#tell(title, result, { label: vscode.l10n.t('Show Report'), command: 'smpCurator.showReport', argument: source ?? undefined });
  }

  /** Runs an entry of the tree: its own row, or the next action. */
  async runEntry(argument: unknown): Promise<void> {
    const { source, entry } = this.#entryOf(argument);
    const run: Readonly<Record<string, () => Promise<void>>> = {
      index: async () => void (await vscode.commands.executeCommand('smpCurator.index', source.root)),
      sample: () => this.sample(source.source),
      caption: () => this.caption(source.source),
      instruct: () => this.instruct(source.source),
      train: () => this.#trusted(() => this.train(source.source)),
      predict: () => this.#trusted(async () => {
        if (madeRoles(source).includes('sft')) await this.#predict(source, 'alignment');
        await this.#predict(source, 'test');
      }),
      pair: () => this.pair(source.source),
      align: () => this.#trusted(() => this.align(source.source)),
      evaluate: () => this.evaluate(source.source),
      export: () => this.export(source.source),
    };
    await run[entry.stage]?.();
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

  /** @throws {UserError} `runs-elsewhere`: a job that another window or a terminal started is followed before it is cancelled */
  cancel(): void {
    const elsewhere = this.#runner.running === null ? this.#model.running : null;
    if (elsewhere !== null) {
      throw new UserError('runs-elsewhere', vscode.l10n.t('{0} was not started in this window.', elsewhere.stage), vscode.l10n.t('Run the same stage here: it follows the job, which can then be cancelled.'));
    }
    this.#runner.cancel();
  }

  async setUpTrainer(): Promise<void> {
    const folder = requireFolder(this.#model);
    const { python } = machineOf(readSettings(folder.uri));
    const title = vscode.l10n.t('Setting up the trainer');
    const made = await this.#runner.run({
      folder, stage: null, source: null, title,
      run: (signal, onProgress) => folder.bulk.request('setUpTrainer', { python }, { signal, onProgress }),
    });
    await vscode.commands.executeCommand('setContext', 'smpCurator.trainerReady', true);
    void tell(vscode.l10n.t('The trainer is set up: {0}', made.python));
  }

  /** Asks for the source where it is missing, runs the stage, and tells its result. */
  async #run<Name extends StageName>(
    stage: Name, title: string, argument: unknown, request: (source: string, settings: Settings) => StageRequest<Name>, action?: FollowUp,
  ): Promise<void> {
    const folder = requireFolder(this.#model);
    const source = await chooseSource(this.#model, argument, vscode.l10n.t('{0}: which source?', title));
    const settings = readSettings(folder.uri);
    const result = await this.runStage(folder, stage, source.source, `${title}: ${source.source}`, request(source.source, settings), settings);
    this.#tell(title, result, action === undefined ? undefined : { argument: source.source, ...action });
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

/** Which tuned models are there, from the least to the most tuned. */
export function madeRoles(source: SourceStatus): ModelRole[] {
  const isThere = (stage: StageName): boolean => source.entries.some((entry) => entry.stage === stage && (entry.state === 'done' || entry.state === 'stale' || entry.state === 'partial'));
  return [...(isThere('train') ? ['sft' as const] : []), ...(isThere('align') ? ['aligned' as const] : [])];
}

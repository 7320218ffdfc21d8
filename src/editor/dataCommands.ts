// Getting data in: index what a person picks, the finished sample, the demo; and taking a source out again.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { indexRequest } from '../protocol/stageRequests.ts';
import { cancellation } from '../protocol/requestChannel.ts';
import { mappingSchema, type Mapping, type StageResult } from '../protocol/stages.ts';
import type { FoundData } from '../protocol/workerRpc.ts';
import { choosePath, chooseSource, pathOf, requireFolder, type SourceTarget } from './askFor.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { ask, askWarning, tell } from './notify.ts';
import { presentError } from './presentError.ts';
import type { PipelineModel } from './pipelineModel.ts';
import type { SampleStore } from './sampleStore.ts';
import { readSettings, SETTINGS_SECTION } from './settingsReader.ts';
import type { StageCommands } from './stageCommands.ts';
import type { StageRunner } from './stageRunner.ts';

const TABLES = ['csv', 'tsv', 'jsonl', 'ndjson', 'txt', 'parquet'];

export interface DataCommandsOptions {
  readonly folders: CurationFolders;
  readonly model: PipelineModel;
  readonly runner: StageRunner;
  readonly stages: StageCommands;
  readonly sample: SampleStore;
  readonly storage: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
}

export class DataCommands {
  readonly #to: DataCommandsOptions;

  constructor(options: DataCommandsOptions) {
    this.#to = options;
  }

  async index(argument?: unknown): Promise<void> {
    const folder = this.#folderForData();
    const title = vscode.l10n.t('Index a Data Set');
    const path = pathOf(argument) ?? await choosePath(title, folder.uri, ['folder', 'file'], { [vscode.l10n.t('Tables of posts')]: TABLES });
    const found = await folder.bulk.request('detect', { path });
    await this.#confirm(folder, found, found.mapping);
  }

  async indexFound(): Promise<void> {
    const { found } = this.#to.model;
    if (found === null) return this.index();
    await this.index(found.path); // looked at again, in full
  }

  /** Nothing is indexed into the extension's own folders: people's stores lie in people's folders. */
  #folderForData(): CurationFolder {
    const folder = requireFolder(this.#to.model);
    const workspace = vscode.workspace.workspaceFolders?.find((candidate) => candidate.uri.scheme === 'file');
    if (workspace === undefined) throw new UserError('no-folder', vscode.l10n.t('No folder is open, and the store lies in a folder.'), vscode.l10n.t('Open the folder of your data first (File: Open Folder…).'));
    const isOwn = folder.uri.fsPath.startsWith(this.#to.storage.fsPath);
    return isOwn ? (this.#to.folders.all.find((candidate) => candidate.uri.fsPath === workspace.uri.fsPath) ?? folder) : folder;
  }

  /** Shows what was found; starts only when the person says so. */
  async #confirm(folder: CurationFolder, found: FoundData, mapping: Mapping | null): Promise<void> {
    const start = vscode.l10n.t('Index');
    const edit = vscode.l10n.t('Edit Mapping');
    const detail = [...found.findings, ...(mapping === null ? [] : ['', ...mappingLines(mapping)])].join('\n');
    const answer = await ask(vscode.l10n.t('Index {0}?', basename(found.path)), detail, start, ...(mapping === null ? [] : [edit]));
    if (answer === start) await this.#start(folder, found, mapping);
    else if (answer === edit && mapping !== null) await this.#edit(folder, found, mapping);
  }

  async #start(folder: CurationFolder, found: FoundData, mapping: Mapping | null): Promise<void> {
    const settings = readSettings(folder.uri);
    const start = (name: string): Promise<StageResult> =>
      this.#to.stages.runStage(folder, 'index', null, vscode.l10n.t('Indexing {0}', basename(found.path)), { ...indexRequest(found.path, name, settings), mapping }, settings);
    let { name } = found;
    const result = await start(name).catch(async (error: unknown) => {
      if (!(error instanceof UserError && error.code === 'source-name-taken')) throw error;
      name = await this.#askForName(name);
      return start(name);
    });
    this.#to.log.info(result.summary);
    const run = vscode.l10n.t('Run the Whole Plan');
    void tell(result.summary, run).then((chosen) => {
      if (chosen === run) void vscode.commands.executeCommand('smpCurator.runPlan', { folder: folder.uri.fsPath, source: name } satisfies SourceTarget);
    });
  }

  /** Two data sets can lie in folders of one name. Rejects with a cancellation when the person turns away. */
  async #askForName(taken: string): Promise<string> {
    const name = await vscode.window.showInputBox({
      title: vscode.l10n.t('A name for this data set'), prompt: vscode.l10n.t('The store already has a data set of this name, made of other files.'), value: `${taken} 2`,
      validateInput: (value) => (value.trim() === '' || value.trim() === taken ? vscode.l10n.t('Enter another name.') : null),
    });
    if (name === undefined) throw cancellation();
    return name.trim();
  }

  /** The mapping as a JSON file of the store's folder, where it stays for the next import. */
  async #edit(folder: CurationFolder, found: FoundData, mapping: Mapping): Promise<void> {
    const { file } = await folder.live.request('keepMapping', { source: found.name, mapping });
    const document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    const go = vscode.l10n.t('Index with This Mapping');
    void tell(vscode.l10n.t('Edit the mapping. Nothing starts before you say so.'), go).then(async (chosen) => {
      if (chosen !== go) return;
      try {
        await document.save();
        await this.#confirm(folder, found, await readMapping(file));
      } catch (error) {
        await presentError(error, this.#to.log);
      }
    });
  }

  async remove(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#to.model, argument, vscode.l10n.t('Remove which source?'));
    const remove = vscode.l10n.t('Remove');
    const answer = await askWarning(
      vscode.l10n.t('Remove {0} from the store?', source.source), vscode.l10n.t('Its posts, samples, models, predictions and reports leave the store. Your files stay as they are.'), remove,
    );
    if (answer !== remove) return;
    const result = await this.#to.stages.runStage(folder, 'remove', source.source, vscode.l10n.t('Removing {0}', source.source), { source: source.source }, readSettings(folder.uri));
    void tell(result.summary);
  }

  /** The finished store that ships: its posts open, hovers work at once. */
  async openSample(): Promise<void> {
    const uri = await this.#to.sample.install();
    this.#to.folders.add(uri, vscode.l10n.t('Sample'));
    const document = await vscode.workspace.openTextDocument(await this.#to.sample.postsFile(uri));
    await vscode.window.showTextDocument(document, { preview: false });
    await this.#to.model.refresh();
  }

  /** Makes posts and pictures, then runs the whole plan on them; in the open folder, else in the extension's storage. */
  async runDemo(): Promise<void> {
    const isOpen = vscode.workspace.workspaceFolders?.some((candidate) => candidate.uri.scheme === 'file') ?? false;
    const folder = isOpen ? this.#folderForData() : this.#to.folders.add(vscode.Uri.joinPath(this.#to.storage, 'demo'), vscode.l10n.t('Demo'));
    const data = isOpen ? vscode.Uri.joinPath(folder.uri, 'demo').fsPath : folder.uri.fsPath;
    await this.#to.runner.run({
      folder, stage: null, source: null, title: vscode.l10n.t('Making the demo'),
      run: (signal, onProgress) => folder.bulk.request('makeDemo', { folder: data }, { signal, onProgress }),
    });
    // The demo's captions are true by construction: nobody has to approve them, now or when a stage is run again.
    if (isOpen && this.#to.model.sources.length === 0) await vscode.workspace.getConfiguration(SETTINGS_SECTION, folder.uri).update('captions', 'any', vscode.ConfigurationTarget.WorkspaceFolder);
    await this.#to.stages.runWholePlan(folder, data, null, { captions: 'any' });
  }
}

/** @throws {UserError} `mapping-invalid`, naming the field. */
async function readMapping(file: string): Promise<Mapping> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UserError('mapping-invalid', vscode.l10n.t('{0} is no JSON.', basename(file)), vscode.l10n.t('Correct it and index again.'), { cause });
  }
  const parsed = mappingSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UserError('mapping-invalid', vscode.l10n.t('{0}: {1} ({2}).', basename(file), issue.path.join('.') || 'mapping', issue.message), vscode.l10n.t('Correct it and index again.'));
}

/** The mapping in lines that a person can check at a glance. */
function mappingLines(mapping: Mapping): string[] {
  const columns = Object.entries(mapping.columns).filter(([, column]) => column !== null).map(([role, column]) => `${role} ← ${column}`);
  return [
    vscode.l10n.t('Columns: {0}', columns.join(', ')),
    vscode.l10n.t('Popularity: {0}; time: {1}', mapping.popularityScale, mapping.timeFormat),
    ...(mapping.extra.length === 0 ? [] : [vscode.l10n.t('In the prompt too: {0}', mapping.extra.join(', '))]),
    ...(mapping.outcome.length === 0 ? [] : [vscode.l10n.t('Known only after posting, never in a prompt: {0}', mapping.outcome.join(', '))]),
  ];
}

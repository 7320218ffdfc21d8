// What the tree, the status bar and the context keys show: the pipeline's status as the store has it, what runs in this
// window, which source files have changed since they were indexed, and what lies in a folder that has no store yet.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { PipelineStatus, RunningWork, SourceStatus } from '../protocol/pipelineStatus.ts';
import { isCancellation } from '../protocol/requestChannel.ts';
import type { FoundData } from '../protocol/workerRpc.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { shownFile } from './pagedFile.ts';
import { experimentOf, readSettings, SETTINGS_SECTION } from './settingsReader.ts';
import type { StageRunner } from './stageRunner.ts';

const RUNNING_POLL = 2000; // milliseconds between looks at a running job's loss and step

export class PipelineModel implements vscode.Disposable {
  readonly #folders: CurationFolders;
  readonly #runner: StageRunner;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  readonly #disposables: vscode.Disposable[] = [this.#changed];
  readonly #changedFiles = new Map<string, { readonly file: string; readonly generation: string | null }>(); // by store and source
  #watchers: vscode.Disposable[] = [];
  #watchedFolders = '';
  #status: PipelineStatus | null = null;
  #failure: UserError | null = null;
  #found: FoundData | null = null;
  #foundIn: CurationFolder | undefined;
  #currentSource: string | null = null;
  #poll: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | null = null;
  #nextRefresh: Promise<void> | null = null;

  constructor(folders: CurationFolders, runner: StageRunner, log: vscode.LogOutputChannel) {
    this.#folders = folders;
    this.#runner = runner;
    this.#log = log;
    this.#disposables.push(
      folders.onDidChange(() => void this.refresh()),
      runner.onDidChange(() => this.#runningChanged()),
      vscode.window.onDidChangeActiveTextEditor((editor) => void this.#followEditor(editor)),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration(SETTINGS_SECTION) && void this.refresh()),
    );
  }

  get folder(): CurationFolder | undefined {
    return this.#folders.current;
  }

  get sources(): readonly SourceStatus[] {
    return this.#status?.sources ?? [];
  }

  get status(): PipelineStatus | null {
    return this.#status;
  }

  /** Why the status cannot be read, as a person can mend it. */
  get failure(): UserError | null {
    return this.#failure;
  }

  /** What lies in a folder that has no store. */
  get found(): FoundData | null {
    return this.#found;
  }

  /** The source of the file that is (or was last) in the active editor; null before the first. */
  get currentSource(): SourceStatus | null {
    return this.sources.find((source) => source.source === this.#currentSource) ?? null;
  }

  async #followEditor(editor: vscode.TextEditor | undefined): Promise<void> {
    const shown = editor === undefined ? null : shownFile(editor.document.uri);
    const source = shown === null ? undefined : (await this.folder?.cards())?.fileOf(shown.file)?.source;
    if (source === undefined || source === this.#currentSource) return;
    this.#currentSource = source;
    this.#changed.fire();
  }

  /** What goes on: in this window, else a trainer job that another process started or an earlier session left. */
  get running(): RunningWork | null {
    const fromStore = this.#status?.running ?? null;
    const here = this.#runner.running;
    if (here === null) return fromStore;
    if (here.folder !== this.folder || here.stage === null) return here.folder === this.folder ? fromStore : null;
    const progress = here.progress;
    return {
      source: here.source, stage: here.stage, message: progress?.message ?? fromStore?.message ?? '', startedAt: here.startedAt,
      done: progress?.done ?? fromStore?.done ?? null, total: progress?.total ?? fromStore?.total ?? null, unit: progress?.unit ?? fromStore?.unit ?? null,
      secondsLeft: progress?.secondsLeft ?? fromStore?.secondsLeft ?? null, loss: fromStore?.loss ?? null, jobFolder: fromStore?.jobFolder ?? null,
    };
  }

  /** The file of a source that has changed since it was indexed, as far as this window has seen. */
  changedFile(source: SourceStatus): string | null {
    return this.#changedFiles.get(this.#changeKey(source))?.file ?? null;
  }

  /** Reads the status anew. Asked while it is read, it reads once more, and resolves after that. Never rejects. */
  refresh(): Promise<void> {
    if (this.#refreshing === null) {
      this.#refreshing = this.#read().finally(() => {
        this.#refreshing = null;
      });
      return this.#refreshing;
    }
    this.#nextRefresh ??= this.#refreshing.then(() => {
      this.#nextRefresh = null;
      return this.refresh();
    });
    return this.#nextRefresh;
  }

  /**
   * Makes the folder current that an argument of a command names: a row, a link or a button may be older than the last change of folders.
   * @throws {UserError} `folder-closed`
   */
  async goTo(path: string): Promise<void> {
    if (path === this.folder?.uri.fsPath) return;
    if (!this.#folders.select(path)) throw new UserError('folder-closed', vscode.l10n.t('The folder {0} is not open any more.', path), vscode.l10n.t('Open it again.'));
    await this.refresh();
  }

  async #read(): Promise<void> {
    const folder = this.folder;
    this.#failure = null;
    try {
      // Merely opening a folder makes no store in it.
      this.#status = folder === undefined || !existsSync(folder.storeFile) ? null : await this.#askStatus(folder);
    } catch (error) {
      if (!isCancellation(error)) this.#log.error('The status could not be read.', error instanceof Error ? error : String(error));
      this.#failure = error instanceof UserError ? error : null;
      this.#status = null;
    }
    if (this.sources.length === 0) await this.#lookAround(folder);
    else this.#found = null;
    await this.#watchFiles();
    await this.#forgetIndexed();
    await this.#followEditor(vscode.window.activeTextEditor);
    await this.#setContext();
    this.#pollWhileRunning();
    this.#changed.fire();
  }

  /** The sample lies outside of the workspace, where no settings are meant for it: it is never stale by them. */
  #askStatus(folder: CurationFolder): Promise<PipelineStatus> {
    const settings = readSettings(folder.uri);
    const isOpen = vscode.workspace.getWorkspaceFolder(folder.uri) !== undefined;
    return folder.live.request('status', { ...experimentOf(settings), ...(isOpen ? { settings } : {}) });
  }

  async #lookAround(folder: CurationFolder | undefined): Promise<void> {
    if (folder === this.#foundIn || folder === undefined || this.#runner.running !== null) return;
    this.#foundIn = folder;
    this.#found = null;
    try {
      this.#found = await folder.bulk.request('detect', { path: folder.uri.fsPath, quick: true });
    } catch (error) {
      // A UserError tells that nothing that can be read lies here: the welcome view says what can be.
      if (!(error instanceof UserError) && !isCancellation(error)) this.#log.error('The folder could not be looked at.', error instanceof Error ? error : String(error));
    }
  }

  /** Watches the folders that hold indexed files, each without what lies below: beside the posts lie tens of thousands of pictures. */
  async #watchFiles(): Promise<void> {
    const cards = await this.folder?.cards();
    const folders = [...new Set(this.sources.flatMap((source) => cards?.filesOf(source.source) ?? []).map((file) => dirname(file)))].sort();
    if (folders.join('\n') === this.#watchedFolders) return;
    this.#watchedFolders = folders.join('\n');
    vscode.Disposable.from(...this.#watchers).dispose();
    this.#watchers = folders.map((folder) => this.#watch(folder));
  }

  #watch(folder: string): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(folder), '*.{json,jsonl,ndjson,csv,tsv,txt,parquet}'));
    const look = (uri: vscode.Uri): void => void this.#fileChanged(uri);
    return vscode.Disposable.from(watcher, watcher.onDidChange(look), watcher.onDidDelete(look));
  }

  async #fileChanged(uri: vscode.Uri): Promise<void> {
    const cards = await this.folder?.cards();
    const file = cards?.fileOf(uri.fsPath);
    const source = this.sources.find((candidate) => candidate.source === file?.source);
    if (source === undefined || this.#runner.running?.stage === 'index') return;
    this.#changedFiles.set(this.#changeKey(source), { file: vscode.workspace.asRelativePath(uri), generation: cards!.generationOf(source.source) });
    this.#changed.fire();
  }

  /** A new import has read the files as they are now, so what was noted about the one before no longer counts. */
  async #forgetIndexed(): Promise<void> {
    const cards = await this.folder?.cards();
    for (const source of this.sources) {
      const noted = this.#changedFiles.get(this.#changeKey(source));
      if (noted !== undefined && cards?.generationOf(source.source) !== noted.generation) this.#changedFiles.delete(this.#changeKey(source));
    }
  }

  #changeKey(source: SourceStatus): string {
    return `${this.folder?.storeFile ?? ''}\n${source.source}`;
  }

  #runningChanged(): void {
    void vscode.commands.executeCommand('setContext', 'smpCurator.running', this.running !== null || this.#runner.running !== null);
    if (this.#runner.running === null) {
      this.#foundIn = undefined;
      void this.refresh();
    }
    this.#pollWhileRunning();
    this.#changed.fire();
  }

  /** A job tells its steps in its own folder, not in the store: as long as one runs, here or elsewhere, it is looked at. */
  #pollWhileRunning(): void {
    if (this.running === null && this.#runner.running === null) {
      clearInterval(this.#poll);
      this.#poll = undefined;
    } else {
      this.#poll ??= setInterval(() => void this.refresh(), RUNNING_POLL);
    }
  }

  async #setContext(): Promise<void> {
    const keys = {
      ready: true,
      hasData: this.sources.length > 0,
      hasReport: this.sources.some((source) => source.headline !== null),
      found: this.sources.length === 0 ? (this.#found?.kind ?? '') : '',
      running: this.running !== null || this.#runner.running !== null,
    };
    await Promise.all(Object.entries(keys).map(([key, value]) => vscode.commands.executeCommand('setContext', `smpCurator.${key}`, value)));
  }

  dispose(): void {
    clearInterval(this.#poll);
    vscode.Disposable.from(...this.#watchers, ...this.#disposables).dispose();
  }
}

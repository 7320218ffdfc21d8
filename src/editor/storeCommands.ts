// The store itself: its check, cleaning what a person picks of what was found, backup and restore.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { byteCount } from '../protocol/byteCount.ts';
import { cancellation } from '../protocol/requestChannel.ts';
import { storeCheckHeadline, storeCheckText, type Leftover, type LeftoverKind, type StoreCheck } from '../protocol/storeCheck.ts';
import { choosePath, requireFolder } from './askFor.ts';
import type { CurationFolder } from './curationFolder.ts';
import { askWarning, tell, tellFailure } from './notify.ts';
import { plainMessage } from './plainMessage.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { presentError } from './presentError.ts';
import { machineOf, readSettings } from './settingsReader.ts';
import type { StageRunner } from './stageRunner.ts';

/** Picked before a person looks: nobody will miss them. The others cost a computation or a way back. */
const HARMLESS: readonly LeftoverKind[] = ['imports', 'scratch', 'ended-jobs', 'checkpoints', 'room'];
const BACKUPS = ['sqlite'];

export interface StoreCommandsOptions {
  readonly model: PipelineModel;
  readonly runner: StageRunner;
  readonly log: vscode.LogOutputChannel;
}

const CHECK_SCHEME = 'smp-store-check';

/** The newest check, whole, as a read-only document. */
class CheckDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(CHECK_SCHEME, this);
  #text = '';

  provideTextDocumentContent(): string {
    return this.#text === '' ? vscode.l10n.t('This check is no longer at hand. Check the store again.') : this.#text;
  }

  async show(text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: CHECK_SCHEME, path: `/${vscode.l10n.t('Check of the store')}.txt` });
    this.#text = `${text}\n`;
    this.#changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }
}

export class StoreCommands implements vscode.Disposable {
  readonly #to: StoreCommandsOptions;
  readonly #reports = new CheckDocuments();

  constructor(options: StoreCommandsOptions) {
    this.#to = options;
  }

  async check(): Promise<void> {
    const folder = requireFolder(this.#to.model);
    const { python } = machineOf(readSettings(folder.uri));
    const check = await this.#run(folder, vscode.l10n.t('Checking the store'), (options) => folder.bulk.request('checkStore', { python }, options));
    this.#to.log.info(storeCheckHeadline(check));
    void this.#tellCheck(folder, check).catch((error: unknown) => presentError(error, this.#to.log));
  }

  async #tellCheck(folder: CurationFolder, check: StoreCheck): Promise<void> {
    const clean = vscode.l10n.t('Clean…');
    const restore = vscode.l10n.t('Restore a Backup…');
    const details = vscode.l10n.t('Show Details');
    const isBroken = check.problems.some(({ code }) => code === 'store-broken');
    const buttons = [...(isBroken ? [restore] : []), ...(check.leftovers.length > 0 ? [clean] : []), details];
    const worst = check.problems[0];
    const chosen = await (worst === undefined ? tell(storeCheckHeadline(check), ...buttons) : tellFailure(`${worst.message} ${worst.nextStep}`, ...buttons));
    if (chosen === clean) await this.#clean(folder, check.leftovers);
    else if (chosen === restore) await this.restore();
    else if (chosen === details) await this.#reports.show(storeCheckText(check));
  }

  /** What goes is picked with what it frees, and confirmed: it does not come back. */
  async #clean(folder: CurationFolder, leftovers: readonly Leftover[]): Promise<void> {
    const items = leftovers.map((leftover) => ({
      label: plainMessage(leftover.title, 200), description: byteCount(leftover.bytes), detail: plainMessage(leftover.detail, 300), picked: HARMLESS.includes(leftover.kind), leftover,
    }));
    const picked = await vscode.window.showQuickPick(items, { canPickMany: true, title: vscode.l10n.t('Clean what?'), placeHolder: vscode.l10n.t('What decisions, posts, models and jobs need is not in this list.') });
    if (picked === undefined || picked.length === 0) throw cancellation();
    const bytes = picked.reduce((sum, { leftover }) => sum + leftover.bytes, 0);
    const clean = vscode.l10n.t('Clean');
    const answer = await askWarning(vscode.l10n.t('Clean {0}?', byteCount(bytes)), picked.map(({ leftover }) => `${leftover.title}: ${byteCount(leftover.bytes)}. ${leftover.detail}`).join('\n'), clean);
    if (answer !== clean) return;
    const kinds = picked.map(({ leftover }) => leftover.kind);
    const result = await this.#run(folder, vscode.l10n.t('Cleaning the store'), (options) => folder.bulk.request('cleanStore', { kinds }, options));
    this.#to.log.info(result.summary);
    void tell(result.summary);
    await this.#to.model.refresh();
  }

  /** The dialog asks by itself before it names a file that is there. */
  async backUp(): Promise<void> {
    const folder = requireFolder(this.#to.model);
    const day = new Date().toISOString().slice(0, 10);
    const chosen = await vscode.window.showSaveDialog({
      title: vscode.l10n.t('Back Up the Store'), defaultUri: vscode.Uri.joinPath(folder.uri, `smp-backup-${day}.sqlite`), filters: { [vscode.l10n.t('Backups')]: BACKUPS }, saveLabel: vscode.l10n.t('Back Up'),
    });
    if (chosen === undefined) throw cancellation();
    const result = await this.#run(folder, vscode.l10n.t('Backing up the store'), (options) => folder.bulk.request('backUpStore', { file: chosen.fsPath, overwrite: true }, options));
    this.#to.log.info(result.summary);
    void tell(result.summary);
  }

  async restore(): Promise<void> {
    const folder = requireFolder(this.#to.model);
    const file = await choosePath(vscode.l10n.t('Restore which backup?'), folder.uri, ['file'], { [vscode.l10n.t('Backups')]: BACKUPS });
    const restore = vscode.l10n.t('Restore');
    const answer = await askWarning(
      vscode.l10n.t('Put {0} in the place of the store?', basename(file)),
      vscode.l10n.t('It is checked first. The store of now is kept beside it, and your files stay as they are. Other windows on this folder show the restored store at once.'), restore,
    );
    if (answer !== restore) return;
    const result = await this.#run(folder, vscode.l10n.t('Restoring the store'), async (options) => {
      await folder.releaseStore();
      const restored = await folder.bulk.request('restoreStore', { file }, options);
      folder.restores++;
      return restored;
    });
    this.#to.log.info(result.summary);
    void tell(result.summary);
    await this.#to.model.refresh();
  }

  #run<Result>(folder: CurationFolder, title: string, work: (options: Parameters<CurationFolder['bulk']['request']>[2]) => Promise<Result>): Promise<Result> {
    return this.#to.runner.run({ folder, stage: null, source: null, title, run: (signal, onProgress) => work({ signal, onProgress }) });
  }

  dispose(): void {
    this.#reports.dispose();
  }
}

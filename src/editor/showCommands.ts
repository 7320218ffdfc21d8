// Commands that only show: the report, skipped rows, logs, exports, the walkthrough, the settings.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { RunStatus } from '../protocol/pipelineStatus.ts';
import { choose, chooseSource, goToFolderOf, requireFolder, sourceNameOf, type Choice } from './askFor.ts';
import type { CurationFolders } from './curationFolders.ts';
import type { JobLog } from './jobLog.ts';
import { tell } from './notify.ts';
import { openPost, type PostPlaceToOpen } from './openPost.ts';
import { turnPage } from './pagedFile.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { locatePost } from './postLocator.ts';
import type { PostsPanels } from './postsPanel.ts';
import type { ReportDocuments } from './reportDocument.ts';
import { experimentOf, readSettings, SETTINGS_SECTION } from './settingsReader.ts';

const WALKTHROUGH = 'start';
const SKIPPED_SHOWN = 1000;
const DROPPED_SHOWN = 1000; // in a page

export interface ShowCommandsOptions {
  readonly model: PipelineModel;
  readonly folders: CurationFolders;
  readonly postsPanels: PostsPanels;
  readonly reports: ReportDocuments;
  readonly jobLog: JobLog;
  readonly extensionId: string;
  readonly log: vscode.LogOutputChannel;
}

export class ShowCommands {
  readonly #to: ShowCommandsOptions;

  constructor(options: ShowCommandsOptions) {
    this.#to = options;
  }

  async report(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#to.model, argument, vscode.l10n.t('Report on which source?'));
    const report = await folder.live.request('report', { source: source.source, ...experimentOf(readSettings(folder.uri)) });
    if (report === null) throw new UserError('no-report', vscode.l10n.t('There is no report on {0} yet.', source.source), vscode.l10n.t('Evaluate it, or run the whole plan.'));
    await this.#to.reports.show(report);
  }

  /** Every post of the current folder, or of the source that a row of the tree stands for. */
  async posts(argument?: unknown): Promise<void> {
    await goToFolderOf(this.#to.model, argument);
    const source = sourceNameOf(argument);
    await this.#to.postsPanels.show(requireFolder(this.#to.model), source === null ? undefined : { source });
  }

  /** Posts of the user that a hover names, or of the post's under the cursor, or of the one a person types. */
  async postsOfUser(argument?: unknown): Promise<void> {
    await goToFolderOf(this.#to.model, argument);
    const editor = vscode.window.activeTextEditor;
    const named = userOf(argument);
    const located = named === null && editor !== undefined ? await locatePost(this.#to.folders, editor.document, editor.selection.active) : null;
    if (named !== null) return this.#to.postsPanels.show(requireFolder(this.#to.model), named);
    if (located !== null) return this.#to.postsPanels.show(located.folder, { source: located.card.source, user: located.card.uid });
    const user = await vscode.window.showInputBox({ title: vscode.l10n.t('Posts of which user?'), prompt: vscode.l10n.t('a user’s id, exactly') });
    if (user !== undefined && user.trim() !== '') await this.#to.postsPanels.show(requireFolder(this.#to.model), { user: user.trim() });
  }

  /** Rows that became no post and posts that are in no set, each with its reason, and opened at its place. Posts come a page at a time. */
  async skippedRows(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#to.model, argument, vscode.l10n.t('Skipped rows of which source?'));
    const rows = await folder.live.request('skippedRows', { source: source.source, limit: SKIPPED_SHOWN });
    let listed: Choice<PostPlaceToOpen | number>[] = rows.map((skipped) => ({
      label: vscode.l10n.t('row {0}', skipped.row), description: skipped.reason, detail: `${skipped.detail} · ${vscode.workspace.asRelativePath(skipped.file)}`, value: { ...skipped, pid: '' },
    }));
    for (let after = 0; ; ) {
      const posts = await folder.live.request('droppedPosts', { source: source.source, after, limit: DROPPED_SHOWN });
      listed = [...listed, ...posts.map((dropped): Choice<PostPlaceToOpen> => ({
        label: vscode.l10n.t('post {0}', dropped.pid), description: dropped.reason, detail: [dropped.imagePath, dropped.title, `${vscode.workspace.asRelativePath(dropped.file)}:${dropped.row}`].filter(Boolean).join(' · '), value: dropped,
      }))];
      if (listed.length === 0) {
        void tell(vscode.l10n.t('No row of {0} was skipped and no post was dropped.', source.source));
        return;
      }
      const more: Choice<number>[] = posts.length < DROPPED_SHOWN ? [] : [{ label: vscode.l10n.t('More dropped posts…'), description: '', value: posts.at(-1)!.id }];
      const chosen = await choose(vscode.l10n.t('Skipped rows and dropped posts of {0}', source.source), [...listed, ...more]);
      if (typeof chosen !== 'number') return openPost(chosen);
      after = chosen;
      listed = [];
    }
  }

  async jobLog(argument?: unknown): Promise<void> {
    await this.#to.model.refresh();
    const runs = this.#to.model.status?.runs ?? [];
    const jobFolder = jobFolderOf(argument) ?? this.#to.model.running?.jobFolder ?? await chooseRun(runs);
    const isRunning = (): boolean => {
      const state = this.#to.model.status?.runs.find((run) => run.jobFolder === jobFolder)?.state;
      return state === 'running' || state === 'starting' || this.#to.model.running?.jobFolder === jobFolder;
    };
    await this.#to.jobLog.show(jobFolder, isRunning);
  }

  async exported(argument?: unknown): Promise<void> {
    const folder = typeof argument === 'object' && argument !== null && 'folder' in argument && typeof argument.folder === 'string' ? argument.folder : null;
    const chosen = folder ?? await choose(vscode.l10n.t('Show which export?'), (this.#to.model.status?.exports ?? []).map((made) => ({ label: `${made.format}, ${made.content}`, description: made.folder, value: made.folder })));
    const uri = vscode.Uri.file(chosen);
    if (vscode.workspace.getWorkspaceFolder(uri) !== undefined) await vscode.commands.executeCommand('revealInExplorer', uri);
    else await vscode.commands.executeCommand('vscode.open', vscode.Uri.joinPath(uri, 'README.md'));
  }

  turnPage(to: 'next' | 'previous'): Promise<void> {
    return turnPage(to);
  }

  log(): void {
    this.#to.log.show();
  }

  refresh(): Promise<void> {
    return this.#to.model.refresh();
  }

  async walkthrough(): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${this.#to.extensionId}#${WALKTHROUGH}`, false);
  }

  async settings(): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${this.#to.extensionId} ${SETTINGS_SECTION}`);
  }
}

function userOf(argument: unknown): { source: string; user: string } | null {
  if (typeof argument !== 'object' || argument === null || !('user' in argument) || !('source' in argument)) return null;
  const { source, user } = argument;
  return typeof source === 'string' && typeof user === 'string' ? { source, user } : null;
}

function jobFolderOf(argument: unknown): string | null {
  return typeof argument === 'object' && argument !== null && 'jobFolder' in argument && typeof argument.jobFolder === 'string' ? argument.jobFolder : null;
}

async function chooseRun(runs: readonly RunStatus[]): Promise<string> {
  if (runs.length === 0) throw new UserError('no-run', vscode.l10n.t('Nothing has been trained or predicted here yet.'), vscode.l10n.t('Run a stage first.'));
  return choose(vscode.l10n.t('Log of which job?'), runs.map((run) => ({ label: run.id, description: `${run.stage} · ${run.state}`, detail: run.description, value: run.jobFolder })));
}

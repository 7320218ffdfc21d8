// Runs: trainer jobs, newest first. Exports: data sets written for other trainers.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ExportStatus, RunStatus } from '../protocol/pipelineStatus.ts';
import { ago } from './hoverCard.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { stateIcon } from './pipelineTree.ts';
import { timeLeft } from './stageRunner.ts';
import { runningText } from './statusText.ts';

abstract class ListTree<Row> implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #subscription: vscode.Disposable;
  protected readonly model: PipelineModel;

  constructor(model: PipelineModel) {
    this.model = model;
    this.#subscription = model.onDidChange(() => this.#changed.fire());
  }

  abstract getChildren(row?: Row): Row[];
  abstract getTreeItem(row: Row): vscode.TreeItem;

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }
}

const now = (): number => Date.now() / 1000;
const translate = (message: string, ...args: (string | number)[]): string => vscode.l10n.t(message, ...args);

export class RunsTree extends ListTree<RunStatus> {
  getChildren(row?: RunStatus): RunStatus[] {
    return row === undefined ? [...(this.model.status?.runs ?? [])] : [];
  }

  getTreeItem(run: RunStatus): vscode.TreeItem {
    const item = new vscode.TreeItem(shortName(run), vscode.TreeItemCollapsibleState.None);
    const { running } = this.model;
    const isRunning = run.state === 'running' || run.state === 'starting';
    item.id = run.id;
    item.description = isRunning && running?.jobFolder === run.jobFolder ? runningText(running, timeLeft, translate) : [run.description, ago(now() - (run.endedAt ?? run.startedAt), translate)].filter(Boolean).join(' · ');
    item.iconPath = stateIcon(isRunning ? 'running' : run.state === 'succeeded' ? 'done' : run.state === 'failed' ? 'failed' : 'stale');
    item.contextValue = `run.${run.state}`;
    item.tooltip = `${run.id} · ${run.host} · ${run.state}\n${run.jobFolder}`;
    item.accessibilityInformation = { label: `${shortName(run)}, ${run.state}, ${item.description}` };
    item.command = { command: 'smpCurator.showJobLog', title: vscode.l10n.t("Show a Job's Log…"), arguments: [run] };
    return item;
  }
}

/** The stage with the beginning of the job's hash: ids are made for folders, not for eyes. */
function shortName(run: RunStatus): string {
  return `${run.stage} ${run.id.slice(run.id.lastIndexOf('-') + 1).slice(0, 6)}`;
}

export class ExportsTree extends ListTree<ExportStatus> {
  getChildren(row?: ExportStatus): ExportStatus[] {
    return row === undefined ? [...(this.model.status?.exports ?? [])] : [];
  }

  getTreeItem(made: ExportStatus): vscode.TreeItem {
    const item = new vscode.TreeItem(`${made.format}, ${made.content}`, vscode.TreeItemCollapsibleState.None);
    const rows = vscode.l10n.t('{0} rows, {1}', made.rows.toLocaleString('en-US'), ago(now() - made.exportedAt, translate));
    item.id = made.folder;
    item.description = made.stale ? vscode.l10n.t('stale: {0}', rows) : rows;
    item.iconPath = stateIcon(made.stale ? 'stale' : 'done');
    item.contextValue = 'export';
    item.tooltip = made.folder;
    item.command = { command: 'smpCurator.revealExport', title: basename(made.folder), arguments: [made] };
    return item;
  }
}

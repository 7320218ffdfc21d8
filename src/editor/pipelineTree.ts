// The tree of the pipeline: first the next action, then every stage with its state, its counts or the reason, and below it
// what can be opened.
import * as vscode from 'vscode';
import { PIPELINE } from '../pipeline.ts';
import type { EntryState, EntryStatus, SourceStatus, StatusDetail } from '../protocol/pipelineStatus.ts';
import type { Translate } from './hoverCard.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { progressText } from './stageRunner.ts';
import { nextActionTitle, stageTitle } from './stageNames.ts';
import { sourceKindIcon, sourceKindLabel } from './sourceKind.ts';
import { entryDescription, headlineOf } from './statusText.ts';

export type PipelineNode =
  | { readonly kind: 'next'; readonly source: SourceStatus }
  | { readonly kind: 'source'; readonly source: SourceStatus }
  | { readonly kind: 'entry'; readonly source: SourceStatus; readonly entry: EntryStatus }
  | { readonly kind: 'detail'; readonly source: SourceStatus; readonly entry: EntryStatus; readonly detail: StatusDetail };

/** State is shape first and colour second, so that it shows in high contrast too. */
const ICONS: Readonly<Record<EntryState, { readonly icon: string; readonly colour?: string }>> = {
  done: { icon: 'pass', colour: 'testing.iconPassed' },
  running: { icon: 'sync~spin', colour: 'charts.blue' },
  partial: { icon: 'loading', colour: 'charts.blue' },
  waiting: { icon: 'circle-large-outline' },
  stale: { icon: 'warning', colour: 'list.warningForeground' },
  failed: { icon: 'error', colour: 'list.errorForeground' },
};

export function stateIcon(state: EntryState): vscode.ThemeIcon {
  const { icon, colour } = ICONS[state];
  return colour === undefined ? new vscode.ThemeIcon(icon) : new vscode.ThemeIcon(icon, new vscode.ThemeColor(colour));
}

export function stateName(state: EntryState): string {
  switch (state) {
    case 'done': return vscode.l10n.t('done');
    case 'running': return vscode.l10n.t('running');
    case 'partial': return vscode.l10n.t('in part');
    case 'waiting': return vscode.l10n.t('not yet');
    case 'stale': return vscode.l10n.t('stale');
    case 'failed': return vscode.l10n.t('failed');
  }
}

export class PipelineTree implements vscode.TreeDataProvider<PipelineNode>, vscode.Disposable {
  readonly #model: PipelineModel;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #subscription: vscode.Disposable;

  constructor(model: PipelineModel) {
    this.#model = model;
    this.#subscription = model.onDidChange(() => this.#changed.fire());
  }

  getChildren(node?: PipelineNode): PipelineNode[] {
    const { sources } = this.#model;
    if (node === undefined) return sources.length === 1 ? this.#entries(sources[0]!) : sources.map((source) => ({ kind: 'source', source }));
    if (node.kind === 'source') return this.#entries(node.source);
    if (node.kind === 'entry') return node.entry.details.map((detail) => ({ ...node, kind: 'detail', detail }));
    return [];
  }

  #entries(source: SourceStatus): PipelineNode[] {
    const entries = source.entries.map((entry): PipelineNode => ({ kind: 'entry', source, entry: this.#asItIs(source, entry) }));
    const next = this.#nextOf(source);
    return next === null || this.#model.running !== null ? entries : [{ kind: 'next', source: { ...source, next } }, ...entries];
  }

  /** A file that this window saw change comes before whatever the store would do next. */
  #nextOf(source: SourceStatus): SourceStatus['next'] {
    if (this.#model.changedFile(source) === null) return source.next;
    const { verb, command } = PIPELINE.find(({ id }) => id === 'index')!;
    return { entry: 'index', title: 'Index the posts again', verb, command };
  }

  /** The store's entry, with what only this window knows: that it runs, or that a file has changed. */
  #asItIs(source: SourceStatus, entry: EntryStatus): EntryStatus {
    const { running } = this.#model;
    if (running !== null && running.stage === entry.stage && (running.source ?? source.source) === source.source) {
      const progress = { message: running.message, ...(running.done === null ? {} : { done: running.done }), ...(running.total === null ? {} : { total: running.total }), ...(running.unit === null ? {} : { unit: running.unit }) };
      return { ...entry, state: 'running', description: progressText(progress), reason: null };
    }
    const changed = entry.stage === 'index' ? this.#model.changedFile(source) : null;
    return changed === null || entry.state === 'failed' ? entry : { ...entry, state: 'stale', reason: vscode.l10n.t('{0} has changed', changed) };
  }

  getTreeItem(node: PipelineNode): vscode.TreeItem {
    switch (node.kind) {
      case 'next': return nextItem(node.source);
      case 'source': return sourceItem(node.source);
      case 'entry': return entryItem(node);
      case 'detail': return detailItem(node);
    }
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }
}

const translate: Translate = (message, ...args) => vscode.l10n.t(message, ...args);

function nextItem(source: SourceStatus): vscode.TreeItem {
  const next = source.next!;
  const title = nextActionTitle(next.entry, next.title, translate);
  const item = new vscode.TreeItem(vscode.l10n.t('Next: {0}', title), vscode.TreeItemCollapsibleState.None);
  item.id = `${source.source}\nnext`;
  item.iconPath = new vscode.ThemeIcon('arrow-right', new vscode.ThemeColor('charts.blue'));
  item.contextValue = 'next';
  item.command = { command: 'smpCurator.runEntry', title, arguments: [{ source: source.source, entry: next.entry }] };
  return item;
}

function sourceItem(source: SourceStatus): vscode.TreeItem {
  const item = new vscode.TreeItem(source.source, vscode.TreeItemCollapsibleState.Expanded);
  item.id = source.source;
  item.description = headlineOf(source, translate) ?? vscode.l10n.t('{0} posts, {1} users', source.posts.toLocaleString('en-US'), source.users.toLocaleString('en-US'));
  item.iconPath = new vscode.ThemeIcon(sourceKindIcon(source.kind));
  item.contextValue = 'source';
  item.tooltip = `${sourceKindLabel(source.kind, translate)}\n${source.root}`;
  return item;
}

function entryItem({ source, entry }: { readonly source: SourceStatus; readonly entry: EntryStatus }): vscode.TreeItem {
  const title = stageTitle(entry.id, entry.title, translate);
  const item = new vscode.TreeItem(title, entry.details.length > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None);
  item.id = `${source.source}\n${entry.id}`;
  item.description = entryDescription(entry);
  item.iconPath = stateIcon(entry.state);
  item.contextValue = `entry.${entry.id}.${entry.state}`;
  if (entry.stage === 'evaluate' && source.headline !== null) item.command = { command: 'smpCurator.showReport', title, arguments: [source.source] };
  item.tooltip = [title, entry.description, entry.reason].filter((line) => line !== null && line !== '').join('\n');
  item.accessibilityInformation = { label: `${title}, ${stateName(entry.state)}, ${entryDescription(entry)}` };
  return item;
}

function detailItem({ source, detail }: { readonly source: SourceStatus; readonly detail: StatusDetail }): vscode.TreeItem {
  const item = new vscode.TreeItem(detail.label, vscode.TreeItemCollapsibleState.None);
  item.description = detail.description;
  if (detail.opens === 'skipped-rows') {
    item.iconPath = new vscode.ThemeIcon('list-flat');
    item.command = { command: 'smpCurator.showSkippedRows', title: detail.label, arguments: [source.source] };
  } else if (detail.opens === 'fetch-pictures') {
    item.iconPath = new vscode.ThemeIcon('cloud-download');
    item.command = { command: 'smpCurator.fetchPictures', title: detail.label, arguments: [source.source] };
  } else if (detail.opens === 'dead-pictures') {
    item.iconPath = new vscode.ThemeIcon('debug-disconnect');
    item.command = { command: 'smpCurator.showDeadPictures', title: detail.label, arguments: [source.source] };
  } else if (detail.opens === 'export') {
    item.iconPath = new vscode.ThemeIcon('folder');
    item.command = { command: 'smpCurator.revealExport', title: detail.label, arguments: [{ folder: detail.description }] };
  } else {
    item.iconPath = new vscode.ThemeIcon('symbol-field');
  }
  return item;
}

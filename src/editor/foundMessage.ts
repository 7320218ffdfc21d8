// The line above the welcome view: which files of the folder can be read. Files are only looked at, nothing is indexed.
import * as vscode from 'vscode';
import type { PipelineModel } from './pipelineModel.ts';

const NAMED = 2; // files that are named; the others are counted

export class FoundMessage implements vscode.Disposable {
  readonly #model: PipelineModel;
  readonly #view: vscode.TreeView<unknown>;
  readonly #subscription: vscode.Disposable;

  constructor(model: PipelineModel, view: vscode.TreeView<unknown>) {
    this.#model = model;
    this.#view = view;
    this.#subscription = model.onDidChange(() => this.#show());
  }

  #show(): void {
    const { found, folder, sources } = this.#model;
    const text = found === null || sources.length > 0 ? undefined : foundText(found.files, found.kind);
    this.#view.message = text as string; // undefined takes the line away; the declared type forgets it
    this.#view.description = vscode.workspace.workspaceFolders?.some((candidate) => candidate.uri.fsPath === folder?.uri.fsPath) && vscode.workspace.workspaceFolders.length === 1
      ? '' : (folder?.name ?? '');
  }

  dispose(): void {
    this.#subscription.dispose();
  }
}

function foundText(files: readonly string[], kind: string): string {
  const named = files.slice(0, NAMED).join(', ');
  const what = kind === 'table' ? vscode.l10n.t('a table of posts') : vscode.l10n.t('SMPD, 2022 layout');
  return files.length <= NAMED
    ? vscode.l10n.t('Found here: {0} ({1}).', named, what)
    : vscode.l10n.t('Found here: {0} and {1} more files ({2}).', named, files.length - NAMED, what);
}

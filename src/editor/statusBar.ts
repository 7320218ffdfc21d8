// The status bar's one line, and the badge of the view: both count what went wrong and was not seen, never work left.
import * as vscode from 'vscode';
import type { PipelineModel } from './pipelineModel.ts';
import { timeLeft } from './stageRunner.ts';
import { failuresOf, statusLine } from './statusText.ts';

const SEEN_KEY = 'failuresSeen'; // in the workspace's memento: what was seen stays seen over a reload

export class StatusBar implements vscode.Disposable {
  readonly #model: PipelineModel;
  readonly #view: vscode.TreeView<unknown>;
  readonly #memory: vscode.Memento;
  readonly #item: vscode.StatusBarItem;
  readonly #disposables: vscode.Disposable[];

  constructor(model: PipelineModel, view: vscode.TreeView<unknown>, memory: vscode.Memento) {
    this.#model = model;
    this.#view = view;
    this.#memory = memory;
    this.#item = vscode.window.createStatusBarItem('smpCurator.status', vscode.StatusBarAlignment.Left, 40);
    this.#item.name = 'SMP Curator';
    this.#item.command = 'smpCurator.pipeline.focus';
    this.#disposables = [this.#item, model.onDidChange(() => this.#show()), view.onDidChangeVisibility(() => this.#show())];
    this.#show();
    this.#item.show();
  }

  #show(): void {
    const failures = failuresOf(this.#model.sources, (message, ...args) => vscode.l10n.t(message, ...args));
    if (this.#view.visible) void this.#memory.update(SEEN_KEY, failures.map((failure) => failure.key));
    const seen = new Set(this.#memory.get<string[]>(SEEN_KEY, []));
    const unseen = this.#view.visible ? [] : failures.filter((failure) => !seen.has(failure.key));
    this.#view.badge = unseen.length === 0 ? undefined : { value: unseen.length, tooltip: unseen.map((failure) => failure.line).join('\n') };

    this.#view.description = this.#nameOfFolder();

    const line = statusLine(this.#model.sources, this.#model.running, unseen.map((failure) => failure.line), (message, ...args) => vscode.l10n.t(message, ...args), timeLeft, this.#model.currentSource);
    this.#item.text = line.text;
    this.#item.tooltip = line.tooltip;
  }

  /** Which of several folders the view is about; nothing where there is but one. */
  #nameOfFolder(): string {
    const folders = vscode.workspace.workspaceFolders ?? [];
    const current = this.#model.folder;
    return current === undefined || (folders.length === 1 && folders[0]!.uri.fsPath === current.uri.fsPath) ? '' : current.name;
  }

  dispose(): void {
    vscode.Disposable.from(...this.#disposables).dispose();
  }
}

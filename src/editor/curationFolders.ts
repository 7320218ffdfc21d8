// The folders that are curated in this window: each workspace folder with its own store, and the sample and the demo when
// they are opened. The current one is that of the active editor, or the one before it.
import { isAbsolute, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { CurationFolder } from './curationFolder.ts';

export class CurationFolders implements vscode.Disposable {
  readonly #open: (uri: vscode.Uri, name: string) => CurationFolder;
  readonly #folders = new Map<string, CurationFolder>(); // by file system path
  readonly #own = new Set<string>(); // paths that were added beside the workspace
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: vscode.Disposable[] = [this.#changed];
  /** Another folder became the current one, or the current one's store changed. */
  readonly onDidChange = this.#changed.event;
  #current: CurationFolder | undefined;

  constructor(open: (uri: vscode.Uri, name: string) => CurationFolder) {
    this.#open = open;
    this.#disposables.push(
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.#follow()),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.#activate(editor)),
    );
    this.#follow();
    this.#activate(vscode.window.activeTextEditor);
  }

  get all(): readonly CurationFolder[] {
    return [...this.#folders.values()];
  }

  get current(): CurationFolder | undefined {
    return this.#current;
  }

  /** The innermost folder that holds a file. */
  of(uri: vscode.Uri): CurationFolder | undefined {
    if (uri.scheme !== 'file') return undefined;
    return this.all.filter((folder) => holds(folder.uri.fsPath, uri.fsPath)).sort((a, b) => b.uri.fsPath.length - a.uri.fsPath.length)[0];
  }

  /** Whether a file holds posts of any of the stores. */
  async knowPostFile(path: string): Promise<boolean> {
    for (const folder of this.all) if ((await folder.cards())?.fileOf(path)) return true;
    return false;
  }

  /** Adds a folder that is not in the workspace and makes it the current one. */
  add(uri: vscode.Uri, name: string): CurationFolder {
    this.#own.add(uri.fsPath);
    const folder = this.#ensure(uri, name);
    this.#makeCurrent(folder);
    return folder;
  }

  /** Makes the folder at a path current; false when it is not among those of this window. */
  select(path: string): boolean {
    const folder = this.#folders.get(path);
    if (folder !== undefined) this.#makeCurrent(folder);
    return folder !== undefined;
  }

  #follow(): void {
    const workspace = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
    const wanted = new Set([...workspace.map((folder) => folder.uri.fsPath), ...this.#own]);
    for (const [path, folder] of this.#folders) {
      if (wanted.has(path)) continue;
      this.#folders.delete(path);
      if (this.#current === folder) this.#current = undefined;
      folder.dispose();
    }
    for (const folder of workspace) this.#ensure(folder.uri, folder.name);
    this.#current ??= this.all[0];
    this.#changed.fire();
  }

  #ensure(uri: vscode.Uri, name: string): CurationFolder {
    let folder = this.#folders.get(uri.fsPath);
    if (folder === undefined) {
      folder = this.#open(uri, name);
      this.#folders.set(uri.fsPath, folder);
      const opened = folder;
      folder.onDidChangeStore(() => opened === this.#current && this.#changed.fire());
    }
    return folder;
  }

  #activate(editor: vscode.TextEditor | undefined): void {
    const folder = editor === undefined ? undefined : this.of(editor.document.uri);
    if (folder !== undefined) this.#makeCurrent(folder);
  }

  #makeCurrent(folder: CurationFolder): void {
    if (folder === this.#current) return;
    this.#current = folder;
    this.#changed.fire();
  }

  dispose(): void {
    for (const folder of this.all) folder.dispose();
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

function holds(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

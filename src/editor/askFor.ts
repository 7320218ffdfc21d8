// Questions that commands ask when an argument is missing, and readers of arguments that came from outside (a keybinding,
// a command link in a hover, a row of a tree).
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { PostKey } from '../domain/posts.ts';
import { cancellation } from '../protocol/requestChannel.ts';
import type { SourceStatus } from '../protocol/pipelineStatus.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { plainMessage } from './plainMessage.ts';

export interface Choice<Value> extends vscode.QuickPickItem {
  readonly value: Value;
}

/** Rejects with a cancellation when the person turns away. */
export async function choose<Value>(title: string, choices: readonly Choice<Value>[]): Promise<Value> {
  const items = choices.map((choice) => ({
    ...choice, label: plainMessage(choice.label, 200),
    ...(choice.description === undefined ? {} : { description: plainMessage(choice.description, 200) }), ...(choice.detail === undefined ? {} : { detail: plainMessage(choice.detail, 300) }),
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: plainMessage(title, 200), matchOnDescription: true, ignoreFocusOut: false });
  if (chosen === undefined) throw cancellation();
  return chosen.value;
}

/** The current folder. @throws {UserError} `no-folder` */
export function requireFolder(model: PipelineModel): CurationFolder {
  if (model.folder === undefined) throw new UserError('no-folder', vscode.l10n.t('No folder is open.'), vscode.l10n.t('Open the folder that shall hold the store, or open the sample.'));
  return model.folder;
}

/** What a button or a link hands to a command: which folder's source is meant. */
export interface SourceTarget {
  readonly folder: string; // path of the folder that keeps the store
  readonly source: string; // its name
}

/**
 * The folder and the source that an argument names (a name, a row of the tree, a SourceTarget); where it names none, the
 * current folder, and its only source or the one a person picks.
 * @throws {UserError} `no-folder`, `folder-closed`, `source-unknown`, `nothing-indexed`
 */
export async function chooseSource(model: PipelineModel, argument: unknown, title: string): Promise<{ readonly folder: CurationFolder; readonly source: SourceStatus }> {
  await goToFolderOf(model, argument);
  const folder = requireFolder(model);
  if (model.status === null) await model.refresh();
  return { folder, source: await sourceIn(model, sourceNameOf(argument), title) };
}

/** Makes the folder current that an argument names, if it names one. */
export async function goToFolderOf(model: PipelineModel, argument: unknown): Promise<void> {
  if (typeof argument === 'object' && argument !== null && 'folder' in argument && typeof argument.folder === 'string') await model.goTo(argument.folder);
}

async function sourceIn(model: PipelineModel, name: string | null, title: string): Promise<SourceStatus> {
  const { sources } = model;
  if (name !== null) {
    const named = sources.find((source) => source.source === name);
    if (named === undefined) throw new UserError('source-unknown', vscode.l10n.t('There is no source {0} in this folder.', name), vscode.l10n.t('Index its data set, or choose another source.'));
    return named;
  }
  if (sources.length === 0) throw new UserError('nothing-indexed', vscode.l10n.t('No data set is indexed in this folder yet.'), vscode.l10n.t('Index a data set first.'));
  if (sources.length === 1) return sources[0]!;
  return choose(title, sources.map((source) => ({ label: source.source, description: vscode.l10n.t('{0} posts', source.posts.toLocaleString('en-US')), value: source })));
}

/** The source's name that an argument carries, or null. */
export function sourceNameOf(argument: unknown): string | null {
  if (typeof argument === 'string') return argument;
  if (typeof argument !== 'object' || argument === null || !('source' in argument)) return null;
  const { source } = argument;
  if (typeof source === 'string') return source;
  return typeof source === 'object' && source !== null && 'source' in source && typeof source.source === 'string' ? source.source : null;
}

/** A post's key from a command link or a test, with its folder where it is named; null for anything else (the editor passes a Uri from its menus). */
export function postKeyOf(argument: unknown): (PostKey & { readonly folder: string | null }) | null {
  if (typeof argument !== 'object' || argument === null || !('pid' in argument) || !('source' in argument)) return null;
  const { pid, source } = argument;
  if (typeof pid !== 'string' || typeof source !== 'string') return null;
  return { source, pid, folder: 'folder' in argument && typeof argument.folder === 'string' ? argument.folder : null };
}

/** An absolute path from a Uri of the explorer or a string. */
export function pathOf(argument: unknown): string | null {
  if (argument instanceof vscode.Uri && argument.scheme === 'file') return argument.fsPath;
  return typeof argument === 'string' && argument !== '' ? argument : null;
}

/** A file or a folder by the editor's dialog, which on Linux and Windows can only show one of the two. */
export async function choosePath(title: string, folder: vscode.Uri, kinds: readonly ('file' | 'folder')[], filters?: Record<string, string[]>): Promise<string> {
  const kind = kinds.length === 1 ? kinds[0]! : await choose(title, [
    { label: vscode.l10n.t('Folder…'), description: vscode.l10n.t('an SMPD, TPIC2017 or SMP-Video data set'), iconPath: vscode.ThemeIcon.Folder, value: 'folder' as const },
    { label: vscode.l10n.t('File…'), description: vscode.l10n.t('a CSV, TSV, JSONL or Parquet table'), iconPath: vscode.ThemeIcon.File, value: 'file' as const },
  ]);
  const chosen = await vscode.window.showOpenDialog({
    title, defaultUri: folder, canSelectFiles: kind === 'file', canSelectFolders: kind === 'folder', canSelectMany: false, ...(filters !== undefined && kind === 'file' ? { filters } : {}),
  });
  if (chosen?.[0] === undefined) throw cancellation();
  return chosen[0].fsPath;
}

/** A file's name with the folder it lies in behind. */
export function fileChoice(path: string): Choice<string> {
  return { label: basename(path), description: dirname(path), value: path };
}

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

/** The source that an argument names (a name, or a row of the tree), the only one, or the one a person picks. */
export async function chooseSource(model: PipelineModel, argument: unknown, title: string): Promise<SourceStatus> {
  if (model.status === null) await model.refresh();
  const { sources } = model;
  const name = sourceNameOf(argument);
  const named = name === null ? undefined : sources.find((source) => source.source === name);
  if (named !== undefined) return named;
  if (sources.length === 0) throw new UserError('nothing-indexed', vscode.l10n.t('No data set is indexed in this folder yet.'), vscode.l10n.t('Index a data set first.'));
  if (sources.length === 1) return sources[0]!;
  return choose(title, sources.map((source) => ({ label: source.source, description: vscode.l10n.t('{0} posts', source.posts.toLocaleString('en-US')), value: source })));
}

function sourceNameOf(argument: unknown): string | null {
  if (typeof argument === 'string') return argument;
  if (typeof argument !== 'object' || argument === null || !('source' in argument)) return null;
  const { source } = argument;
  if (typeof source === 'string') return source;
  return typeof source === 'object' && source !== null && 'source' in source && typeof source.source === 'string' ? source.source : null;
}

/** A post's key from a command link or a test; null for anything else (the editor passes a Uri from its menus). */
export function postKeyOf(argument: unknown): PostKey | null {
  if (typeof argument !== 'object' || argument === null || !('pid' in argument) || !('source' in argument)) return null;
  return typeof argument.pid === 'string' && typeof argument.source === 'string' ? { source: argument.source, pid: argument.pid } : null;
}

/** An absolute path from a Uri of the explorer or a string. */
export function pathOf(argument: unknown): string | null {
  if (argument instanceof vscode.Uri && argument.scheme === 'file') return argument.fsPath;
  return typeof argument === 'string' && argument !== '' ? argument : null;
}

/** A file or a folder by the editor's dialog, which on Linux and Windows can only show one of the two. */
export async function choosePath(title: string, folder: vscode.Uri, kinds: readonly ('file' | 'folder')[], filters?: Record<string, string[]>): Promise<string> {
  const kind = kinds.length === 1 ? kinds[0]! : await choose(title, [
    { label: vscode.l10n.t('Folder…'), description: vscode.l10n.t('an SMPD data set'), iconPath: vscode.ThemeIcon.Folder, value: 'folder' as const },
    { label: vscode.l10n.t('File…'), description: vscode.l10n.t('a CSV, TSV or JSONL table'), iconPath: vscode.ThemeIcon.File, value: 'file' as const },
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

// Opens a post's file at the post: by its line, or in a JSON file by the place of its id.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { openPage } from './pagedFile.ts';

export interface PostPlaceToOpen {
  readonly file: string; // absolute
  readonly row: number; // line of a table, record of a JSON file, from 1
  readonly pid: string;
}

const LARGEST = 50 * 1024 * 1024; // bytes: the editor hands larger files to no extension

/** @throws {UserError} `file-missing` */
export async function openPost(post: PostPlaceToOpen): Promise<void> {
  const uri = vscode.Uri.file(post.file);
  const { size } = await statOf(uri);
  if (size > LARGEST) return openPage(post);
  const document = await vscode.workspace.openTextDocument(uri);
  const position = /\.json$/i.test(post.file) ? positionOfPid(document, post.pid) : new vscode.Position(Math.min(post.row, document.lineCount) - 1, 0);
  const selection = new vscode.Range(position, position);
  await vscode.window.showTextDocument(document, { selection });
}

async function statOf(uri: vscode.Uri): Promise<vscode.FileStat> {
  try {
    return await vscode.workspace.fs.stat(uri);
  } catch (cause) {
    throw new UserError('file-missing', vscode.l10n.t('{0} is not there any more.', uri.fsPath), vscode.l10n.t('Index the data set again.'), { cause });
  }
}

/** The first place where the id is the value of a key; the file's start when it is nowhere. */
function positionOfPid(document: vscode.TextDocument, pid: string): vscode.Position {
  const escaped = pid.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const match = new RegExp(`"[^"\\n]*id"\\s*:\\s*"?${escaped}"?\\s*[,}\\]]`, 'i').exec(document.getText());
  return document.positionAt(match?.index ?? 0);
}

// Opens a post's file at the post: by its line, or in a JSON file by the place of its id.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { SMPD_PID_KEYS } from '../protocol/postCard.ts';
import { LARGEST_SYNCED, openPage } from './pagedFile.ts';
import { bytesAt, offsetOfPid, positionOfOffset } from './recordOffset.ts';

export interface PostPlaceToOpen {
  readonly file: string; // absolute
  readonly row: number; // line of a table, record of a JSON file, from 1
  readonly pid: string;
}

const LONG_LINE = 10_000; // bytes; the editor's own limit is in columns

/** @throws {UserError} `file-missing`; `no-lines` for a table that is no text */
export async function openPost(post: PostPlaceToOpen): Promise<void> {
  const uri = vscode.Uri.file(post.file);
  const { size } = await statOf(uri);
  if (/\.parquet$/i.test(post.file)) {
    throw new UserError('no-lines', vscode.l10n.t('{0} is a Parquet file: it has no line that could be opened (the post is in row {1}).', uri.fsPath, post.row), vscode.l10n.t('The Posts view shows all that was read of it.'));
  }
  const isJson = /\.json$/i.test(post.file);
  if (size > LARGEST_SYNCED || (isJson && await beginsWithALongLine(post.file))) return openPage(post);
  const document = await vscode.workspace.openTextDocument(uri);
  const position = isJson ? await positionOfPid(post.file, post.pid) : new vscode.Position(Math.min(post.row, document.lineCount) - 1, 0);
  const selection = new vscode.Range(position, position);
  await vscode.window.showTextDocument(document, { selection });
}

/** The editor shows the first 10,000 columns of a line: what lies behind them is on a page. */
async function beginsWithALongLine(file: string): Promise<boolean> {
  return !(await bytesAt(file, 0, LONG_LINE)).includes('\n') && (await bytesAt(file, LONG_LINE, 1)).length > 0;
}

async function statOf(uri: vscode.Uri): Promise<vscode.FileStat> {
  try {
    return await vscode.workspace.fs.stat(uri);
  } catch (cause) {
    throw new UserError('file-missing', vscode.l10n.t('{0} is not there any more.', uri.fsPath), vscode.l10n.t('Index the data set again.'), { cause });
  }
}

/** Where the post's record begins, found in the file piece by piece; the file's start when it is nowhere. */
async function positionOfPid(file: string, pid: string): Promise<vscode.Position> {
  const offset = pid === '' ? null : await offsetOfPid(file, pid, SMPD_PID_KEYS);
  const { line, character } = offset === null ? { line: 0, character: 0 } : await positionOfOffset(file, offset);
  return new vscode.Position(line, character);
}

// Opens a post's file at the post: by its line, or in a JSON file by the place of its id.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';

export interface PostPlaceToOpen {
  readonly file: string; // absolute
  readonly row: number; // line of a table, record of a JSON file, from 1
  readonly pid: string;
}

/** @throws {UserError} `file-missing`, `file-too-large` */
export async function openPost(post: PostPlaceToOpen): Promise<void> {
  const document = await openFile(post.file);
  const position = /\.json$/i.test(post.file) ? positionOfPid(document, post.pid) : new vscode.Position(Math.min(post.row, document.lineCount) - 1, 0);
  const selection = new vscode.Range(position, position);
  await vscode.window.showTextDocument(document, { selection });
}

async function openFile(file: string): Promise<vscode.TextDocument> {
  const uri = vscode.Uri.file(file);
  try {
    await vscode.workspace.fs.stat(uri);
  } catch (cause) {
    throw new UserError('file-missing', vscode.l10n.t('{0} is not there any more.', file), vscode.l10n.t('Index the data set again.'), { cause });
  }
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch (cause) {
    await vscode.commands.executeCommand('vscode.open', uri); // the editor itself may show what it does not hand to extensions
    throw new UserError('file-too-large', vscode.l10n.t('The editor hands files above 50 MB to no extension, so the post’s place in {0} cannot be shown.', file), vscode.l10n.t('Hover over it in a smaller file of the same data set, such as the labels.'), { cause });
  }
}

/** The first place where the id is the value of a key; the file's start when it is nowhere. */
function positionOfPid(document: vscode.TextDocument, pid: string): vscode.Position {
  const escaped = pid.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const match = new RegExp(`"[^"\\n]*id"\\s*:\\s*"?${escaped}"?\\s*[,}\\]]`, 'i').exec(document.getText());
  return document.positionAt(match?.index ?? 0);
}

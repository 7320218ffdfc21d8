// From a place in a document to the post that stands there, looking at no more than 64 KB of text around it.
import * as vscode from 'vscode';
import type { PostCard, PostCards, PostFile } from '../protocol/postCard.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { isAsIndexed } from './indexedFile.ts';
import { shownFile } from './pagedFile.ts';
import { columnOf, fieldAt, findColumnRow, findJsonRecord, firstLineOfRecord, recordLines, windowAround, WINDOW_LENGTH } from './postRecord.ts';
import { bytesAt } from './recordOffset.ts';

export interface LocatedPost {
  readonly folder: CurationFolder;
  readonly cards: PostCards;
  readonly card: PostCard;
  readonly range: vscode.Range;
}

/** Null when no folder knows the file, or no post stands there. */
export async function locatePost(folders: CurationFolders, document: vscode.TextDocument, position: vscode.Position): Promise<LocatedPost | null> {
  const shown = shownFile(document.uri);
  if (shown === null) return null;
  for (const folder of candidates(folders, vscode.Uri.file(shown.file))) {
    const cards = await folder.cards();
    const file = cards?.fileOf(shown.file);
    if (!cards || !file) continue;
    const found = file.layout === 'json' ? await inJson(cards, file, document, position, shown.file) : await onLine(cards, file, document, position, shown);
    if (found !== null) return { folder, cards, ...found };
  }
  return null;
}

/** The file's own folder first; a source may also lie outside of the folder that keeps its store. */
function candidates(folders: CurationFolders, uri: vscode.Uri): CurationFolder[] {
  const own = folders.of(uri);
  return own === undefined ? [...folders.all] : [own, ...folders.all.filter((folder) => folder !== own)];
}

type Found = { readonly card: PostCard; readonly range: vscode.Range } | null;

async function inJson(cards: PostCards, file: PostFile, document: vscode.TextDocument, position: vscode.Position, path: string): Promise<Found> {
  const cursor = document.offsetAt(position);
  const lastLine = document.lineAt(document.lineCount - 1);
  const window = windowAround(cursor, document.offsetAt(lastLine.range.end));
  const text = document.getText(new vscode.Range(document.positionAt(window.start), document.positionAt(window.end)));
  const rangeOf = ({ start, end }: { start: number; end: number }): vscode.Range => new vscode.Range(document.positionAt(window.start + start), document.positionAt(window.start + end));
  const record = findJsonRecord(text, cursor - window.start, file.pidKeys);
  if (record !== null) {
    const card = cards.byPid(file, record.pid);
    return card === null ? null : { card, range: rangeOf(record) };
  }
  // What names no post is told by its place: it must stand where it stood.
  if (!file.rowAligned || document.isDirty || !(await isAsIndexed(path, file))) return null;
  const entry = findColumnRow(text, cursor - window.start);
  const found = entry !== null && document.getText(new vscode.Range(0, 0, 0, 1)) === '{' ? { card: cards.atRow(path, entry.row), range: rangeOf(entry) } : onRecordLine(cards, document, position.line, path);
  return found === null || found.card === null ? null : { card: found.card, range: found.range };
}

/** The post of a record without an id, where each line of the list holds one: there are as many lines as posts. */
function onRecordLine(cards: PostCards, document: vscode.TextDocument, line: number, path: string): { card: PostCard | null; range: vscode.Range } | null {
  const lines = recordLines((at) => document.lineAt(at).text, document.lineCount);
  if (lines === null || line < lines.first || line > lines.last) return null;
  const rows = lines.last - lines.first + 1;
  if (cards.atRow(path, rows) === null || cards.atRow(path, rows + 1) !== null) return null;
  return { card: cards.atRow(path, line - lines.first + 1), range: document.lineAt(line).range };
}

async function onLine(cards: PostCards, file: PostFile, document: vscode.TextDocument, position: vscode.Position, shown: { readonly file: string; readonly firstRow: number }): Promise<Found> {
  const found = (line: number, holds: (pid: string) => boolean): Found => {
    const card = cards.atRow(shown.file, line + shown.firstRow);
    return card === null || !holds(card.pid) ? null : { card, range: document.lineAt(line).range };
  };
  if (file.pidColumn !== null) {
    const pid = fieldAt(textFrom(document, position.line), file.delimiter ?? ' ', file.pidColumn);
    const card = pid === null ? null : cards.byPid(file, pid);
    return card === null ? null : { card, range: document.lineAt(position.line).range };
  }
  if (file.rowAligned) {
    // The line says nothing about its post: it must stand where it stood.
    return !document.isDirty && (await isAsIndexed(shown.file, file)) ? found(position.line, () => true) : null;
  }
  const delimiter = file.delimiter ?? ',';
  const header = shown.firstRow === 1 ? textFrom(document, 0) : (await bytesAt(shown.file, 0, WINDOW_LENGTH)).toString('utf8');
  const column = columnOf(header, delimiter, file.pidKeys[0]!);
  if (column === null) return null;
  const at = (line: number): Found => found(line, (pid) => fieldAt(textFrom(document, line), delimiter, column) === pid);
  const exact = at(position.line);
  if (exact !== null) return exact;
  const above: string[] = []; // a quoted field may have begun some lines up
  for (let line = position.line - 1, length = 0; line >= 0 && length < WINDOW_LENGTH; line--) {
    const { text } = document.lineAt(line);
    above.unshift(text.slice(0, WINDOW_LENGTH));
    length += text.length + 1;
  }
  const first = firstLineOfRecord([...above, ''], above.length);
  return first === above.length ? null : at(position.line - above.length + first);
}

/** A window of the document from the beginning of a line on. */
function textFrom(document: vscode.TextDocument, line: number): string {
  const start = new vscode.Position(line, 0);
  return document.getText(new vscode.Range(start, document.positionAt(document.offsetAt(start) + WINDOW_LENGTH)));
}

// A read-only page of a file that is too large for the editor to hand to extensions (50 MB): the records from one post on,
// a record a line, in which hovers work.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import { SMPD_PID_KEYS } from '../protocol/postCard.ts';
import { WINDOW_LENGTH } from './postRecord.ts';
import { bytesAt, offsetOfPid, offsetOfRow } from './recordOffset.ts';
import type { PostPlaceToOpen } from './openPost.ts';

export const PAGE_SCHEME = 'smp-page';
/** Bytes; the editor hands larger files to no extension. */
export const LARGEST_SYNCED = 50 * 1024 * 1024;

const placeSchema = z.object({ file: z.string(), offset: z.int().min(0), row: z.int().positive() });
type PagePlace = z.infer<typeof placeSchema>;

/** The file that a document shows, and the row of its first line: the file itself, or one page of it. Null for other documents. */
export function shownFile(uri: vscode.Uri): { readonly file: string; readonly firstRow: number } | null {
  if (uri.scheme === 'file') return { file: uri.fsPath, firstRow: 1 };
  if (uri.scheme !== PAGE_SCHEME) return null;
  const { file, row } = placeOf(uri);
  return { file, firstRow: row };
}

function placeOf(uri: vscode.Uri): PagePlace {
  return placeSchema.parse(JSON.parse(uri.query));
}

/** Shows the page that begins with the post. */
export async function openPage(post: PostPlaceToOpen): Promise<void> {
  const isJson = /\.json$/i.test(post.file);
  const offset = (isJson ? await offsetOfPid(post.file, post.pid, SMPD_PID_KEYS) : await offsetOfRow(post.file, post.row)) ?? 0;
  const place: PagePlace = { file: post.file, offset, row: offset === 0 ? 1 : post.row };
  const uri = vscode.Uri.from({ scheme: PAGE_SCHEME, path: `/${basename(post.file)} (${post.pid}).txt`, query: JSON.stringify(place) });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}

export class PagedFiles implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(PAGE_SCHEME, this);

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { file, offset } = placeOf(uri);
    const text = (await bytesAt(file, offset, WINDOW_LENGTH)).toString('utf8');
    return /\.json$/i.test(file) ? recordLines(text) : wholeLines(text);
  }

  dispose(): void {
    this.#registration.dispose();
  }
}

/** Whole records, each on a line of its own. */
function recordLines(text: string): string {
  const whole = text.slice(0, text.lastIndexOf('}') + 1);
  return whole.replace(/\},\s*\{/g, '},\n{');
}

function wholeLines(text: string): string {
  const end = text.lastIndexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** Offers to open a post where the active tab shows a file of posts that the editor keeps from extensions. */
export class LargeFileHint implements vscode.Disposable {
  readonly #isPostFile: (path: string) => Promise<boolean>;
  readonly #item: vscode.StatusBarItem;
  readonly #disposables: vscode.Disposable[];
  #looks = 0;

  constructor(isPostFile: (path: string) => Promise<boolean>) {
    this.#isPostFile = isPostFile;
    this.#item = vscode.window.createStatusBarItem('smpCurator.openPost', vscode.StatusBarAlignment.Right, 40);
    this.#item.name = vscode.l10n.t('Open Post…');
    this.#item.text = `$(search) ${vscode.l10n.t('Open Post…')}`;
    this.#item.tooltip = vscode.l10n.t('This file is too large for hovers. Search for a post and open the page that begins with it.');
    this.#item.command = 'smpCurator.searchPosts';
    const look = (): void => void this.#look();
    this.#disposables = [this.#item, vscode.window.tabGroups.onDidChangeTabs(look), vscode.window.tabGroups.onDidChangeTabGroups(look), vscode.window.onDidChangeActiveTextEditor(look)];
    look();
  }

  async #look(): Promise<void> {
    const turn = ++this.#looks;
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    const offers = input instanceof vscode.TabInputText && input.uri.scheme === 'file' && await this.#isTooLarge(input.uri);
    if (turn !== this.#looks) return; // another tab has come forward meanwhile
    if (offers) this.#item.show();
    else this.#item.hide();
  }

  async #isTooLarge(uri: vscode.Uri): Promise<boolean> {
    const size = await vscode.workspace.fs.stat(uri).then((stat) => stat.size, () => 0);
    return size > LARGEST_SYNCED && this.#isPostFile(uri.fsPath);
  }

  dispose(): void {
    vscode.Disposable.from(...this.#disposables).dispose();
  }
}

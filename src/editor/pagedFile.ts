// A read-only page of a file that is too large for the editor to hand to extensions (50 MB): the records from one post on,
// a record a line, in which hovers work.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { SMPD_PID_KEYS } from '../protocol/postCard.ts';
import { pageAt, pageBefore, pageBehind } from './filePages.ts';
import { tell } from './notify.ts';
import { offsetOfPid, offsetOfRow } from './recordOffset.ts';
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
  await showPage({ file: post.file, offset, row: offset === 0 ? 1 : post.row }, post.pid);
}

async function showPage(place: PagePlace, name: string): Promise<void> {
  const uri = vscode.Uri.from({ scheme: PAGE_SCHEME, path: `/${basename(place.file)} (${name}).txt`, query: JSON.stringify(place) });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}

/** Shows the page behind or before the one in the active editor, in its place. @throws {UserError} `no-page` */
export async function turnPage(to: 'next' | 'previous'): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri;
  if (uri?.scheme !== PAGE_SCHEME) throw new UserError('no-page', vscode.l10n.t('The active editor shows no page of a large file.'), vscode.l10n.t('Search for a post of the file first.'));
  const { file, offset, row } = placeOf(uri);
  const shown = await pageAt(file, offset);
  const page = to === 'next' ? await pageBehind(file, shown) : await pageBefore(file, offset);
  if (page === null) return void tell(to === 'next' ? vscode.l10n.t('This is the last page.') : vscode.l10n.t('This is the first page.'));
  const rowOfPage = page.begin === 0 ? 1 : Math.max(1, to === 'next' ? row + shown.records : row - page.records);
  const share = Math.floor((100 * page.begin) / (await vscode.workspace.fs.stat(vscode.Uri.file(file))).size);
  await showPage({ file, offset: page.begin, row: rowOfPage }, `${share} %`);
}

export class PagedFiles implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(PAGE_SCHEME, this);

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { file, offset } = placeOf(uri);
    return (await pageAt(file, offset)).text;
  }

  dispose(): void {
    this.#registration.dispose();
  }
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

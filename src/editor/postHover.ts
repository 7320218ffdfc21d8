// Hovers over posts: find the record, look its post up, draw the card. Never waits for a model, never touches the network.
import { dirname, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { Hundredths } from '../domain/posts.ts';
import type { Log } from '../protocol/progress.ts';
import type { PostCard } from '../protocol/postCard.ts';
import { findPicture, missingPictureText } from './cardPicture.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { CARD_COMMANDS, renderHoverCard, type CardPicture } from './hoverCard.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { PAGE_SCHEME } from './pagedFile.ts';
import { locatePost } from './postLocator.ts';
import type { ThemeKind } from './scoreCurve.ts';

const PERCENTILE_PATIENCE = 300; // milliseconds; the card shows without the percentile rather than late

export const POST_FILES: vscode.DocumentSelector = [{ scheme: 'file', pattern: '**/*.{json,jsonl,ndjson,csv,tsv,txt}' }, { scheme: PAGE_SCHEME }];

export class PostHover implements vscode.HoverProvider {
  readonly #folders: CurationFolders;
  readonly #model: PipelineModel;
  readonly #log: Log;

  constructor(folders: CurationFolders, model: PipelineModel, log: Log) {
    this.#folders = folders;
    this.#model = model;
    this.#log = log;
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | null> {
    try {
      const located = await locatePost(this.#folders, document, position);
      if (located === null) return null;
      const { card, folder, cards, range } = located;
      const [picture, percentileOf] = await Promise.all([findPicture(card), within(PERCENTILE_PATIENCE, folder.percentileOf(card.source, cards))]);
      return new vscode.Hover(this.#markdown(card, folder, picture, percentileOf), range);
    } catch (error) {
      this.#log.error('A hover failed.', error); // a hover is not asked for by name: nothing pops up
      return null;
    }
  }

  #markdown(card: PostCard, folder: CurationFolder, found: Awaited<ReturnType<typeof findPicture>>, percentileOf: ((score: Hundredths) => number | null) | null): vscode.MarkdownString {
    const markdown = new vscode.MarkdownString('', true);
    markdown.supportHtml = true;
    markdown.isTrusted = { enabledCommands: [...CARD_COMMANDS] };
    // An image's address is resolved against this, which is how it reaches a remote window too.
    if (found !== null && 'file' in found) markdown.baseUri = vscode.Uri.file(`${dirname(found.file)}${sep}`);
    markdown.value = renderHoverCard(card, {
      folder: folder.uri.fsPath, theme: themeKind(vscode.window.activeColorTheme.kind), now: Date.now() / 1000, percentileOf, picture: cardPicture(found),
      hasReport: folder === this.#model.folder && this.#model.sources.some((source) => source.source === card.source && source.headline !== null),
      translate: (message, ...args) => vscode.l10n.t(message, ...args),
    });
    return markdown;
  }
}

function cardPicture(found: Awaited<ReturnType<typeof findPicture>>): CardPicture {
  if (found === null) return null;
  return 'file' in found ? { address: encodeURIComponent(relative(dirname(found.file), found.file)) } : { missing: missingPictureText(found.missing, (message) => vscode.l10n.t(message)) };
}

function themeKind(kind: vscode.ColorThemeKind): ThemeKind {
  switch (kind) {
    case vscode.ColorThemeKind.Light: return 'light';
    case vscode.ColorThemeKind.Dark: return 'dark';
    case vscode.ColorThemeKind.HighContrast: return 'high-contrast';
    case vscode.ColorThemeKind.HighContrastLight: return 'high-contrast-light';
  }
}

/** The value, or null when it is late or fails: what a card can do without. */
function within<Value>(milliseconds: number, value: Promise<Value>): Promise<Value | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), milliseconds);
    value.then((result) => resolve(result), () => resolve(null)).finally(() => clearTimeout(timer));
  });
}

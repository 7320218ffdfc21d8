// The Posts view: one panel a folder. It hands the page's questions to the live worker and keeps nothing but what can be
// taken back; the page comes back after a reload by what it kept itself.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { EVERY_POST, keptPostsSchema, POSTS_VIEW, type ChangedPost, type PostPicture, type PostsNotice, type PostsQuery, type PostsView } from '../protocol/postsView.ts';
import { serveRequests, type Handlers, type Port } from '../protocol/requestChannel.ts';
import { findPicture, missingPictureText } from './cardPicture.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { openPost } from './openPost.ts';
import type { PostCommands } from './postCommands.ts';
import { postsTexts } from './postsTexts.ts';
import { currentExperiment } from './settingsReader.ts';

const POSTS_PANEL = 'smpCurator.posts';
const CHANGE_PAUSE = 500; // milliseconds: a store that is written all the time is read anew twice a second at most

export interface PostsPanelsOptions {
  readonly folders: CurationFolders;
  readonly decisions: Pick<PostCommands, 'decide'>;
  readonly webview: vscode.Uri; // folder of the page's script and style sheet
  readonly picturesFolder: (storeFolder: string) => string; // of fetched pictures
  readonly log: vscode.LogOutputChannel;
}

export class PostsPanels implements vscode.WebviewPanelSerializer, vscode.Disposable {
  readonly #to: PostsPanelsOptions;
  readonly #open = new Map<string, PostsPanel>(); // by the folder's path
  readonly #registration: vscode.Disposable;

  constructor(options: PostsPanelsOptions) {
    this.#to = options;
    this.#registration = vscode.window.registerWebviewPanelSerializer(POSTS_PANEL, this);
  }

  /** Shows the posts of a folder, only those of a query when it is given. */
  async show(folder: CurationFolder, query?: Partial<PostsQuery>): Promise<void> {
    const open = this.#open.get(folder.uri.fsPath);
    if (open !== undefined) return open.reveal(query);
    const panel = vscode.window.createWebviewPanel(POSTS_PANEL, vscode.l10n.t('Posts'), vscode.ViewColumn.Active);
    await this.#attach(panel, folder, query);
  }

  /** The editor was reloaded: the page's own state says which folder it showed. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const kept = keptPostsSchema.safeParse(state);
    const folder = kept.success ? this.#to.folders.all.find((candidate) => candidate.uri.fsPath === kept.data.folder) : this.#to.folders.current;
    if (folder === undefined || this.#open.has(folder.uri.fsPath)) panel.dispose(); // of a folder that is not open any more
    else await this.#attach(panel, folder);
  }

  async #attach(panel: vscode.WebviewPanel, folder: CurationFolder, query?: Partial<PostsQuery>): Promise<void> {
    const path = folder.uri.fsPath;
    const shown = new PostsPanel(panel, folder, this.#to);
    this.#open.set(path, shown);
    panel.onDidDispose(() => this.#open.delete(path));
    await shown.load(query);
  }

  dispose(): void {
    this.#registration.dispose();
    for (const panel of this.#open.values()) panel.dispose();
  }
}

/** A decision that can be taken back. */
interface Done {
  readonly kind: 'post-excluded' | 'post-restored';
  readonly changed: readonly ChangedPost[];
}

class PostsPanel {
  readonly #panel: vscode.WebviewPanel;
  readonly #folder: CurationFolder;
  readonly #to: PostsPanelsOptions;
  readonly #done: Done[] = [];
  readonly #disposables: vscode.Disposable[] = [];
  #asked: PostsQuery | undefined; // before the page was there to be told
  #timer: NodeJS.Timeout | undefined;
  #allowed = ''; // the sources' roots whose pictures the page may show
  #isClosed = false;

  constructor(panel: vscode.WebviewPanel, folder: CurationFolder, options: PostsPanelsOptions) {
    this.#panel = panel;
    this.#folder = folder;
    this.#to = options;
    panel.iconPath = new vscode.ThemeIcon('table');
    if (options.folders.all.length > 1) panel.title = vscode.l10n.t('Posts of {0}', folder.name);
    const listeners: ((message: unknown) => void)[] = [];
    const port: Port = { postMessage: (message) => void panel.webview.postMessage(message), on: (_event, listener) => listeners.push(listener) };
    this.#disposables.push(
      panel.webview.onDidReceiveMessage((message: unknown) => listeners.forEach((listener) => listener(message))),
      folder.onDidChangeStore(() => this.#changed()),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration('smpCurator', folder.uri) && this.#changed()),
    );
    panel.onDidDispose(() => {
      this.#isClosed = true;
      clearTimeout(this.#timer);
      for (const disposable of this.#disposables) disposable.dispose();
    });
    serveRequests<PostsView>(port, POSTS_VIEW, this.#handlers());
  }

  /** Pictures lie below the sources' folders, fetched ones in the store's; nothing else of the disk can be shown. */
  async load(query: Partial<PostsQuery> | undefined): Promise<void> {
    if (query !== undefined) this.#asked = { ...EVERY_POST, ...query };
    if (existsSync(this.#folder.storeFile)) this.#warmUp();
    const roots = await this.#sourceRoots().catch(() => []); // without a store that can be read the page says what is wrong
    if (this.#isClosed) return;
    const { webview } = this.#panel;
    this.#allow(roots);
    webview.html = pageOf(webview, this.#to.webview);
  }

  #allow(sourceRoots: readonly vscode.Uri[]): void {
    this.#panel.webview.options = { enableScripts: true, localResourceRoots: [this.#to.webview, vscode.Uri.file(this.#to.picturesFolder(this.#folder.storeFolder)), ...sourceRoots] };
    this.#allowed = sourceRoots.join('\n');
  }

  /** Sources that came after the panel was opened show their pictures too. New options load the page anew, so they are set only when they differ. */
  async #allowNewRoots(): Promise<void> {
    const roots = await this.#sourceRoots().catch(() => null);
    if (roots !== null && !this.#isClosed && roots.join('\n') !== this.#allowed) this.#allow(roots);
  }

  /** Posts are read into memory while the page itself is loaded. What goes wrong is said when the page asks. */
  #warmUp(): void {
    const request = { query: EVERY_POST, place: { kind: 'first' }, size: 1, experiment: currentExperiment(this.#folder.uri) } as const;
    void this.#folder.live.request('postsPage', request).catch(() => undefined);
  }

  reveal(query: Partial<PostsQuery> | undefined): void {
    const wasThere = this.#panel.visible; // a page behind another tab is gone and starts anew
    this.#panel.reveal();
    if (query === undefined) return;
    const asked = { ...EVERY_POST, ...query };
    if (wasThere) this.#tell({ type: 'notice', notice: 'show', query: asked });
    else this.#asked = asked;
  }

  dispose(): void {
    this.#panel.dispose();
  }

  async #sourceRoots(): Promise<vscode.Uri[]> {
    if (!existsSync(this.#folder.storeFile)) return [];
    return (await this.#folder.live.request('sourceRoots', {})).map((root) => vscode.Uri.file(root));
  }

  #tell(notice: PostsNotice): void {
    if (!this.#isClosed) void this.#panel.webview.postMessage(notice);
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#allowNewRoots().then(() => this.#tell({ type: 'notice', notice: 'changed' }));
    }, CHANGE_PAUSE);
  }

  #handlers(): Handlers<PostsView> {
    const { live, uri } = this.#folder;
    const experiment = () => currentExperiment(uri);
    return {
      start: () => this.#shown(async () => {
        if (this.#asked !== undefined) this.#tell({ type: 'notice', notice: 'show', query: this.#asked });
        this.#asked = undefined;
        return { folder: uri.fsPath, hasPosts: (await this.#sourceRoots()).length > 0, texts: postsTexts((message) => vscode.l10n.t(message)), locale: vscode.env.language };
      }),
      page: (request, signal) => this.#shown(() => live.request('postsPage', { ...request, experiment: experiment() }, { signal })),
      overview: (request, signal) => this.#shown(() => live.request('postsOverview', { ...request, experiment: experiment() }, { signal })),
      details: ({ post }, signal) => this.#shown(async () => {
        const details = await live.request('postDetails', { post, experiment: experiment() }, { signal });
        return { details, picture: details === null ? null : await this.#picture(details) };
      }),
      decide: ({ kind, posts, askReason }) => this.#shown(async () => {
        const reason = askReason ? await askForReason(posts.length) : '';
        if (reason === undefined) return null;
        return this.#decide(kind, posts, reason);
      }),
      undo: () => this.#shown(async () => {
        const last = this.#done.pop();
        if (last === undefined) return null;
        await this.#takeBack(last);
        return { kind: last.kind, posts: last.changed.length };
      }),
      open: (place) => this.#shown(async () => {
        await openPost(place);
        return null;
      }),
      copy: ({ text }) => this.#shown(async () => {
        await vscode.env.clipboard.writeText(text);
        return null;
      }),
      predict: ({ post }) => this.#shown(async () => {
        await vscode.commands.executeCommand('smpCurator.predictThisPost', { ...post, folder: uri.fsPath });
        return null;
      }),
      index: () => this.#shown(async () => {
        await vscode.commands.executeCommand('smpCurator.index');
        return null;
      }),
      showLog: () => {
        this.#to.log.show();
        return null;
      },
    };
  }

  /** A failure goes to the page, which says it in its place; a bug goes to the log as well. */
  async #shown<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UserError) this.#to.log.warn(`${error.code}: ${error.message}`);
      else if (!(error instanceof Error && error.name === 'AbortError')) this.#to.log.error(error instanceof Error ? error : String(error));
      throw error;
    }
  }

  async #decide(kind: Done['kind'], posts: readonly { source: string; pid: string }[], reason: string): Promise<number> {
    const changed = await this.#to.decisions.decide(this.#folder, kind, posts, reason);
    if (changed.length > 0) this.#done.push({ kind, changed });
    return changed.length;
  }

  /** Posts that had been taken back are left out again, each for the reason that it carried. */
  async #takeBack({ kind, changed }: Done): Promise<void> {
    if (kind === 'post-excluded') await this.#to.decisions.decide(this.#folder, 'post-restored', changed, '');
    else for (const reason of new Set(changed.map((post) => post.reason))) await this.#to.decisions.decide(this.#folder, 'post-excluded', changed.filter((post) => post.reason === reason), reason);
  }

  async #picture(details: { readonly root: string; readonly imagePath: string | null }): Promise<PostPicture> {
    const found = await findPicture(details);
    if (found === null) return null;
    if ('missing' in found) return { missing: missingPictureText(found.missing, (message) => vscode.l10n.t(message)) };
    return { address: this.#panel.webview.asWebviewUri(vscode.Uri.file(found.file)).toString() };
  }
}

function askForReason(posts: number): Thenable<string | undefined> {
  return vscode.window.showInputBox({ title: vscode.l10n.t('Exclude {0} posts', posts.toLocaleString('en-US')), prompt: vscode.l10n.t('Why? (may stay empty)') });
}

/** The page, whose nonce the toolkit reads for a rule of its own: nothing runs but the one script, nothing is loaded but what the editor serves, no markup but this. */
function pageOf(webview: vscode.Webview, folder: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64url');
  const address = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  return `<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource} 'nonce-${nonce}'; img-src ${webview.cspSource};">
<meta property="csp-nonce" content="${nonce}">
<link rel="stylesheet" href="${address('posts-style.css')}">
</head>
<body><script type="module" nonce="${nonce}" src="${address('posts.js')}"></script></body>
</html>`;
}

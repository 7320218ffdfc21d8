// What a person does with one post: find it, predict it, leave it out, put it back.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import { formatHundredths, type PostKey } from '../domain/posts.ts';
import { predictRequest } from '../protocol/stageRequests.ts';
import type { ModelRole } from '../protocol/stages.ts';
import type { ChangedPost } from '../protocol/postsView.ts';
import type { PostHit } from '../protocol/workerRpc.ts';
import { choose, goToFolderOf, postKeyOf, requireFolder } from './askFor.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { tell } from './notify.ts';
import { openPost } from './openPost.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { plainMessage } from './plainMessage.ts';
import { locatePost } from './postLocator.ts';
import { presentError } from './presentError.ts';
import { readSettings } from './settingsReader.ts';
import { madeRoles, type StageCommands } from './stageCommands.ts';

const TYPING_PAUSE = 150; // milliseconds before a search is sent
const SHOWN = 50; // posts in the list
const AUTHOR_KEY = 'author';

interface HitItem extends vscode.QuickPickItem {
  readonly hit: PostHit;
}

export interface PostCommandsOptions {
  readonly folders: CurationFolders;
  readonly model: PipelineModel;
  readonly stages: StageCommands;
  readonly memory: vscode.Memento; // of all workspaces: who decides
  readonly log: vscode.LogOutputChannel;
}

export class PostCommands {
  readonly #to: PostCommandsOptions;

  constructor(options: PostCommandsOptions) {
    this.#to = options;
  }

  async search(argument?: unknown): Promise<void> {
    await goToFolderOf(this.#to.model, argument);
    const folder = requireFolder(this.#to.model);
    const text = typeof argument === 'object' && argument !== null && 'text' in argument ? argument.text : argument;
    const hit = await this.#pick(folder, vscode.l10n.t('Search Posts'), typeof text === 'string' ? text : '');
    await openPost(hit);
  }

  async predict(argument?: unknown): Promise<void> {
    const { folder, key } = await this.#post(argument, vscode.l10n.t('Predict which post?'));
    const settings = readSettings(folder.uri);
    await this.#to.model.goTo(folder.uri.fsPath);
    const source = this.#to.model.sources.find((candidate) => candidate.source === key.source);
    const role = (source === undefined ? [] : madeRoles(source)).at(-1) ?? 'base';
    await this.#to.stages.runStage(folder, 'predict', key.source, vscode.l10n.t('Predicting post {0}', key.pid), predictRequest(key.source, settings, [role], { pids: [key.pid] }), settings);
    await this.#tellPrediction(folder, key, role);
  }

  async #tellPrediction(folder: CurationFolder, key: PostKey, role: ModelRole): Promise<void> {
    const card = (await folder.cards())?.byKey(key, role);
    const prediction = card?.prediction ?? null;
    if (!card || prediction === null) throw new Error(`Post ${key.pid} of ${key.source} was predicted, but the store holds no prediction.`);
    const title = card.title === '' ? key.pid : card.title.slice(0, 60);
    const told = prediction.value === null
      ? vscode.l10n.t('{0}: {1} answered “{2}”, which is no number.', title, prediction.model, prediction.text.slice(0, 60))
      : prediction.low80 === null || prediction.high80 === null
        ? vscode.l10n.t('{0}: predicted {1} by {2}.', title, formatHundredths(prediction.value), prediction.model)
        : vscode.l10n.t('{0}: predicted {1}, 80 % interval {2} – {3}, by {4}.', title, formatHundredths(prediction.value), formatHundredths(prediction.low80), formatHundredths(prediction.high80), prediction.model);
    this.#to.log.info(told);
    void tell(told);
  }

  async exclude(argument?: unknown): Promise<void> {
    const { folder, key } = await this.#post(argument, vscode.l10n.t('Exclude which post?'));
    const reason = await vscode.window.showInputBox({ title: vscode.l10n.t('Exclude post {0}', plainMessage(key.pid, 80)), prompt: vscode.l10n.t('Why? (may stay empty)') });
    if (reason === undefined) return;
    await this.#decide(folder, 'post-excluded', key, reason);
    const undo = vscode.l10n.t('Undo');
    void tell(vscode.l10n.t('Post {0} is left out of every stage from now on.', key.pid), undo).then(async (chosen) => {
      if (chosen === undo) await this.#decide(folder, 'post-restored', key, '').catch((error: unknown) => presentError(error, this.#to.log));
    });
  }

  async restore(argument?: unknown): Promise<void> {
    await goToFolderOf(this.#to.model, argument);
    const folder = requireFolder(this.#to.model);
    const named = postKeyOf(argument);
    const key = named === null ? await this.#chooseExcluded(folder) : { source: named.source, pid: named.pid };
    if (key === null) return;
    await this.#decide(folder, 'post-restored', key, '');
    void tell(vscode.l10n.t('Post {0} is back.', key.pid));
  }

  async #chooseExcluded(folder: CurationFolder): Promise<PostKey | null> {
    const excluded = await folder.live.request('excludedPosts', { limit: 1000 });
    if (excluded.length === 0) {
      void tell(vscode.l10n.t('No post is excluded.'));
      return null;
    }
    return choose(vscode.l10n.t('Put back which post?'), excluded.map((hit) => ({ ...hitItem(hit), value: { source: hit.source, pid: hit.pid } })));
  }

  async #decide(folder: CurationFolder, kind: 'post-excluded' | 'post-restored', key: PostKey, reason: string): Promise<void> {
    await folder.live.request('decideOnPost', { kind, ...key, reason, author: await this.#author() });
    await this.#to.model.refresh();
  }

  /** The same decision on many posts, committed when this resolves; names those that it changed. */
  async decide(folder: CurationFolder, kind: 'post-excluded' | 'post-restored', posts: readonly PostKey[], reason: string): Promise<ChangedPost[]> {
    const keys = posts.map(({ source, pid }) => ({ source, pid }));
    const changed = await folder.live.request('decideOnPosts', { kind, posts: keys, reason, author: await this.#author() });
    void this.#to.model.refresh();
    return changed;
  }

  /** Asked once; git's user.name is offered. */
  async #author(): Promise<string> {
    const known = this.#to.memory.get<string>(AUTHOR_KEY);
    if (known !== undefined) return known;
    const git = await promisify(execFile)('git', ['config', 'user.name']).then(({ stdout }) => stdout.trim(), () => '');
    const author = await vscode.window.showInputBox({ title: vscode.l10n.t('Who decides?'), prompt: vscode.l10n.t('Your decisions carry this name. Asked once.'), value: git });
    if (author === undefined || author.trim() === '') throw new UserError('no-author', vscode.l10n.t('A decision needs a name.'), vscode.l10n.t('Try again and enter one.'));
    await this.#to.memory.update(AUTHOR_KEY, author.trim());
    return author.trim();
  }

  /** The post of the argument, the one under the cursor, or the one a person searches for. */
  async #post(argument: unknown, title: string): Promise<{ folder: CurationFolder; key: PostKey }> {
    const named = postKeyOf(argument);
    if (named !== null) {
      const key = { source: named.source, pid: named.pid };
      for (const folder of [this.#to.model.folder, ...this.#to.folders.all]) {
        if (folder === undefined || (named.folder !== null && folder.uri.fsPath !== named.folder)) continue;
        if ((await folder.cards())?.byKey(key)) return { folder, key };
      }
      throw new UserError('post-unknown', vscode.l10n.t('There is no post {0} of {1} in the stores of this window.', named.pid, named.source), vscode.l10n.t('Index its data set first.'));
    }
    const editor = vscode.window.activeTextEditor;
    const located = editor === undefined ? null : await locatePost(this.#to.folders, editor.document, editor.selection.active);
    if (located !== null) return { folder: located.folder, key: { source: located.card.source, pid: located.card.pid } };
    const folder = requireFolder(this.#to.model);
    const hit = await this.#pick(folder, title, '');
    return { folder, key: { source: hit.source, pid: hit.pid } };
  }

  /** A list that searches while a person types. Rejects with a cancellation when it is left. */
  async #pick(folder: CurationFolder, title: string, text: string): Promise<PostHit> {
    const list = vscode.window.createQuickPick<HitItem>();
    list.title = title;
    list.placeholder = vscode.l10n.t('Words of title, tags or caption, or a post’s id');
    list.value = text;
    let timer: NodeJS.Timeout | undefined;
    let asked = 0;
    const search = async (): Promise<void> => {
      const turn = ++asked;
      list.busy = true;
      try {
        const hits = list.value.trim() === '' ? [] : await folder.live.request('searchPosts', { text: list.value.slice(0, 200), limit: SHOWN });
        if (turn === asked) list.items = hits.map(hitItem);
      } catch (error) {
        void presentError(error, this.#to.log);
      } finally {
        if (turn === asked) list.busy = false;
      }
    };
    list.onDidChangeValue(() => {
      clearTimeout(timer);
      timer = setTimeout(() => void search(), TYPING_PAUSE);
    });
    try {
      const picked = new Promise<HitItem | undefined>((resolve) => {
        list.onDidAccept(() => list.selectedItems[0] !== undefined && resolve(list.selectedItems[0]));
        list.onDidHide(() => resolve(undefined));
      });
      list.show();
      void search();
      const item = await picked;
      if (item === undefined) throw new vscode.CancellationError();
      return item.hit;
    } finally {
      clearTimeout(timer);
      list.dispose();
    }
  }
}

function hitItem(hit: PostHit): HitItem {
  return { label: plainMessage(hit.title === '' ? hit.pid : hit.title, 200), description: plainMessage(`${hit.pid} · ${hit.uid} · ${hit.source}`, 200), detail: plainMessage(hit.snippet, 200), alwaysShow: true, hit };
}

// Fetching the pictures of posts that name only an address: asked first, with how much it is and of whom; and the list of
// addresses that turned out to be dead.
import * as vscode from 'vscode';
import { byteCount } from '../protocol/byteCount.ts';
import type { PictureFetchPlan } from '../protocol/pictureFetch.ts';
import type { SourceStatus } from '../protocol/pipelineStatus.ts';
import { fetchPicturesRequest } from '../protocol/stageRequests.ts';
import { choose, chooseSource, type SourceTarget } from './askFor.ts';
import type { CurationFolder } from './curationFolder.ts';
import { ask, tell } from './notify.ts';
import { openPost } from './openPost.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { readSettings } from './settingsReader.ts';
import type { StageCommands } from './stageCommands.ts';

const DEAD_SHOWN = 1000;
const HOSTS_SHOWN = 4;

export class PictureCommands {
  readonly #model: PipelineModel;
  readonly #stages: StageCommands;
  readonly #log: vscode.LogOutputChannel;

  constructor(model: PipelineModel, stages: StageCommands, log: vscode.LogOutputChannel) {
    this.#model = model;
    this.#stages = stages;
    this.#log = log;
  }

  async fetch(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Fetch the pictures of which source?'));
    await this.#fetch(folder, source, false);
  }

  async #fetch(folder: CurationFolder, source: SourceStatus, retryDead: boolean): Promise<void> {
    const settings = readSettings(folder.uri);
    const request = fetchPicturesRequest(source.source, settings, retryDead, null);
    const { requestsPerSecond } = request;
    const plan = await folder.bulk.request('planPictureFetch', { source: source.source, retryDead, requestsPerSecond });
    if (plan.wanted === 0) return this.#tellNothing(folder, source, plan);
    const fetch = vscode.l10n.t('Fetch');
    const answer = await ask(vscode.l10n.t('Fetch {0} pictures of {1}?', count(plan.wanted), source.source), planLines(plan, requestsPerSecond).join('\n'), fetch);
    if (answer !== fetch) return;
    const result = await this.#stages.runStage(folder, 'fetchPictures', source.source, vscode.l10n.t('Fetching pictures of {0}', source.source), request, settings);
    this.#log.info(result.summary);
    const showDead = vscode.l10n.t('Show Dead Pages'), indexAgain = vscode.l10n.t('Index Again');
    const buttons = [...(Number(result.counts['returning'] ?? 0) > 0 ? [indexAgain] : []), ...(Number(result.counts['dead'] ?? 0) > 0 ? [showDead] : [])];
    void tell(result.summary, ...buttons).then((chosen) => {
      const target: SourceTarget = { folder: folder.uri.fsPath, source: source.source };
      if (chosen === showDead) void vscode.commands.executeCommand('smpCurator.showDeadPictures', target);
      else if (chosen === indexAgain) void vscode.commands.executeCommand('smpCurator.runEntry', { source: source.source, entry: 'index' });
    });
  }

  /** Dead addresses are asked again only here, on request. */
  async #tellNothing(folder: CurationFolder, source: SourceStatus, plan: PictureFetchPlan): Promise<void> {
    if (plan.dead === 0) {
      void tell(plan.fetched > 0 ? vscode.l10n.t('All {0} pictures of {1} are fetched.', count(plan.fetched), source.source) : vscode.l10n.t('No post of {0} needs its picture fetched: either it is there, or no address is named.', source.source));
      return;
    }
    const again = vscode.l10n.t('Ask Them Again'), show = vscode.l10n.t('Show Dead Pages');
    const chosen = await tell(vscode.l10n.t('What could be fetched of {0} is fetched: {1} pictures. {2} pages are dead.', source.source, count(plan.fetched), count(plan.dead)), show, again);
    if (chosen === again) await this.#fetch(folder, source, true);
    else if (chosen === show) await this.deadPages({ folder: folder.uri.fsPath, source: source.source } satisfies SourceTarget);
  }

  async deadPages(argument?: unknown): Promise<void> {
    const { folder, source } = await chooseSource(this.#model, argument, vscode.l10n.t('Dead pages of which source?'));
    const dead = await folder.live.request('deadPictures', { source: source.source, limit: DEAD_SHOWN });
    if (dead.length === 0) {
      void tell(vscode.l10n.t('No address of a picture of {0} was found dead.', source.source));
      return;
    }
    const post = await choose(vscode.l10n.t('Dead pages of {0}', source.source), dead.map((hit) => ({
      label: vscode.l10n.t('post {0}', hit.pid), description: hit.reason, detail: `${hit.url.slice(0, 200)} · ${new Date(hit.triedAt * 1000).toLocaleDateString()}`, value: hit,
    })));
    await openPost(post);
  }
}

function planLines(plan: PictureFetchPlan, requestsPerSecond: number): string[] {
  const hosts = plan.hosts.slice(0, HOSTS_SHOWN).map(({ host, pictures }) => `${host} (${count(pictures)})`).join(', ');
  const others = plan.hosts.length - HOSTS_SHOWN;
  return [
    others > 0 ? vscode.l10n.t('From {0} and {1} more servers.', hosts, count(others)) : vscode.l10n.t('From {0}.', hosts),
    vscode.l10n.t('At {0} requests a second to each server it takes at least {1}, and some {2} of disk.', requestsPerSecond, longTime(plan.secondsAtLeast), byteCount(plan.bytesAbout)),
    vscode.l10n.t('You can cancel at any time; the next start goes on from there. Other stages of this window wait meanwhile: for days of fetching use a terminal (smp fetch-pictures).'),
    '',
    vscode.l10n.t('Pictures belong to their authors. Fetch and use them only as their licences and the terms of these sites allow.'),
    '',
    vscode.l10n.t('They go into {0}. Your data are never changed.', plan.folder),
  ];
}

function longTime(seconds: number): string {
  if (seconds < 90) return vscode.l10n.t('{0} seconds', Math.max(1, Math.round(seconds)));
  if (seconds < 5400) return vscode.l10n.t('{0} minutes', Math.round(seconds / 60));
  return seconds < 129_600 ? vscode.l10n.t('{0} hours', (seconds / 3600).toFixed(1)) : vscode.l10n.t('{0} days', (seconds / 86_400).toFixed(1));
}

const count = (value: number): string => value.toLocaleString('en-US');

// Stage `fetchPictures`: fetches the pictures of posts that name only an address, politely, into the store's folder (the data
// set itself is never written to). What became of each address is remembered at once, so a start after a cancel, a kill or
// a failure asks only for what is missing.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import { byteCount } from '../protocol/byteCount.ts';
import type { LongWork, Progress } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import { PictureClient, type FetchOutcome } from '../sources/pictureClient.ts';
import { PictureFolder } from '../sources/pictures.ts';
import { hostAndPort, parseAllowedHosts } from '../sources/publicAddress.ts';
import {
  countReturningPosts, countWantedPictures, forgetFetches, pageOfFetchedFiles, pageOfWantedPictures, picturesFolder, recordFetch, type FetchRecord, type WantedPicture,
} from '../store/fetchedPictures.ts';
import { requireFreeBytes } from '../store/freeSpace.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { prepareStoreFolder } from '../store/storeLocation.ts';
import { BYTES_EACH } from './planPictureFetch.ts';
import type { StageContext } from './stageContext.ts';

type FetchContext = Pick<StageContext, 'store' | 'log' | 'storeFolder' | 'now' | 'productVersion'>;

/** Pictures on their way at a time, of all servers together. Posts are taken in order: up to three slow servers hold nobody up. */
const AT_ONCE = 4;
/** Between two messages of progress, in milliseconds. */
const PROGRESS_INTERVAL = 250;
/** A server that answers so often without a picture will not have one. */
const ANSWERS_UNTIL_DEAD = 3;
/** Failures of the network in a row, of any servers, after which the network is taken to be down. */
const FAILURES_IN_A_ROW = 20;
const PAGE = 500;
const EXTENSIONS = { jpeg: 'jpg', png: 'png', gif: 'gif', webp: 'webp' } as const;
/** Holds what is on its way, one file for each of those at a time. */
const UNFINISHED = '.unfinished';

/**
 * @throws {UserError} `fetch-running`; `pictures-unreachable` when no server answered at all (nothing is marked dead then);
 *   `disk-too-full` before anything is asked, `picture-not-written` when the disk fills up
 */
export async function* fetchPictures(context: FetchContext, request: StageRequest<'fetchPictures'>, signal: AbortSignal): LongWork<StageResult> {
  const { store, log, storeFolder } = context;
  store.requireWritable();
  const source = requireSource(store, request.source);
  const lock = store.tryFetchLock();
  if (lock === null) throw new UserError('fetch-running', 'Pictures are being fetched into this store already.', 'Wait until that has ended, or cancel it.');
  try {
    prepareStoreFolder({ storeFolder });
    yield* forgetLostFiles(context, source, signal);
    const total = Math.min(countWantedPictures(store, source.id, request.retryDead), request.limit ?? Infinity);
    if (total === 0) return { summary: `${source.name}: no picture is to be fetched.`, counts: { fetched: 0 }, unchanged: true };
    requireFreeBytes(picturesFolder(storeFolder), total * BYTES_EACH, 'Fetching');
    const work = new FetchWork(context, source, request, total);
    try {
      yield* work.run(signal);
    } finally {
      work.close();
    }
    const result = work.result();
    for (const { host, reason } of work.client.pace.allGivenUp) log.warn(`${host} was given up for now: ${reason}.`);
    return result;
  } finally {
    lock.release();
  }
}

/** Pictures that somebody deleted are to be fetched again. */
async function* forgetLostFiles({ store, storeFolder }: FetchContext, source: Source, signal: AbortSignal): AsyncGenerator<Progress, void, void> {
  const folder = picturesFolder(storeFolder);
  let done = 0;
  for (let page = pageOfFetchedFiles(store, source.id, '', PAGE); page.length > 0; page = pageOfFetchedFiles(store, source.id, page.at(-1)!.pid, PAGE)) {
    forgetFetches(store, source.id, page.filter(({ file }) => !existsSync(join(folder, file))).map(({ pid }) => pid));
    done += page.length;
    yield { message: 'Looking at the pictures that are there', done, unit: 'pictures' };
    await setImmediate();
    signal.throwIfAborted();
  }
}

/** One start: takes posts in order, several at a time, until all are done or nothing answers any more. */
class FetchWork {
  readonly client: PictureClient;
  readonly #context: FetchContext;
  readonly #source: Source;
  readonly #request: StageRequest<'fetchPictures'>;
  readonly #total: number;
  readonly #folder: string; // pictures/ of the store's folder
  readonly #check: PictureFolder;
  readonly #broken = new AbortController(); // ends all that are on their way when one finds that going on is no use
  #page: WantedPicture[] = [];
  #afterId = 0;
  #taken = 0;
  #failuresInARow = 0;
  #lastFailure = '';
  readonly #counts = { fetched: 0, bytes: 0, found: 0, dead: 0, later: 0, left: 0 };

  constructor(context: FetchContext, source: Source, request: StageRequest<'fetchPictures'>, total: number) {
    this.#context = context;
    this.#source = source;
    this.#request = request;
    this.#total = total;
    this.#folder = picturesFolder(context.storeFolder);
    rmSync(this.#unfinished(), { recursive: true, force: true }); // of a start that was killed
    mkdirSync(this.#unfinished(), { recursive: true });
    this.#check = new PictureFolder(this.#folder);
    this.client = new PictureClient({
      userAgent: `SMPCurator/${context.productVersion} (research on posts' popularity; fetches each picture once, slowly)`,
      requestsPerSecond: request.requestsPerSecond, allowedHosts: parseAllowedHosts(request.allowHost),
    });
  }

  async *run(signal: AbortSignal): AsyncGenerator<Progress, void, void> {
    const either = AbortSignal.any([signal, this.#broken.signal]);
    const started = performance.now();
    let isDone = false;
    const workers = Array.from({ length: AT_ONCE }, (_, slot) => this.#work(slot, either).catch((error: unknown) => {
      if (!either.aborted) this.#broken.abort(error); // the first error is the one to tell, and ends the others
    }));
    const all = Promise.all(workers).then(() => (isDone = true));
    while (!isDone) {
      yield this.#progress((performance.now() - started) / 1000);
      await Promise.race([all, sleep(PROGRESS_INTERVAL, undefined, { signal: either }).catch(() => all)]);
    }
    signal.throwIfAborted();
    if (this.#broken.signal.aborted && this.#broken.signal.reason !== NETWORK_DOWN) throw this.#broken.signal.reason;
    this.#counts.left += this.#total - this.#taken;
  }

  #progress(seconds: number): Progress {
    const { fetched, found, dead, later, left } = this.#counts;
    const done = fetched + found + dead + later + left;
    const asked = fetched + dead + later;
    const rate = asked / seconds;
    const parts = [`${counted(fetched + found, 'picture', 'pictures')} fetched`, ...(dead > 0 ? [`${number(dead)} dead`] : []), ...(later > 0 ? [`${number(later)} to try again`] : []), ...(asked >= AT_ONCE ? [`${rate.toFixed(1)} a second`] : [])];
    return { message: parts.join(', '), done, total: this.#total, unit: 'addresses', ...(asked >= AT_ONCE ? { secondsLeft: Math.ceil((this.#total - done) / rate) } : {}) };
  }

  async #work(slot: number, signal: AbortSignal): Promise<void> {
    for (let wanted = this.#next(); wanted !== null; wanted = this.#next()) {
      signal.throwIfAborted();
      if (this.#isGivenUp(wanted.url)) {
        this.#counts.left++;
        if (this.#counts.left % PAGE === 0) await setImmediate();
      } else if (!this.#isThere(wanted)) {
        await this.#fetch(wanted, join(this.#unfinished(), String(slot)), signal);
      }
    }
  }

  #next(): WantedPicture | null {
    if (this.#taken >= this.#total) return null;
    if (this.#page.length === 0) {
      this.#page = pageOfWantedPictures(this.#context.store, this.#source.id, this.#request.retryDead, this.#afterId, PAGE);
      this.#afterId = this.#page.at(-1)?.id ?? this.#afterId;
    }
    const next = this.#page.shift() ?? null;
    if (next !== null) this.#taken++;
    return next;
  }

  #isGivenUp(address: string): boolean {
    const url = URL.parse(address);
    return url !== null && this.client.pace.givenUp(hostAndPort(url)) !== null;
  }

  /** A picture that came just before a kill, or before its source was removed and indexed again, is taken as it is. */
  #isThere(wanted: WantedPicture): boolean {
    for (const extension of Object.values(EXTENSIONS)) {
      const file = pictureFile(this.#source.name, wanted, extension);
      if (!existsSync(join(this.#folder, file)) || this.#check.check(file).fault !== null) continue;
      this.#record(wanted, { state: 'fetched', reason: '', status: null, file }, wanted.attempts);
      this.#counts.found++;
      return true;
    }
    return false;
  }

  async #fetch(wanted: WantedPicture, unfinished: string, signal: AbortSignal): Promise<void> {
    const outcome = await this.client.fetch(wanted.url, unfinished, signal);
    this.#watchNetwork(outcome);
    switch (outcome.kind) {
      case 'picture': {
        const file = pictureFile(this.#source.name, wanted, EXTENSIONS[outcome.format]);
        mkdirSync(join(this.#folder, file, '..'), { recursive: true });
        renameSync(unfinished, join(this.#folder, file));
        this.#record(wanted, { state: 'fetched', reason: '', status: null, file }, wanted.attempts);
        this.#counts.fetched++;
        this.#counts.bytes += outcome.size;
        break;
      }
      case 'dead': {
        this.#record(wanted, { state: 'dead', reason: outcome.reason, status: outcome.status, file: '' }, wanted.attempts + 1);
        this.#counts.dead++;
        break;
      }
      case 'later': {
        const attempts = wanted.attempts + (outcome.answered ? 1 : 0);
        const state = attempts >= ANSWERS_UNTIL_DEAD ? 'dead' : 'later';
        this.#record(wanted, { state, reason: outcome.reason, status: outcome.status, file: '' }, attempts);
        this.#counts[state]++;
      }
    }
  }

  /** Where nothing answers any more, asking for the other hundred thousand is no use. */
  #watchNetwork(outcome: FetchOutcome): void {
    if (outcome.kind !== 'later' || outcome.answered) {
      this.#failuresInARow = 0;
      return;
    }
    this.#lastFailure = outcome.reason;
    if (++this.#failuresInARow >= FAILURES_IN_A_ROW) this.#broken.abort(NETWORK_DOWN);
  }

  #record(wanted: WantedPicture, record: Omit<FetchRecord, 'pid' | 'url' | 'triedAt'>, attempts: number): void {
    recordFetch(this.#context.store, this.#source.id, { ...record, pid: wanted.pid, url: wanted.url, triedAt: this.#context.now() }, attempts);
  }

  /** @throws {UserError} `pictures-unreachable` */
  result(): StageResult {
    const { fetched, found, dead, later, left, bytes } = this.#counts;
    const givenUp = this.client.pace.allGivenUp.map(({ host, reason }) => `${host} ${reason}`).slice(0, 3).join('; ');
    if (fetched + found + dead === 0 && (this.#failuresInARow > 0 || givenUp !== '')) {
      throw new UserError('pictures-unreachable', `No picture could be fetched (${givenUp || this.#lastFailure}).`, 'Check the connection of this machine and start again later. No address was marked as dead.');
    }
    const returning = countReturningPosts(this.#context.store, this.#source.id);
    const parts = [
      `${counted(fetched + found, 'picture', 'pictures')} fetched${bytes > 0 ? ` (${byteCount(bytes)})` : ''}`, ...(dead > 0 ? [`${counted(dead, 'address', 'addresses')} dead`] : []),
      ...(later + left > 0 ? [`${number(later + left)} to be tried again${givenUp === '' ? '' : ` (${givenUp})`}`] : []),
    ];
    const hint = returning > 0 ? ` ${counted(returning, 'post that was left out has a picture now', 'posts that were left out have a picture now')}: index “${this.#source.name}” again to use ${returning === 1 ? 'it' : 'them'}.` : '';
    return { summary: `${this.#source.name}: ${parts.join(', ')}.${hint}`, counts: { fetched: fetched + found, dead, later: later + left, bytes, returning }, unchanged: false };
  }

  close(): void {
    this.client.close();
    rmSync(this.#unfinished(), { recursive: true, force: true });
  }

  #unfinished(): string {
    return join(this.#folder, this.#source.name, UNFINISHED);
  }
}

const NETWORK_DOWN = new Error('nothing answers any more');

/**
 * Where a post's picture lies below pictures/: named after the post and its address, so that another address is another file.
 * Ids come from anywhere: of theirs only letters, digits and a few marks stay, and the hash tells them apart.
 */
export function pictureFile(source: string, { pid, url }: { readonly pid: string; readonly url: string }, extension: string): string {
  const hash = createHash('sha256').update(JSON.stringify([source, pid, url])).digest('hex');
  const name = pid.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60);
  return `${source}/${hash.slice(0, 2)}/${name}-${hash.slice(2, 14)}.${extension}`;
}

const number = (value: number): string => value.toLocaleString('en');
const counted = (count: number, one: string, many: string): string => `${number(count)} ${count === 1 ? one : many}`;

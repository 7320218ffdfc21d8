// Fetches one picture from an address that a data set names: of the picture itself, or of a page that shows it. Nothing of
// what a server answers is trusted: addresses, redirects, sizes, kinds and times are checked, and what is kept is a picture.
//
// Node's own HTTP client: it takes a look-up function for each request, which is what keeps requests out of private networks.
import { open, type FileHandle } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { basename, dirname } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { pictureFormat, type PictureFormat } from '../domain/pictureFormats.ts';
import { HostPace } from './hostPace.ts';
import { PictureOfPage } from './pictureOfPage.ts';
import { PictureFolder } from './pictures.ts';
import { guardedLookup, hostAndPort, RefusedAddress, requireWebAddress, type AllowedHosts } from './publicAddress.ts';

/** What became of an address. */
export type FetchOutcome =
  | { readonly kind: 'picture'; readonly format: PictureFormat; readonly size: number } // bytes, written to the file that was named
  | { readonly kind: 'dead'; readonly reason: string; readonly status: number | null } // to ask again would answer the same
  /** Worth another try; `answered`: the server spoke, and something is wrong with this address rather than with the way to it. */
  | { readonly kind: 'later'; readonly reason: string; readonly status: number | null; readonly answered: boolean };

export interface PictureClientOptions {
  readonly userAgent: string;
  readonly requestsPerSecond: number; // to one host
  readonly allowedHosts: AllowedHosts;
  /** Waiting times in seconds; shorter ones are for tests. */
  readonly patience?: Partial<Patience>;
}

interface Patience {
  readonly silence: number; // of a server, while connecting or in the middle of an answer
  readonly whole: number; // for one request
  readonly backoff: number; // before a busy server that names no time is asked again; doubled each time
}

const PATIENCE: Patience = { silence: 30, whole: 180, backoff: 10 };
/** Tries of one request while its server says that it is busy. */
const TRIES = 3;
const MAX_REDIRECTS = 5;
const MAX_PICTURE_BYTES = 32 * 1024 * 1024;
/** What names a page's picture stands in its first kilobytes. */
const MAX_PAGE_BYTES = 1024 * 1024;
const HEAD_BYTES = 16;
const GONE = new Set([404, 410, 451]);
const BUSY = new Set([429, 503]);
/** What photo sites show in the place of a picture that was removed. */
const PLACEHOLDER = /\/photo_(?:unavailable|not_available)|\/(?:image|picture)[-_]?(?:removed|not[-_]?found|unavailable)\.\w+$/i;

/** Ends the work on one address with what became of it. */
class Verdict extends Error {
  readonly outcome: FetchOutcome;

  constructor(outcome: FetchOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

const dead = (reason: string, status: number | null = null): Verdict => new Verdict({ kind: 'dead', reason, status });
const later = (reason: string, status: number | null, answered: boolean): Verdict => new Verdict({ kind: 'later', reason, status, answered });

/** What a request brought: a picture in the file, or a page with the address that it names. */
type Download = { readonly kind: 'picture'; readonly format: PictureFormat; readonly size: number } | { readonly kind: 'page'; readonly url: URL; readonly picture: string | null };

export class PictureClient {
  readonly pace: HostPace;
  readonly #options: PictureClientOptions;
  readonly #patience: Patience;
  readonly #agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };

  constructor(options: PictureClientOptions) {
    this.#options = options;
    this.#patience = { ...PATIENCE, ...options.patience };
    this.pace = new HostPace(options.requestsPerSecond);
  }

  /**
   * @param file where the picture is written; it may be left half written unless the outcome is a picture
   * @throws {UserError} `picture-not-written` when the file cannot be written (no room left, …); the signal's reason when aborted
   */
  async fetch(address: string, file: string, signal: AbortSignal): Promise<FetchOutcome> {
    try {
      let download = await this.#download(requireWebAddress(address, this.#options.allowedHosts), file, signal);
      if (download.kind === 'page') {
        if (download.picture === null) throw dead('page names no picture');
        download = await this.#download(requireWebAddress(download.picture, this.#options.allowedHosts, download.url), file, signal);
      }
      if (download.kind === 'page') throw dead('page names a page as its picture');
      const { fault } = new PictureFolder(dirname(file)).check(basename(file));
      if (fault === 'picture too large' || fault === 'picture of unknown format') throw dead(fault);
      if (fault !== null) throw later(fault, null, true);
      return download;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Verdict) return error.outcome;
      if (error instanceof RefusedAddress) return { kind: 'dead', reason: error.message, status: null };
      throw error;
    }
  }

  /** Ends connections that are kept open. */
  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }

  /** Follows redirects, each of which is checked as the first address was. */
  async #download(first: URL, file: string, signal: AbortSignal): Promise<Download> {
    let url = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      if (PLACEHOLDER.test(url.pathname)) throw dead('picture was removed');
      const result = await this.#ask(url, file, signal);
      if (!(result instanceof URL)) return result;
      url = result;
    }
    throw dead('too many redirects');
  }

  /** One request, again while the server is busy. Answers where a redirect leads. */
  async #ask(url: URL, file: string, signal: AbortSignal): Promise<Download | URL> {
    const host = hostAndPort(url);
    for (let attempt = 1; ; attempt++) {
      const givenUp = this.pace.givenUp(host);
      if (givenUp !== null) throw later(givenUp, null, false);
      await this.pace.turn(host, signal);
      const result = await this.#request(url, host, file, signal);
      if (!('busy' in result)) return 'redirect' in result ? requireWebAddress(result.redirect, this.#options.allowedHosts, url) : result;
      this.pace.pause(host, result.wait ?? this.#patience.backoff * 2 ** (attempt - 1));
      if (attempt === TRIES) throw later('server is busy', result.busy, false);
    }
  }

  async #request(url: URL, host: string, file: string, signal: AbortSignal): Promise<Download | { redirect: string } | { busy: number; wait: number | null }> {
    const deadline = AbortSignal.timeout(this.#patience.whole * 1000);
    let response: IncomingMessage | undefined;
    try {
      response = await this.#open(url, AbortSignal.any([signal, deadline]));
      const status = response.statusCode!;
      if (status === 200) {
        const download = await this.#receive(url, response, file);
        this.pace.succeeded(host);
        return download;
      }
      if (BUSY.has(status)) return { busy: status, wait: retryAfter(response) };
      const target = response.headers.location;
      if (status >= 300 && status < 400 && target !== undefined) return { redirect: target };
      if (GONE.has(status)) {
        this.pace.succeeded(host);
        throw dead(`HTTP ${status}`, status);
      }
      this.pace.failed(host, `answers HTTP ${status}`); // once is about a picture, always is about us
      throw later(`HTTP ${status}`, status, true);
    } catch (error) {
      if (error instanceof Verdict || error instanceof RefusedAddress || error instanceof UserError || signal.aborted) throw error;
      const reason = deadline.aborted ? 'takes too long' : networkReason(error);
      this.pace.failed(host, reason);
      throw later(reason, null, false);
    } finally {
      response?.destroy(); // bodies that nobody reads would keep their connections
    }
  }

  #open(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const silence = this.#patience.silence * 1000;
      const { request: start } = url.protocol === 'https:' ? https : http;
      const request = start(url, {
        agent: this.#agents[url.protocol as 'http:' | 'https:'], lookup: guardedLookup(url, this.#options.allowedHosts), signal, timeout: silence,
        headers: { 'user-agent': this.#options.userAgent, accept: 'image/jpeg,image/png,image/webp,image/gif,text/html;q=0.9', 'accept-encoding': 'identity' },
      });
      let talking: { destroy(error: Error): unknown } = request; // an answer that has begun tells its own end
      request.on('timeout', () => talking.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
      request.on('response', (response) => resolve((talking = response)));
      request.on('error', reject);
      request.end();
    });
  }

  /** The body: of a picture into the file, of a page until it has named its picture. Bodies of any other kind are left. */
  async #receive(url: URL, response: IncomingMessage, file: string): Promise<Download> {
    const encoding = response.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw later(`sends ${encoding.slice(0, 20)} unasked`, 200, true); // unpacking is how few bytes become many
    if (Number(response.headers['content-length'] ?? 0) > MAX_PICTURE_BYTES) throw dead('too many bytes', 200);
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    let head = Buffer.alloc(0);
    while (head.length < HEAD_BYTES) {
      const next = await chunks.next();
      if (next.done) break;
      head = Buffer.concat([head, next.value]);
    }
    const format = pictureFormat(head);
    if (format !== null) return { kind: 'picture', format, size: await writePicture(file, head, chunks) };
    if (head.length === 0) throw later('picture empty', 200, true);
    const isPage = /html/i.test(response.headers['content-type'] ?? '') || head.toString('latin1').trimStart().startsWith('<');
    if (!isPage) throw dead('picture of unknown format', 200);
    return { kind: 'page', url, picture: await readPage(head, chunks) };
  }
}

/** @returns bytes written */
async function writePicture(path: string, head: Buffer, chunks: AsyncIterator<Buffer, undefined>): Promise<number> {
  let size = 0;
  const file = await writing(() => open(path, 'w'));
  try {
    for (let chunk: Buffer | undefined = head; chunk !== undefined; chunk = (await chunks.next()).value) {
      size += chunk.length;
      if (size > MAX_PICTURE_BYTES) throw dead('too many bytes', 200);
      await writing(() => writeAll(file, chunk!));
    }
    await writing(() => file.close()); // some file systems tell of a full disk only now
    return size;
  } catch (error) {
    await file.close().catch(() => undefined); // it may be closed; the first error is the one to tell
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += (await file.write(bytes, written)).bytesWritten;
}

/** A fault of the disk is about no picture: it ends the whole. */
async function writing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const full = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw new UserError('picture-not-written', full ? 'The disk has no room left for pictures.' : `A picture cannot be written (${(error as Error).message}).`, full ? 'Make room and start again: what was fetched is kept.' : 'Mend that and start again: what was fetched is kept.', { cause: error });
  }
}

async function readPage(head: Buffer, chunks: AsyncIterator<Buffer, undefined>): Promise<string | null> {
  const page = new PictureOfPage();
  const decoder = new TextDecoder();
  let size = 0;
  for (let chunk: Buffer | undefined = head; chunk !== undefined; chunk = (await chunks.next()).value) {
    size += chunk.length;
    if (page.write(decoder.decode(chunk, { stream: true })) || size > MAX_PAGE_BYTES) break;
  }
  return page.address;
}

/** Seconds that a server asks to wait, as a number or a date; null when it names none. */
export function retryAfter(response: Pick<IncomingMessage, 'headers'>, now = Date.now()): number | null {
  const text = response.headers['retry-after'];
  if (text === undefined) return null;
  const seconds = /^\d+$/.test(text.trim()) ? Number(text) : (Date.parse(text) - now) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'server is not found', EAI_AGAIN: 'names cannot be looked up', ECONNREFUSED: 'server refuses connections', ECONNRESET: 'connection broke off', ETIMEDOUT: 'no answer in time',
  ENETUNREACH: 'network cannot be reached', EHOSTUNREACH: 'server cannot be reached', EPIPE: 'connection broke off',
};

/** In words that a person can act on; the codes of certificates stand for themselves. */
function networkReason(error: unknown): string {
  const { code, message } = (error instanceof AggregateError ? error.errors[0] : error) as NodeJS.ErrnoException;
  return NETWORK_REASONS[code ?? ''] ?? (code ?? message).slice(0, 60);
}

// Stage `index`: reads a source's posts into a new generation that nobody sees, in short transactions, and makes it live by
// one more. Files that have not changed are not read again; a fault or a cancel leaves the store as it was.
import { createHash, type Hash } from 'node:crypto';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import type { LongWork, Progress } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import { detectSource } from '../sources/detectSource.ts';
import { hashFile } from '../sources/hashedFile.ts';
import { mappingPath, readMapping, writeMapping } from '../sources/mapping.ts';
import { PictureFolder } from '../sources/pictures.ts';
import { kindFamily, type PostBatch, type PostSource, type ReadPost, type SkippedRow } from '../sources/postSource.ts';
import { readInThread } from '../sources/readingThread.ts';
import type { Database } from '../store/database.ts';
import {
  beginGeneration, clearGenerations, clearWithin, indexedFiles, insertPosts, insertSkippedRows, makeLive, orderUsers, pageOfPicturePaths, rememberFiles,
  type IndexedFile, type SourceIdentity,
} from '../store/generations.ts';
import { requireFreeBytes } from '../store/freeSpace.ts';
import { sourceByName, type Source, type SourceStatistics } from '../store/sources.ts';
import { recordStageSuccess } from '../store/stageStates.ts';
import { StatisticsCounter } from '../store/statistics.ts';
import { prepareStoreFolder } from '../store/storeLocation.ts';
import { UserOrder } from '../store/userOrder.ts';
import { FetchedPictures } from './fetchedPictures.ts';
import { restoreDecisions } from './restoreDecisions.ts';
import { bytesToIndex } from './spaceNeeded.ts';
import type { StageContext } from './stageContext.ts';
import { statisticsDetails } from './statisticsDetails.ts';

type IndexContext = Pick<StageContext, 'store' | 'log' | 'storeFolder' | 'now' | 'readerScript'>;

/** Share of rows that may be skipped for bad values before the import stops. */
const MAX_SKIPPED_SHARE = 0.01;
/** Bytes of files from which on they are read in a thread of their own. */
const THREAD_BYTES = 8 * 1024 * 1024;
/** Between two messages of progress, in milliseconds. */
const PROGRESS_INTERVAL = 100;
/** What a cancel may spend on cleaning, in milliseconds; the rest is left to the next import or opening of the store. */
const CANCEL_MILLISECONDS = 100;
/** Ids that compare as numbers: without leading zeros, so that different ids are different numbers. */
const NUMERIC_PID = /^(?:0|[1-9]\d*)$/;

/** Rows that a look which nobody asked for may read of a table: some 100 ms. */
export const QUICK_LOOK_ROWS = 10_000;

/**
 * What lies at a path, with the mapping kept for it: shown to a person before the start.
 * @param name the source's name where a person gave one, else null.
 * @param mostRows see `detectSource`.
 */
export async function detectPosts(storeFolder: string, path: string, name: string | null, mapping: StageRequest<'index'>['mapping'], mostRows = Infinity): Promise<PostSource & { name: string }> {
  const source = await detectSource(path, mapping, (suggested) => readMapping(storeFolder, sourceName(name, suggested)), mostRows);
  return { ...source, name: sourceName(name, source.suggestedName) };
}

/** A name that is also a legal file name: a given one is refused when it is none, a suggested one is made one. */
function sourceName(given: string | null, suggested: string): string {
  if (given === null) return suggested.normalize('NFC').replace(/[^\p{L}\p{N}._ -]+/gu, '-').replace(/^[. -]+|[. -]+$/g, '').slice(0, 80) || 'posts';
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}._ -]{0,79}$/u.test(given) || /[. ]$/.test(given)) {
    throw new UserError('source-name', `“${given.slice(0, 80)}” cannot be the name of a source.`, 'Use up to 80 letters, digits, blanks, dots, dashes and underscores, a letter or digit first.');
  }
  return given;
}

/**
 * @throws {UserError} `source-name-taken` when another data set has the name, `import-running`, `skipped-rows` when more than
 *   1 % of the rows have bad values and skipping is not allowed, and whatever the readers throw.
 */
export async function* indexPosts(context: IndexContext, request: StageRequest<'index'>, signal: AbortSignal): LongWork<StageResult> {
  const { store, log, storeFolder, now } = context;
  const started = performance.now();
  const source = await detectPosts(storeFolder, request.path, request.name, request.mapping);
  signal.throwIfAborted();
  for (const finding of source.findings) {
    log.info(finding);
    yield { message: finding, stays: true };
  }
  const identity: SourceIdentity = { name: source.name, kind: source.kind, root: source.root, template: source.template, mapping: source.mapping };
  const existing = sourceByName(store, source.name);
  const live = existing?.liveGeneration == null ? null : existing;
  const comparison = live === null ? 'changed' : yield* compareWithLive(store, storeFolder, live, source, signal);
  if (comparison === 'other') {
    throw new UserError('source-name-taken', `The store already has a source “${source.name}”, made of other files (${live!.root}).`, 'Give this one another name (rename its file or folder; on the command line, --name does), or remove the other source first.');
  }
  prepareStoreFolder({ storeFolder });
  if (comparison === 'same') {
    keepMapping(context, source);
    log.info(`“${source.name}” has not changed.`);
    const restored = yield* restoreDecisions(context, live!.id, source.name, signal);
    return { ...summarize(source.name, live!.statistics!), unchanged: restored === 0 };
  }

  requireFreeBytes(dirname(store.path), bytesToIndex(source), 'Indexing');
  const lock = store.tryImportLock();
  if (lock === null) throw new UserError('import-running', 'Another import is writing to this store.', 'Wait until it has ended, or cancel it.');
  let done = false;
  try {
    keepMapping(context, source); // not before: an import that is refused leaves the mapping of the one at work
    yield* clear(store, 'Clearing what an earlier import left', signal);
    const { sourceId, generationId } = beginGeneration(store, identity, now());
    const statistics = yield* importGeneration(context, request.path, source, identity, sourceId, generationId, request.allowSkips, signal);
    done = true;
    recordStageSuccess(store, sourceId, 'index', '', sourceByName(store, source.name)!.fingerprint, countsOf(statistics), now());
    log.info(`Indexed ${statistics.posts} posts of “${source.name}” in ${((performance.now() - started) / 1000).toFixed(1)} s; ${statistics.skippedRows} rows skipped.`);
    for (const { label, description } of statisticsDetails(statistics)) yield { message: `${label}: ${description}`, stays: true };
    yield* clear(store, 'Clearing the posts of before');
    return { ...summarize(source.name, statistics), unchanged: false };
  } finally {
    try {
      if (!done) await clearWithin(store, signal.aborted ? CANCEL_MILLISECONDS : Infinity);
    } finally {
      lock.release();
    }
  }
}

function keepMapping({ storeFolder, log }: IndexContext, source: PostSource & { name: string }): void {
  if (source.mapping === null) return;
  writeMapping(storeFolder, source.name, source.mapping);
  log.info(`Mapping kept in ${mappingPath(storeFolder, source.name)}.`);
}

/** In a thread of its own where that pays: starting one takes as long as reading some megabytes. */
function readPosts({ readerScript }: IndexContext, path: string, source: PostSource, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  const bytes = source.files.reduce((sum, file) => sum + (file.read ? file.size : 0), 0);
  return readerScript === undefined || (bytes < THREAD_BYTES && !source.hasPictures) ? source.read(onHash) : readInThread(readerScript, path, source, onHash);
}

/** Reads, orders and switches. */
async function* importGeneration(
  context: IndexContext, path: string, source: PostSource, identity: SourceIdentity, sourceId: number, generationId: number, allowSkips: boolean, signal: AbortSignal,
): AsyncGenerator<Progress, SourceStatistics, void> {
  const { store, now } = context;
  const hashes = new Map<string, string>();
  const pictures = createHash('sha256');
  const fetched = new FetchedPictures(store, context.storeFolder, sourceId);
  const counter = new StatisticsCounter();
  const skips = new SkipCounter();
  const order = new UserOrder();
  const pace = new Pace();
  let rows = 0;
  let numericPids = true;
  for await (const batch of readPosts(context, path, source, (file, sha256) => hashes.set(file, sha256))) {
    const skipped = [...batch.skipped];
    const posts = source.hasPictures ? batch.posts.map((read) => fetched.takeBack(read)) : batch.posts;
    for (let next = 0; next < posts.length; ) {
      const written = insertPosts(store, sourceId, generationId, posts, next, order);
      next = written.next;
      if (written.duplicates.length > 0) skipped.push(...duplicateRows(source, written.duplicates));
      await setImmediate(); // lets a cancel in, and other connections write
      signal.throwIfAborted();
    }
    const duplicates = skipped.length > batch.skipped.length ? new Set(skipped.slice(batch.skipped.length).map((row) => row.row)) : null;
    for (const read of posts) {
      if (duplicates?.has(read.place.row)) continue;
      counter.addPost(read.post, read.dropped);
      addPicture(pictures, read.post.imagePath, read.pictureState);
      if (source.hasPictures) addPicture(pictures, read.post.imageUrl, fetched.state(read.post.pid, read.post.imageUrl));
      numericPids &&= NUMERIC_PID.test(read.post.pid);
    }
    skips.add(skipped);
    insertSkippedRows(store, generationId, skipped);
    rows += batch.posts.length + batch.skipped.length;
    signal.throwIfAborted();
    if (pace.isTime()) yield { message: 'Reading posts', done: rows, total: Math.max(rows, source.approximateRows), unit: 'rows' };
  }
  if (rows === 0) throw new UserError('no-posts', `${source.files[0]!.path} holds no post.`, 'Choose a file with one post a row.');
  skips.requireFew(rows, allowSkips);

  for (const done of orderUsers(store, order, numericPids, counter)) {
    await setImmediate();
    signal.throwIfAborted();
    if (pace.isTime()) yield { message: 'Ordering posts', done, total: rows, unit: 'posts' };
  }
  // Before anybody sees the posts: none that was left out shows up for a moment.
  yield* restoreDecisions(context, sourceId, identity.name, signal);
  const statistics = counter.finish(skips.count);
  const files = source.files.map((file): IndexedFile => ({ path: file.path, role: file.role, size: file.size, modifiedAt: file.modifiedAt, sha256: hashes.get(file.path) ?? '' }));
  makeLive(store, {
    sourceId, generationId, identity, fingerprint: fingerprintOf(source, files, pictures.digest('hex')), numericPids, hasPictures: source.hasPictures, statistics, files, finishedAt: now(),
  });
  return statistics;
}

/** A pid twice: in row-aligned files a fault of the release, in a table a bad row. */
function duplicateRows(source: PostSource, duplicates: readonly { post: ReadPost['post']; place: ReadPost['place'] }[]): SkippedRow[] {
  const first = duplicates[0]!;
  if (source.kind !== 'table') {
    throw new UserError(`${kindFamily(source.kind)}-duplicate`, `${first.place.file}, record ${first.place.row}: post “${first.post.pid}” was there before.`, 'Each post may stand in the files once: fetch them again, or keep train and test posts in folders of their own.');
  }
  return duplicates.map(({ post, place }) => ({ file: place.file, row: place.row, reason: 'duplicate id', detail: `“${post.pid}”` }));
}

/** Counts skipped rows by reason and keeps the first few for the message. */
class SkipCounter {
  count = 0;
  readonly #byReason = new Map<string, number>();
  readonly #first: SkippedRow[] = [];

  add(rows: readonly SkippedRow[]): void {
    this.count += rows.length;
    for (const row of rows) {
      this.#byReason.set(row.reason, (this.#byReason.get(row.reason) ?? 0) + 1);
      if (this.#first.length < 5) this.#first.push(row);
    }
  }

  /** @throws {UserError} `skipped-rows` */
  requireFew(rows: number, allowSkips: boolean): void {
    if (allowSkips && this.count < rows) return;
    if (this.count <= rows * MAX_SKIPPED_SHARE) return;
    const reasons = [...this.#byReason].map(([reason, count]) => `${reason}: ${count}`).join(', ');
    const examples = this.#first.map((row) => `${row.file}, row ${row.row}: ${row.reason} ${row.detail}`).join('; ');
    const encoding = this.#byReason.has('bad encoding') ? 'If the file is not UTF-8, convert it (iconv -f WINDOWS-1252 -t UTF-8). ' : '';
    const scale = this.#byReason.has('label outside 0 … 31.99') ? 'If the column holds counts, set popularityScale to log2-count-plus-1 in the mapping. ' : '';
    throw new UserError('skipped-rows', `${this.count} of ${rows} rows have bad values (${reasons}): ${examples}.`, `${encoding}${scale}Correct the rows or the mapping, or allow skips (setting index.allowSkips; on the command line, --allow-skips).`);
  }
}

/** Says when the next message of progress is due. */
class Pace {
  #last = 0;

  isTime(): boolean {
    const time = performance.now();
    if (time - this.#last < PROGRESS_INTERVAL) return false;
    this.#last = time;
    return true;
  }
}

/**
 * Whether the files at hand are those of the live generation. Size and time of change settle it where both agree; a file
 * with another time is hashed. `other`: not a newer state of the same files but a different data set.
 */
async function* compareWithLive(store: Database, storeFolder: string, live: Source, source: PostSource, signal: AbortSignal): AsyncGenerator<Progress, 'same' | 'changed' | 'other', void> {
  const before = new Map(indexedFiles(store, live.id).map((file) => [file.path, file]));
  const samePlace = live.root === source.root && kindFamily(live.kind) === kindFamily(source.kind) && source.files.some((file) => before.has(file.path));
  const sameSizes = kindFamily(live.kind) === kindFamily(source.kind) && source.files.length === before.size && source.files.every((file) => before.get(file.path)?.size === file.size);
  if (!sameSizes) return samePlace ? 'changed' : 'other';

  const files: IndexedFile[] = [];
  for (const file of source.files) {
    const known = before.get(file.path)!;
    const trusted = !file.read || (samePlace && known.modifiedAt === file.modifiedAt);
    if (!trusted) yield { message: `Comparing ${file.path}` };
    signal.throwIfAborted();
    const sha256 = trusted ? known.sha256 : await hashFile(`${source.root}/${file.path}`, file.path, file, signal);
    if (sha256 !== known.sha256) return samePlace ? 'changed' : 'other';
    files.push({ path: file.path, role: file.role, size: file.size, modifiedAt: file.modifiedAt, sha256 });
  }
  const pictures = yield* digestPictures(store, storeFolder, live, source, signal);
  if (fingerprintOf(source, files, pictures) !== live.fingerprint) return 'changed';
  rememberFiles(store, live.id, source.root, files);
  return 'same';
}

/** The pictures as they are now, in the order of the import. */
async function* digestPictures(store: Database, storeFolder: string, live: Source, source: PostSource, signal: AbortSignal): AsyncGenerator<Progress, string, void> {
  const digest = createHash('sha256');
  if (!source.hasPictures) return digest.digest('hex');
  const folder = new PictureFolder(source.root);
  const fetched = new FetchedPictures(store, storeFolder, live.id);
  let done = 0;
  for (let page = pageOfPicturePaths(store, live.id, 0, 500); page.length > 0; page = pageOfPicturePaths(store, live.id, page.at(-1)!.id, 500)) {
    for (const { imagePath, pid, imageUrl } of page) {
      addPicture(digest, imagePath, imagePath === '' ? '' : folder.state(imagePath));
      addPicture(digest, imageUrl, fetched.state(pid, imageUrl));
    }
    done += page.length;
    yield { message: 'Comparing pictures', done, unit: 'pictures' };
    await setImmediate();
    signal.throwIfAborted();
  }
  return digest.digest('hex');
}

function addPicture(digest: Hash, imagePath: string, state: string): void {
  if (imagePath !== '') digest.update(`${imagePath}\u0000${state}\n`);
}

function fingerprintOf(source: PostSource, files: readonly IndexedFile[], pictures: string): string {
  const parts = [source.kind, source.template, source.mapping, source.hasPictures, files.map((file) => [file.path, file.role, file.sha256, file.size]), pictures];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** @param signal none after a success, which a cancel does not undo. */
async function* clear(store: Database, message: string, signal?: AbortSignal): AsyncGenerator<Progress, void, void> {
  const pace = new Pace();
  for (const done of clearGenerations(store)) {
    if (done > 0 && pace.isTime()) yield { message, done, unit: 'posts' };
    await setImmediate();
    signal?.throwIfAborted();
  }
}

function countsOf(statistics: SourceStatistics): Record<string, number> {
  const dropped = Object.values(statistics.dropped).reduce((sum, count) => sum + count, 0);
  return { posts: statistics.posts, users: statistics.users, labelled: statistics.labelled, dropped, skipped: statistics.skippedRows };
}

function summarize(name: string, statistics: SourceStatistics): Omit<StageResult, 'unchanged'> {
  const counts = countsOf(statistics);
  const notes = [counts['dropped']! > 0 ? `${counts['dropped']} dropped` : '', counts['skipped']! > 0 ? `${counts['skipped']} rows skipped` : ''].filter((note) => note !== '');
  const number = (value: number): string => value.toLocaleString('en');
  return { summary: `${name}: ${number(statistics.posts)} posts of ${number(statistics.users)} users${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`, counts, source: name };
}

// Stage `caption`: brings captions into the store, each with its provenance. Here: from a file that was made elsewhere.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import { readCaptionFile, type CaptionLine } from '../sources/captionFile.ts';
import { addCaptions, countCaptions } from '../store/captions.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { readStageState, recordStageSuccess } from '../store/stageStates.ts';
import type { StageContext } from './stageContext.ts';

const BATCH = 250; // captions in a transaction, about 20 ms
const LISTED = 5; // pids named when posts are unknown
const LINES_BETWEEN_LOOKS = 2000;

/** @throws {UserError} what readCaptionFile throws; `captions-other-source` when no line is for this source. */
export async function* captionImages(context: StageContext, request: StageRequest<'caption'>, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const source = requireSource(store, request.source);

  const { lines, otherSource, inputHash } = yield* checkCaptions(source, request.import, signal);
  if (readStageState(store, source.id, 'caption', '')?.inputHash === inputHash) {
    const counts = countCaptions(store, source.id);
    return { summary: `These captions are in the store already: ${counts.captioned} posts have one.`, counts: { ...counts }, unchanged: true };
  }

  let added = 0;
  let empty = 0;
  let done = 0;
  const unknown: string[] = [];
  let batch: CaptionLine[] = [];
  const write = (): void => {
    const result = addCaptions(store, source.id, batch.map((line) => ({
      pid: line.pid, text: line.caption, madeBy: line.by, origin: { file: basename(request.import), line: line.line },
    })), context.now());
    added += result.added;
    unknown.push(...result.unknown);
    batch = [];
  };
  for await (const line of readCaptionFile(request.import)) {
    done += 1;
    if (!isFor(source, line)) continue;
    if (line.caption === '') empty += 1;
    else batch.push(line);
    if (batch.length < BATCH) continue;
    write();
    yield { message: 'Importing captions', done, total: lines, unit: 'lines' };
    signal.throwIfAborted();
  }
  write();

  const counts = { added, unknown: unknown.length, empty, otherSource, ...countCaptions(store, source.id) };
  recordStageSuccess(store, source.id, 'caption', '', inputHash, counts, context.now());
  return { summary: summaryOf(source, added, unknown, empty, otherSource), counts, unchanged: added === 0 };
}

interface CheckedCaptions {
  readonly lines: number;
  readonly otherSource: number; // of these, for another source
  readonly inputHash: string; // of the captions and of the posts they are for
}

/** Reads and checks a whole file before anything is written, so that a fault in its last line leaves the store as it was. */
async function* checkCaptions(source: Source, file: string, signal: AbortSignal): LongWork<CheckedCaptions> {
  const hash = createHash('sha256').update(source.fingerprint);
  let lines = 0;
  let otherSource = 0;
  let other = '';
  for await (const line of readCaptionFile(file)) {
    hash.update(JSON.stringify([line.source, line.pid, line.caption, line.by]));
    lines += 1;
    if (!isFor(source, line)) {
      otherSource += 1;
      other = line.source!;
    }
    if (lines % LINES_BETWEEN_LOOKS === 0) {
      yield { message: 'Checking captions', done: lines, unit: 'lines' };
      signal.throwIfAborted();
    }
  }
  if (lines > 0 && otherSource === lines) {
    throw new UserError('captions-other-source', `All ${lines} captions in ${file} are for another source (“${other}”), none for “${source.name}”.`, 'Name the source they belong to, or change “source” in the file.');
  }
  return { lines, otherSource, inputHash: hash.digest('hex') };
}

const isFor = (source: Source, line: CaptionLine): boolean => line.source === null || line.source === source.name;

function summaryOf(source: Source, added: number, unknown: readonly string[], empty: number, others: number): string {
  const parts = [`${added} captions imported`];
  if (unknown.length > 0) {
    const named = unknown.slice(0, LISTED).map((pid) => `“${pid}”`).join(', ');
    parts.push(`${unknown.length} for posts that “${source.name}” does not have (${named}${unknown.length > LISTED ? ', …' : ''})`);
  }
  if (empty > 0) parts.push(`${empty} empty`);
  if (others > 0) parts.push(`${others} for other sources`);
  return `${parts.join('; ')}.`;
}

// Reads a source in a thread of its own, so that parsing and writing to the store go on side by side. Posts cross in batches
// whose texts stand in one list and whose numbers in one array: objects by the hundred thousand would take longer to copy
// than to read.
import { isDeepStrictEqual } from 'node:util';
import { Worker, type MessagePort } from 'node:worker_threads';
import { UserError } from '../domain/errors.ts';
import { errorOf, failureOf, type Failure } from '../protocol/requestChannel.ts';
import type { Mapping } from '../protocol/stages.ts';
import { detectSource } from './detectSource.ts';
import type { PostBatch, PostSource, ReadPost, SkippedRow, SourceFile } from './postSource.ts';

/** Batches that may be on their way: enough that neither side waits for the other's next step. */
const BATCHES_AHEAD = 4;
/**
 * Of the thread, in MiB. Rows live for a moment only: with more room garbage is let lie, and reading is no faster. A record of
 * the greatest size that is read (jsonRecords.ts) still fits.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 192 };

/** What the thread is started with; `files` as the asking side found them. */
export interface ReadingOrder {
  readonly path: string;
  readonly mapping: Mapping | null;
  readonly files: readonly SourceFile[];
}

/** A batch as it crosses: the values of one post after those of the other. Null is NaN among the numbers. */
interface PackedBatch {
  readonly texts: readonly (string | null)[];
  readonly numbers: Float64Array;
  readonly skipped: readonly SkippedRow[];
}
const TEXTS = 13, NUMBERS = 5;

type FromThread =
  | { readonly type: 'batch'; readonly batch: PackedBatch }
  | { readonly type: 'hash'; readonly path: string; readonly sha256: string }
  | { readonly type: 'end' }
  | { readonly type: 'failure'; readonly failure: Failure };

/** The thread's side: reads what it was started for, some batches ahead of whoever takes them. */
export async function serveReading(port: MessagePort, order: ReadingOrder): Promise<void> {
  const send = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let ahead = 0;
  let goOn: (() => void) | undefined;
  port.on('message', () => { // one batch was taken
    ahead--;
    goOn?.();
  });
  try {
    const source = await detectSource(order.path, order.mapping, () => order.mapping);
    if (!isDeepStrictEqual(source.files, order.files)) throw new UserError('file-changed', `${order.path} changed while it was being read.`, 'Index again when nothing writes to it any more.');
    for await (const batch of source.read((path, sha256) => send({ type: 'hash', path, sha256 }))) {
      const packed = pack(batch);
      send({ type: 'batch', batch: packed }, [packed.numbers.buffer as ArrayBuffer]);
      ahead++;
      while (ahead >= BATCHES_AHEAD) await new Promise<void>((resolve) => (goOn = resolve));
    }
    send({ type: 'end' });
  } catch (error) {
    send({ type: 'failure', failure: failureOf(error, false) });
  } finally {
    port.close(); // nothing keeps the thread then
  }
}

/**
 * The same as `source.read`, by a thread that runs `script` (see reader.ts). Ending early ends the thread.
 * @throws what the reader throws.
 */
export async function* readInThread(script: string, path: string, source: PostSource, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  const workerData: ReadingOrder = { path, mapping: source.mapping, files: source.files };
  const thread = new Worker(script, { workerData, name: 'smp-reader', resourceLimits: RESOURCE_LIMITS });
  const arrived: FromThread[] = [];
  let wake: (() => void) | undefined;
  const add = (message: FromThread): void => {
    arrived.push(message);
    wake?.();
  };
  thread.on('message', add);
  thread.on('error', (error) => add({ type: 'failure', failure: failureOf(error, false) }));
  thread.on('exit', () => add({ type: 'failure', failure: failureOf(new Error('The thread that reads ended before its time.'), false) }));
  try {
    for (;;) {
      const message = arrived.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      switch (message.type) {
        case 'batch':
          thread.postMessage(null);
          yield unpack(message.batch);
          break;
        case 'hash': onHash(message.path, message.sha256); break;
        case 'end': return;
        case 'failure': throw errorOf(message.failure);
      }
    }
  } finally {
    await thread.terminate();
  }
}

function pack({ posts, skipped }: PostBatch): PackedBatch {
  const texts: (string | null)[] = [];
  const numbers = new Float64Array(posts.length * NUMBERS);
  posts.forEach(({ post, place, dropped, pictureState }, index) => {
    texts.push(
      post.pid, post.uid, post.title, post.category, post.subcategory, post.concept, post.tags, post.imagePath, post.imageUrl,
      isEmpty(post.extra) ? null : JSON.stringify(post.extra), place.file, dropped, pictureState,
    );
    numbers.set([post.postedAt, post.latitude ?? NaN, post.longitude ?? NaN, post.label ?? NaN, place.row], index * NUMBERS);
  });
  return { texts, numbers, skipped };
}

function unpack({ texts, numbers, skipped }: PackedBatch): PostBatch {
  const posts: ReadPost[] = [];
  for (let text = 0, number = 0; text < texts.length; text += TEXTS, number += NUMBERS) {
    const value = (at: number): string => texts[text + at]!;
    const numberOrNull = (at: number): number | null => (Number.isNaN(numbers[number + at]!) ? null : numbers[number + at]!);
    const extra = texts[text + 9];
    posts.push({
      post: {
        pid: value(0), uid: value(1), title: value(2), category: value(3), subcategory: value(4), concept: value(5), tags: value(6), imagePath: value(7), imageUrl: value(8),
        extra: extra == null ? {} : (JSON.parse(extra) as Record<string, string>),
        postedAt: numbers[number]!, latitude: numberOrNull(1), longitude: numberOrNull(2), label: numberOrNull(3),
      },
      place: { file: value(10), row: numbers[number + 4]! },
      dropped: texts[text + 11] ?? null,
      pictureState: value(12),
    });
  }
  return { posts, skipped };
}

function isEmpty(extra: Readonly<Record<string, string>>): boolean {
  for (const _ in extra) return false;
  return true;
}

// What work will write, estimated before it starts, so that a disk too small for it is told with numbers. The factors are
// measured on invented posts and rounded up: to refuse a little early costs a look at the disk, to refuse late costs the work.
import { stat, readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Run } from '../protocol/run.ts';

/** Bytes of the store for each byte of a source's files: 1.8 of a CSV with short columns, 0.5 of SMPD's own. */
const STORE_BYTES_A_SOURCE_BYTE = 2;
/** And at most so many for each post: 400 on the same data, more with long tags. */
const STORE_BYTES_A_POST = 1500;
/** The write-ahead log at its largest (CHECKPOINT_PAGES of openStore.ts, and what is written meanwhile): a small import's is three times its posts. */
const LOG_BYTES = 40 * 1000 * 1000;
/** Of a job that only answers: prompts and answers, both some hundred bytes. */
const ANSWER_BYTES = 10 * 1000 * 1000;

/** Of one import. The posts of before stay until it has ended, so they make no room. */
export function bytesToIndex(source: { readonly approximateRows: number; readonly files: readonly { readonly size: number; readonly read: boolean }[] }): number {
  const bytes = source.files.reduce((sum, file) => sum + (file.read ? file.size : 0), 0);
  const posts = Math.min(bytes * STORE_BYTES_A_SOURCE_BYTE, source.approximateRows * STORE_BYTES_A_POST);
  return posts + Math.min(3 * posts, LOG_BYTES);
}

/**
 * Of one trainer job, as multiples of its model's files. With all weights tuned a checkpoint holds the weights, the
 * optimizer's two moments and the best state so far, in 32 bits, and is replaced by a second one beside it; then the model
 * itself is written. An adapter is a few hundredths of that.
 */
export async function bytesToRun(run: Run): Promise<number> {
  if (!('tuning' in run)) return ANSWER_BYTES;
  const model = (await bytesOf(run.model.base)) + (run.model.adapter === null ? 0 : await bytesOf(run.model.adapter));
  return model * (run.tuning.method === 'full' ? 10 : 0.5);
}

/** The bytes of a file, or of the files directly in a folder; 0 for an id of a hub, whose size nobody knows here. */
async function bytesOf(path: string): Promise<number> {
  if (!isAbsolute(path)) return 0;
  const about = await stat(path).catch(() => null);
  if (about === null || about.isFile()) return about?.size ?? 0;
  const sizes = await Promise.all((await readdir(path)).map((name) => stat(join(path, name)).then((file) => (file.isFile() ? file.size : 0), () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

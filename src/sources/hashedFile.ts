// Reads a file once, in chunks, hashing it on the way and noticing when it changes meanwhile.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';

/** Bytes a read asks for: large enough that files side by side yield many rows at once, small enough to be parsed in few milliseconds and that the rows of all files waiting for each other take little memory. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Yields the file's bytes; the chunks are the caller's to keep, unless it gives a `buffer`, which is read into again and again.
 * At the end calls `onHash` with the SHA-256 in hexadecimal.
 * @throws {UserError} `file-changed` when size or time of change are not what they were at `expected`.
 */
export async function* readHashed(path: string, shownPath: string, expected: { size: number; modifiedAt: number }, onHash: (sha256: string) => void, buffer?: Buffer): AsyncGenerator<Buffer, void, void> {
  // Read in step: whoever imports has a thread for it, and each wait for another thread costs more than the read when the machine is busy.
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for (;;) {
      const place = buffer ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const bytesRead = readSync(file, place);
      if (bytesRead === 0) break;
      bytes += bytesRead;
      const chunk = place.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
    }
    const after = fstatSync(file);
    if (bytes !== expected.size || after.size !== expected.size || after.mtimeMs !== expected.modifiedAt) {
      throw new UserError('file-changed', `${shownPath} changed while it was being read.`, 'Index again when nothing writes to it any more.');
    }
    onHash(hash.digest('hex'));
  } finally {
    closeSync(file);
  }
}

/** SHA-256 of a file in hexadecimal, for files that are only compared. Throws the signal's reason when it is aborted. */
export async function hashFile(path: string, shownPath: string, expected: { size: number; modifiedAt: number }, signal: AbortSignal): Promise<string> {
  let result = '';
  const chunks = readHashed(path, shownPath, expected, (sha256) => {
    result = sha256;
  });
  while (!(await chunks.next()).done) {
    await setImmediate(); // lets a cancel in
    signal.throwIfAborted();
  }
  return result;
}

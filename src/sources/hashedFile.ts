// Reads a file once, in chunks, hashing it on the way and noticing when it changes meanwhile.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { UserError } from '../domain/errors.ts';

/** Bytes a read asks for: large enough that files side by side yield many rows at once, small enough to be parsed in few milliseconds and that the rows of all files waiting for each other take little memory. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Yields the file's bytes; the chunks are the caller's to keep. At the end calls `onHash` with the SHA-256 in hexadecimal.
 * @throws {UserError} `file-changed` when size or time of change are not what they were at `expected`.
 */
export async function* readHashed(path: string, shownPath: string, expected: { size: number; modifiedAt: number }, onHash: (sha256: string) => void): AsyncGenerator<Buffer, void, void> {
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for (;;) {
      const { bytesRead, buffer } = await handle.read({ buffer: Buffer.allocUnsafeSlow(CHUNK_BYTES) });
      if (bytesRead === 0) break;
      bytes += bytesRead;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
    }
    const after = await handle.stat();
    if (bytes !== expected.size || after.size !== expected.size || after.mtimeMs !== expected.modifiedAt) {
      throw new UserError('file-changed', `${shownPath} changed while it was being read.`, 'Index again when nothing writes to it any more.');
    }
    onHash(hash.digest('hex'));
  } finally {
    await handle.close();
  }
}

/** SHA-256 of a file in hexadecimal, for files that are only compared. Throws the signal's reason when it is aborted. */
export async function hashFile(path: string, shownPath: string, expected: { size: number; modifiedAt: number }, signal: AbortSignal): Promise<string> {
  let result = '';
  const chunks = readHashed(path, shownPath, expected, (sha256) => {
    result = sha256;
  });
  while (!(await chunks.next()).done) signal.throwIfAborted();
  return result;
}

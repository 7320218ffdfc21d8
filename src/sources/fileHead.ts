// The first bytes of a file: what it holds is told by them.
import { closeSync, openSync, readSync } from 'node:fs';

export const HEAD_BYTES = 16 * 1024;

/** At most so many bytes from the beginning. */
export function headOf(path: string, bytes = HEAD_BYTES): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(file, buffer, 0, bytes, 0));
  } finally {
    closeSync(file);
  }
}

/** The head as text, without a byte order mark and blanks before it. */
export function headText(head: Buffer): string {
  return head.toString('utf8').replace(/^\uFEFF/, '').trimStart();
}

/** About how many lines a file of `size` bytes has. */
export function approximateLines(head: Buffer, size: number): number {
  let lines = 0;
  for (let at = head.indexOf(0x0a); at !== -1; at = head.indexOf(0x0a, at + 1)) lines++;
  return size <= head.length ? Math.max(1, lines) : Math.max(1, Math.round((Math.max(1, lines) * size) / head.length));
}

// Finds a record in a file of any size by reading it in pieces: where a row begins, or where an object with an id does.
import { open } from 'node:fs/promises';

const CHUNK = 1024 * 1024; // bytes read at a time
const OVERLAP = 64 * 1024; // bytes kept of the piece before: a record may lie across two
const LINE_FEED = 0x0a;

/** The byte at which line `row` (from 1) begins, or null when the file has fewer lines. */
export async function offsetOfRow(file: string, row: number): Promise<number | null> {
  if (row === 1) return 0;
  let lines = 1;
  for await (const { bytes, start } of pieces(file)) {
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
      if (++lines === row) return start + at + 1;
    }
  }
  return null;
}

/** The byte at which the object begins that has `pid` as the value of one of the keys, or null when there is none. */
export async function offsetOfPid(file: string, pid: string, keys: readonly string[]): Promise<number | null> {
  const value = latinPattern(JSON.stringify(pid).slice(1, -1));
  const pattern = new RegExp(`"(?:${keys.map(latinPattern).join('|')})"\\s*:\\s*"?${value}"?\\s*[,}\\]]`);
  let before = '';
  for await (const { bytes, start } of pieces(file)) {
    const text = before + bytes.toString('latin1'); // a character a byte: offsets stay bytes
    const match = pattern.exec(text);
    if (match !== null) {
      const opening = text.lastIndexOf('{', match.index);
      return start - before.length + Math.max(0, opening);
    }
    before = text.slice(-OVERLAP);
  }
  return null;
}

/** A pattern of exactly this text in bytes that were read as Latin-1. */
function latinPattern(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Line and character (UTF-16 units), both from 0, of a byte of a UTF-8 file. Behind a megabyte of one line the character stays 0. */
export async function positionOfOffset(file: string, offset: number): Promise<{ line: number; character: number }> {
  let line = 0;
  let begin = 0; // of the line
  for await (const { bytes, start } of pieces(file)) {
    for (let at = bytes.indexOf(LINE_FEED); at >= 0 && start + at < offset; at = bytes.indexOf(LINE_FEED, at + 1)) {
      line++;
      begin = start + at + 1;
    }
    if (start + bytes.length >= offset) break;
  }
  const before = offset - begin;
  return { line, character: before > CHUNK ? 0 : (await bytesAt(file, begin, before)).toString('utf8').replace(/^\ufeff/, '').length };
}

/** At most `length` bytes from `offset` on. */
export async function bytesAt(file: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function* pieces(file: string): AsyncGenerator<{ bytes: Buffer; start: number }, void, void> {
  const handle = await open(file, 'r');
  try {
    for (let start = 0; ; ) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, start);
      if (bytesRead === 0) return;
      yield { bytes: buffer.subarray(0, bytesRead), start };
      start += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

// Splits a file that holds one JSON array of objects into its elements without reading it whole: such files hold hundreds
// of megabytes on a single line. Complete elements are parsed many at a time: a block is cut where one seems to end, and only
// where that fails a scan over all bytes finds where they do (strings, escapes, depth).
import { isUtf8 } from 'node:buffer';
import { UserError } from '../domain/errors.ts';
import { visible } from './postSource.ts';

/** Bytes of one element beyond which the file is taken for something else. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export interface JsonRecord {
  readonly value: Readonly<Record<string, unknown>>;
  readonly validUtf8: boolean;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d, COMMA = 0x2c;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isMarkByte = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf; // of UTF-8's byte order mark

/** What is expected next outside of elements. */
type Expected = 'start' | 'element' | 'first-element' | 'separator' | 'end';

/**
 * Yields the elements of the array in order, as many at a time as a chunk completes.
 * @param file as it is named in messages.
 * @throws {UserError} `json-broken`, naming the first bad record (from 1): syntax, an element that is no object, a file that ends early.
 */
export async function* readJsonRecords(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<JsonRecord[], void, void> {
  let expected = 'start' as Expected; // changed by `scan`, which the compiler does not see
  let row = 0; // elements yielded so far
  let rest: Buffer = Buffer.alloc(0); // begins where `expected` holds

  function scan(buffer: Buffer): JsonRecord[] {
    const found = findElements(buffer, expected, file, row);
    const records = found.bounds.length === 0 ? [] : parseElements(buffer, found.bounds, file, row);
    ({ expected } = found);
    rest = buffer.subarray(found.rest);
    row += records.length;
    return records;
  }

  let gathered: Buffer[] = []; // behind `rest`
  let gatheredBytes = 0;
  const takeGathered = (): Buffer => {
    const buffer = rest.length === 0 && gathered.length === 1 ? gathered[0]! : Buffer.concat([rest, ...gathered]);
    [gathered, gatheredBytes] = [[], 0];
    return buffer;
  };
  for await (const chunk of chunks) {
    gathered.push(chunk);
    gatheredBytes += chunk.length;
    // A long record is looked at again only when there is as much more of it: its bytes are then seen twice, not once a chunk.
    if (gatheredBytes < rest.length && rest.length + gatheredBytes <= MAX_RECORD_BYTES) continue;
    const isLong = rest.length >= chunk.length;
    const buffer = takeGathered();
    const block = expected === 'element' && !isLong ? parseBlock(buffer) : null;
    if (block !== null) {
      rest = buffer.subarray(block.end);
      row += block.records.length;
      yield block.records;
    } else {
      const records = scan(buffer);
      if (records.length > 0) yield records;
    }
    if (rest.length > MAX_RECORD_BYTES) throw broken(file, row + 1, 'it is longer than 16 MB');
  }
  const last = scan(takeGathered()); // a block leaves the last elements, which no comma follows
  if (last.length > 0) yield last;
  if (expected !== 'end') throw broken(file, row + 1, 'the file ends in the middle, it was cut off');
}

/** Places tried for the end of a block: braces and commas stand in titles as well. */
const CUTS_TRIED = 4;

/**
 * The elements of a buffer that begins with one, without looking at every byte: cut behind the last `},` and parsed in one go.
 * A cut within a string or an inner object leaves that open, so that what parses was cut between elements.
 * @returns null where this does not succeed, whatever the reason: `findElements` then finds it out. `end`: behind the comma.
 */
function parseBlock(buffer: Buffer): { records: JsonRecord[]; end: number } | null {
  let brace = buffer.length;
  for (let tried = 0; tried < CUTS_TRIED; tried++) {
    brace = brace === 0 ? -1 : buffer.lastIndexOf(CLOSE_BRACE, brace - 1);
    if (brace === -1) return null;
    let comma = brace + 1;
    while (comma < buffer.length && isBlank(buffer[comma]!)) comma++;
    if (buffer[comma] !== COMMA) continue;
    const bytes = buffer.subarray(0, brace + 1);
    if (!isUtf8(bytes)) return null;
    try {
      const values = JSON.parse(`[${bytes.toString('utf8')}]`) as unknown[];
      return values.every(isObject) ? { records: values.map((value) => ({ value, validUtf8: true })), end: comma + 1 } : null;
    } catch {
      continue;
    }
  }
  return null;
}

function isObject(value: unknown): value is JsonRecord['value'] {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Scans all bytes for the complete elements of a buffer: `bounds` holds start, end, start, end, …; `rest` is where the
 * unfinished one begins.
 * @throws {UserError} `json-broken` for what stands between elements and does not belong there.
 */
function findElements(buffer: Buffer, before: Expected, file: string, rowsBefore: number): { bounds: number[]; rest: number; expected: Expected } {
  const bounds: number[] = [];
  let expected = before;
  let begin = -1;
  let depth = 0; // inside an element when > 0
  let inString = false;
  for (let i = 0; i < buffer.length; i++) {
    const byte = buffer[i]!;
    if (depth > 0) {
      if (inString) {
        if (byte === BACKSLASH) i++; // the next byte belongs to the escape
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth--;
        if (depth === 0) {
          bounds.push(begin, i + 1);
          expected = 'separator';
        }
      }
      continue;
    }
    if (isBlank(byte) || (expected === 'start' && isMarkByte(byte))) continue;
    if (expected === 'start' && byte === OPEN_BRACKET) expected = 'first-element';
    else if ((expected === 'element' || expected === 'first-element') && byte === OPEN_BRACE) {
      depth = 1;
      begin = i;
      expected = 'element';
    } else if (expected === 'separator' && byte === COMMA) expected = 'element';
    else if ((expected === 'separator' || expected === 'first-element') && byte === CLOSE_BRACKET) expected = 'end';
    else throw broken(file, rowsBefore + bounds.length / 2 + 1, expected === 'start' ? 'the file is no JSON list' : expected === 'end' ? 'something follows the end of the list' : 'no object where one was expected');
  }
  return { bounds, rest: depth === 0 ? buffer.length : begin, expected };
}

/** Parses the elements between `bounds` (start, end, start, end, …) in one go; one by one where that fails, to name the bad one. */
function parseElements(buffer: Buffer, bounds: readonly number[], file: string, rowsBefore: number): JsonRecord[] {
  const all = buffer.subarray(bounds[0], bounds.at(-1));
  if (isUtf8(all)) {
    try {
      const values = JSON.parse(`[${all.toString('utf8')}]`) as JsonRecord['value'][];
      if (values.length === bounds.length / 2) return values.map((value) => ({ value, validUtf8: true }));
    } catch {
      // Found and named below.
    }
  }
  const records: JsonRecord[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    const bytes = buffer.subarray(bounds[i]!, bounds[i + 1]!);
    try {
      records.push({ value: JSON.parse(bytes.toString('utf8')) as JsonRecord['value'], validUtf8: isUtf8(bytes) });
    } catch (error) {
      throw broken(file, rowsBefore + i / 2 + 1, (error as Error).message);
    }
  }
  return records;
}

function broken(file: string, record: number, what: string): UserError {
  return new UserError('json-broken', `${file}, record ${record}: ${visible(what)}.`, 'Fetch or make the file again, then index again.');
}

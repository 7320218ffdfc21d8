// Splits a file that holds one JSON array of objects into its elements without reading it whole: such files hold hundreds
// of megabytes on a single line. A scan over bytes finds where elements end (strings, escapes, depth); complete elements
// are then parsed many at a time.
import { isUtf8 } from 'node:buffer';
import { UserError } from '../domain/errors.ts';

/** Bytes of one element beyond which the file is taken for something else. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export interface JsonRecord {
  readonly value: Readonly<Record<string, unknown>>;
  readonly validUtf8: boolean;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d, COMMA = 0x2c;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isMarkByte = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf; // of UTF-8's byte order mark

/**
 * Yields the elements of the array in order, as many at a time as a chunk completes.
 * @param file as it is named in messages.
 * @throws {UserError} `json-broken`, naming the first bad record (from 1): syntax, an element that is no object, a file that ends early.
 */
export async function* readJsonRecords(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<JsonRecord[], void, void> {
  let state: 'start' | 'element' | 'separator' | 'end' = 'start'; // what is expected outside of elements
  let expectsElement = false; // after a comma
  let depth = 0; // inside an element when > 0
  let inString = false;
  let escaped = false; // the next byte belongs to an escape
  let row = 0; // elements yielded so far
  let rest: Buffer = Buffer.alloc(0); // the unfinished element, scanned already

  for await (const chunk of chunks) {
    const buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const ends: number[] = []; // start and end offsets of complete elements, two by two
    let begin = depth > 0 ? 0 : -1;
    for (let i = rest.length; i < buffer.length; i++) {
      const byte = buffer[i]!;
      if (depth > 0) {
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inString = false;
        } else if (byte === QUOTE) inString = true;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
        else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          depth--;
          if (depth === 0) {
            ends.push(begin, i + 1);
            state = 'separator';
          }
        }
        continue;
      }
      if (isBlank(byte) || (state === 'start' && isMarkByte(byte))) continue;
      if (state === 'start' && byte === OPEN_BRACKET) state = 'element';
      else if (state === 'element' && byte === OPEN_BRACE) {
        depth = 1;
        begin = i;
        expectsElement = false;
      } else if (state === 'separator' && byte === COMMA) {
        state = 'element';
        expectsElement = true;
      } else if ((state === 'separator' || (state === 'element' && !expectsElement)) && byte === CLOSE_BRACKET) state = 'end';
      else throw broken(file, row + ends.length / 2 + 1, state === 'start' ? 'the file is no JSON list' : state === 'end' ? 'something follows the end of the list' : 'no object where one was expected');
    }
    if (ends.length > 0) {
      const records = parseElements(buffer, ends, file, row);
      row += records.length;
      yield records;
    }
    rest = depth === 0 ? Buffer.alloc(0) : buffer.subarray(begin);
    if (rest.length > MAX_RECORD_BYTES) throw broken(file, row + 1, 'it is longer than 16 MB');
  }
  if (state !== 'end') throw broken(file, row + 1, 'the file ends in the middle, it was cut off');
}

/** Parses the elements between `bounds` (start, end, start, end, …) in one go; one by one where that fails, to name the bad one. */
function parseElements(buffer: Buffer, bounds: readonly number[], file: string, rowsBefore: number): JsonRecord[] {
  const all = buffer.subarray(bounds[0]!, bounds[bounds.length - 1]!);
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
  return new UserError('json-broken', `${file}, record ${record}: ${what}.`, 'Fetch or make the file again, then index again.');
}

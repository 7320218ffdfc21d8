// Checks SMPD's user file against the posts: it has a row for each post, by column ({"Uid":{"0":…},"Pid":{"0":…},…}) or as a
// list of records ([{"Uid":…,"Pid":…},…]). With its vectors of 399 and 400 numbers it may hold 1.7 GB, and a file by column
// cannot be read row by row beside the posts. So it is scanned once, byte by byte, over what nobody asks for with `indexOf`, as
// far as the posts at hand need it and a little further, and 8 bytes a row are kept: hashes of Uid and Pid. What else it says of
// users is used by no stage and not kept.
import { UserError } from '../domain/errors.ts';
import type { KeyCheck } from './joinColumns.ts';
import { shown, visible } from './postSource.ts';

const QUOTE = 0x22, BACKSLASH = 0x5c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d, OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d, COMMA = 0x2c, COLON = 0x3a, BLANK = 0x20;
/** Bytes of a name or an id beyond which the file is taken for something else. */
const MAX_CAPTURED = 4096;
/** Bytes of a string looked at one by one before the rest is searched: a call costs more than a short string. */
const SHORT_STRING = 24;
const HASH_OF_NOTHING = 0;

/** Bytes of a chunk; nothing of one is kept, so that one buffer serves. */
export const USER_CHUNK_BYTES = 1024 * 1024;

/** Chunks read for each batch of posts: a file of vectors then lasts about as long as its posts, and is read while these are written. */
const CHUNKS_A_BATCH = 6;

/** Keys of the rows of a user file, as far as it names them, read as they are needed. */
export class UserKeys implements KeyCheck {
  readonly #file: string;
  readonly #chunks: AsyncGenerator<Buffer, void, void>;
  readonly #scanner: UserFileScanner;
  readonly #rowsByName = new Map<string, number>(); // columns of a file by column
  readonly #uids = new HashList();
  readonly #pids = new HashList();
  #records = 0;
  #ended = false;

  /** @param file as it is named in messages */
  constructor(file: string, chunks: AsyncGenerator<Buffer, void, void>) {
    this.#file = file;
    this.#chunks = chunks;
    this.#scanner = new UserFileScanner(file, {
      columnRow: (column, row) => this.#columnRow(column, row),
      columnEnd: (column, rows) => this.#rowsByName.set(column, rows),
      key: (name, value) => (name === 'Uid' ? this.#uids : this.#pids).add(value),
      recordEnd: () => {
        this.#records++;
        this.#uids.fillTo(this.#records);
        this.#pids.fillTo(this.#records);
      },
    });
  }

  /** @throws {UserError} `json-broken`, `smpd-keys` */
  async *prepare(rows: number): AsyncGenerator<void, void, void> {
    for (let chunks = 0; !this.#ended && (chunks < CHUNKS_A_BATCH || !this.#knows(rows)); chunks++) {
      await this.#readOn();
      yield;
    }
  }

  /** @throws {UserError} `json-broken`, `smpd-lengths` */
  async *finish(rows: number, place: string): AsyncGenerator<void, void, void> {
    while (!this.#ended) {
      await this.#readOn();
      yield;
    }
    const [first, ...others] = this.#rowsByName;
    for (const [name, count] of others) {
      if (count !== first![1]) throw new UserError('smpd-lengths', `${this.#file}: column ${shown(name)} has ${count} rows, but ${shown(first![0])} has ${first![1]}.`, 'Fetch the file again from the same release.');
    }
    if (this.#rows > rows) throw new UserError('smpd-lengths', `${place} ends after row ${rows}, but ${this.#file} has a row ${rows + 1}: the files are not about the same posts.`, 'Fetch both files again from the same release.');
  }

  check(row: number, uid: string, pid: string, place: string): void {
    if (row > this.#rows) throw new UserError('smpd-lengths', `${this.#file} ends after row ${this.#rows}, but ${place} has a row ${row}: the files are not about the same posts.`, 'Fetch both files again from the same release.');
    if (this.#uids.agrees(row, uid) && this.#pids.agrees(row, pid)) return;
    throw new UserError('smpd-keys', `${this.#file}, row ${row} is not about post ${shown(pid)} of user ${shown(uid)}, which ${place} has there.`, 'The files are not aligned: fetch them again from the same release.');
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }

  async #readOn(): Promise<void> {
    const next = await this.#chunks.next();
    if (!next.done) return this.#scanner.push(next.value);
    this.#ended = true;
    this.#scanner.finish();
  }

  /** In a file by column all rows are known once both columns of ids have ended; they come first. */
  #knows(rows: number): boolean {
    return this.#rowsByName.has('Uid') && this.#rowsByName.has('Pid') ? true : this.#records >= rows;
  }

  get #rows(): number {
    return this.#rowsByName.size > 0 ? this.#rowsByName.values().next().value! : this.#records;
  }

  /** Rows of the key columns are named "0", "1", … in their order. */
  #columnRow(column: string, row: string): void {
    const expected = (column === 'Uid' ? this.#uids : this.#pids).length;
    if (row !== String(expected)) throw new UserError('smpd-keys', `${this.#file}, row ${expected + 1} of column ${shown(column)} is named ${shown(row)} instead of “${expected}”.`, 'The file is not aligned with the posts: fetch it again from the same release.');
  }
}

/** 32-bit hashes by row; 0 where a row names nothing. */
class HashList {
  length = 0;
  #hashes = new Uint32Array(1 << 12);

  add(text: string): void {
    if (this.length === this.#hashes.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.length++] = hashOf(text);
  }

  fillTo(length: number): void {
    while (this.length < length) this.add('');
  }

  /** @param row from 1 */
  agrees(row: number, text: string): boolean {
    const hash = row > this.length ? HASH_OF_NOTHING : this.#hashes[row - 1]!;
    return hash === HASH_OF_NOTHING || hash === hashOf(text);
  }
}

/** FNV-1a of UTF-16 units: files that are shifted differ in nearly every row, so that one equal hash in four billion hides nothing. */
function hashOf(text: string): number {
  if (text === '') return HASH_OF_NOTHING;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash === 0 ? 1 : hash >>> 0;
}

interface ScanEvents {
  columnRow(column: string, row: string): void; // a row's name in a key column
  columnEnd(column: string, rows: number): void;
  key(name: string, value: string): void; // of a key column, or of a record
  recordEnd(): void;
}

/** What is known of where the scan stands. Strings and numbers may be cut by the end of a chunk. */
class UserFileScanner {
  readonly #file: string;
  readonly #events: ScanEvents;
  readonly #captured = Buffer.alloc(MAX_CAPTURED);
  #capturedLength = 0;
  #captures = false; // the string or number at hand is wanted
  #hasEscape = false;
  #inString = false;
  #inScalar = false;
  #escaped = false; // the next byte belongs to an escape
  #depth = 0;
  #byColumn: boolean | null = null; // the outermost is an object
  #expectsKey = false;
  #column = ''; // at depth 1 of a file by column
  #isKeyColumn = false;
  #rows = 0; // of the column at hand, or records
  #name = ''; // of the value at hand in a record
  #ended = false;

  constructor(file: string, events: ScanEvents) {
    this.#file = file;
    this.#events = events;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#inString) at = this.#string(chunk, at);
      else if (this.#inScalar) at = this.#scalar(chunk, at);
      else this.#outside(chunk[at++]!, chunk, at);
    }
  }

  finish(): void {
    if (!this.#ended) throw this.#broken('the file ends in the middle, it was cut off');
  }

  /** @returns where the string or this chunk ends. */
  #string(chunk: Buffer, begin: number): number {
    let at = begin;
    if (this.#escaped) {
      this.#escaped = false;
      if (this.#captures) this.#capture(chunk, at, at + 1);
      at++;
    }
    const from = at;
    const near = Math.min(chunk.length, from + SHORT_STRING);
    while (at < near && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
    if (at === near && at < chunk.length && !this.#captures) return this.#longString(chunk, at);
    if (this.#captures) this.#capture(chunk, from, at);
    if (at === near) return at; // goes on: in this chunk or in the next
    if (chunk[at] === QUOTE) {
      this.#inString = false;
      this.#stringEnd();
    } else {
      this.#escaped = true;
      this.#hasEscape = true;
      if (this.#captures) this.#capture(chunk, at, at + 1);
    }
    return at + 1;
  }

  /** Leaps to the quote that ends a string that nobody wants: one behind an odd number of backslashes belongs to the text. */
  #longString(chunk: Buffer, begin: number): number {
    for (let quote = chunk.indexOf(QUOTE, begin); quote !== -1; quote = chunk.indexOf(QUOTE, quote + 1)) {
      let before = quote;
      while (before > begin && chunk[before - 1] === BACKSLASH) before--;
      if ((quote - before) % 2 === 1) continue;
      this.#inString = false;
      this.#stringEnd();
      return quote + 1;
    }
    let before = chunk.length;
    while (before > begin && chunk[before - 1] === BACKSLASH) before--;
    this.#escaped = (chunk.length - before) % 2 === 1;
    return chunk.length;
  }

  #scalar(chunk: Buffer, begin: number): number {
    let at = begin;
    while (at < chunk.length && !endsScalar(chunk[at]!)) at++;
    if (this.#captures) this.#capture(chunk, begin, at);
    if (at < chunk.length) {
      this.#inScalar = false;
      if (this.#captures) this.#value(this.#captured.toString('latin1', 0, this.#capturedLength));
    }
    return at;
  }

  /** A byte between strings and numbers. */
  #outside(byte: number, chunk: Buffer, next: number): void {
    if (byte === QUOTE) {
      this.#requireInside();
      this.#inString = true;
      this.#begin(this.#wantsString());
    } else if (byte === COLON) {
      this.#expectsKey = false;
      if (this.#depth === 2 && this.#byColumn === true) this.#rows++;
    } else if (byte === COMMA) this.#expectsKey = this.#depth === 2 || this.#byColumn === true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#open(byte);
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#close();
    else if (byte > BLANK && !(this.#byColumn === null && isMarkByte(byte))) {
      this.#requireInside();
      this.#inScalar = true;
      this.#begin(!this.#expectsKey && this.#wantsValue());
      if (this.#captures) this.#capture(chunk, next - 1, next);
    }
  }

  #open(byte: number): void {
    if (this.#byColumn === null) this.#byColumn = byte === OPEN_BRACE;
    else this.#requireInside();
    this.#depth++;
    if (this.#depth === 2) {
      if (byte === OPEN_BRACKET) throw this.#broken('a list stands where rows were expected');
      if (this.#byColumn) this.#rows = 0;
    }
    this.#expectsKey = this.#depth === 2 || (this.#depth === 1 && this.#byColumn);
  }

  #close(): void {
    this.#requireInside();
    this.#depth--;
    this.#expectsKey = false;
    if (this.#depth === 0) this.#ended = true;
    else if (this.#depth === 1 && this.#byColumn === true) this.#events.columnEnd(this.#column, this.#rows);
    else if (this.#depth === 1) {
      this.#rows++;
      this.#events.recordEnd();
    }
  }

  #begin(captures: boolean): void {
    this.#captures = captures;
    this.#capturedLength = 0;
    this.#hasEscape = false;
  }

  #wantsString(): boolean {
    if (!this.#expectsKey) return this.#wantsValue();
    return this.#byColumn === true ? this.#depth === 1 || this.#isKeyColumn : true;
  }

  /** Whether the value at hand is a Uid or a Pid. */
  #wantsValue(): boolean {
    return this.#depth === 2 && (this.#byColumn === true ? this.#isKeyColumn : isKeyName(this.#name));
  }

  #stringEnd(): void {
    if (!this.#captures) return;
    const text = this.#text();
    if (!this.#expectsKey) this.#value(text);
    else if (this.#byColumn !== true) this.#name = text;
    else if (this.#depth === 1) {
      this.#column = text;
      this.#isKeyColumn = isKeyName(text);
    } else this.#events.columnRow(this.#column, text);
  }

  #value(text: string): void {
    this.#events.key(this.#byColumn === true ? this.#column : this.#name, text);
    this.#name = '';
  }

  #text(): string {
    const text = this.#captured.toString('utf8', 0, this.#capturedLength);
    if (!this.#hasEscape) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch (error) {
      throw this.#broken(visible((error as Error).message));
    }
  }

  #capture(chunk: Buffer, begin: number, end: number): void {
    if (this.#capturedLength + end - begin > MAX_CAPTURED) throw this.#broken(`a name or an id is longer than ${MAX_CAPTURED} bytes`);
    chunk.copy(this.#captured, this.#capturedLength, begin, end);
    this.#capturedLength += end - begin;
  }

  #requireInside(): void {
    if (this.#ended) throw this.#broken('something follows the end');
    if (this.#byColumn === null) throw this.#broken('the file is neither a JSON object of columns nor a list of records');
  }

  #broken(what: string): UserError {
    const place = this.#byColumn === true ? `column ${shown(this.#column)}, row ${this.#rows + 1}` : `record ${this.#rows + 1}`;
    return new UserError('json-broken', `${this.#file}, ${place}: ${what}.`, 'Fetch or make the file again, then index again.');
  }
}

const isKeyName = (name: string): boolean => name === 'Uid' || name === 'Pid';
const isMarkByte = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf; // of UTF-8's byte order mark
const endsScalar = (byte: number): boolean => byte <= BLANK || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;

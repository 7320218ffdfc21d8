// Rows of a Parquet table, a few pages of its columns at a time: only the columns that are asked for are read, and never a whole
// row group. Values come out as they would stand in JSON lines, so that everything behind this is the same for every table.
import { isUtf8 } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parquetMetadataAsync, parquetSchema, type AsyncBuffer, type ColumnMetaData, type Compressors, type FileMetaData, type ParquetParsers } from 'hyparquet';
import { UserError } from '../domain/errors.ts';
import { hashFile } from './hashedFile.ts';
import { isPlainColumn, readColumnRows } from './parquetColumns.ts';
import { MAX_PAGE_BYTES } from './parquetPages.ts';
import { shown, visible } from './postSource.ts';
import type { RawRow, TableRows } from './tableRows.ts';

/** Rows handed over at a time. */
const ROWS_AT_ONCE = 1000;
/** Bytes of the description at the file's end. */
const MAX_FOOTER_BYTES = 64 * 1024 ** 2;
/** Bytes of the description that may all say that their number goes on: numbers take time that grows with the square of these. */
const MAX_RUN_BYTES = 64 * 1024;
const CODECS: readonly string[] = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD', 'LZ4', 'LZ4_RAW'];

/** Whether a file begins as Parquet does. @throws {UserError} `table-encrypted` */
export function isParquet(head: Buffer, file: string): boolean {
  const magic = head.toString('latin1', 0, 4);
  if (magic === 'PARE') throw new UserError('table-encrypted', `${file} is an encrypted Parquet file.`, 'Write it again without encryption.');
  return magic === 'PAR1';
}

/** What `readTable` asks for. */
export interface ParquetRequest {
  readonly path: string;
  readonly file: string; // as it is named in messages
  readonly expected: { readonly size: number; readonly modifiedAt: number };
  /** Columns to read; names that the file does not have are left out. */
  readonly columns: readonly string[];
  readonly onHash: ((sha256: string) => void) | null; // null: not read to its end
}

/** Names of the top columns, and the number of rows. @throws {UserError} `table-broken`, `table-codec` */
export async function describeParquet(path: string, file: string): Promise<{ header: readonly string[]; rows: number }> {
  return withFile(path, file, (_buffer, metadata) => Promise.resolve({ header: topColumns(metadata, file), rows: Number(metadata.num_rows) }));
}

/**
 * Yields the header, then rows in batches; the row's number counts from 1.
 * @throws {UserError} `table-broken` naming file and rows, `table-codec`, `file-changed`
 */
export async function* readParquet({ path, file, expected, columns, onHash }: ParquetRequest): AsyncGenerator<TableRows, void, void> {
  const handle = await open(path, 'r');
  try {
    const { buffer, metadata } = await openParquet(handle, file);
    const header = topColumns(metadata, file);
    const wanted = [...new Set(columns)].filter((name) => header.includes(name));
    await decoding(file, 'its end', () => checkColumns(metadata, wanted, buffer.byteLength, file)); // what is missing there may be anything
    const encoding = { sawInvalid: false };
    const decoder = { buffer, schema: parquetSchema(metadata), compressors: await makeCompressors(), parsers: parsersNoting(encoding) };
    yield { header, rows: [] };
    let before = 0;
    for (const group of metadata.row_groups) {
      const rows = Number(group.num_rows);
      const sources = wanted.map((name) => {
        const column = group.columns.find(({ meta_data }) => meta_data!.path_in_schema[0] === name)!.meta_data!;
        return new ColumnRows(name, readColumnRows({ ...decoder, column, ...rangeOf(column) }));
      });
      for (let done = 0; done < rows; ) {
        const where = `rows ${before + done + 1} to ${before + rows}`;
        const count = Math.min(rows - done, ROWS_AT_ONCE, ...(await decoding(file, where, () => fillAll(sources))));
        if (count === 0) throw broken(file, where, 'a column has fewer rows than the others');
        const batch: RawRow[] = [];
        for (let index = 0; index < count; index++) {
          const values: Record<string, unknown> = {};
          for (const source of sources) values[source.name] = plain(source.take());
          batch.push(toRow(values, before + done + index + 1, encoding.sawInvalid));
        }
        done += count;
        yield { header, rows: batch };
        await setImmediate();
      }
      before += rows;
    }
  } finally {
    await handle.close();
  }
  // Parts were read here and there, so the file is hashed for itself; it must still be the one that was looked at.
  if (onHash !== null) onHash(await hashFile(path, file, expected, new AbortController().signal));
}

async function withFile<Result>(path: string, file: string, act: (buffer: AsyncBuffer, metadata: FileMetaData) => Promise<Result>): Promise<Result> {
  const handle = await open(path, 'r');
  try {
    const { buffer, metadata } = await openParquet(handle, file);
    return await act(buffer, metadata);
  } finally {
    await handle.close();
  }
}

async function openParquet(handle: FileHandle, file: string): Promise<{ buffer: AsyncBuffer; metadata: FileMetaData }> {
  const { size } = await handle.stat();
  const buffer: AsyncBuffer = { byteLength: size, slice: (start, end = size) => readSlice(handle, size, start, end) };
  const footer = new Uint8Array(await buffer.slice(Math.max(0, size - 8), size));
  if (size < 12 || Buffer.from(footer.subarray(4)).toString('latin1') !== 'PAR1') throw broken(file, 'its end', 'the file was cut off, or something follows it');
  const length = new DataView(footer.buffer).getUint32(0, true);
  if (length > MAX_FOOTER_BYTES) throw broken(file, 'its end', 'the description of its columns is longer than 64 MB');
  const description = await decoding(file, 'its end', () => buffer.slice(size - 8 - length, size - 8));
  if (hasEndlessNumber(new Uint8Array(description))) throw broken(file, 'its end', 'a number that does not end');
  const metadata = await decoding(file, 'its end', () => parquetMetadataAsync(buffer, { geoparquet: false, parsers: parsersNoting({ sawInvalid: false }) }));
  await decoding(file, 'its end', () => checkRowCounts(metadata, file));
  return { buffer, metadata };
}

function hasEndlessNumber(bytes: Uint8Array): boolean {
  let run = 0;
  for (const byte of bytes) {
    run = byte >= 0x80 ? run + 1 : 0;
    if (run > MAX_RUN_BYTES) return true;
  }
  return false;
}

async function readSlice(handle: FileHandle, size: number, start: number, end: number): Promise<ArrayBuffer> {
  if (!(start >= 0 && start <= end && end <= size)) throw new RangeError(`bytes ${start} to ${end} of ${size}`);
  const bytes = new Uint8Array(end - start);
  for (let read = 0; read < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
    if (bytesRead === 0) throw new RangeError('the file has become shorter');
    read += bytesRead;
  }
  return bytes.buffer;
}

/** Refuses counts that no file has: what follows makes lists of these lengths. */
function checkRowCounts({ num_rows, row_groups }: FileMetaData, file: string): void {
  const sum = row_groups.reduce((rows, group) => rows + Number(group.num_rows), 0);
  const isCount = (value: bigint): boolean => value >= 0n && value <= BigInt(2 ** 40);
  if (!isCount(num_rows) || !row_groups.every((group) => isCount(group.num_rows)) || sum !== Number(num_rows)) {
    throw broken(file, 'its end', `its row groups have ${sum} rows, the file ${num_rows}`);
  }
}

function topColumns(metadata: FileMetaData, file: string): string[] {
  let names: string[];
  try {
    names = parquetSchema(metadata).children.map((child) => child.element.name);
  } catch (cause) {
    throw broken(file, 'its end', (cause as Error).message, cause);
  }
  if (!names.every((name) => typeof name === 'string')) throw broken(file, 'its end', 'a column has no name');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw broken(file, 'its columns', `two are named ${shown(twice)}`);
  return names;
}

/** Whether the parts of the file that will be read lie in it, hold values and are packed in a way that can be unpacked. */
function checkColumns(metadata: FileMetaData, wanted: readonly string[], size: number, file: string): void {
  const record = parquetSchema(metadata).children.find((child) => wanted.includes(child.element.name) && !isPlainColumn(child));
  if (record !== undefined) throw new UserError('table-columns', `${file}: column ${shown(record.element.name)} holds records, not values.`, 'Name another column in the mapping, or write the table with the field as a column of its own.');
  metadata.row_groups.forEach((group, index) => {
    const absent = wanted.find((name) => !group.columns.some(({ meta_data }) => meta_data?.path_in_schema[0] === name));
    if (absent !== undefined) throw broken(file, `row group ${index + 1}`, `column ${shown(absent)} is missing`);
    for (const chunk of group.columns) {
      const column = chunk.meta_data;
      if (column !== undefined && !wanted.includes(column.path_in_schema[0]!)) continue;
      if (column === undefined || chunk.file_path || chunk.crypto_metadata !== undefined) {
        throw new UserError('table-broken', `${file}, row group ${index + 1}: a column is encrypted or lies in another file.`, 'Write the table again as one file without encryption.');
      }
      const name = shown(column.path_in_schema.join('.'));
      if (!CODECS.includes(column.codec)) {
        throw new UserError('table-codec', `${file}: column ${name} is compressed with ${String(column.codec)}, which cannot be read.`, `Write it again with one of ${CODECS.map((codec) => codec.toLowerCase()).join(', ')}.`);
      }
      const { begin, end } = rangeOf(column);
      if (!(begin >= 0 && end >= begin && end <= size)) throw broken(file, `row group ${index + 1}`, `column ${name} does not lie inside the file`);
    }
  });
}

function rangeOf(column: ColumnMetaData): { begin: number; end: number } {
  const dictionary = column.dictionary_page_offset;
  const begin = Number(dictionary !== undefined && dictionary > 0n && dictionary < column.data_page_offset ? dictionary : column.data_page_offset);
  return { begin, end: begin + Number(column.total_compressed_size) };
}

/** The rows of a column that were decoded and not yet taken. */
class ColumnRows {
  readonly name: string;
  readonly #pages: AsyncGenerator<ArrayLike<unknown>, void, void>;
  #page: ArrayLike<unknown> = [];
  #position = 0;

  constructor(name: string, pages: AsyncGenerator<ArrayLike<unknown>, void, void>) {
    this.name = name;
    this.#pages = pages;
  }

  /** Decodes on until a row is there; answers how many there are, 0 at the end. */
  async fill(): Promise<number> {
    while (this.#position === this.#page.length) {
      const next = await this.#pages.next();
      if (next.done) return 0;
      this.#page = next.value;
      this.#position = 0;
      await setImmediate(); // a page may take some ten milliseconds
    }
    return this.#page.length - this.#position;
  }

  take(): unknown {
    return this.#page[this.#position++];
  }
}

async function fillAll(columns: readonly ColumnRows[]): Promise<number[]> {
  const counts: number[] = [];
  for (const column of columns) counts.push(await column.fill());
  return counts;
}

/** Whatever the decoder stumbles over is a fault of the file; faults of the disk are not. */
async function decoding<Result>(file: string, where: string, act: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof UserError || typeof (error as NodeJS.ErrnoException).syscall === 'string') throw error;
    throw broken(file, where, (error as Error).message, error);
  }
}

function broken(file: string, where: string, what: string, cause?: unknown): UserError {
  return new UserError('table-broken', `${file}, ${where}: this is no sound Parquet file (${visible(what.slice(0, 200))}).`, 'Fetch or write the file again, then index again.', cause === undefined ? undefined : { cause });
}

/** Node's own decompressors where it has them: they are faster, and stop at the length that the page announces. */
async function makeCompressors(): Promise<Compressors> {
  const { compressors } = await import('hyparquet-compressors');
  const bounded = (unpack: (input: Uint8Array, length: number) => Uint8Array) => (input: Uint8Array, length: number): Uint8Array => {
    if (!(length >= 0 && length <= MAX_PAGE_BYTES)) throw new RangeError(`a page of ${length} bytes`);
    return length === 0 ? new Uint8Array(0) : unpack(input, length);
  };
  return {
    SNAPPY: bounded(compressors.SNAPPY!), LZ4: bounded((input, length) => (isFramed(input) ? compressors.LZ4! : compressors.LZ4_RAW!)(input, length)), LZ4_RAW: bounded(compressors.LZ4_RAW!),
    GZIP: bounded((input, length) => gunzipSync(input, { maxOutputLength: length })),
    BROTLI: bounded((input, length) => brotliDecompressSync(input, { maxOutputLength: length })),
    ZSTD: bounded((input, length) => zstdDecompressSync(input, { maxOutputLength: length })),
  };
}

/** Whether a page is packed in Hadoop's frames. The library steps from one to the next by their lengths, backwards also. */
function isFramed(input: Uint8Array): boolean {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  while (at + 8 < input.length) at += 8 + view.getUint32(at + 4);
  return at === input.length;
}

/** Times and days become texts as JSON lines would have them, texts that are not UTF-8 are noted. */
function parsersNoting(encoding: { sawInvalid: boolean }): ParquetParsers {
  const time = (milliseconds: number): string => (Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds).toISOString() : String(milliseconds));
  return {
    timestampFromMilliseconds: (milliseconds: bigint) => time(Number(milliseconds)),
    timestampFromMicroseconds: (microseconds: bigint) => time(Number(microseconds / 1000n)),
    timestampFromNanoseconds: (nanoseconds: bigint) => time(Number(nanoseconds / 1_000_000n)),
    dateFromDays: (days: number) => time(days * 86_400_000).slice(0, 10),
    stringFromBytes: (bytes: Uint8Array) => {
      if (!isUtf8(bytes)) encoding.sawInvalid = true;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    },
  } as unknown as ParquetParsers; // the library's types know dates alone
}

function toRow(values: Readonly<Record<string, unknown>>, row: number, sawInvalid: boolean): RawRow {
  const invalid = sawInvalid ? Object.values(values).find((value) => typeof value === 'string' && value.includes('\uFFFD')) : undefined;
  return { row, values, fault: invalid === undefined ? null : { reason: 'bad encoding', detail: shown(invalid) } };
}

/** As in JSON: whole numbers of 64 bits as text, which loses none of their digits; no number is no value. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  if (Array.isArray(value)) return value.map(plain);
  return value ?? null;
}

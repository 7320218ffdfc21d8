// Rows of a CSV, TSV or JSON-lines file, streamed (Parquet: parquetRows.ts). What a table is, is told by its content: an object on the first line, or
// the delimiter that cuts the line of names into most columns.
import { isUtf8 } from 'node:buffer';
import { Parser, type CsvError } from 'csv-parse';
import { UserError } from '../domain/errors.ts';
import { shown, visible } from './postSource.ts';
import { readTextLines } from './textLines.ts';

export interface TableFormat {
  readonly format: 'csv' | 'tsv' | 'jsonl' | 'parquet';
  readonly delimiter: string | null; // null for JSON lines and Parquet
}

/** What the readers of tables yield: the header with every batch. */
export interface TableRows {
  readonly header: readonly string[];
  readonly rows: RawRow[];
}

/** One row. `fault` says why it has no usable values. */
export interface RawRow {
  readonly row: number; // the line on which it begins, in Parquet the row; from 1
  readonly values: Readonly<Record<string, unknown>>;
  readonly fault: { readonly reason: string; readonly detail: string } | null;
}

/** Bytes of one row beyond which a quote that is never closed is the likely cause. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const DELIMITERS = [',', '\t', ';', '|'] as const;

/** A few NUL bytes are a fault of rows; more are another kind of file (UTF-16 without a mark has one in every second byte). */
const MAX_NUL_SHARE = 0.05;

/**
 * Refuses what cannot be the beginning of a table in UTF-8.
 * @throws {UserError} `table-empty`; `table-encoding` for UTF-16 and for bytes that are no text.
 */
export function requireText(head: Buffer, file: string): void {
  if (head.toString('latin1').trim() === '') throw new UserError('table-empty', `${file} is empty.`, 'Choose a file with a line of column names and one post a line.');
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) throw new UserError('table-encoding', `${file} is UTF-16.`, 'Save it as UTF-8, then index again.');
  let zeros = 0;
  for (const byte of head) if (byte === 0) zeros++;
  if (zeros > head.length * MAX_NUL_SHARE) throw new UserError('table-encoding', `${file} is no text file.`, 'Choose a CSV, TSV or JSON-lines file in UTF-8.');
}

/** The format of a file from its first bytes; null when it is no table. */
export function detectTableFormat(head: Buffer): TableFormat | null {
  const text = head.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trimStart().startsWith('{')) return { format: 'jsonl', delimiter: null };
  const header = text.split(/\r?\n/).find((line) => line !== '') ?? '';
  const counts = DELIMITERS.map((delimiter) => ({ delimiter, columns: header.split(delimiter).length }));
  const best = counts.reduce((most, candidate) => (candidate.columns > most.columns ? candidate : most));
  if (best.columns < 2) return null;
  return { format: best.delimiter === '\t' ? 'tsv' : 'csv', delimiter: best.delimiter };
}

/**
 * Yields the header, then rows in batches. For JSON lines the header are the keys of the first batch's objects.
 * @throws {UserError} `table-broken` naming file and line: a quote that is never closed, a header with a name twice.
 */
export async function* readTable(chunks: AsyncIterable<Buffer>, format: TableFormat, file: string): AsyncGenerator<TableRows, void, void> {
  if (format.format === 'jsonl') yield* readJsonLines(chunks, file);
  else yield* readDelimited(chunks, format.delimiter ?? (format.format === 'tsv' ? '\t' : ','), file);
}

async function* readDelimited(chunks: AsyncIterable<Buffer>, delimiter: string, file: string): AsyncGenerator<TableRows, void, void> {
  let header: string[] | null = null;
  let rows: RawRow[] = [];
  let lastLine = 0; // on which the row before ended
  let sawInvalid = false; // some chunk was not UTF-8: a row that holds U+FFFD is then one of the broken ones
  const parser = new Parser({
    delimiter, record_delimiter: ['\r\n', '\n'], bom: true, relax_quotes: true, relax_column_count: true, skip_empty_lines: true, max_record_size: MAX_RECORD_BYTES,
    on_record(cells: string[], context) {
      // Blank lines lie between rows, so the beginning is counted back from the end.
      const begin = context.lines - cells.reduce((breaks, cell) => breaks + lineBreaks(cell), 0);
      lastLine = context.lines;
      if (header === null) header = checkedHeader(cells, file);
      else rows.push(toRow(header, cells, begin, sawInvalid));
      return null; // nothing waits in the parser's own queue
    },
  });
  let failure: unknown = null;
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.resume();
  const settle = async (act: (done: (error?: Error | null) => void) => void): Promise<void> => {
    await new Promise<void>((resolve) => act(() => resolve()));
    if (failure !== null) throw failure instanceof UserError ? failure : brokenTable(file, lastLine + 1, failure as CsvError);
  };
  let carried: Buffer = Buffer.alloc(0); // a character that the chunk's end cuts
  for await (const chunk of chunks) {
    if (!sawInvalid) {
      const bytes = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
      const whole = bytes.length - cutCharacterBytes(bytes);
      sawInvalid = !isUtf8(bytes.subarray(0, whole));
      carried = bytes.subarray(whole);
    }
    await settle((done) => parser.write(chunk, done));
    if (rows.length > 0) yield { header: header!, rows };
    rows = [];
  }
  if (carried.length > 0) sawInvalid = true;
  await settle((done) => {
    parser.once('close', () => done());
    parser.end();
  });
  if (header !== null) yield { header, rows };
}

function toRow(header: readonly string[], cells: readonly string[], row: number, sawInvalid: boolean): RawRow {
  if (cells.length !== header.length) return { row, values: {}, fault: { reason: 'wrong number of columns', detail: `${cells.length} instead of ${header.length}` } };
  const values: Record<string, string> = {};
  for (let i = 0; i < cells.length; i++) values[header[i]!] = cells[i]!;
  if (sawInvalid) {
    const broken = cells.find((cell) => cell.includes('\uFFFD'));
    if (broken !== undefined) return { row, values, fault: { reason: 'bad encoding', detail: shown(broken) } };
  }
  return { row, values, fault: null };
}

function checkedHeader(cells: readonly string[], file: string): string[] {
  const names = cells.map((cell) => cell.trim());
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i);
  if (twice !== undefined) throw new UserError('table-broken', `${file}, line 1: two columns are named ${shown(twice)}.`, 'Give each column a name of its own.');
  return names.map((name, i) => (name === '' ? `column ${i + 1}` : name));
}

function brokenTable(file: string, line: number, error: CsvError): UserError {
  const what = error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE' ? 'a quote that opens here is never closed' : visible(error.message);
  return new UserError('table-broken', `${file}, line ${line}: ${what}.`, 'Correct the row (a quote inside a quoted value is written twice), then index again.');
}

function lineBreaks(cell: string): number {
  let breaks = 0;
  for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) breaks++;
  return breaks;
}

/** How many bytes at the end belong to a character that goes on behind it: 0 … 3. */
function cutCharacterBytes(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue; // a byte within a character
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

async function* readJsonLines(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<TableRows, void, void> {
  let line = 0;
  let header: string[] | null = null;
  for await (const lines of readTextLines(chunks, file)) {
    const rows: RawRow[] = [];
    for (const { text, validUtf8 } of lines) {
      line++;
      if (text.trim() === '') continue;
      let values: unknown;
      try {
        values = JSON.parse(text);
      } catch (error) {
        rows.push({ row: line, values: {}, fault: { reason: 'no JSON', detail: visible((error as Error).message.slice(0, 100)) } });
        continue;
      }
      if (typeof values !== 'object' || values === null || Array.isArray(values)) rows.push({ row: line, values: {}, fault: { reason: 'no JSON object', detail: shown(text) } });
      else rows.push({ row: line, values: values as Record<string, unknown>, fault: validUtf8 ? null : { reason: 'bad encoding', detail: shown(text) } });
    }
    header ??= [...new Set(rows.flatMap((row) => Object.keys(row.values)))];
    yield { header, rows };
  }
}

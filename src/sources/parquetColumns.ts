// Values of one column of a Parquet row group, a page at a time: pyarrow puts a million rows into one row group, which could not
// be held. Built of the library's own page decoder; its readers decode whole row groups. A page is looked at (parquetPages.ts)
// before the decoder, which believes it, could make any number of values or never end.
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { getPhysicalColumns, getTreePath, isFlatColumn } from 'hyparquet/src/schema.js';
import type { AsyncBuffer, ColumnMetaData, Compressors, DecodedArray, PageHeader, ParquetParsers, SchemaTree } from 'hyparquet';
import type { ColumnDecoder } from 'hyparquet/src/types.js';
import { isPlausible, MAX_PAGE_VALUES, soundPage } from './parquetPages.ts';

/** Bytes read at a time: most pages fit. */
const READ_BYTES = 1024 ** 2;
/** Bytes of a page's header, which holds bounds of its values, cut short. The time of a damaged one grows with their square. */
const MAX_HEADER_BYTES = 64 * 1024;

export interface ColumnRequest {
  readonly buffer: AsyncBuffer;
  readonly schema: SchemaTree; // of the file
  readonly column: ColumnMetaData;
  readonly begin: number; // of the column's bytes, its dictionary included
  readonly end: number;
  readonly compressors: Compressors;
  readonly parsers: Partial<ParquetParsers>;
}

/** Whether a column is one value or one list of values a row; records have several columns of their own. */
export function isPlainColumn(top: SchemaTree): boolean {
  return getPhysicalColumns(top).length === 1;
}

/** Yields the rows of a plain column, in order. Whatever it throws means that the file is damaged. */
export async function* readColumnRows({ buffer, schema, column, begin, end, compressors, parsers: given }: ColumnRequest): AsyncGenerator<ArrayLike<unknown>, void, void> {
  const parsers = { ...DEFAULT_PARSERS, ...given };
  const schemaPath = getTreePath(schema, column.path_in_schema);
  const decoder: ColumnDecoder = { ...column, pathInSchema: column.path_in_schema, element: schemaPath.at(-1)!.element, schemaPath, compressors, parsers };
  const isFlat = isFlatColumn(schemaPath);
  let dictionary: DecodedArray | undefined;
  let held: unknown[] = []; // the last row of a list column, which may go on in the next page
  for await (const page of readPages(buffer, begin, end, Number(column.num_values))) {
    const { header, bytes } = soundPage(page.header, page.bytes, decoder);
    const reader = { view: bytes, offset: 0 };
    const { data } = readPage(reader, header, { ...decoder, codec: 'UNCOMPRESSED' }, dictionary, held.length > 0 ? held : undefined, 0);
    if (header.type === 'DICTIONARY_PAGE') dictionary = data === undefined ? undefined : convert(data, decoder);
    else if (data === undefined || data.length === 0) continue;
    else if (isFlat) yield data;
    else {
      const rows = Array.from(data as ArrayLike<unknown>);
      held = rows.slice(-1);
      yield assembled(rows.slice(0, -1), schemaPath, parsers);
    }
  }
  if (held.length > 0) yield assembled(held, schemaPath, parsers);
}

/** Lists as they are, without the levels between that only the file has. */
function assembled(rows: unknown[], schemaPath: readonly SchemaTree[], parsers: ParquetParsers): unknown[] {
  const top = schemaPath[1]!;
  if (top.children.length === 0 || rows.length === 0) return rows;
  const columns = new Map<string, DecodedArray>([[schemaPath.at(-1)!.path.join('.'), rows]]);
  assembleNested(columns, top, parsers);
  return columns.get(top.path.join('.')) as unknown[];
}

interface Page {
  readonly header: PageHeader;
  readonly bytes: DataView;
}

async function* readPages(buffer: AsyncBuffer, begin: number, end: number, values: number): AsyncGenerator<Page, void, void> {
  let window = new ArrayBuffer(0);
  let windowBegin = begin;
  let seen = 0;
  for (let at = begin; at < end && seen < values; ) {
    const reach = async (length: number): Promise<void> => {
      if (at - windowBegin + length <= window.byteLength) return;
      window = await buffer.slice(at, Math.min(end, at + Math.max(length, READ_BYTES)));
      windowBegin = at;
    };
    const most = Math.min(MAX_HEADER_BYTES, end - at);
    await reach(most);
    const reader = { view: new DataView(window, at - windowBegin, most), offset: 0 };
    const header = parquetHeader(reader);
    const length = reader.offset + header.compressed_page_size;
    if (length <= 0 || !isPlausible(header, end - at - reader.offset, values - seen)) throw new RangeError(`a damaged page at byte ${at}, or one of more than ${MAX_PAGE_VALUES} values`);
    await reach(length);
    yield { header, bytes: new DataView(window, at - windowBegin + reader.offset, header.compressed_page_size) };
    seen += header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0;
    at += length;
  }
}

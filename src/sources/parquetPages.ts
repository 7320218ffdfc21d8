// A look at the headers of a Parquet column's pages, in Thrift's compact protocol: how many values and bytes each announces.
// The decoder believes them, so a damaged header could make it ask for any amount of memory and time.
import { parquetHeader } from 'hyparquet/src/column.js';

/**
 * Whether the pages from the first byte on lie inside `bytes` and announce no more than there can be.
 * @param values of the whole column, as the file's end says.
 */
export function hasPlausiblePages(bytes: ArrayBuffer, values: number, maxPageBytes: number): boolean {
  const reader = { view: new DataView(bytes), offset: 0 };
  const isSize = (size: number | undefined, limit: number): boolean => size === undefined || (Number.isInteger(size) && size >= 0 && size <= limit);
  let seen = 0;
  while (reader.offset < bytes.byteLength - 1 && seen < values) {
    const begin = reader.offset;
    const header = parquetHeader(reader);
    const { data_page_header: page, data_page_header_v2: page2, dictionary_page_header: dictionary } = header;
    if (!isSize(header.compressed_page_size, bytes.byteLength - reader.offset) || !isSize(header.uncompressed_page_size, maxPageBytes)) return false;
    const counts = [page?.num_values, page2?.num_values, page2?.num_nulls, page2?.num_rows];
    if (!counts.every((count) => isSize(count, values - seen)) || !isSize(dictionary?.num_values, header.uncompressed_page_size)) return false;
    seen += page?.num_values ?? page2?.num_values ?? 0;
    reader.offset += header.compressed_page_size;
    if (reader.offset <= begin) return false;
  }
  return true;
}

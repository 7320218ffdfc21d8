// What a page of a Parquet column announces, looked at before it is decoded: the decoder repeats a value as often as a run says,
// goes back where a length is negative and never ends where one is missing. One changed byte is enough for any of these.
import { decompressPage } from 'hyparquet/src/datapage.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import type { ColumnDecoder, DataReader, PageHeader } from 'hyparquet/src/types.js';

/** Bytes of one page, unpacked. */
export const MAX_PAGE_BYTES = 256 * 1024 ** 2;
/** Values of one page: other writers end a page after some 20 000 rows or 1 MB, and a column's values lie in memory as a page. */
export const MAX_PAGE_VALUES = 4 * 1024 ** 2;
/** Bytes of a whole number of 64 bits, seven bits a byte. */
const MAX_NUMBER_BYTES = 10;

/** A page whose bytes can be given to the decoder: `header` describes them as they are, unpacked. */
export interface SoundPage {
  readonly header: PageHeader;
  readonly bytes: DataView;
}

/** Whether a page lies inside its column and announces no more values than are still to come. */
export function isPlausible(header: PageHeader, bytesLeft: number, valuesLeft: number): boolean {
  const { data_page_header: page, data_page_header_v2: page2, dictionary_page_header: dictionary } = header;
  const mostValues = Math.min(valuesLeft, MAX_PAGE_VALUES);
  const areSizes = (limit: number, ...sizes: (number | undefined)[]): boolean => sizes.every((size) => Number.isInteger(size) && size! >= 0 && size! <= limit);
  return areSizes(Math.min(bytesLeft, MAX_PAGE_BYTES), header.compressed_page_size) && areSizes(MAX_PAGE_BYTES, header.uncompressed_page_size)
    && (dictionary === undefined || areSizes(Math.min(header.uncompressed_page_size, MAX_PAGE_VALUES), dictionary.num_values))
    && (page === undefined || areSizes(mostValues, page.num_values))
    && (page2 === undefined || (areSizes(mostValues, page2.num_values, page2.num_rows) && areSizes(page2.num_values, page2.num_nulls)
      && areSizes(header.compressed_page_size, page2.repetition_levels_byte_length + page2.definition_levels_byte_length, page2.repetition_levels_byte_length, page2.definition_levels_byte_length)));
}

/**
 * Unpacks a page and walks through its counts and lengths.
 * @param header a plausible one.
 * @param bytes as they lie in the file.
 * @throws {RangeError} where decoding would not end, or would make more than the page announces.
 */
export function soundPage(header: PageHeader, bytes: DataView, decoder: ColumnDecoder): SoundPage {
  const packed = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const page2 = header.type === 'DATA_PAGE_V2' ? header.data_page_header_v2 : undefined;
  const levelBytes = page2 === undefined ? 0 : page2.repetition_levels_byte_length + page2.definition_levels_byte_length; // never packed
  const unpack = page2?.is_compressed !== false && decoder.codec !== 'UNCOMPRESSED';
  const values = unpack ? decompressPage(packed.subarray(levelBytes), header.uncompressed_page_size - levelBytes, decoder.codec, decoder.compressors) : packed.subarray(levelBytes);
  const page = levelBytes === 0 ? values : unpack ? Buffer.concat([packed.subarray(0, levelBytes), values]) : packed;
  const sound: SoundPage = { header: { ...header, compressed_page_size: page.length }, bytes: new DataView(page.buffer, page.byteOffset, page.byteLength) };
  if (header.type === 'DATA_PAGE') checkPage(sound, decoder);
  else if (header.type === 'DATA_PAGE_V2') checkPage2(sound, decoder);
  return sound;
}

function checkPage({ header, bytes }: SoundPage, decoder: ColumnDecoder): void {
  const page = header.data_page_header;
  if (page === undefined) throw new RangeError('a page without a description');
  const reader = { view: bytes, offset: 0 };
  const [repetition, definition] = maxLevels(decoder);
  if (repetition > 0) countLevels(reader, repetition, page.num_values);
  const values = definition > 0 ? countLevels(reader, definition, page.num_values) : page.num_values;
  const isIndexed = page.encoding === 'PLAIN_DICTIONARY' || page.encoding === 'RLE_DICTIONARY' || page.encoding === 'RLE';
  if (!isIndexed) checkDeltas(reader, page.encoding, values);
  else if (decoder.type === 'BOOLEAN') checkRuns({ view: bytes, offset: reader.offset + 4 }, 1, values);
  else checkIndexes(reader, values);
}

function checkPage2({ header, bytes }: SoundPage, decoder: ColumnDecoder): void {
  const page = header.data_page_header_v2;
  if (page === undefined) throw new RangeError('a page without a description');
  const [repetition, definition] = maxLevels(decoder);
  const levels = page.repetition_levels_byte_length;
  if (repetition > 0) checkRuns({ view: bytes, offset: 0 }, bitWidth(repetition), page.num_values);
  if (definition > 0) checkRuns({ view: bytes, offset: levels }, bitWidth(definition), page.num_values);
  const reader = { view: bytes, offset: levels + page.definition_levels_byte_length };
  const values = page.num_values - page.num_nulls;
  if (page.encoding === 'RLE') checkRuns({ view: bytes, offset: reader.offset + 4 }, 1, values);
  else if (page.encoding === 'PLAIN_DICTIONARY' || page.encoding === 'RLE_DICTIONARY') checkIndexes(reader, values);
  else checkDeltas(reader, page.encoding, values);
}

function maxLevels({ schemaPath }: ColumnDecoder): [repetition: number, definition: number] {
  return [getMaxRepetitionLevel(schemaPath), getMaxDefinitionLevel(schemaPath)];
}

/** Reads the levels of a page, their length before them; answers how many are the highest. */
function countLevels(reader: DataReader, highest: number, count: number): number {
  checkRuns({ view: reader.view, offset: reader.offset + 4 }, bitWidth(highest), count);
  const levels = new Array<number>(count);
  readRleBitPackedHybrid(reader, bitWidth(highest), levels);
  return levels.reduce((sum, level) => (level === highest ? sum + 1 : sum), 0);
}

function checkIndexes(reader: DataReader, count: number): void {
  const width = reader.view.getUint8(reader.offset);
  checkRuns({ view: reader.view, offset: reader.offset + 1 }, width, count);
}

/** Runs of one value, and of values packed by the eight, of which the last may be filled up. */
function checkRuns(reader: DataReader, width: number, count: number): void {
  for (let seen = 0; seen < count; ) {
    const header = readVarInt(reader);
    const isPacked = (header & 1) === 1;
    const length = isPacked ? (header >>> 1) * 8 : header >>> 1;
    // Packed values take room, so that the page bounds them unless they have no bits.
    if (isPacked ? length >= 2 ** 31 || (width === 0 && length >= count - seen + 8) : length > count - seen) throw new RangeError(`a run of ${length} values where ${count - seen} are to come`);
    reader.offset += isPacked ? Math.max(1, (length / 8) * width) : (width + 7) >> 3;
    seen += length;
  }
}

function checkDeltas(reader: DataReader, encoding: string, count: number): void {
  if (encoding === 'DELTA_BINARY_PACKED' || encoding === 'DELTA_LENGTH_BYTE_ARRAY') checkDifferences(reader, count);
  if (encoding !== 'DELTA_BYTE_ARRAY') return;
  const unpacked = (): Int32Array => {
    checkDifferences({ ...reader }, count);
    const lengths = new Int32Array(count);
    deltaBinaryUnpack(reader, count, lengths);
    return lengths;
  };
  const prefixes = unpacked(), suffixes = unpacked();
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    // A text takes its beginning from the one before it, so that few bytes may stand for any number of them.
    if (prefixes[index]! < 0 || suffixes[index]! < 0) throw new RangeError('a text of negative length');
    bytes += prefixes[index]! + suffixes[index]!;
    if (bytes > MAX_PAGE_BYTES) throw new RangeError(`a page whose texts are longer than ${MAX_PAGE_BYTES} bytes`);
  }
}

/** Whole numbers as differences to the number before: blocks of small blocks, each of which has its own width in bits. */
function checkDifferences(reader: DataReader, count: number): void {
  const { view } = reader;
  const blockLength = readVarInt(reader), blocks = readVarInt(reader);
  const length = blockLength / blocks;
  if (!(blocks > 0 && blocks <= view.byteLength && length > 0 && length % 32 === 0)) throw new RangeError(`a block of ${blockLength} differences in ${blocks} parts`);
  skipNumber(reader); // how many follow: the page has said so
  skipNumber(reader);
  for (let seen = 1; seen < count; ) {
    skipNumber(reader);
    const widths = reader.offset;
    reader.offset += blocks;
    for (let block = 0; block < blocks && seen < count; block++) {
      reader.offset += (length / 8) * view.getUint8(widths + block);
      seen += length;
    }
  }
}

/** The decoder takes time that grows with the square of a number's bytes. */
function skipNumber(reader: DataReader): void {
  for (let bytes = 1; reader.view.getUint8(reader.offset++) >= 0x80; bytes++) {
    if (bytes === MAX_NUMBER_BYTES) throw new RangeError(`a number of more than ${MAX_NUMBER_BYTES} bytes`);
  }
}

/** Bits of the highest level. */
function bitWidth(highest: number): number {
  return 32 - Math.clz32(highest);
}

// Writes posts as one table, the other shape in which data reach the product: CSV (RFC 4180), JSON lines, or Parquet with
// typed columns. A test post is a row without a score.
import { join } from 'node:path';
import { fileWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { InventedPost } from '../domain/inventedPosts.ts';
import { formatHundredths } from '../domain/posts.ts';
import { ChunkedFile } from './chunkedFile.ts';
import type { InventedPostWriter } from './inventedPostWriter.ts';

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
/** Follows the score, as real outcomes do. */
const commentCount = (label: number): number => Math.floor(2 ** (label / 100) / 40);

const CSV_COLUMNS: Readonly<Record<string, (invented: InventedPost) => string>> = {
  id: ({ post }) => post.pid,
  user: ({ post }) => post.uid,
  time: ({ post }) => isoTime(post.postedAt),
  title: ({ post }) => post.title,
  tags: ({ post }) => post.tags,
  category: ({ post }) => post.category,
  subcategory: ({ post }) => post.subcategory,
  concept: ({ post }) => post.concept,
  image: ({ post }) => post.imagePath,
  comments: ({ post }) => (post.label === null ? '' : String(commentCount(post.label))),
  score: ({ post }) => (post.label === null ? '' : formatHundredths(post.label)),
};

/** The name of the table's file. */
export function tableFile(format: 'csv' | 'jsonl' | 'parquet'): string {
  return `posts.${format}`;
}

/** Starts the table in `folder`. */
export function writeCsv(folder: string): InventedPostWriter {
  const header = `${Object.keys(CSV_COLUMNS).join(',')}\n`;
  return writeLines(join(folder, tableFile('csv')), header, (post) => Object.values(CSV_COLUMNS).map((valueOf) => quoted(valueOf(post))).join(','));
}

export function writeJsonLines(folder: string): InventedPostWriter {
  return writeLines(join(folder, tableFile('jsonl')), '', ({ post }) => JSON.stringify({
    id: post.pid, user: post.uid, time: isoTime(post.postedAt), title: post.title, tags: tagList(post.tags), category: post.category, subcategory: post.subcategory, concept: post.concept,
    image: post.imagePath, latitude: post.latitude, longitude: post.longitude, comments: post.label === null ? null : commentCount(post.label), score: post.label === null ? null : post.label / 100,
  }));
}

function writeLines(path: string, header: string, lineOf: (post: InventedPost) => string): InventedPostWriter {
  const file = new ChunkedFile(path);
  file.append(header);
  return {
    write: ({ posts }) => posts.forEach((post) => file.append(`${lineOf(post)}\n`)),
    finish: () => file.close(),
    close: () => file.close(),
  };
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function tagList(tags: string): string[] {
  return tags.split(' ').filter((tag) => tag !== '');
}

/** Rows that are held and written together. */
const ROW_GROUP = 10_000;

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' } as const;
const NUMBER = { type: 'DOUBLE', repetition_type: 'OPTIONAL' } as const;

/** Columns of the Parquet table: their types, and the value of each row. Tags are a list, as pyarrow writes one. */
const PARQUET_COLUMNS: readonly { readonly name: string; readonly schema: readonly Omit<SchemaElement, 'name'>[]; readonly valueOf: (invented: InventedPost) => unknown }[] = [
  { name: 'id', schema: [{ type: 'INT64', repetition_type: 'REQUIRED' }], valueOf: ({ post }) => BigInt(post.pid) },
  { name: 'user', schema: [TEXT], valueOf: ({ post }) => post.uid },
  { name: 'time', schema: [{ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'REQUIRED' }], valueOf: ({ post }) => new Date(post.postedAt * 1000) },
  { name: 'title', schema: [TEXT], valueOf: ({ post }) => post.title },
  { name: 'tags', schema: [{ repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 }], valueOf: ({ post }) => tagList(post.tags) },
  { name: 'category', schema: [TEXT], valueOf: ({ post }) => post.category },
  { name: 'subcategory', schema: [TEXT], valueOf: ({ post }) => post.subcategory },
  { name: 'concept', schema: [TEXT], valueOf: ({ post }) => post.concept },
  { name: 'image', schema: [TEXT], valueOf: ({ post }) => post.imagePath },
  { name: 'latitude', schema: [NUMBER], valueOf: ({ post }) => post.latitude },
  { name: 'longitude', schema: [NUMBER], valueOf: ({ post }) => post.longitude },
  { name: 'comments', schema: [{ type: 'INT64', repetition_type: 'OPTIONAL' }], valueOf: ({ post }) => (post.label === null ? null : BigInt(commentCount(post.label))) },
  { name: 'score', schema: [NUMBER], valueOf: ({ post }) => (post.label === null ? null : post.label / 100) },
];
const LIST_ELEMENTS: readonly SchemaElement[] = [{ name: 'list', repetition_type: 'REPEATED', num_children: 1 }, { name: 'element', ...TEXT, repetition_type: 'OPTIONAL' }];

export function writeParquet(folder: string): InventedPostWriter {
  const schema = PARQUET_COLUMNS.flatMap(({ name, schema: [element] }) => [{ name, ...element! }, ...(element!.num_children === undefined ? [] : LIST_ELEMENTS)]);
  const writer = new ParquetWriter({ writer: fileWriter(join(folder, tableFile('parquet'))), schema: [{ name: 'schema', num_children: PARQUET_COLUMNS.length }, ...schema], createdBy: 'smp-curator' });
  let waiting: InventedPost[] = [];
  const flush = (): void => {
    if (waiting.length > 0) void writer.write({ columnData: PARQUET_COLUMNS.map(({ name, valueOf }) => ({ name, data: waiting.map(valueOf) })), rowGroupSize: ROW_GROUP }); // synchronous: the file's writer is
    waiting = [];
  };
  return {
    write: ({ posts }) => {
      waiting.push(...posts);
      if (waiting.length >= ROW_GROUP) flush();
    },
    finish: () => {
      flush();
      void writer.finish();
    },
    close: () => undefined, // every piece is appended to the file by its name
  };
}

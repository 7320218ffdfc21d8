// Writes posts as one CSV table (RFC 4180), the other shape in which data reach the product.
import { join } from 'node:path';
import type { InventedPost } from '../domain/inventedPosts.ts';
import { formatHundredths } from '../domain/posts.ts';
import { ChunkedFile } from './chunkedFile.ts';
import type { InventedPostWriter } from './inventedPostWriter.ts';

const COLUMNS: Readonly<Record<string, (invented: InventedPost) => string>> = {
  id: ({ post }) => post.pid,
  user: ({ post }) => post.uid,
  time: ({ post }) => new Date(post.postedAt * 1000).toISOString().replace('.000Z', 'Z'),
  title: ({ post }) => post.title,
  tags: ({ post }) => post.tags,
  category: ({ post }) => post.category,
  subcategory: ({ post }) => post.subcategory,
  concept: ({ post }) => post.concept,
  image: ({ post }) => post.imagePath,
  comments: ({ post }) => (post.label === null ? '' : String(Math.floor(2 ** (post.label / 100) / 40))), // follows the score, as real outcomes do
  score: ({ post }) => (post.label === null ? '' : formatHundredths(post.label)),
};

export const TABLE_FILE = 'posts.csv';

/** Starts the table in `folder`. */
export function writePostTable(folder: string): InventedPostWriter {
  const file = new ChunkedFile(join(folder, TABLE_FILE));
  file.append(`${Object.keys(COLUMNS).join(',')}\n`);
  return {
    write: (posts) => posts.forEach((post) => file.append(`${Object.values(COLUMNS).map((valueOf) => quoted(valueOf(post))).join(',')}\n`)),
    finish: () => file.close(),
    close: () => file.close(),
  };
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

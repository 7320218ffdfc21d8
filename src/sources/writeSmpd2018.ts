// Writes posts in the layout of SMPD 2018: one line of fifteen quoted fields a post, in Windows-1252; the test posts in ten
// shards. The counterpart of that layout's reader; formats in docs/data.md.
import { join } from 'node:path';
import type { InventedPost } from '../domain/inventedPosts.ts';
import { oldTitle } from '../domain/inventedUserData.ts';
import { formatHundredths } from '../domain/posts.ts';
import { ChunkedFile } from './chunkedFile.ts';
import { PartFiles, pageAddress, type InventedPostWriter, type WriterSettings } from './inventedPostWriter.ts';

const SHARDS = 10;

/** The typographic signs of Windows-1252 that are elsewhere in Unicode; all other characters of ours are where Latin-1 has them. */
const WINDOWS_1252: Readonly<Record<string, number>> = { '–': 0x96, '“': 0x93, '”': 0x94, '…': 0x85 };

/** Starts a data set in `folder`. */
export function writeSmpd2018({ folder, testPosts }: WriterSettings): InventedPostWriter {
  const inFolder = (name: string): ChunkedFile => new ChunkedFile(join(folder, name), windows1252);
  const parts = new PartFiles((part) => ({
    rows: part === 'train' ? [inFolder('t2_train_data.txt')] : Array.from({ length: SHARDS }, (_, shard) => inFolder(`t2_metadata${shard}.txt`)),
    labels: part === 'train' ? inFolder('t2_train_label.txt') : null,
    pages: inFolder(part === 'train' ? 't2_train_img.txt' : 't2_test_img.txt'),
    written: 0,
  }));
  const close = (): void => parts.all().forEach(({ rows, labels, pages }) => [...rows, labels, pages].forEach((file) => file?.close()));
  return {
    write: ({ part, posts }) => {
      const files = parts.of(part);
      for (const invented of posts) {
        files.rows[part === 'train' ? 0 : Math.floor((files.written++ * SHARDS) / testPosts)]!.append(lineOf(invented));
        files.labels?.append(`${invented.post.label === null ? '' : formatHundredths(invented.post.label)}\n`);
        files.pages.append(`${pageAddress(invented.post)}\n`);
      }
    },
    finish: close,
    close,
  };
}

/** uid, pid, the classes, alias, public, state, title, kind, tags, time and place. Quotes inside a title are not doubled: so were the files published. */
function lineOf({ post }: InventedPost): string {
  const place = post.latitude === null ? ['0', '0', '0'] : [String(post.latitude), '16', String(post.longitude)];
  const fields = [post.uid, post.pid, post.category, post.subcategory, post.concept, 'None', '1', 'ready', oldTitle(post.title, post.pid), 'photo', post.tags, String(post.postedAt), ...place];
  return `"${fields.join('" "')}"\n`;
}

function windows1252(text: string): Buffer {
  return Buffer.from(text.replace(/[–“”…]/g, (sign) => String.fromCharCode(WINDOWS_1252[sign]!)), 'latin1');
}

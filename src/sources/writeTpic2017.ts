// Writes posts in the layout of TPIC2017: four text files, their columns separated by blanks, no header. The counterpart of
// that layout's reader; formats in docs/data.md.
import { join } from 'node:path';
import type { InventedPost } from '../domain/inventedPosts.ts';
import { ChunkedFile } from './chunkedFile.ts';
import { pageAddress, type InventedPostWriter } from './inventedPostWriter.ts';

/** What follows pid and uid in each file. */
const FILES: Readonly<Record<string, (invented: InventedPost) => readonly (string | number)[]>> = {
  // comments, people, length of title and description, tags, mean views of the user, groups and their mean members
  'USER_META.txt': ({ post, user }) => [
    Math.floor(2 ** (post.label! / 100) / 40), /^(Social|Family)/.test(post.category) ? 1 : 0, post.title.length, 0, post.tags.split(' ').length,
    (user.photoCount / 7).toFixed(2), user.photoCount % 97, user.photoCount * 3,
  ],
  'TIME_FLAG.txt': ({ post }) => {
    const time = new Date(post.postedAt * 1000);
    return [time.getUTCFullYear(), time.getUTCMonth() + 1, time.getUTCDate(), time.getUTCHours()];
  },
  'LABEL.txt': ({ post }) => [post.label! / 100], // 3.2, not 3.20
  'PHOTO_URL.txt': ({ post }) => [pageAddress(post)],
};

/** Starts a data set in `folder`. Every post has a score: the layout has no place for one without. */
export function writeTpic2017(folder: string): InventedPostWriter {
  const files = Object.entries(FILES).map(([name, columns]) => ({ file: new ChunkedFile(join(folder, name)), columns }));
  const close = (): void => files.forEach(({ file }) => file.close());
  return {
    write: ({ posts }) => {
      for (const invented of posts) {
        for (const { file, columns } of files) file.append(`${[invented.post.pid, invented.post.uid, ...columns(invented)].join(' ')}\n`);
      }
    },
    finish: close,
    close,
  };
}

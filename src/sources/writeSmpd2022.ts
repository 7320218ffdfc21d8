// Writes posts in the layout of SMPD 2022: row-aligned files, the user file by column. The counterpart of the reader of that
// layout; formats in docs/data.md. Streams: no more than a block of posts is held.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InventedPost, InventedUser } from '../domain/inventedPosts.ts';
import { formatHundredths, type Post } from '../domain/posts.ts';
import { ChunkedFile } from './chunkedFile.ts';
import type { InventedPostWriter } from './inventedPostWriter.ts';

type Row = Readonly<Record<string, string>>;

const RECORDS: Readonly<Record<string, (post: Post) => Row>> = {
  category: (post) => ({ Category: post.category, Subcategory: post.subcategory, Concept: post.concept }),
  text: (post) => ({ Title: post.title, Mediatype: 'photo', Alltags: post.tags }),
  temporalspatial_information: (post) => ({
    Postdate: String(post.postedAt), Latitude: String(post.latitude ?? 0), Longitude: String(post.longitude ?? 0), Geoaccuracy: post.latitude === null ? '0' : '16',
  }),
  additional_information: () => ({ Pathalias: 'None', Ispublic: '1', Mediastatus: 'ready' }),
};

const USER_COLUMNS: Readonly<Record<string, (user: InventedUser) => string | number>> = {
  photo_firstdate: (user) => String(user.firstDate),
  photo_count: (user) => user.photoCount,
  ispro: (user) => (user.isPro ? 1 : 0),
  canbuypro: (user) => (user.isPro ? 0 : 1),
  timezone_offset: (user) => user.place.offset,
  timezone_timezone_id: (user) => user.place.timeZone,
  photo_firstdatetaken: (user) => Number(new Date(user.firstDate * 1000).toISOString().slice(0, 13).replaceAll(/[-T]/g, '')), // YYYYMMDDHH
  user_description: (user) => user.description,
  location_description: (user) => user.place.name,
};

/** Starts a data set in `folder`, which must exist and be empty. Blocks come in ascending order of their pids. `pictures`: list their paths. */
export function writeSmpd2022(folder: string, pictures: boolean): InventedPostWriter {
  const metadata = join(folder, 'train_allmetadata_json');
  mkdirSync(metadata);
  const records = Object.entries(RECORDS).map(([name, record]) => ({ file: new ChunkedFile(join(metadata, `train_${name}.json`)), record }));
  const labels = new ChunkedFile(join(folder, 'train_label.txt'));
  const picturePaths = pictures ? new ChunkedFile(join(folder, 'train_img_filepath.txt')) : null;
  // A columnar file cannot be written row by row: each column grows in a file of its own and they are joined at the end.
  const columns = ['Uid', 'Pid', ...Object.keys(USER_COLUMNS)].map((name, index) => ({ name, file: new ChunkedFile(join(folder, `.column-${index}`)) }));
  const files = [...records, ...columns].map(({ file }) => file).concat(labels, picturePaths ?? []);
  let row = 0;

  function writePost({ post, user }: InventedPost): void {
    const separator = row === 0 ? '[\n' : ',\n';
    const key = { Uid: post.uid, Pid: post.pid };
    for (const { file, record } of records) file.append(separator + JSON.stringify({ ...key, ...record(post) }));
    labels.append(`${post.label === null ? '' : formatHundredths(post.label)}\n`);
    picturePaths?.append(`${post.imagePath}\n`);
    const values = [post.uid, post.pid, ...Object.values(USER_COLUMNS).map((valueOf) => valueOf(user))];
    columns.forEach(({ file }, index) => file.append(`${row === 0 ? '' : ','}"${row}":${JSON.stringify(values[index])}`));
    row++;
  }

  return {
    write: (posts) => posts.forEach(writePost),
    finish: () => {
      for (const { file } of records) file.append(row === 0 ? '[]\n' : '\n]\n');
      for (const file of files) file.close();
      joinColumns(join(metadata, 'train_user_data.json'), columns);
    },
    close: () => files.forEach((file) => file.close()),
  };
}

function joinColumns(path: string, columns: readonly { name: string; file: ChunkedFile }[]): void {
  const joined = new ChunkedFile(path);
  columns.forEach(({ name, file }, index) => {
    joined.append(`${index === 0 ? '{' : ',\n'}${JSON.stringify(name)}:{`);
    joined.appendAndRemove(file);
    joined.append('}');
  });
  joined.append('}\n');
  joined.close();
}

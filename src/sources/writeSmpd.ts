// Writes posts in SMPD's layouts of row-aligned JSON files: 2020, 2022, and a release that mixes them. The counterpart of
// their reader; formats in docs/data.md. Streams: no more than a block of posts is held.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PartName } from '../domain/inventedParts.ts';
import type { InventedPost, InventedUser } from '../domain/inventedPosts.ts';
import { describeInWords, vectorsOfUsers, type UserDescription } from '../domain/inventedUserData.ts';
import { formatHundredths, type Post } from '../domain/posts.ts';
import { ChunkedFile } from './chunkedFile.ts';
import { PartFiles, pageAddress, type InventedPostWriter, type WriterSettings } from './inventedPostWriter.ts';

type Content = 'category' | 'text' | 'temporalspatial' | 'additional';

/** How the releases differ. Names come behind 'train_' or 'test_'. */
interface Layout {
  readonly ownFolder: boolean; // the JSON files lie in train_allmetadata_json
  readonly names: Readonly<Record<Content, string>>;
  readonly users: { readonly name: string; readonly rows: 'columns' | 'keyed' | 'by position' };
  readonly pictures: Readonly<Record<PartName, string>>; // the file that lists them
  readonly pages: boolean; // it lists pages, not files
  readonly numericPid: Content | null; // the file in which Pid is a number
}

const NEW_NAMES = { category: 'category', text: 'text', temporalspatial: 'temporalspatial_information', additional: 'additional_information' } as const;

export const SMPD_LAYOUTS = {
  'smpd-2020': {
    ownFolder: false, names: { category: 'category', text: 'tags', temporalspatial: 'temporalspatial', additional: 'additional' }, users: { name: 'userdata', rows: 'keyed' },
    pictures: { train: 'img.txt', test: 'imgfile.txt' }, pages: true, numericPid: 'category',
  },
  'smpd-2022': {
    ownFolder: true, names: NEW_NAMES, users: { name: 'user_data', rows: 'columns' }, pictures: { train: 'img_filepath.txt', test: 'img_filepath.txt' }, pages: false, numericPid: null,
  },
  'smpd-mixed': {
    ownFolder: true, names: NEW_NAMES, users: { name: 'user_data', rows: 'by position' }, pictures: { train: 'img_path.txt', test: 'img_path.txt' }, pages: false, numericPid: null,
  },
} as const satisfies Readonly<Record<string, Layout>>;

const RECORDS: Readonly<Record<Content, (post: Post) => Readonly<Record<string, string>>>> = {
  category: (post) => ({ Category: post.category, Subcategory: post.subcategory, Concept: post.concept }),
  text: (post) => ({ Title: post.title, Mediatype: 'photo', Alltags: post.tags }),
  temporalspatial: (post) => ({
    Postdate: String(post.postedAt), Latitude: String(post.latitude ?? 0), Longitude: String(post.longitude ?? 0), Geoaccuracy: post.latitude === null ? '0' : '16',
  }),
  additional: () => ({ Pathalias: 'None', Ispublic: '1', Mediastatus: 'ready' }),
};

const USER_VALUES: Readonly<Record<string, (user: InventedUser, said: UserDescription) => string | number>> = {
  photo_firstdate: (user) => String(user.firstDate),
  photo_count: (user) => user.photoCount,
  ispro: (user) => (user.isPro ? 1 : 0),
  canbuypro: (user) => (user.isPro ? 0 : 1),
  timezone_offset: (user) => user.place.offset,
  timezone_timezone_id: (user) => user.place.timeZone,
  photo_firstdatetaken: (user) => Number(new Date(user.firstDate * 1000).toISOString().slice(0, 13).replaceAll(/[-T]/g, '')), // YYYYMMDDHH
  user_description: (_user, said) => said.description,
  location_description: (_user, said) => said.location,
};

/** Starts a data set. */
export function writeSmpd(name: keyof typeof SMPD_LAYOUTS, settings: WriterSettings): InventedPostWriter {
  const layout: Layout = SMPD_LAYOUTS[name];
  const describe = settings.vectors ? vectorsOfUsers(settings.seed) : describeInWords;
  // A user's values are the same in each of her rows, and with vectors 4 kB long: they are made once while her posts are near.
  const encoded = new WeakMap<InventedUser, string[]>();
  const valuesOf = (user: InventedUser): string[] => {
    let values = encoded.get(user);
    if (values === undefined) {
      const said = describe(user);
      encoded.set(user, (values = Object.values(USER_VALUES).map((valueOf) => JSON.stringify(valueOf(user, said)))));
    }
    return values;
  };
  const parts = new PartFiles((part) => new PartWriter(layout, part, settings, valuesOf));
  return {
    write: ({ part, posts }) => {
      const files = parts.of(part);
      for (const post of posts) files.write(post);
    },
    finish: () => parts.all().forEach((part) => part.finish()),
    close: () => parts.all().forEach((part) => part.close()),
  };
}

/** The files of one part. */
class PartWriter {
  readonly #layout: Layout;
  readonly #records: { file: ChunkedFile; content: Content }[];
  readonly #labels: ChunkedFile | null;
  readonly #pictures: ChunkedFile | null;
  readonly #users: UserFile;
  #row = 0;

  constructor(layout: Layout, part: PartName, { folder, pictures }: WriterSettings, valuesOf: (user: InventedUser) => string[]) {
    const metadata = layout.ownFolder ? join(folder, `${part}_allmetadata_json`) : folder;
    mkdirSync(metadata, { recursive: true });
    this.#layout = layout;
    this.#records = Object.entries(layout.names).map(([content, name]) => ({ file: new ChunkedFile(join(metadata, `${part}_${name}.json`)), content: content as Content }));
    this.#labels = part === 'train' ? new ChunkedFile(join(folder, `${part}_label.txt`)) : null;
    this.#pictures = pictures || layout.pages ? new ChunkedFile(join(folder, `${part}_${layout.pictures[part]}`)) : null;
    const path = join(metadata, `${part}_${layout.users.name}.json`);
    this.#users = layout.users.rows === 'columns' ? new ColumnUserFile(path, join(folder, `.column-${part}-`), valuesOf) : new RowUserFile(path, layout.users.rows === 'keyed', valuesOf);
  }

  write({ post, user }: InventedPost): void {
    const separator = this.#row === 0 ? '[\n' : ',\n';
    for (const { file, content } of this.#records) {
      const key = { Uid: post.uid, Pid: content === this.#layout.numericPid ? Number(post.pid) : post.pid };
      file.append(separator + JSON.stringify({ ...key, ...RECORDS[content](post) }));
    }
    this.#labels?.append(`${post.label === null ? '' : formatHundredths(post.label)}\n`);
    this.#pictures?.append(`${this.#layout.pages ? pageAddress(post) : post.imagePath}\n`);
    this.#users.write(post, user, this.#row++);
  }

  finish(): void {
    for (const { file } of this.#records) file.append('\n]\n');
    this.#users.finish();
    this.close();
  }

  close(): void {
    for (const { file } of this.#records) file.close();
    this.#labels?.close();
    this.#pictures?.close();
    this.#users.close();
  }
}

interface UserFile {
  write(post: Post, user: InventedUser, row: number): void;
  finish(): void;
  close(): void;
}

/** The old user file: a list with one record a post. */
class RowUserFile implements UserFile {
  readonly #file: ChunkedFile;
  readonly #keyed: boolean;
  readonly #valuesOf: (user: InventedUser) => string[];

  constructor(path: string, keyed: boolean, valuesOf: (user: InventedUser) => string[]) {
    this.#file = new ChunkedFile(path);
    this.#keyed = keyed;
    this.#valuesOf = valuesOf;
  }

  write(post: Post, user: InventedUser, row: number): void {
    const values = this.#valuesOf(user);
    const fields = Object.keys(USER_VALUES).map((name, index) => `"${name}":${values[index]}`);
    if (this.#keyed) fields.unshift(`"Uid":${JSON.stringify(post.uid)}`, `"Pid":${JSON.stringify(post.pid)}`);
    this.#file.append(`${row === 0 ? '[\n' : ',\n'}{${fields.join(',')}}`);
  }

  finish(): void {
    this.#file.append('\n]\n');
  }

  close(): void {
    this.#file.close();
  }
}

/** The new user file, by column. It cannot be written row by row: each column grows in a file of its own and they are joined at the end. */
class ColumnUserFile implements UserFile {
  readonly #path: string;
  readonly #columns: { name: string; file: ChunkedFile }[];
  readonly #valuesOf: (user: InventedUser) => string[];

  constructor(path: string, columnPath: string, valuesOf: (user: InventedUser) => string[]) {
    this.#path = path;
    this.#columns = ['Uid', 'Pid', ...Object.keys(USER_VALUES)].map((name, index) => ({ name, file: new ChunkedFile(columnPath + index) }));
    this.#valuesOf = valuesOf;
  }

  write(post: Post, user: InventedUser, row: number): void {
    const values = [JSON.stringify(post.uid), JSON.stringify(post.pid), ...this.#valuesOf(user)];
    const name = `${row === 0 ? '' : ','}"${row}":`;
    this.#columns.forEach(({ file }, index) => file.append(name + values[index]));
  }

  finish(): void {
    const joined = new ChunkedFile(this.#path);
    try {
      this.#columns.forEach(({ name, file }, index) => {
        joined.append(`${index === 0 ? '{' : ',\n'}${JSON.stringify(name)}:{`);
        joined.appendAndRemove(file);
        joined.append('}');
      });
      joined.append('}\n');
    } finally {
      joined.close();
    }
  }

  close(): void {
    for (const { file } of this.#columns) file.close();
  }
}

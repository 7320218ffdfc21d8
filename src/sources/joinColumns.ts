// Joins row-aligned files into posts: row i of each is about the same post. Ids, where a file has them, must agree; a count or
// a key that differs is a fault of the release and stops the import.
import { UserError } from '../domain/errors.ts';
import type { Post } from '../domain/posts.ts';
import { emptyRawPost, type AlignedColumn, type RawPost, type RowFault } from './alignedColumn.ts';
import { idFault, textFault, textOf } from './fieldValues.ts';
import type { PictureFolder } from './pictures.ts';
import { PICTURES_AT_ONCE, ROWS_AT_ONCE, shown, type PostBatch, type ReadPost, type SkippedRow } from './postSource.ts';

/** Compares the key of each row of a part with a file that cannot be read side by side. */
export interface KeyCheck {
  /** Reads on until the keys of the first `rows` rows are known, and some more; yields after each chunk, so that others get their turn. */
  prepare(rows: number): AsyncGenerator<void, void, void>;
  /** @throws {UserError} when row `row` (from 1) of the part has other ids there, or none. */
  check(row: number, uid: string, pid: string, place: string): void;
  /**
   * Reads to the end; yields after each chunk.
   * @throws {UserError} when the file has more rows than the part.
   */
  finish(rows: number, place: string): AsyncGenerator<void, void, void>;
  close(): Promise<void>;
}

export interface JoinOptions {
  /** Begins the codes of errors: `smpd-keys`, `tpic-lengths`. */
  readonly family: string;
  readonly pictures: PictureFolder | null; // null: the source has none
  readonly picturePrefix: string; // leads from the root to where the paths of pictures begin
  readonly keyCheck: KeyCheck | null;
}

/**
 * Reads the columns side by side; the first one is the posts' own place.
 * @throws {UserError} `<family>-lengths`, `<family>-keys` and what the columns throw, naming file and row.
 */
export async function* joinColumns(columns: readonly AlignedColumn[], options: JoinOptions): AsyncGenerator<PostBatch, void, void> {
  const joiner = new RowJoiner(columns, options);
  const rowsAtOnce = options.pictures === null ? ROWS_AT_ONCE : PICTURES_AT_ONCE;
  const { keyCheck } = options;
  try {
    for (;;) {
      for (const column of columns) await column.refill();
      const count = Math.min(rowsAtOnce, ...columns.map((column) => column.available));
      if (count === 0) break;
      if (keyCheck !== null) for await (const _ of keyCheck.prepare(columns[0]!.taken + count)) yield NOTHING_YET;
      yield joiner.join(count);
    }
    await requireSameLength(columns, options.family);
    if (keyCheck !== null) for await (const _ of keyCheck.finish(columns[0]!.taken, columns[0]!.file.path)) yield NOTHING_YET;
  } finally {
    for (const column of columns) await column.close();
    await keyCheck?.close();
  }
}

async function requireSameLength(columns: readonly AlignedColumn[], family: string): Promise<void> {
  const shorter = columns.find((column) => column.ended && column.available === 0)!;
  for (const longer of columns) {
    const rows = longer.taken;
    for (await longer.refill(); longer.available > 0; await longer.refill()) {
      if (longer.dropBlank()) continue;
      throw new UserError(
        `${family}-lengths`, `${shorter.file.path} ends after row ${shorter.taken}, but ${longer.file.path} has a row ${rows + 1}: the files are not about the same posts.`,
        'Fetch both files again from the same release.',
      );
    }
  }
}

class RowJoiner {
  readonly #columns: readonly AlignedColumn[];
  readonly #options: JoinOptions;
  readonly #raw: RawPost = emptyRawPost();
  /** Whether paths and addresses of pictures end in <uid>/<pid>, as the first of them tells; then all must. */
  readonly #namesKeys = { picturePath: null as boolean | null, pictureUrl: null as boolean | null };

  constructor(columns: readonly AlignedColumn[], options: JoinOptions) {
    this.#columns = columns;
    this.#options = options;
  }

  join(count: number): PostBatch {
    const posts: ReadPost[] = [];
    const skipped: SkippedRow[] = [];
    for (let i = 0; i < count; i++) {
      const result = this.#joinRow();
      if ('reason' in result) skipped.push(result);
      else posts.push(result);
    }
    return { posts, skipped };
  }

  #joinRow(): ReadPost | SkippedRow {
    const raw = this.#raw;
    Object.assign(raw, NOTHING);
    let fault: SkippedRow | null = null;
    let uid = '', pid = '', row = 0;
    for (const column of this.#columns) {
      raw.uid = '';
      raw.pid = '';
      const found: RowFault | null = column.take(raw);
      if (column === this.#columns[0]) row = raw.row;
      if (found !== null) fault ??= { file: column.file.path, row: raw.row, ...found };
      if ((raw.uid !== '' && uid !== '' && raw.uid !== uid) || (raw.pid !== '' && pid !== '' && raw.pid !== pid)) {
        throw this.#otherKeys(`${column.file.path}, ${column.rowName} ${raw.row} is about post ${shown(raw.pid)} of user ${shown(raw.uid)}`, uid, pid);
      }
      uid ||= raw.uid;
      pid ||= raw.pid;
    }
    const place = this.#columns[0]!;
    if (uid !== '' && pid !== '') {
      this.#requireKeysIn('picturePath', uid, pid);
      this.#requireKeysIn('pictureUrl', uid, pid);
      this.#options.keyCheck?.check(place.taken, uid, pid, place.file.path);
    }
    if (fault !== null) return fault;
    const post = this.#toPost(uid, pid);
    return 'reason' in post ? { file: place.file.path, row, ...post } : { ...post, place: { file: place.file.path, row } };
  }

  #toPost(uid: string, pid: string): Omit<ReadPost, 'place'> | RowFault {
    const raw = this.#raw;
    const badId = idFault(pid) ?? idFault(uid);
    if (badId !== null) return { reason: badId, detail: `Pid ${shown(pid)}, Uid ${shown(uid)}` };
    if (raw.postedAt === null) return { reason: 'date is none', detail: '' };
    const title = textOf(raw.title), tags = textOf(raw.tags), category = textOf(raw.category), subcategory = textOf(raw.subcategory), concept = textOf(raw.concept);
    if (title === null || tags === null || category === null || subcategory === null || concept === null) {
      return { reason: 'value is no text', detail: shown([raw.title, raw.tags, raw.category, raw.subcategory, raw.concept]) };
    }
    const badText = textFault([title, tags, category, subcategory, concept, raw.picturePath, raw.pictureUrl, pid, uid]);
    if (badText !== null) return { reason: badText, detail: shown(title) };

    const { pictures, picturePrefix } = this.#options;
    const hasPath = raw.picturePath !== '' && pictures !== null;
    const checked = pictures === null ? { fault: null, state: '' } : hasPath ? pictures.check(picturePrefix + raw.picturePath) : { fault: 'picture missing' as const, state: '' };
    const post: Post = {
      pid, uid, postedAt: raw.postedAt, title, category, subcategory, concept, tags, latitude: raw.latitude, longitude: raw.longitude, extra: raw.extra, label: raw.label,
      imageUrl: raw.pictureUrl, imagePath: hasPath && checked.fault !== 'picture outside the folder' ? picturePrefix + raw.picturePath : '',
    };
    return { post, dropped: checked.fault, pictureState: checked.state };
  }

  /** Paths and page addresses that name a post are keys too, where the first of the file is one. */
  #requireKeysIn(field: 'picturePath' | 'pictureUrl', uid: string, pid: string): void {
    const value = this.#raw[field];
    if (value === '') return;
    const parts = value.replace(/\/+$/, '').split('/');
    const agrees = parts.at(-1)!.replace(/\.[^.]*$/, '') === pid && parts.at(-2) === uid;
    this.#namesKeys[field] ??= agrees;
    if (!this.#namesKeys[field] || agrees) return;
    const role = field === 'picturePath' ? '/picture-paths' : '/picture-urls';
    const column = this.#columns.find(({ file }) => file.role.endsWith(role))!;
    throw this.#otherKeys(`${column.file.path}, line ${column.taken} is ${shown(value)}`, uid, pid);
  }

  #otherKeys(what: string, uid: string, pid: string): UserError {
    return new UserError(
      `${this.#options.family}-keys`, `${what}, but ${this.#columns[0]!.file.path} has post ${shown(pid)} of user ${shown(uid)} there.`,
      'The files are not aligned: fetch them again from the same release.',
    );
  }
}

const NOTHING_YET: PostBatch = { posts: [], skipped: [] };
const NOTHING: Readonly<RawPost> = Object.freeze(emptyRawPost());

// Joins the row-aligned files of one part of SMPD ('train', 'test') into posts: row i of each file is about the same post.
// Uid and Pid, where a file has them, must agree; a count or key that differs is a fault of the release and stops the import.
import { join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Post } from '../domain/posts.ts';
import { idFault, parseDegrees, parseNumber, parseTime, scoreOf, textFault, textOf } from './fieldValues.ts';
import { readHashed } from './hashedFile.ts';
import { readJsonRecords, type JsonRecord } from './jsonRecords.ts';
import { PictureFolder } from './pictures.ts';
import { PICTURES_AT_ONCE, ROWS_AT_ONCE, shown, type PostBatch, type ReadPost, type SkippedRow, type SourceFile } from './postSource.ts';
import { readTextLines, type TextLine } from './textLines.ts';

/** What a file of SMPD can hold. Those of `user` are not read. */
export type SmpdContent = 'category' | 'text' | 'temporalspatial' | 'additional' | 'user' | 'label' | 'picture-paths';

export interface SmpdPart {
  readonly name: string; // 'train', 'test'
  readonly files: ReadonlyMap<SmpdContent, SourceFile>;
}

/** One file of a part: rows that were read and not yet joined. */
class Column<Row> {
  readonly file: SourceFile;
  rows: readonly Row[] = [];
  position = 0; // next row within `rows`
  taken = 0; // rows joined so far
  ended = false;
  readonly #batches: AsyncGenerator<Row[], void, void>;

  constructor(file: SourceFile, batches: AsyncGenerator<Row[], void, void>) {
    this.file = file;
    this.#batches = batches;
  }

  get available(): number {
    return this.rows.length - this.position;
  }

  /** Reads on until a row is there or the file has ended. */
  async fill(): Promise<void> {
    while (this.available === 0 && !this.ended) {
      const next = await this.#batches.next();
      if (next.done) this.ended = true;
      else {
        this.rows = next.value;
        this.position = 0;
      }
    }
  }

  take(): Row {
    this.taken++;
    return this.rows[this.position++]!;
  }

  async close(): Promise<void> {
    await this.#batches.return();
  }
}

/**
 * Reads the posts of a part. `picturePrefix` leads from the root to where the paths of the picture file begin; null: no pictures.
 * @throws {UserError} `smpd-lengths`, `smpd-keys`, `json-broken`, `file-changed`, naming file and row.
 */
export async function* readSmpdPart(root: string, part: SmpdPart, picturePrefix: string | null, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  const bytes = (file: SourceFile): AsyncGenerator<Buffer, void, void> => readHashed(join(root, file.path), file.path, file, (sha256) => onHash(file.path, sha256));
  const json = (content: SmpdContent): Column<JsonRecord> | null => {
    const file = part.files.get(content);
    return file === undefined ? null : new Column(file, readJsonRecords(bytes(file), file.path));
  };
  const text = (content: SmpdContent): Column<TextLine> | null => {
    const file = part.files.get(content);
    return file === undefined ? null : new Column(file, readTextLines(bytes(file), file.path));
  };
  const columns: Columns = { category: json('category'), text: json('text'), temporalspatial: json('temporalspatial')!, additional: json('additional'), label: text('label'), picture: text('picture-paths') };
  const present = Object.values(columns).filter((column): column is Column<JsonRecord> | Column<TextLine> => column !== null);
  const joiner = new RowJoiner(columns, picturePrefix === null ? null : new PictureFolder(root), picturePrefix ?? '');
  try {
    for (;;) {
      for (const column of present) await column.fill();
      const count = Math.min(...present.map((column) => column.available));
      if (count === 0) break;
      yield joiner.join(Math.min(count, picturePrefix === null ? ROWS_AT_ONCE : PICTURES_AT_ONCE));
    }
    await requireSameLength(present);
  } finally {
    for (const column of present) await column.close();
  }
}

/** All files must end at the same row. Blank lines at the end of a text file are no rows. */
async function requireSameLength(columns: readonly (Column<JsonRecord> | Column<TextLine>)[]): Promise<void> {
  const shorter = columns.find((column) => column.ended && column.available === 0)!;
  for (const longer of columns) {
    const rows = longer.taken;
    for (await longer.fill(); longer.available > 0; await longer.fill()) {
      const row = longer.take();
      if ('text' in row && row.text.trim() === '') continue;
      throw new UserError(
        'smpd-lengths', `${shorter.file.path} ends after row ${shorter.taken}, but ${longer.file.path} has a row ${rows + 1}: the files are not about the same posts.`,
        'Fetch both files again from the same release.',
      );
    }
  }
}

interface Columns {
  readonly category: Column<JsonRecord> | null;
  readonly text: Column<JsonRecord> | null;
  readonly temporalspatial: Column<JsonRecord>;
  readonly additional: Column<JsonRecord> | null;
  readonly label: Column<TextLine> | null;
  readonly picture: Column<TextLine> | null;
}

/** Joins rows that stand side by side into posts. */
class RowJoiner {
  readonly #columns: Columns;
  readonly #pictures: PictureFolder | null;
  readonly #picturePrefix: string;
  readonly #place: SourceFile; // a post's own file: its text, else its category
  readonly #keyed: readonly Column<JsonRecord>[];
  /** Whether picture paths end in <uid>/<pid>.<extension>, as the first one tells; then all must. */
  #pathsNameKeys: boolean | null = null;

  constructor(columns: Columns, pictures: PictureFolder | null, picturePrefix: string) {
    this.#columns = columns;
    this.#pictures = pictures;
    this.#picturePrefix = picturePrefix;
    this.#keyed = [columns.text, columns.category, columns.temporalspatial, columns.additional].filter((column) => column !== null);
    this.#place = this.#keyed[0]!.file;
  }

  join(count: number): PostBatch {
    const posts: ReadPost[] = [];
    const skipped: SkippedRow[] = [];
    for (let i = 0; i < count; i++) {
      const row = this.#keyed[0]!.taken + 1;
      const result = this.#joinRow(row);
      if ('reason' in result) skipped.push({ row, ...result });
      else posts.push(result);
    }
    return { posts, skipped };
  }

  #joinRow(row: number): ReadPost | { file: string; reason: string; detail: string } {
    const { category, text, temporalspatial, label, picture } = this.#columns;
    let badEncoding: string | null = null;
    let uid = '', pid = '';
    const values = new Map<Column<JsonRecord>, JsonRecord['value']>();
    for (const column of this.#keyed) {
      const record = column.take();
      if (!record.validUtf8) badEncoding ??= column.file.path;
      values.set(column, record.value);
      const recordUid = keyOf(record.value['Uid']), recordPid = keyOf(record.value['Pid']);
      if ((recordUid !== '' && uid !== '' && recordUid !== uid) || (recordPid !== '' && pid !== '' && recordPid !== pid)) {
        throw new UserError(
          'smpd-keys', `${column.file.path}, record ${row} is about post ${shown(recordPid)} of user ${shown(recordUid)}, but ${this.#place.path} has post ${shown(pid)} of user ${shown(uid)} there.`,
          'The files are not aligned: fetch them again from the same release.',
        );
      }
      uid ||= recordUid;
      pid ||= recordPid;
    }
    const labelLine = label?.take();
    const pictureLine = picture?.take();
    const picturePath = pictureLine?.text.trim() ?? '';
    if (picturePath !== '') this.#requireKeysInPath(picturePath, uid, pid, row);

    const fault = (file: string, reason: string, detail: string): { file: string; reason: string; detail: string } => ({ file, reason, detail });
    const here = this.#place.path;
    if (badEncoding !== null) return fault(badEncoding, 'bad encoding', 'the record is not UTF-8');
    if (pictureLine?.validUtf8 === false) return fault(picture!.file.path, 'bad encoding', 'the line is not UTF-8');
    const badId = idFault(pid) ?? idFault(uid);
    if (badId !== null) return fault(here, badId, `Pid ${shown(pid)}, Uid ${shown(uid)}`);

    const time = values.get(temporalspatial)!;
    const postedAt = parseTime(time['Postdate'], 'unix-seconds');
    if (postedAt === null) return fault(temporalspatial.file.path, 'date is none', shown(time['Postdate'] ?? ''));
    let score: number | null = null;
    if (labelLine !== undefined && labelLine.text.trim() !== '') { // a blank line: to be predicted
      const number = parseNumber(labelLine.text);
      if (number === null) return fault(label!.file.path, 'label is no number', shown(labelLine.text));
      score = scoreOf(number, 'as-is');
      if (score === null) return fault(label!.file.path, 'label outside 0 … 31.99', shown(labelLine.text));
    }
    const words = text === null ? {} : values.get(text)!;
    const classes = category === null ? {} : values.get(category)!;
    const texts = [words['Title'], words['Alltags'], classes['Category'], classes['Subcategory'], classes['Concept']].map(textOf);
    if (texts.some((value) => value === null)) return fault(here, 'value is no text', shown([words, classes]));
    const [title, tags, categoryName, subcategory, concept] = texts as [string, string, string, string, string];
    const badText = textFault([title, tags, categoryName, subcategory, concept, picturePath, pid, uid]);
    if (badText !== null) return fault(here, badText, shown(title));

    const place = placeOf(time);
    const checked = picture === null || this.#pictures === null ? { fault: null, state: '' }
      : picturePath === '' ? { fault: 'picture missing' as const, state: '' } : this.#pictures.check(this.#picturePrefix + picturePath);
    const outside = checked.fault === 'picture outside the folder';
    const post: Post = {
      pid, uid, postedAt, title, category: categoryName, subcategory, concept, tags, ...place, extra: {}, label: score, imageUrl: '',
      imagePath: this.#pictures === null || picturePath === '' || outside ? '' : this.#picturePrefix + picturePath,
    };
    return { post, place: { file: here, row }, dropped: checked.fault, pictureState: checked.state };
  }

  #requireKeysInPath(path: string, uid: string, pid: string, row: number): void {
    const parts = path.split('/');
    const agrees = parts.at(-1)!.replace(/\.[^.]*$/, '') === pid && parts.at(-2) === uid;
    this.#pathsNameKeys ??= agrees;
    if (this.#pathsNameKeys && !agrees) {
      throw new UserError(
        'smpd-keys', `${this.#columns.picture!.file.path}, line ${row} is ${shown(path)}, but ${this.#place.path} has post ${shown(pid)} of user ${shown(uid)} there.`,
        'The files are not aligned: fetch them again from the same release.',
      );
    }
  }
}

/** A key as text: Pid may be a number. */
function keyOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** "0" and "" mean that the place is not known. */
function placeOf(time: JsonRecord['value']): { latitude: number | null; longitude: number | null } {
  const latitude = parseDegrees(time['Latitude'], 90), longitude = parseDegrees(time['Longitude'], 180);
  return latitude === null || longitude === null || (latitude === 0 && longitude === 0) ? { latitude: null, longitude: null } : { latitude, longitude };
}

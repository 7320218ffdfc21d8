// Reader for SMPD as published since 2022: a folder with *_allmetadata_json/*.json, *_label.txt, *_img_filepath.txt and the
// pictures. Row i of each file of a part ('train', 'test') is about the same post, so the files are read side by side and
// joined by position; Uid and Pid, where a file has them, must agree.
//
// Which file is which is decided by what it holds, not by its name alone: releases mix names.
//
// The user file is columnar ({"Uid":{"0":…},"Pid":{"0":…},…}) and may hold more than a gigabyte. It is not read in this
// version: no stage uses what it says. Its presence and size are recorded with the source.
import { existsSync, openSync, readdirSync, readSync, closeSync, type Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Post } from '../domain/posts.ts';
import { idFault, parseDegrees, parseNumber, parseTime, scoreOf, textFault, textOf } from './fieldValues.ts';
import { readHashed } from './hashedFile.ts';
import { readJsonRecords, type JsonRecord } from './jsonRecords.ts';
import { PictureFolder } from './pictures.ts';
import { shown, type PostBatch, type PostSource, type ReadPost, type SkippedRow, type SourceFile } from './postSource.ts';
import { describeFile } from './sourcePaths.ts';
import { readTextLines, type TextLine } from './textLines.ts';

/** What a file of SMPD can hold. Those of `user` are not read. */
type Content = 'category' | 'text' | 'temporalspatial' | 'additional' | 'user' | 'label' | 'picture-paths';

const HEAD_BYTES = 16 * 1024;
/** Picture paths that are tried when the folder of the pictures is looked for: in one crawl one in six was missing. */
const PICTURES_TRIED = 200;

interface Part {
  readonly name: string; // 'train', 'test'
  readonly files: ReadonlyMap<Content, SourceFile>;
}

/**
 * Detects SMPD's layout in a folder.
 * @returns null when none of its files is one of SMPD's.
 * @throws {UserError} when it is SMPD but incomplete or ambiguous.
 */
export function detectSmpd(root: string): PostSource | null {
  const parts = findParts(root);
  if (parts.length === 0) return null;
  for (const part of parts) requireFiles(root, part);

  const pictures = findPictures(root, parts);
  const files = parts.flatMap((part) => [...part.files.values()]);
  const approximateRows = parts.reduce((sum, part) => sum + approximateRowCount(root, part), 0);
  return {
    kind: 'smpd-2022', root, suggestedName: basename(root), template: 'smpd', files, hasPictures: pictures !== null, approximateRows, mapping: null,
    findings: describeFindings(root, parts, pictures, approximateRows),
    async *read(onHash) {
      for (const part of parts) yield* readPart(root, part, pictures, onHash);
    },
  };
}

function findParts(root: string): Part[] {
  const parts = new Map<string, Map<Content, SourceFile>>();
  for (const path of candidateFiles(root)) {
    const content = contentOf(join(root, path));
    if (content === null) continue;
    const name = /^(train|test|val|valid|validation)[_.-]/i.exec(basename(path))?.[1]?.toLowerCase() ?? 'train';
    const files = parts.get(name) ?? new Map<Content, SourceFile>();
    const other = files.get(content);
    if (other !== undefined) {
      throw new UserError('smpd-ambiguous', `Both ${other.path} and ${path} hold the ${content} of the ${name} posts.`, 'Move one of them out of the folder.');
    }
    files.set(content, describeFile(root, path, `${name}/${content}`, content !== 'user'));
    parts.set(name, files);
  }
  // Labels or paths alone are any text file: only the JSON files of SMPD make a part.
  const isPart = (files: ReadonlyMap<Content, SourceFile>): boolean => files.has('category') || files.has('text') || files.has('temporalspatial');
  return [...parts].filter(([, files]) => isPart(files)).map(([name, files]) => ({ name, files })).sort((a, b) => (a.name === 'train' ? -1 : b.name === 'train' ? 1 : a.name < b.name ? -1 : 1));
}

/** JSON and text files of the folder and of its folders of metadata, sorted. */
function candidateFiles(root: string): string[] {
  const isData = (entry: Dirent): boolean => !entry.isDirectory() && /\.(json|txt)$/i.test(entry.name);
  const entries = readdirSync(root, { withFileTypes: true });
  const found = entries.filter(isData).map((entry) => entry.name);
  for (const folder of entries.filter((entry) => entry.isDirectory() && /metadata|_json$/i.test(entry.name))) {
    found.push(...readdirSync(join(root, folder.name), { withFileTypes: true }).filter(isData).map((entry) => `${folder.name}/${entry.name}`));
  }
  return found.sort();
}

/** What a file holds, from its first bytes. */
function contentOf(path: string): Content | null {
  const head = readHead(path);
  if (head === '') return emptyContent(path);
  if (/\.json$/i.test(path)) {
    const keys = firstRecordKeys(head);
    if (keys.has('photo_firstdate') || keys.has('photo_count') || keys.has('user_description') || keys.has('ispro')) return 'user';
    if (!keys.has('Uid') && !keys.has('Pid')) return null;
    if (head.startsWith('{')) return 'user'; // columnar
    if (keys.has('Postdate')) return 'temporalspatial';
    if (keys.has('Category') || keys.has('Concept')) return 'category';
    if (keys.has('Title') || keys.has('Alltags')) return 'text';
    return keys.has('Pathalias') || keys.has('Mediastatus') || keys.has('Ispublic') ? 'additional' : null;
  }
  const lines = head.split(/\r?\n/).slice(0, 20).filter((line) => line.trim() !== '');
  if (/label/i.test(basename(path)) || lines.every((line) => parseNumber(line) !== null)) return lines.some((line) => /\.(jpe?g|png|gif|webp)$/i.test(line.trim())) ? 'picture-paths' : 'label';
  if (/img|image|photo/i.test(basename(path)) && lines.some((line) => !/^https?:/i.test(line))) return 'picture-paths';
  return lines.every((line) => !/^https?:/i.test(line) && /\.(jpe?g|png|gif|webp)$/i.test(line.trim())) ? 'picture-paths' : null;
}

/** An empty file says nothing by its content; its name still tells that something is missing. */
function emptyContent(path: string): Content | null {
  const name = basename(path).toLowerCase();
  if (name.endsWith('.txt')) return /label/.test(name) ? 'label' : /img/.test(name) ? 'picture-paths' : null;
  const match = /_(category|text|tags|temporalspatial|additional|user)/.exec(name);
  if (match === null) return null;
  return match[1] === 'tags' ? 'text' : (match[1] as Content);
}

function readHead(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, HEAD_BYTES, 0)).replace(/^\uFEFF/, '').trimStart();
  } finally {
    closeSync(file);
  }
}

/** Keys in the head of a JSON file, of the first record and perhaps of those after it. */
function firstRecordKeys(head: string): Set<string> {
  return new Set([...head.matchAll(/"([A-Za-z_]+)"\s*:/g)].map((match) => match[1]!));
}

function requireFiles(root: string, part: Part): void {
  const missing = (['text', 'temporalspatial'] as const).filter((content) => !part.files.has(content) && !(content === 'text' && part.files.has('category')));
  if (missing.length === 0) return;
  throw new UserError('smpd-incomplete', `${root} looks like SMPD, but the ${part.name} posts have no file of ${missing.join(' and ')} records.`, 'Put the missing files of the download into the folder.');
}

/** Prefix under which the paths of the picture files lead to pictures ('' or 'images/'), or null where no picture is found. */
function findPictures(root: string, parts: readonly Part[]): string | null {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => `${entry.name}/`);
  for (const part of parts) {
    const file = part.files.get('picture-paths');
    if (file === undefined) continue;
    const paths = readHead(join(root, file.path)).split(/\r?\n/).slice(0, PICTURES_TRIED).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('/') && !line.split('/').includes('..'));
    const prefix = ['', ...folders].find((candidate) => paths.some((path) => existsSync(join(root, candidate, path))));
    if (prefix !== undefined) return prefix;
  }
  return null;
}

function approximateRowCount(root: string, part: Part): number {
  const file = part.files.get('text') ?? part.files.get('category')!;
  const head = readHead(join(root, file.path));
  const records = head.split(/}\s*,\s*{/).length;
  return Math.round((file.size / Math.max(1, Math.min(file.size, HEAD_BYTES))) * records);
}

function describeFindings(root: string, parts: readonly Part[], pictures: string | null, rows: number): string[] {
  const findings = [`${root} holds SMPD in the layout of 2022: about ${rows.toLocaleString('en')} posts (${parts.map((part) => part.name).join(', ')}).`];
  for (const part of parts) {
    if (!part.files.has('label')) findings.push(`The ${part.name} posts have no labels: they can be predicted, not trained on.`);
    if (!part.files.has('category')) findings.push(`The ${part.name} posts have no categories.`);
  }
  findings.push(pictures === null ? 'No pictures were found: no post is dropped for its picture.' : `Pictures lie below ${join(root, pictures)}: posts whose picture is missing, empty or broken are dropped.`);
  const user = parts.map((part) => part.files.get('user')).find((file) => file !== undefined);
  if (user !== undefined) findings.push(`${user.path} is not read: nothing uses the users' data yet.`);
  return findings;
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

async function* readPart(root: string, part: Part, picturePrefix: string | null, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  const bytes = (file: SourceFile): AsyncGenerator<Buffer, void, void> => readHashed(join(root, file.path), file.path, file, (sha256) => onHash(file.path, sha256));
  const json = (content: Content): Column<JsonRecord> | null => {
    const file = part.files.get(content);
    return file === undefined ? null : new Column(file, readJsonRecords(bytes(file), file.path));
  };
  const text = (content: Content): Column<TextLine> | null => {
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
      yield joiner.join(Math.min(count, 1000));
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
      pid, uid, postedAt, title, category: categoryName, subcategory, concept, tags, ...place, extra: {}, label: score,
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

// Reader for tables: one CSV, TSV, JSON-lines or Parquet file with a mapping of its columns.
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Post } from '../domain/posts.ts';
import type { Mapping } from '../protocol/stages.ts';
import { idFault, parseDegrees, parseNumber, parseTime, scoreOf, textFault, textOf } from './fieldValues.ts';
import { approximateLines, headOf } from './fileHead.ts';
import { CHUNK_BYTES, readHashed } from './hashedFile.ts';
import { checkMapping, guessColumns, guessMapping, type TableRow } from './mapping.ts';
import { describeParquet, isParquet, readParquet } from './parquetRows.ts';
import { PictureFolder, PICTURES_ELSEWHERE } from './pictures.ts';
import { PICTURES_AT_ONCE, ROWS_AT_ONCE, shown, type PostBatch, type PostSource, type ReadPost, type SkippedRow, type SourceFile } from './postSource.ts';
import { describeFile } from './sourcePaths.ts';
import { detectTableFormat, readTable, requireText, type RawRow, type TableFormat, type TableRows } from './tableRows.ts';

/**
 * Detects a table. The mapping is the given one, else `kept` (of an earlier import, perhaps edited), else guessed.
 * @param mostRows how many rows may be read to guess the scale of the scores.
 * @returns null when the file is no table.
 * @throws {UserError} for an empty file, an encoding that is not UTF-8's family, a mapping that does not fit, columns that cannot be told.
 */
export async function detectTable(path: string, given: Mapping | null, kept: (suggestedName: string) => Mapping | null, mostRows = Infinity): Promise<PostSource | null> {
  const root = dirname(path);
  const name = basename(path);
  const file = describeFile(root, name, 'table', true);
  const head = headOf(path, CHUNK_BYTES);
  const parquet = isParquet(head, name);
  if (!parquet) requireText(head, name);
  const suggestedName = name.replace(/\.(csv|tsv|txt|jsonl|ndjson|json|parquet)$/i, '');
  const stored = given ?? kept(suggestedName);
  if (stored !== null && (stored.format === 'parquet') !== parquet) {
    throw new UserError('mapping-columns', `The mapping is for ${stored.format}, but ${name} is ${parquet ? 'a Parquet file' : 'none'}.`, 'Correct the mapping, or remove its file to have it guessed again.');
  }
  const format: TableFormat | null = parquet ? { format: 'parquet', delimiter: null } : stored === null ? detectTableFormat(head) : { format: stored.format, delimiter: stored.delimiter };
  if (format === null) return null;

  const described = parquet ? await describeParquet(path, name) : null;
  const sample = (columns: readonly (string | null)[]): AsyncGenerator<TableRows, void, void> => rowsOf(path, file, format, columns, null);
  const header = described?.header ?? (await firstHeader(sample([]), name));
  const guessed = guessColumns(header);
  const mapping = stored ?? (await guessMapping({ file: name, format, header, rows: goodRows(sample([guessed.time, guessed.popularity])), mostRows }));
  checkMapping(mapping, header, name);
  const pictures = await findPictures(root, mapping, sample([mapping.columns.image]));
  const approximateRows = described?.rows ?? approximateLines(head, file.size);
  return {
    kind: 'table', root, suggestedName, template: 'smpd', files: [file], hasPictures: pictures === 'files', approximateRows, mapping,
    findings: describeFindings(name, format, mapping, header, approximateRows, pictures, stored === null ? 'guessed' : given === null ? 'kept' : 'given'),
    read: (onHash) => readPosts(root, file, format, mapping, pictures === 'files', onHash),
  };
}

/** The rows of a table. Of a Parquet file only `columns` are read. @param onHash null: the file is not read to its end. */
function rowsOf(path: string, file: SourceFile, format: TableFormat, columns: readonly (string | null)[], onHash: ((sha256: string) => void) | null): AsyncGenerator<TableRows, void, void> {
  if (format.format !== 'parquet') return readTable(readHashed(path, file.path, file, onHash ?? (() => undefined)), format, file.path);
  return readParquet({ path, file: file.path, expected: file, columns: columns.filter((name) => name !== null), onHash });
}

async function firstHeader(batches: AsyncGenerator<{ header: readonly string[] }, void, void>, file: string): Promise<readonly string[]> {
  for await (const { header } of batches) return header;
  throw new UserError('table-empty', `${file} holds no row.`, 'Choose a file with a line of column names and one post a line.');
}

async function* goodRows(batches: AsyncGenerator<{ rows: RawRow[] }, void, void>): AsyncGenerator<TableRow[], void, void> {
  for await (const { rows } of batches) yield rows.filter((row) => row.fault === null).map((row) => row.values);
}

type Pictures = 'files' | 'addresses' | 'none';

const WEB_ADDRESS = /^https?:\/\//i;

/** Whether any of the first pictures is there, or is an address: a table whose pictures are elsewhere loses no post for them. */
async function findPictures(root: string, mapping: Mapping, batches: AsyncGenerator<{ rows: RawRow[] }, void, void>): Promise<Pictures> {
  const column = mapping.columns.image;
  if (column === null) return 'none';
  for await (const { rows } of batches) {
    if (rows.length === 0) continue;
    const images = rows.slice(0, 200).map(({ values }) => textOf(values[column]) ?? '');
    if (images.some((path) => path !== '' && !path.startsWith('/') && !path.split('/').includes('..') && existsSync(join(root, path)))) return 'files';
    return images.some((image) => WEB_ADDRESS.test(image)) ? 'addresses' : 'none';
  }
  return 'none';
}

function describeFindings(name: string, format: TableFormat, mapping: Mapping, header: readonly string[], rows: number, pictures: Pictures, origin: 'guessed' | 'kept' | 'given'): string[] {
  const { columns } = mapping;
  const kind = format.format === 'parquet' ? 'a Parquet table' : format.format === 'jsonl' ? 'JSON lines' : format.format === 'tsv' ? 'a TSV table' : `a CSV table (cut at ${shown(format.delimiter ?? ',')})`;
  const roles = Object.entries(columns).filter(([, column]) => column !== null).map(([role, column]) => `${role} = ${column}`);
  const used = new Set([...Object.values(columns), ...mapping.extra]);
  const off = header.filter((column) => !used.has(column) && !mapping.outcome.includes(column));
  const findings = [
    `${name} is ${kind} of ${format.format === 'parquet' ? '' : 'about '}${rows.toLocaleString('en')} rows.`,
    `Its mapping is ${origin}: ${roles.join(', ')}; times are ${TIME_NAMES[mapping.timeFormat]}.`,
    mapping.popularityScale === 'as-is' ? `Scores are ${columns.popularity} as it is.` : `Scores are log2(${columns.popularity} + 1), because ${columns.popularity} holds counts.`,
  ];
  if (mapping.outcome.length > 0) findings.push(`Known only after posting, never part of a prompt: ${mapping.outcome.join(', ')}.`);
  if (mapping.allowOutcome.length > 0) findings.push(`Allowed in prompts although known only after posting: ${mapping.allowOutcome.join(', ')}.`);
  if (mapping.extra.length > 0) findings.push(`Extra clauses: ${mapping.extra.join(', ')}.`);
  if (off.length > 0) findings.push(`Off until chosen: ${off.join(', ')}.`);
  if (columns.image !== null) findings.push(PICTURE_FINDINGS[pictures]);
  return findings;
}

const PICTURE_FINDINGS: Readonly<Record<Pictures, string>> = { files: 'Posts whose picture is missing, empty or broken are dropped.', ...PICTURES_ELSEWHERE };

const TIME_NAMES: Readonly<Record<Mapping['timeFormat'], string>> = {
  'unix-seconds': 'unix seconds', 'unix-milliseconds': 'unix milliseconds', iso: 'dates with a time of day (UTC where no zone is given)', day: 'whole days',
};

async function* readPosts(root: string, file: SourceFile, format: TableFormat, mapping: Mapping, hasPictures: boolean, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  const pictures = hasPictures ? new PictureFolder(root) : null;
  const rowsAtOnce = hasPictures ? PICTURES_AT_ONCE : ROWS_AT_ONCE;
  const columns = [...Object.values(mapping.columns), ...mapping.extra];
  for await (const { rows } of rowsOf(join(root, file.path), file, format, columns, (sha256) => onHash(file.path, sha256))) {
    for (let begin = 0; begin < rows.length; begin += rowsAtOnce) yield toBatch(rows.slice(begin, begin + rowsAtOnce), file.path, mapping, pictures);
  }
}

function toBatch(rows: readonly RawRow[], file: string, mapping: Mapping, pictures: PictureFolder | null): PostBatch {
  const posts: ReadPost[] = [];
  const skipped: SkippedRow[] = [];
  for (const raw of rows) {
    const result = raw.fault ?? toPost(raw, file, mapping, pictures);
    if ('reason' in result) skipped.push({ file, row: raw.row, ...result });
    else posts.push(result);
  }
  return { posts, skipped };
}

function toPost({ row, values }: RawRow, file: string, mapping: Mapping, pictures: PictureFolder | null): ReadPost | { reason: string; detail: string } {
  const { columns } = mapping;
  const text = (column: string | null): string | null => (column === null ? '' : textOf(values[column]));
  const pid = (text(columns.pid) ?? '').trim(), uid = (text(columns.uid) ?? '').trim();
  const badId = idFault(pid) ?? idFault(uid);
  if (badId !== null) return { reason: badId, detail: `post ${shown(pid)}, user ${shown(uid)}` };
  const postedAt = parseTime(values[columns.time], mapping.timeFormat);
  if (postedAt === null) return { reason: 'date is none', detail: shown(values[columns.time] ?? '') };

  const label = labelOf(values[columns.popularity], mapping, file, row);
  if (typeof label === 'object' && label !== null) return label;

  const texts = [columns.title, columns.tags, columns.category, columns.subcategory, columns.concept, columns.image].map((column) => (column === columns.tags ? tagText(values[column ?? '']) : text(column)));
  const extra = mapping.extra.map((column) => [column, text(column)] as const);
  if (texts.includes(null) || extra.some(([, value]) => value === null)) return { reason: 'value is no text', detail: shown(values) };
  const [title, tags, category, subcategory, concept, image] = texts as [string, string, string, string, string, string];
  const badText = textFault([pid, uid, ...(texts as string[]), ...extra.map(([, value]) => value!)]);
  if (badText !== null) return { reason: badText, detail: shown(title) };

  const isAddress = WEB_ADDRESS.test(image);
  const imagePath = isAddress ? '' : image;
  const picture = pictures === null ? { fault: null, state: '' } : imagePath === '' ? { fault: 'picture missing' as const, state: '' } : pictures.check(imagePath);
  const post: Post = {
    pid, uid, postedAt, title, category, subcategory, concept, tags, label, extra: Object.fromEntries(extra.filter(([, value]) => value !== '')) as Record<string, string>,
    imagePath: pictures === null || picture.fault === 'picture outside the folder' ? '' : imagePath,
    imageUrl: isAddress ? image : '', latitude: columns.latitude === null ? null : parseDegrees(values[columns.latitude], 90), longitude: columns.longitude === null ? null : parseDegrees(values[columns.longitude], 180),
  };
  return { post, place: { file, row }, dropped: picture.fault, pictureState: picture.state };
}

/** Hundredths, null where there is no popularity yet, or why the row is skipped. */
function labelOf(value: unknown, mapping: Mapping, file: string, row: number): number | null | { reason: string; detail: string } {
  if (value === null || value === undefined || (typeof value === 'string' && value.trim() === '')) return null;
  const number = parseNumber(value);
  if (number === null) return { reason: 'label is no number', detail: shown(value) };
  if (number < 0) {
    throw new UserError(
      'negative-label', `${file}, ${mapping.format === 'parquet' ? 'row' : 'line'} ${row}: ${mapping.columns.popularity} is ${number}, and scores cannot be negative.`,
      'Remove such rows, add a constant to the column, or map popularity to another column.',
    );
  }
  return scoreOf(number, mapping.popularityScale) ?? { reason: 'label outside 0 … 31.99', detail: shown(value) };
}

/** Tags are one text, separated by blanks; JSON lists of texts are joined. */
function tagText(value: unknown): string | null {
  return Array.isArray(value) && value.every((tag) => typeof tag === 'string') ? value.join(' ') : textOf(value);
}

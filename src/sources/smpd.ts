// Finds SMPD in a folder, in each of its layouts: lines of 2018 (smpd2018.ts), JSON lists with page addresses or with pictures
// (2019 to 2022, smpdJson.ts), and releases that mix them. Which file is which is decided by what it holds (smpdContent.ts);
// its name tells the part ('train', 'test'). joinColumns.ts joins the files of a part.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { openColumn, type AlignedColumn } from './alignedColumn.ts';
import { approximateLines, HEAD_BYTES, headOf, headText } from './fileHead.ts';
import { readHashed } from './hashedFile.ts';
import { joinColumns } from './joinColumns.ts';
import { PictureFolder, PICTURES_ELSEWHERE } from './pictures.ts';
import type { PostBatch, PostSource, SourceFile, SourceKind } from './postSource.ts';
import { isPlainlyUtf8, postLineFormat } from './smpd2018.ts';
import { recogniseContent, type SmpdContent } from './smpdContent.ts';
import { LINE_FORMATS, RECORD_FORMATS } from './smpdJson.ts';
import { USER_CHUNK_BYTES, UserKeys } from './smpdUsers.ts';
import { describeFile, listDataFiles, type DataFile } from './sourcePaths.ts';

const PART_NAME = /(?:^|[_.-])(train|test|val|valid|validation)(?=[_.-]|$)/i;
const METADATA_FOLDER = /metadata|_json$/i;
/** Picture paths that are tried when the folder of the pictures is looked for: in one crawl one in six was missing. */
const PICTURES_TRIED = 200;

export interface SmpdPart {
  readonly name: string; // 'train', 'test'
  readonly files: ReadonlyMap<SmpdContent, readonly SourceFile[]>; // more than one: shards in their order
  readonly usersByColumn: boolean;
}

interface FoundFile {
  readonly path: string;
  readonly content: SmpdContent;
  readonly byColumn: boolean;
  readonly part: string | null; // null: its name tells none
}

/**
 * Detects SMPD in a folder.
 * @returns null when none of its files is one of SMPD's.
 * @throws {UserError} when it is SMPD but incomplete or ambiguous.
 */
export function detectSmpd(root: string): PostSource | null {
  const candidates = listDataFiles(root, /\.(json|txt)$/i, METADATA_FOLDER);
  const parts = findParts(root, candidates);
  requireUnderstood(root, candidates, parts);
  if (parts.length === 0) return null;
  for (const part of parts) requireFiles(root, part);

  const pictures = findPictures(root, parts);
  const files = parts.flatMap((part) => [...part.files.values()].flat());
  const rows = parts.map((part) => approximateRowCount(root, part));
  return {
    kind: kindOf(parts), root, suggestedName: basename(root), template: 'smpd', files, hasPictures: pictures !== null, approximateRows: rows.reduce((sum, count) => sum + count, 0), mapping: null,
    findings: describeFindings(root, parts, pictures, rows),
    async *read(onHash) {
      for (const part of parts) yield* readPart(root, part, pictures, onHash);
    },
  };
}

async function* readPart(root: string, part: SmpdPart, picturePrefix: string | null, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  const userFile = part.files.get('user')?.[0];
  const users = userFile === undefined ? null : new UserKeys(userFile.path, readHashed(join(root, userFile.path), userFile.path, userFile, (sha256) => onHash(userFile.path, sha256), Buffer.allocUnsafeSlow(USER_CHUNK_BYTES)));
  const columns: AlignedColumn[] = [];
  for (const [content, format] of Object.entries({ ...RECORD_FORMATS, ...LINE_FORMATS })) {
    const files = part.files.get(content as SmpdContent);
    if (files !== undefined) columns.push(openColumn<unknown>(root, files, format, onHash));
  }
  const lines = part.files.get('post-lines');
  if (lines !== undefined) columns.unshift(openColumn(root, lines, postLineFormat(isPlainlyUtf8(headOf(join(root, lines[0]!.path))) ? 'utf-8' : 'windows-1252'), onHash));
  const usesPictures = picturePrefix !== null && part.files.has('picture-paths');
  yield* joinColumns(columns, { family: 'smpd', pictures: usesPictures ? new PictureFolder(root) : null, picturePrefix: picturePrefix ?? '', keyCheck: users });
}

function findParts(root: string, candidates: readonly DataFile[]): SmpdPart[] {
  const found: FoundFile[] = [];
  for (const { path, isFile } of candidates) {
    const recognised = isFile ? recogniseContent(join(root, path)) : null;
    if (recognised === null) continue;
    const part = PART_NAME.exec(basename(path))?.[1]?.toLowerCase() ?? null;
    if (part === null && /\.txt$/i.test(path) && recognised.content !== 'post-lines') continue; // any list of numbers could be labels
    found.push({ path, part, ...recognised });
  }
  // The shards of 2018 are its test posts; alone beside labels they are what the labels are about.
  const isTrainThere = found.some((file) => file.part === 'train' && file.content !== 'label' && file.content !== 'picture-urls' && file.content !== 'picture-paths');
  const areLabelsThere = found.some((file) => file.part === 'train' && file.content === 'label');
  const unnamed = (content: SmpdContent): string => (content !== 'post-lines' || (areLabelsThere && !isTrainThere) ? 'train' : 'test');

  const byPart = groupBy(found, (file) => file.part ?? unnamed(file.content));
  return [...byPart].map(([name, files]) => toPart(root, name, files)).filter((part) => part !== null).sort((a, b) => (a.name === 'train' ? -1 : b.name === 'train' ? 1 : a.name < b.name ? -1 : 1));
}

/** Labels or paths alone are any text file: only what holds posts makes a part. */
function toPart(root: string, name: string, found: readonly FoundFile[]): SmpdPart | null {
  const paths = groupBy(found, (file) => file.content);
  if (!(['category', 'text', 'temporalspatial', 'post-lines'] as const).some((content) => paths.has(content))) return null;
  const files = new Map<SmpdContent, SourceFile[]>();
  for (const [content, alike] of paths) {
    const ordered = content === 'post-lines' ? alike.toSorted((a, b) => shardNumber(a.path) - shardNumber(b.path)) : alike;
    const [first, second] = ordered;
    if (second !== undefined && !(content === 'post-lines' && areShards(ordered.map((file) => file.path)))) throw ambiguous(first!.path, second.path, content, name);
    // Line n of a shard is not line n of the part's lists: a group of its own.
    files.set(content, ordered.map((file, index) => describeFile(root, file.path, `${name}${second === undefined ? '' : `.${index}`}/${content}`, true)));
  }
  const lines = paths.get('post-lines'), records = paths.get('text') ?? paths.get('category') ?? paths.get('temporalspatial');
  if (lines !== undefined && records !== undefined) throw ambiguous(lines[0]!.path, records[0]!.path, 'metadata', name);
  return { name, files, usersByColumn: found.some((file) => file.byColumn) };
}

function groupBy<Value, Key>(values: readonly Value[], keyOf: (value: Value) => Key): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}

function ambiguous(one: string, other: string, content: string, part: string): UserError {
  return new UserError('smpd-ambiguous', `Both ${one} and ${other} hold the ${content} of the ${part} posts.`, 'Move one of them out of the folder.');
}

const NUMBER_AT_END = /(\d+)(?=\.[^.]*$)/;
const shardNumber = (path: string): number => Number(NUMBER_AT_END.exec(path)?.[1] ?? -1);

/** Files that differ in the number at the end of their names alone. */
function areShards(paths: readonly string[]): boolean {
  return new Set(paths.map((path) => path.replace(NUMBER_AT_END, '#'))).size === 1;
}

/** What the files of the downloads are called. */
const DOWNLOAD_NAME = /^(?:t2_(?:train_data|metadata\d+|\w+_img)\.txt|(?:train|test|val|valid|validation)_(?:(?:category|text|tags|temporalspatial|additional|user)\w*\.json|img\w*\.txt))$/i;
/** Names that nothing but SMPD has. */
const NAME_OF_2018 = /^t2_/i;

/** Posts without the texts of a damaged file would be no posts of SMPD. @throws {UserError} where a folder has the name of a file of SMPD, a link leads to nothing, or a file holds something else than its name says */
function requireUnderstood(root: string, candidates: readonly DataFile[], parts: readonly SmpdPart[]): void {
  const used = new Set(parts.flatMap((part) => [...part.files.values()].flat().map((file) => file.path)));
  for (const { path, isFile } of candidates) {
    const name = basename(path);
    if (used.has(path) || (parts.length === 0 && !NAME_OF_2018.test(name))) continue;
    if (!isFile && (PART_NAME.test(name) || DOWNLOAD_NAME.test(name))) throw new UserError('smpd-no-file', `${join(root, path)} is no file, where one of SMPD’s was expected.`, 'Put the file itself there, or give the other a name of its own.');
    if (isFile && DOWNLOAD_NAME.test(name)) throw new UserError('smpd-file', `${join(root, path)} does not hold what SMPD’s file of that name does: it may be damaged, or in another encoding.`, 'Fetch the file again; or give it another name if it is none of SMPD’s.');
  }
}

function requireFiles(root: string, part: SmpdPart): void {
  if (part.files.has('post-lines')) return;
  const missing = (['text', 'temporalspatial'] as const).filter((content) => !part.files.has(content) && !(content === 'text' && part.files.has('category')));
  if (missing.length === 0) return;
  throw new UserError('smpd-incomplete', `${root} looks like SMPD, but the ${part.name} posts have no file of ${missing.join(' and ')} records.`, 'Put the missing files of the download into the folder.');
}

/** Prefix under which the paths of the picture files lead to pictures ('' or 'images/'), or null where no picture is found. */
function findPictures(root: string, parts: readonly SmpdPart[]): string | null {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => `${entry.name}/`);
  for (const part of parts) {
    const file = part.files.get('picture-paths')?.[0];
    if (file === undefined) continue;
    const paths = headText(headOf(join(root, file.path))).split(/\r?\n/).slice(0, PICTURES_TRIED).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('/') && !line.split('/').includes('..'));
    const prefix = ['', ...folders].find((candidate) => paths.some((path) => existsSync(join(root, candidate, path))));
    if (prefix !== undefined) return prefix;
  }
  return null;
}

function approximateRowCount(root: string, part: SmpdPart): number {
  const lines = part.files.get('label') ?? part.files.get('picture-paths') ?? part.files.get('post-lines');
  if (lines !== undefined) return lines.reduce((sum, file) => sum + approximateLines(headOf(join(root, file.path)), file.size), 0);
  const file = (part.files.get('text') ?? part.files.get('category'))![0]!;
  const records = headText(headOf(join(root, file.path))).split(/}\s*,\s*{/).length;
  return Math.round((file.size / Math.max(1, Math.min(file.size, HEAD_BYTES))) * records);
}

type Layout = '2018' | '2020' | '2022' | 'mixed';

/** What tells a part's layout: its metadata, its list of pictures, its user file and the folder that they lie in. */
function layoutOf({ files, usersByColumn }: SmpdPart): Layout {
  if (files.has('post-lines')) return '2018';
  const isNew = files.has('picture-paths') || usersByColumn || [...files.values()].flat().some((file) => file.path.includes('/'));
  const isOld = files.has('picture-urls') || (files.has('user') && !usersByColumn);
  return isNew && isOld ? 'mixed' : isOld ? '2020' : '2022';
}

function kindOf(parts: readonly SmpdPart[]): SourceKind {
  const [layout, ...others] = new Set(parts.map(layoutOf));
  return `smpd-${others.length === 0 ? layout! : 'mixed'}`;
}

const LAYOUT_NAMES: Readonly<Record<Layout, string>> = {
  2018: 'the layout of 2018 (lines of fifteen fields)', 2020: 'the layout of 2019 and 2020 (JSON lists, addresses of pictures)', 2022: 'the layout of 2022 (JSON lists, picture files)',
  mixed: 'a mixture of the layouts of 2020 and 2022',
};

function describeFindings(root: string, parts: readonly SmpdPart[], pictures: string | null, rows: readonly number[]): string[] {
  const layouts = [...new Set(parts.map(layoutOf))].map((layout) => LAYOUT_NAMES[layout]);
  const counts = parts.map((part, index) => `about ${rows[index]!.toLocaleString('en')} ${part.name} posts`);
  const findings = [`${root} holds SMPD in ${layouts.join(' and ')}: ${counts.join(', ')}.`];
  for (const part of parts) findings.push(...partFindings(root, part));
  const users = parts.flatMap((part) => (part.files.get('user') ?? []).map((file) => `${file.path} (${part.usersByColumn ? 'by column' : 'a list of rows'})`));
  if (users.length > 0) findings.push(`Compared with the posts row by row: ${users.join(', ')}. What is said there of users, vectors included, is used by no stage and not kept.`);
  if (pictures !== null) findings.push(`Pictures lie below ${join(root, pictures)}: posts whose picture is missing, empty or broken are dropped.`);
  else findings.push(PICTURES_ELSEWHERE[parts.some((part) => part.files.has('picture-urls')) ? 'addresses' : 'none']);
  return findings;
}

function partFindings(root: string, { name, files }: SmpdPart): string[] {
  const findings: string[] = [];
  const lines = files.get('post-lines');
  if (!files.has('label')) findings.push(`The ${name} posts have no labels: they can be predicted, not trained on.`);
  if (!files.has('category') && lines === undefined) findings.push(`The ${name} posts have no categories.`);
  if (!files.has('text') && lines === undefined) findings.push(`The ${name} posts have no titles and tags.`);
  if (lines !== undefined && isPlainlyUtf8(headOf(join(root, lines[0]!.path)))) findings.push(`${lines[0]!.path} is UTF-8, not Windows-1252: it is read as such.`);
  if (lines !== undefined && lines.length > 1) {
    const numbers = lines.map((file) => shardNumber(file.path));
    const gap = numbers.find((number, index) => index > 0 && number !== numbers[index - 1]! + 1);
    findings.push(`The ${name} posts are cut into ${lines.length} files, read in the order of their numbers (${numbers[0]} … ${numbers.at(-1)}).`);
    if (gap !== undefined) findings.push(`Before ${lines[numbers.indexOf(gap)]!.path} a file seems to be missing.`);
  }
  return findings;
}

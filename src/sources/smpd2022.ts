// Finds SMPD as published since 2022: a folder with *_allmetadata_json/*.json, *_label.txt, *_img_filepath.txt and the
// pictures. smpdRows.ts joins the files of a part.
//
// Which file is which is decided by what it holds, not by its name alone: releases mix names.
//
// The user file is columnar ({"Uid":{"0":…},"Pid":{"0":…},…}) and may hold more than a gigabyte. It is not read in this
// version: no stage uses what it says. Its presence and size are recorded with the source.
import { closeSync, existsSync, openSync, readdirSync, readSync, type Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { parseNumber } from './fieldValues.ts';
import type { PostSource, SourceFile } from './postSource.ts';
import { readSmpdPart, type SmpdContent, type SmpdPart } from './smpdRows.ts';
import { describeFile } from './sourcePaths.ts';

const HEAD_BYTES = 16 * 1024;
const PART_NAME = /^(train|test|val|valid|validation)[_.-]/i;
/** Picture paths that are tried when the folder of the pictures is looked for: in one crawl one in six was missing. */
const PICTURES_TRIED = 200;

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
      for (const part of parts) yield* readSmpdPart(root, part, pictures, onHash);
    },
  };
}

function findParts(root: string): SmpdPart[] {
  const parts = new Map<string, Map<SmpdContent, SourceFile>>();
  for (const path of candidateFiles(root)) {
    const content = contentOf(join(root, path));
    if (content === null) continue;
    const named = PART_NAME.exec(basename(path))?.[1]?.toLowerCase();
    if (named === undefined && /\.txt$/i.test(path)) continue; // any list of numbers could be labels
    const name = named ?? 'train';
    const files = parts.get(name) ?? new Map<SmpdContent, SourceFile>();
    const other = files.get(content);
    if (other !== undefined) {
      throw new UserError('smpd-ambiguous', `Both ${other.path} and ${path} hold the ${content} of the ${name} posts.`, 'Move one of them out of the folder.');
    }
    files.set(content, describeFile(root, path, `${name}/${content}`, content !== 'user'));
    parts.set(name, files);
  }
  // Labels or paths alone are any text file: only the JSON files of SMPD make a part.
  const isPart = (files: ReadonlyMap<SmpdContent, SourceFile>): boolean => files.has('category') || files.has('text') || files.has('temporalspatial');
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
function contentOf(path: string): SmpdContent | null {
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
  return contentOfLines(head.split(/\r?\n/).slice(0, 20).map((line) => line.trim()).filter((line) => line !== ''), basename(path));
}

/** Lines of numbers are labels, lines of paths lead to pictures. Lists of addresses (2018 to 2020) name no file: they are left alone. */
function contentOfLines(lines: readonly string[], name: string): SmpdContent | null {
  if (lines.every((line) => parseNumber(line) !== null)) return 'label';
  if (lines.every((line) => !/^https?:/i.test(line) && /\.(jpe?g|png|gif|webp)$/i.test(line))) return 'picture-paths';
  return /_label\.txt$/i.test(name) ? 'label' : null; // bad values among the first labels
}

/** An empty file says nothing by its content; its name still tells that something is missing. */
function emptyContent(path: string): SmpdContent | null {
  const name = basename(path).toLowerCase();
  if (name.endsWith('.txt')) return /label/.test(name) ? 'label' : /img/.test(name) ? 'picture-paths' : null;
  const match = /_(category|text|tags|temporalspatial|additional|user)/.exec(name);
  if (match === null) return null;
  return match[1] === 'tags' ? 'text' : (match[1] as SmpdContent);
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

function requireFiles(root: string, part: SmpdPart): void {
  const missing = (['text', 'temporalspatial'] as const).filter((content) => !part.files.has(content) && !(content === 'text' && part.files.has('category')));
  if (missing.length === 0) return;
  throw new UserError('smpd-incomplete', `${root} looks like SMPD, but the ${part.name} posts have no file of ${missing.join(' and ')} records.`, 'Put the missing files of the download into the folder.');
}

/** Prefix under which the paths of the picture files lead to pictures ('' or 'images/'), or null where no picture is found. */
function findPictures(root: string, parts: readonly SmpdPart[]): string | null {
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

function approximateRowCount(root: string, part: SmpdPart): number {
  const file = part.files.get('text') ?? part.files.get('category')!;
  const head = readHead(join(root, file.path));
  const records = head.split(/}\s*,\s*{/).length;
  return Math.round((file.size / Math.max(1, Math.min(file.size, HEAD_BYTES))) * records);
}

function describeFindings(root: string, parts: readonly SmpdPart[], pictures: string | null, rows: number): string[] {
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

// Writes an invented data set: posts from domain/inventedPosts, pictures from domain/pictures, files through a writer of
// sources. Everything goes to a folder beside the one asked for, which takes its place when it is complete.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../domain/errors.ts';
import { countTestPosts, inventParts } from '../domain/inventedParts.ts';
import { countInventedPosts, INVENTION_VERSION, type InventedPost } from '../domain/inventedPosts.ts';
import { drawPicture } from '../domain/pictures/drawPicture.ts';
import { DEMO_DESCRIPTION, FORMATS_WITH_PICTURES, type DemoRequest } from '../protocol/demo.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageResult } from '../protocol/stages.ts';
import { ChunkedFile } from '../sources/chunkedFile.ts';
import { encodePng } from '../sources/encodePng.ts';
import type { InventedPostWriter, WriterSettings } from '../sources/inventedPostWriter.ts';
import { tableFile, writeCsv, writeJsonLines, writeParquet } from '../sources/writePostTable.ts';
import { writeSmpd } from '../sources/writeSmpd.ts';
import { writeSmpd2018 } from '../sources/writeSmpd2018.ts';
import { writeTpic2017 } from '../sources/writeTpic2017.ts';

const CAPTIONS_FILE = 'captions.jsonl';
/** The editor's settings in the demo's folder: its captions are true by construction, so nobody has to approve them. */
const EDITOR_SETTINGS = { 'smpCurator.captions': 'any' };

/**
 * Makes the demo that `request` describes. Nothing to do when the folder holds just that demo already.
 * Throws a UserError `demo-folder-taken` when it holds anything else, `demo-unwritable` when it cannot be made; when `signal`
 * is aborted, its reason is thrown and nothing is left behind.
 */
export async function* makeDemo(request: DemoRequest, signal: AbortSignal): LongWork<StageResult> {
  const folder = resolve(request.folder);
  const description = describe(request, folder);
  const total = countInventedPosts(request);
  if (holdsDemo(folder, description)) return result(request, folder, { posts: total, users: null }, true);
  const building = startFolder(folder);
  const captions = new ChunkedFile(join(building, CAPTIONS_FILE));
  const pictures = request.pictures && FORMATS_WITH_PICTURES.includes(request.format);
  const testPosts = countTestPosts(request, request.testShare);
  const writer = writerOf(request, { folder: building, seed: request.seed, pictures, vectors: request.vectors, testPosts });
  try {
    const broken: { pid: string; fault: string }[] = [];
    const users = new Set<string>();
    let done = 0;
    for (const parts of inventParts({ ...request, pictures }, testPosts)) {
      for (const part of parts) {
        writer.write(part);
        for (const { post, caption, fault } of part.posts) {
          users.add(post.uid);
          captions.append(`${JSON.stringify({ source: description.source, pid: post.pid, caption, by: 'generator' })}\n`);
          if (fault !== null && (pictures || fault === 'label-missing')) broken.push({ pid: post.pid, fault });
        }
        if (pictures) writePictures(building, part.posts);
        done += part.posts.length;
      }
      yield { message: parts.length === 0 ? 'Looking for the newest posts' : 'Making the demo', done, total, unit: 'posts' };
      await setImmediate(); // lets a cancel in
      signal.throwIfAborted();
    }
    writer.finish();
    captions.close();
    writeFileSync(join(building, DEMO_DESCRIPTION), `${JSON.stringify({ ...description, broken }, null, 2)}\n`);
    mkdirSync(join(building, '.vscode'));
    writeFileSync(join(building, '.vscode', 'settings.json'), `${JSON.stringify(EDITOR_SETTINGS, null, 2)}\n`);
    if (existsSync(folder)) rmdirSync(folder); // empty, or startFolder had refused it
    renameSync(building, folder);
    return result(request, folder, { posts: done, users: users.size }, false);
  } finally {
    writer.close();
    captions.close();
    rmSync(building, { recursive: true, force: true }); // gone already after a success
  }
}

function writerOf({ format }: DemoRequest, settings: WriterSettings): InventedPostWriter {
  switch (format) {
    case 'csv': return writeCsv(settings.folder);
    case 'jsonl': return writeJsonLines(settings.folder);
    case 'parquet': return writeParquet(settings.folder);
    case 'tpic-2017': return writeTpic2017(settings.folder);
    case 'smpd-2018': return writeSmpd2018(settings);
    default: return writeSmpd(format, settings);
  }
}

/** What makes two demos the same: everything but where they lie. Options that came later show only where they were used. */
function describe(request: DemoRequest, folder: string): { source: string } & Record<string, unknown> {
  const { folder: _place, source, posts, testShare, vectors, ...options } = request;
  const { format } = request;
  const isTable = format === 'csv' || format === 'jsonl' || format === 'parquet';
  const suggested = isTable ? basename(tableFile(format), `.${format}`) : basename(folder); // as `index` names a table and a folder
  const later = { ...(posts === null ? {} : { posts }), ...(testShare === 0 ? {} : { testShare }), ...(vectors ? { vectors } : {}) };
  return { generator: 'smp demo', version: INVENTION_VERSION, source: source ?? suggested, ...options, ...later };
}

function holdsDemo(folder: string, description: Readonly<Record<string, unknown>>): boolean {
  const path = join(folder, DEMO_DESCRIPTION);
  if (!existsSync(path)) return false;
  try {
    const { broken: _broken, ...found } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return isDeepStrictEqual(found, description);
  } catch {
    return false; // not ours: startFolder refuses the folder
  }
}

/** An empty folder beside `folder`; what a killed run left there is swept. */
function startFolder(folder: string): string {
  if (existsSync(folder) && !isEmptyFolder(folder)) {
    throw new UserError('demo-folder-taken', `${folder} already holds something else than this demo.`, 'Choose another folder, or remove this one first.');
  }
  try {
    const building = `${folder}.making`;
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { recursive: true });
    return building;
  } catch (cause) {
    throw new UserError('demo-unwritable', `${folder} cannot be made (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, 'Choose a folder that you may write to.', { cause });
  }
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false; // a file
  }
}

function writePictures(folder: string, posts: readonly InventedPost[]): void {
  for (const place of new Set(posts.map(({ post }) => dirname(post.imagePath)))) mkdirSync(join(folder, place), { recursive: true });
  for (const { post, picture, pictureSeed, fault } of posts) {
    if (fault === 'picture-missing') continue;
    const bytes = encodePng(drawPicture(picture, pictureSeed));
    const kept = fault === 'picture-empty' ? 0 : fault === 'picture-cut' ? Math.floor(bytes.length / 2) : bytes.length;
    writeFileSync(join(folder, post.imagePath), bytes.subarray(0, kept));
  }
}

/** `users` is null where they were not counted, because the demo was there. */
function result(request: DemoRequest, folder: string, made: { posts: number; users: number | null }, unchanged: boolean): StageResult {
  const users = made.users ?? (request.posts === null ? request.users : null);
  const summary = `${unchanged ? 'The demo is there already' : 'Made the demo'}: ${made.posts} posts${users === null ? '' : ` of ${users} users`} in ${folder}.`;
  return { summary, counts: { posts: made.posts, ...(users === null ? {} : { users }) }, unchanged };
}

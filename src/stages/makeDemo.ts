// Writes an invented data set: posts from domain/inventedPosts, pictures from domain/pictures, files through a writer of
// sources. Everything goes to a folder beside the one asked for, which takes its place when it is complete.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../domain/errors.ts';
import { countInventedPosts, INVENTION_VERSION, inventPosts, type InventedPost } from '../domain/inventedPosts.ts';
import { drawPicture } from '../domain/pictures/drawPicture.ts';
import { DEMO_DESCRIPTION, type DemoRequest } from '../protocol/demo.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageResult } from '../protocol/stages.ts';
import { ChunkedFile } from '../sources/chunkedFile.ts';
import { encodePng } from '../sources/encodePng.ts';
import { TABLE_FILE, writePostTable } from '../sources/writePostTable.ts';
import { writeSmpd2022 } from '../sources/writeSmpd2022.ts';

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
  if (holdsDemo(folder, description)) return result(request, folder, countInventedPosts(request), true);
  const building = startFolder(folder);
  const captions = new ChunkedFile(join(building, CAPTIONS_FILE));
  const writer = request.format === 'csv' ? writePostTable(building) : writeSmpd2022(building, request.pictures);
  try {
    const total = countInventedPosts(request);
    const broken: { pid: string; fault: string }[] = [];
    let done = 0;
    for (const posts of inventPosts(request)) {
      writer.write(posts);
      for (const { post, caption, fault } of posts) {
        captions.append(`${JSON.stringify({ source: description.source, pid: post.pid, caption, by: 'generator' })}\n`);
        if (fault !== null) broken.push({ pid: post.pid, fault });
      }
      if (request.pictures) writePictures(building, posts);
      done += posts.length;
      yield { message: 'Making the demo', done, total, unit: 'posts' };
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
    return result(request, folder, done, false);
  } finally {
    writer.close();
    captions.close();
    rmSync(building, { recursive: true, force: true }); // gone already after a success
  }
}

/** What makes two demos the same: everything but where they lie. */
function describe(request: DemoRequest, folder: string): { source: string } & Record<string, unknown> {
  const { folder: _place, source, ...options } = request;
  const suggested = request.format === 'csv' ? basename(TABLE_FILE, '.csv') : basename(folder); // as `index` names a table and a folder
  return { generator: 'smp demo', version: INVENTION_VERSION, source: source ?? suggested, ...options };
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
  for (const uid of new Set(posts.map(({ post }) => post.uid))) mkdirSync(join(folder, 'train', uid), { recursive: true });
  for (const { post, picture, pictureSeed, fault } of posts) {
    if (fault === 'picture-missing') continue;
    const bytes = encodePng(drawPicture(picture, pictureSeed));
    const kept = fault === 'picture-empty' ? 0 : fault === 'picture-cut' ? Math.floor(bytes.length / 2) : bytes.length;
    writeFileSync(join(folder, post.imagePath), bytes.subarray(0, kept));
  }
}

function result(request: DemoRequest, folder: string, posts: number, unchanged: boolean): StageResult {
  const summary = `${unchanged ? 'The demo is there already' : 'Made the demo'}: ${posts} posts of ${request.users} users in ${folder}.`;
  return { summary, counts: { users: request.users, posts }, unchanged };
}

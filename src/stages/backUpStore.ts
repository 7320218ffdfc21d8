// Backs a store up into one file, while others work on it: a copy of one moment, checked before it takes its name, with
// the small files that people wrote. Weights of models and job folders are not in it: they are large and can be made again.
import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { access, constants, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import { byteCount } from '../protocol/byteCount.ts';
import type { LongWork, Progress } from '../protocol/progress.ts';
import { makeSingleFile, writeBackupContent, type BackupFile } from '../store/backupContent.ts';
import type { Database } from '../store/database.ts';
import { requireFreeBytes } from '../store/freeSpace.ts';
import { checkIntegrity } from '../store/integrity.ts';
import { openStore } from '../store/openStore.ts';
import { storeFault } from '../store/storeFaults.ts';
import type { CheckedPlace } from './checkStore.ts';

/** Folders of the store's folder whose files are backed up: what git keeps of it too. */
export const BACKED_UP_FOLDERS = ['decisions', 'mappings', 'plans'] as const;
const MOST_BYTES = 64 * 1024 * 1024; // of one such file; those that the product writes stay far below
const PATIENCE = 10_000; // milliseconds without a page copied
const LOOK = 100; // milliseconds between two messages of progress

export interface BackupResult {
  readonly summary: string;
  readonly file: string; // absolute
  readonly bytes: number;
}

export interface BackupRequest {
  readonly file: string; // absolute
  readonly overwrite: boolean;
}

/**
 * @throws {UserError} `store-missing`, `backup-exists`, `backup-unwritable`, `disk-too-full`, `disk-full`, `backup-damaged`, and those of openStore
 */
export async function* backUpStore(place: Pick<CheckedPlace, 'storeFile' | 'storeFolder' | 'productVersion'>, request: BackupRequest, now: number, signal: AbortSignal): LongWork<BackupResult> {
  const { file } = request;
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new UserError('backup-exists', `${file} is a folder.`, 'Name a file in it.');
  if (there !== undefined && !request.overwrite) throw new UserError('backup-exists', `${file} is there already.`, 'Name another file, or say that it may be replaced (--overwrite).');
  if ((await sameFile(file, place.storeFile))) throw new UserError('backup-exists', `${file} is the store itself.`, 'Name another file.');
  const store = await openStore(place.storeFile, { readOnly: true });
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${randomUUID().slice(0, 8)}.part`);
  try {
    await makeFolder(dirname(file));
    requireFreeBytes(dirname(file), await bytesOf(place.storeFile), 'The backup');
    yield* copyStore(store, temporary, 'Copying the store', signal);
    const files = await filesOf(place.storeFolder);
    const backup = await openStore(temporary, { readOnly: false });
    try {
      yield* requireWhole(backup, (faults) => new UserError('backup-damaged', `The store ${place.storeFile} is damaged (${faults.join('; ')}), so no backup was made of it.`, 'Check the Store… (smp doctor) says what can be done.'), signal);
      if (!backup.readOnly) writeBackupContent(backup, { madeAt: now, productVersion: place.productVersion, storeFile: place.storeFile }, files);
      if (!backup.readOnly) makeSingleFile(backup);
    } finally {
      backup.close();
    }
    await synchronize(temporary);
    signal.throwIfAborted();
    await giveName(temporary, file, request.overwrite);
    const bytes = await bytesOf(file);
    return { summary: `Backed up to ${file} (${byteCount(bytes)}): posts, captions, decisions, samples, predictions, reports, and ${files.length} files of decisions, mappings and plans. Not in it: your data, and the weights of models with their jobs.`, file, bytes };
  } catch (error) {
    throw storeFault(error, file) ?? error;
  } finally {
    store.close();
    for (const suffix of ['', '-wal', '-shm', '-journal', '-import']) await rm(`${temporary}${suffix}`, { force: true });
  }
}

/**
 * Copies a store and tells how far it is; an abort undoes the copy.
 * @throws {UserError} `store-busy` when the target does not let anybody write for a long time
 */
export async function* copyStore(store: Database, target: string, message: string, signal: AbortSignal): AsyncGenerator<Progress, void, void> {
  let place = { done: 0, total: 0 };
  let advancedAt = performance.now();
  let ended = false;
  const copying = store.copyInto(target, (done, total) => {
    signal.throwIfAborted();
    if (done !== place.done) advancedAt = performance.now();
    else if (performance.now() - advancedAt > PATIENCE) throw new UserError('store-busy', `Another window or process has been writing to ${target} all the time.`, 'Try again when it has ended.');
    place = { done, total };
  }).finally(() => {
    ended = true;
  });
  const settled = copying.catch(() => undefined); // what it failed with is thrown below
  try {
    while (!ended) {
      await Promise.race([settled, pause(LOOK)]);
      yield { message, ...place };
    }
  } finally {
    await settled; // nobody may close the store under it
  }
  await copying;
}

/** @throws what `damaged` makes of the faults */
export async function* requireWhole(store: Database, damaged: (faults: readonly string[]) => UserError, signal: AbortSignal): AsyncGenerator<Progress, void, void> {
  const checking = checkIntegrity(store);
  let step = checking.next();
  for (; !step.done; step = checking.next()) {
    yield { message: 'Checking the copy', done: step.value.done, total: step.value.total };
    await pause(0);
    signal.throwIfAborted();
  }
  if (step.value.faults.length > 0) throw damaged(step.value.faults);
}

export async function bytesOf(path: string): Promise<number> {
  return stat(path).then(({ size }) => size, () => 0);
}

export async function sameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path, { bigint: true }).catch(() => null)));
  return a != null && b != null && a.dev === b.dev && a.ino === b.ino;
}

async function filesOf(storeFolder: string): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  for (const folder of BACKED_UP_FOLDERS) {
    for (const entry of await readdir(join(storeFolder, folder), { withFileTypes: true }).catch(() => [])) {
      const path = join(storeFolder, folder, entry.name);
      if (entry.isFile() && (await bytesOf(path)) <= MOST_BYTES) files.push({ path: `${folder}/${entry.name}`, content: await readFile(path) });
    }
  }
  return files;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new UserError('backup-unwritable', `${folder} cannot be written (${(error as Error).message}).`, 'Name a file in another folder.', { cause: error });
  }
}

async function synchronize(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.sync().finally(() => handle.close());
}

/** A hard link is refused where the name was taken meanwhile; where the file system has none, the look before must do. */
async function giveName(temporary: string, file: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, file);
  try {
    await link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || existsSync(file)) throw new UserError('backup-exists', `${file} is there already.`, 'Name another file, or say that it may be replaced (--overwrite).');
    await rename(temporary, file);
  }
}

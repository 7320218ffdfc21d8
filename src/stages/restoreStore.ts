// Puts a backup in the place of a store. The file is copied beside the store, brought up to date and checked there; only
// then is the store replaced, in one transaction, so that windows which have it open see the new state and a kill in
// between leaves the old one. The old store is kept beside until somebody cleans it away.
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import { foreignCommits, makeSingleFile, setStoreRevision, storeRevision, takeBackupContent, type BackupFile } from '../store/backupContent.ts';
import type { Database } from '../store/database.ts';
import { requireFreeBytes } from '../store/freeSpace.ts';
import { openStore } from '../store/openStore.ts';
import { listRuns } from '../store/runs.ts';
import { prepareStoreFolder } from '../store/storeLocation.ts';
import { storeFault } from '../store/storeFaults.ts';
import { BACKED_UP_FOLDERS, bytesOf, copyStore, requireWhole, sameFile } from './backUpStore.ts';
import type { CheckedPlace } from './checkStore.ts';
import { runStateNow } from './runningJob.ts';

/** Files beside the store that hold it as it was before a restore. */
export const KEPT_STORE = /^curation-before-\d{8}-\d{6}\.sqlite(-wal|-shm|-import)?$/;
const MOST_RUNS = 1000; // looked through for one that is at work: those are among the newest

export interface RestoreResult {
  readonly summary: string;
  readonly kept: string | null; // where the store of before lies now; null where there was none
  readonly files: number; // decisions, mappings and plans that were written
}

/**
 * @param file absolute
 * @throws {UserError} `backup-missing`, `backup-unusable`, `backup-newer`, `backup-damaged`, `import-running`, `job-running`,
 *   `fetch-running`, `store-in-use`, `store-newer`, `disk-too-full`, `store-busy`; the store is then as it was
 */
export async function* restoreStore(place: Pick<CheckedPlace, 'storeFile' | 'storeFolder'>, file: string, now: number, signal: AbortSignal): LongWork<RestoreResult> {
  const { storeFile, storeFolder } = place;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw new UserError('backup-missing', `There is no file ${file}.`, 'Name a file that smp backup has written.');
  if (await sameFile(file, storeFile)) throw new UserError('backup-unusable', `${file} is the store itself.`, 'Name a file that smp backup has written.');
  const folder = dirname(storeFile);
  await mkdir(folder, { recursive: true });
  prepareStoreFolder({ storeFolder });
  // The copy beside the store, the log while it is replaced, and the store of before.
  requireFreeBytes(folder, 2 * (await bytesOf(file)) + (await bytesOf(storeFile)), 'Restoring');
  const staged = join(folder, `.restoring-${process.pid}-${randomUUID().slice(0, 8)}.sqlite`);
  try {
    yield { message: 'Copying the backup' };
    await copyFile(file, staged);
    signal.throwIfAborted();
    const backup = await openBackup(staged, file);
    let content;
    try {
      yield* requireWhole(backup, (faults) => new UserError('backup-damaged', `The backup ${file} is damaged (${faults.join('; ')}). The store has not been touched.`, 'Use another backup.'), signal);
      content = takeBackupContent(backup);
      const kept = yield* replace(place, backup, now, signal);
      const files = await writeMissing(storeFolder, content.files);
      const made = content.info === null ? '' : ` of ${new Date(content.info.madeAt * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
      const before = kept === null ? '' : ` The store of before is kept in ${kept}; Check the Store… (smp doctor --clean) removes it.`;
      return { summary: `Restored the backup${made}.${before} Decisions made since are in the folder decisions and are read with the next index.`, kept, files };
    } finally {
      backup.close();
    }
  } catch (error) {
    throw storeFault(error, storeFile) ?? error;
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal', '-import']) await rm(`${staged}${suffix}`, { force: true });
  }
}

/** Opens the copy for writing, which brings an older one up to date. */
async function openBackup(staged: string, file: string): Promise<Database> {
  let backup: Database;
  try {
    backup = await openStore(staged, { readOnly: false });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError('backup-unusable', `${file} is not a backup of a store, or is damaged. The store has not been touched.`, 'Name a file that smp backup has written.', { cause: error });
  }
  if (backup.newerMigrations.length === 0) return backup;
  backup.close();
  throw new UserError('backup-newer', `The backup ${file} was made by a newer version of SMP Curator (${backup.newerMigrations.join(', ')}). The store has not been touched.`, 'Update SMP Curator, then restore it.');
}

/** Replaces the store and answers where the one of before is kept. */
async function* replace({ storeFile, storeFolder }: Pick<CheckedPlace, 'storeFile' | 'storeFolder'>, backup: Database, now: number, signal: AbortSignal): LongWork<string | null> {
  const folder = dirname(storeFile);
  const kept = join(folder, `curation-before-${stamp(now)}.sqlite`);
  if (!existsSync(storeFile)) {
    await putInPlace(storeFile, backup);
    return null;
  }
  let current: Database;
  try {
    current = await openStore(storeFile, { readOnly: false });
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'store-broken')) throw error;
    requireNobody(storeFile);
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(`${storeFile}${suffix}`)) await rename(`${storeFile}${suffix}`, `${kept}${suffix}`);
    await putInPlace(storeFile, backup);
    return kept;
  }
  try {
    const lock = current.tryImportLock();
    if (lock === null) throw new UserError('import-running', 'Another import, backup or cleaning is at work on this store.', 'Wait until it has ended, or cancel it.');
    const fetchLock = current.tryFetchLock(); // what is fetched meanwhile would be forgotten with the store of before
    let isReplaced = false;
    try {
      if (fetchLock === null) throw new UserError('fetch-running', 'Pictures are being fetched into this store.', 'Wait until that has ended, or cancel it, then restore.');
      requireNoJob(current, storeFolder);
      const before = foreignCommits(current);
      yield* copyStore(current, kept, 'Keeping the store of before', signal);
      const revision = Math.max(storeRevision(current), storeRevision(backup)) + 1;
      setStoreRevision(backup, revision);
      // What another window wrote since would be in neither file.
      if (foreignCommits(current) !== before) throw new UserError('store-busy', 'Another window or process wrote to the store while it was being kept. Nothing has been replaced.', 'Try again when it has ended.');
      requireNoJob(current, storeFolder);
      yield* copyStore(backup, storeFile, 'Restoring', signal);
      // A copy that never got the store to itself says nothing; whether it is there, the store says.
      if (storeRevision(current) !== revision) throw new UserError('store-busy', 'Another window or process was writing to the store all the time.', 'Try again when it has ended.');
      isReplaced = true;
      return kept;
    } finally {
      if (!isReplaced) await rm(kept, { force: true }); // the store is as it was
      fetchLock?.release();
      lock.release();
    }
  } finally {
    current.close();
  }
}

async function putInPlace(storeFile: string, backup: Database): Promise<void> {
  makeSingleFile(backup);
  backup.close();
  for (const suffix of ['-wal', '-shm']) await rm(`${storeFile}${suffix}`, { force: true }); // of a store that was deleted
  await rename(backup.path, storeFile);
}

/** A trainer job would store its results, which belong to the store of before. */
function requireNoJob(store: Database, storeFolder: string): void {
  const running = listRuns(store, MOST_RUNS).find((run) => run.endedAt === null && ['running', 'starting'].includes(runStateNow(join(storeFolder, 'runs', run.id), run.state)));
  if (running !== undefined) throw new UserError('job-running', `A job is at work on this store: ${running.stage} (${running.id}).`, 'Wait until it has ended, or cancel it, then restore.');
}

/**
 * A file that SQLite cannot open has to be moved away, which takes it from under whoever still has it open. Linux says who
 * that is; Windows refuses to move it.
 * @throws {UserError} `store-in-use`
 */
function requireNobody(storeFile: string): void {
  if (process.platform !== 'linux') return;
  const holders = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`) === storeFile;
        } catch {
          return false; // closed meanwhile
        }
      });
    } catch {
      return false; // ended, or another user's
    }
  });
  if (holders.length === 0) return;
  throw new UserError('store-in-use', `The store ${storeFile} is damaged, and other windows or processes still have it open (process ${holders.join(', ')}).`, 'Close them, then restore again.');
}

/** Files that are there stay as they are: they may hold more than the backup. Only into the folders that a backup has. */
async function writeMissing(storeFolder: string, files: readonly BackupFile[]): Promise<number> {
  let written = 0;
  for (const { path, content } of files) {
    const [folder, name, ...rest] = path.split('/');
    if (!(BACKED_UP_FOLDERS as readonly string[]).includes(folder!) || name === undefined || rest.length > 0 || name === '' || name === '..' || name === '.' || name.includes('\\')) continue;
    const target = join(storeFolder, folder!, name);
    await mkdir(dirname(target), { recursive: true });
    const isNew = await writeFile(target, content, { flag: 'wx' }).then(() => true, (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    });
    if (isNew) written++;
  }
  return written;
}

/** '20260131-120000', in UTC */
const stamp = (now: number): string => new Date(now * 1000).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);

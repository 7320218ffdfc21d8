// What lies in a store and its folder that nobody needs any more: found here, shown by the check, removed by cleaning.
// Needed is whatever decisions, live posts, models, predictions, running jobs or jobs that can still go on rest on.
import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { pidExists } from '../hosts/processes.ts';
import { byteCount } from '../protocol/byteCount.ts';
import { jobIdSchema } from '../protocol/job.ts';
import type { LeftoverKind } from '../protocol/storeCheck.ts';
import type { Database } from '../store/database.ts';
import { listModelPaths } from '../store/models.ts';
import { findRun, listRuns, runsInUse, type StoredRun } from '../store/runs.ts';
import { bytesToVacuum, isWorthVacuum, storeRoom, unseenRows } from '../store/storeRoom.ts';
import { KEPT_STORE } from './restoreStore.ts';
import { runStateNow } from './runningJob.ts';

/** One thing that can go: a folder or a file, with the run that it belongs to. */
export interface LeftoverItem {
  readonly path: string; // absolute
  readonly bytes: number;
  readonly run: string | null;
}

export interface FoundLeftover {
  readonly kind: LeftoverKind;
  readonly title: string;
  readonly detail: string;
  readonly count: number;
  readonly bytes: number;
  readonly items: readonly LeftoverItem[]; // empty for rows and room of the store itself
}

/** What is large and stays: jobs that can go on from a checkpoint. */
export interface Leftovers {
  readonly found: readonly FoundLeftover[];
  readonly resumable: { readonly jobs: number; readonly bytes: number };
}

const BUILDING = /^\.new-(\d+)-/; // runJob.ts: the folder of a job that is being put together
const SETTLING = 3600_000; // milliseconds in which a folder without a status may belong to a job that is only starting
const MOST_RUNS = 100_000;

const TEXTS: Readonly<Record<Exclude<LeftoverKind, 'imports' | 'room'>, readonly [title: string, detail: string]>> = {
  scratch: ['Folders of jobs that were never put together', 'The process that made them has ended.'],
  'ended-jobs': ['Jobs that were cancelled or failed', 'They have no checkpoint to go on from, or the same work was done since. Their logs go too.'],
  'replaced-jobs': ['Jobs whose results were replaced', 'No model and no prediction of the store comes from them. The same work would be computed again.'],
  'unknown-jobs': ['Jobs that this store does not know', 'They belong to a store that was deleted or replaced. The same work would be computed again.'],
  checkpoints: ['Checkpoints of finished jobs', 'Their results are kept.'],
  'kept-stores': ['Stores as they were before a backup was restored', 'Cleaning them means that the restore cannot be taken back.'],
};

export async function findLeftovers(store: Database, storeFolder: string): Promise<Leftovers> {
  const items = new Map<Exclude<LeftoverKind, 'imports' | 'room'>, LeftoverItem[]>();
  const add = (kind: Exclude<LeftoverKind, 'imports' | 'room'>, item: LeftoverItem): void => {
    const known = items.get(kind);
    if (known === undefined) items.set(kind, [item]);
    else known.push(item);
  };
  const jobs = join(storeFolder, 'runs');
  const inUse = runsInUse(store);
  const modelPaths = listModelPaths(store).map((path) => resolve(storeFolder, path));
  const lastSuccess = lastSuccesses(listRuns(store, MOST_RUNS));
  const resumable = { jobs: 0, bytes: 0 };

  for (const entry of await entriesOf(jobs)) {
    const path = join(jobs, entry.name);
    if (!entry.isDirectory()) continue; // a link is somebody's own doing
    const builder = BUILDING.exec(entry.name)?.[1];
    if (builder !== undefined) {
      if (!pidExists(Number(builder))) add('scratch', { path, bytes: await bytesBelow(path), run: null });
      continue;
    }
    if (!jobIdSchema.safeParse(entry.name).success) continue; // not of our making
    const run = findRun(store, entry.name);
    const state = runStateNow(path, run?.state ?? 'lost');
    if (state === 'running' || state === 'starting' || (await isFresh(path))) continue;
    const bytes = await bytesBelow(path);
    const item = { path, bytes, run: entry.name };
    const checkpoint = join(path, 'checkpoints', 'state.pt');
    const checkpointBytes = await bytesBelow(checkpoint);
    if (inUse.has(entry.name) || modelPaths.some((model) => model.startsWith(path + sep))) {
      if (state === 'succeeded' && checkpointBytes > 0) add('checkpoints', { path: checkpoint, bytes: checkpointBytes, run: null });
    } else if (run === undefined) add('unknown-jobs', item);
    else if (state === 'succeeded') add('replaced-jobs', item);
    else if (checkpointBytes === 0 || (lastSuccess.get(requestOf(run)) ?? -Infinity) > run.startedAt) add('ended-jobs', item);
    else {
      resumable.jobs++;
      resumable.bytes += bytes;
    }
  }
  const folder = dirname(store.path);
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && KEPT_STORE.test(entry.name)) add('kept-stores', { path, bytes: await bytesBelow(path), run: null });
  }
  const fromFiles = [...items].map(([kind, list]): FoundLeftover => {
    const [title, detail] = TEXTS[kind];
    return { kind, title, detail: list.length === 1 ? `${detail} (${basename(list[0]!.path)})` : detail, count: list.length, bytes: list.reduce((sum, { bytes }) => sum + bytes, 0), items: list };
  });
  return { found: [...importsOf(store), ...fromFiles, ...roomOf(store)], resumable };
}

function importsOf(store: Database): FoundLeftover[] {
  if (store.isImporting()) return []; // its posts are not seen yet, which is as it should be
  const { generations, posts, bytes } = unseenRows(store);
  if (generations === 0) return [];
  return [{ kind: 'imports', title: 'Posts of imports that were broken off or replaced', detail: `${posts.toLocaleString('en')} posts that nobody sees; what they take becomes room inside the store's file.`, count: posts, bytes, items: [] }];
}

function roomOf(store: Database): FoundLeftover[] {
  const room = storeRoom(store);
  if (!isWorthVacuum(room)) return [];
  const detail = `The file is written anew: that needs ${byteCount(bytesToVacuum(room))} for a while, cannot be cancelled, and nobody can write meanwhile.`;
  return [{ kind: 'room', title: "Empty room inside the store's file", detail, count: 1, bytes: room.emptyBytes, items: [] }];
}

/** When each request was last carried out: what a run before that had begun will not be asked for again, whatever its inputs. */
function lastSuccesses(runs: readonly StoredRun[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const run of runs) if (run.state === 'succeeded') last.set(requestOf(run), Math.max(run.startedAt, last.get(requestOf(run)) ?? -Infinity));
  return last;
}

const requestOf = (run: StoredRun): string => JSON.stringify([run.stage, run.request]);

async function isFresh(jobFolder: string): Promise<boolean> {
  if (await stat(join(jobFolder, 'status')).then(() => true, () => false)) return false;
  return stat(jobFolder).then(({ mtimeMs }) => Date.now() - mtimeMs < SETTLING, () => false);
}

function entriesOf(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

/** The bytes of a file or of all files below a folder; links are not followed. 0 for what is not there. */
export async function bytesBelow(path: string): Promise<number> {
  const about = await stat(path).catch(() => null);
  if (about === null) return 0;
  if (!about.isDirectory()) return about.size;
  let bytes = 0;
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) bytes += await bytesBelow(join(path, entry.name));
    else if (entry.isFile()) bytes += await stat(join(path, entry.name)).then(({ size }) => size, () => 0);
  }
  return bytes;
}

/** Removes an item from the disk. */
export async function removeItem({ path }: LeftoverItem): Promise<void> {
  if (await stat(path).then((about) => about.isDirectory(), () => false)) await rm(path, { recursive: true, force: true, maxRetries: 3 });
  else await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error; // another window was faster
  });
}

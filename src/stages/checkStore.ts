// Checks a store: where it lies and why, how large it is, whether it is whole, what can be cleaned. Opens it by itself, for
// reading, so that a store that cannot be opened is a finding and not a failure; nothing is changed.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import { byteCount } from '../protocol/byteCount.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StoreCheck, StoreProblem } from '../protocol/storeCheck.ts';
import type { Database } from '../store/database.ts';
import { picturesFolder } from '../store/fetchedPictures.ts';
import { freeBytes } from '../store/freeSpace.ts';
import { checkIntegrity } from '../store/integrity.ts';
import { openStore } from '../store/openStore.ts';
import { describePlace } from '../store/storeLocation.ts';
import { storeVersions } from '../store/storeRoom.ts';
import { MEND_DAMAGE, storeFault } from '../store/storeFaults.ts';
import { BACKED_UP_FOLDERS } from './backUpStore.ts';
import { bytesBelow, findLeftovers, type Leftovers } from './leftovers.ts';
import { KEPT_STORE } from './restoreStore.ts';
import type { StageContext } from './stageContext.ts';

export interface CheckedPlace {
  readonly folder: string; // of the workspace
  readonly storeFile: string;
  readonly storeFolder: string;
  readonly productVersion: string;
  readonly python: string | null; // the trainer's
}

/** Below this much free room the check says so: an update of a small store already needs it. */
const LITTLE_ROOM = 200 * 1000 * 1000; // bytes

export async function* checkStore(place: CheckedPlace, log: StageContext['log'], signal: AbortSignal): LongWork<StoreCheck> {
  const { storeFile, storeFolder, folder } = place;
  yield { message: 'Looking at the files' };
  const free = freeBytes(dirname(storeFile));
  const problems: StoreProblem[] = free !== null && free < LITTLE_ROOM
    ? [{ code: 'disk-almost-full', message: `Only ${byteCount(free)} are free on the disk of the store.`, nextStep: 'Free some before you index or train.' }] : [];
  const common = {
    version: 1 as const, storeFile, storeFolder, place: describePlace(folder, place).sentence, freeBytes: free, sizes: await sizesOf(place), environment: environmentOf(place, null),
  };
  const nothing = { schema: null, checked: null, leftovers: [], kept: '' };
  if (!existsSync(storeFile)) return { ...common, ...nothing, isThere: false, problems };

  let store: Database;
  try {
    store = await openForCheck(storeFile, log);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...common, ...nothing, isThere: true, problems: [...problems, { code: error.code, message: error.whatHappened, nextStep: error.nextStep }] };
  }
  try {
    if (store.newerMigrations.length > 0) {
      problems.push({ code: 'store-newer', message: 'The store was made by a newer version of SMP Curator and can only be read.', nextStep: 'Update SMP Curator to change it.' });
    }
    const checking = checkIntegrity(store);
    let step = checking.next();
    for (; !step.done; step = checking.next()) {
      yield { message: `Checking the store: ${step.value.table}`, done: step.value.done, total: step.value.total };
      await setImmediate();
      signal.throwIfAborted();
    }
    const { tables, posts, faults } = step.value;
    if (faults.length > 0) problems.push({ code: 'store-broken', message: `The store is damaged: ${faults.join('; ')}.`, nextStep: MEND_DAMAGE });
    yield { message: 'Looking what can be cleaned' };
    const { found, resumable } = faults.length > 0 ? NOTHING : await findLeftovers(store, storeFolder);
    return {
      ...common, isThere: true, problems, environment: environmentOf(place, store), schema: storeVersions(store).schema,
      checked: faults.length > 0 ? null : `${tables} tables with their indexes, links between rows, and the words of ${posts.toLocaleString('en')} posts: whole`,
      leftovers: found.map(({ kind, title, detail, count, bytes }) => ({ kind, title, detail, count, bytes })),
      kept: resumable.jobs === 0 ? '' : `${resumable.jobs} jobs were broken off and can go on from a checkpoint (${byteCount(resumable.bytes)}); they stay.`,
    };
  } catch (error) {
    const fault = storeFault(error, storeFile);
    if (fault === null) throw error;
    return { ...common, ...nothing, isThere: true, problems: [...problems, { code: fault.code, message: fault.whatHappened, nextStep: fault.nextStep }] };
  } finally {
    store.close();
  }
}

const NOTHING: Leftovers = { found: [], resumable: { jobs: 0, bytes: 0 } };

/** One of an older version is brought up to date first, as any work on it would. */
async function openForCheck(storeFile: string, log: StageContext['log']): Promise<Database> {
  try {
    return await openStore(storeFile, { readOnly: true, log });
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'store-older')) throw error;
    return openStore(storeFile, { readOnly: false, log });
  }
}

async function sizesOf({ folder, storeFile, storeFolder }: CheckedPlace): Promise<StoreCheck['sizes']> {
  const kept = existsSync(dirname(storeFile)) ? readdirSync(dirname(storeFile)).filter((name) => KEPT_STORE.test(name)) : [];
  const parts: readonly (readonly [label: string, ...paths: string[]])[] = [
    ['database', storeFile], ['its log', `${storeFile}-wal`, `${storeFile}-shm`], ['jobs and models', join(storeFolder, 'runs')], ['fetched pictures', picturesFolder(storeFolder)],
    ['decisions, mappings, plans', ...BACKED_UP_FOLDERS.map((name) => join(storeFolder, name))],
    ['stores of before a restore', ...kept.map((name) => join(dirname(storeFile), name))], ['exports', join(folder, 'exports')],
  ];
  const sizes = await Promise.all(parts.map(async ([label, ...paths]) => ({ label, bytes: (await Promise.all(paths.map(bytesBelow))).reduce((sum, bytes) => sum + bytes, 0) })));
  return sizes.filter(({ bytes }) => bytes > 0);
}

function environmentOf(place: CheckedPlace, store: Database | null): StoreCheck['environment'] {
  return [
    { label: 'SMP Curator', value: place.productVersion },
    { label: 'Node', value: process.versions.node },
    ...(store === null ? [] : [{ label: 'SQLite', value: `${storeVersions(store).sqlite} (${store.driver})` }]),
    { label: "the trainer's Python", value: place.python ?? 'not set up (Set Up the Trainer)' },
  ];
}

// Cleans what a check found and a person chose: rows in short transactions, folders one by one, and last the empty room.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import { byteCount } from '../protocol/byteCount.ts';
import type { LongWork } from '../protocol/progress.ts';
import { LEFTOVER_KINDS, type LeftoverKind } from '../protocol/storeCheck.ts';
import { clearGenerations } from '../store/generations.ts';
import { forgetRun } from '../store/runs.ts';
import { isWorthVacuum, storeRoom, vacuumStore } from '../store/storeRoom.ts';
import { findLeftovers, removeItem } from './leftovers.ts';
import type { StageContext } from './stageContext.ts';

export interface CleanResult {
  readonly summary: string;
  readonly bytes: number; // given back to the disk
  readonly removed: Readonly<Partial<Record<LeftoverKind, number>>>; // rows, folders, files
}

/**
 * Looks again before it removes, so that nothing goes that came into use since the check.
 * @throws {UserError} `import-running`, `fetch-running`, `store-read-only`, `store-newer`, `disk-too-full`
 */
export async function* cleanStore({ store, storeFolder }: Pick<StageContext, 'store' | 'storeFolder'>, kinds: readonly LeftoverKind[], signal: AbortSignal): LongWork<CleanResult> {
  store.requireWritable();
  const lock = store.tryImportLock();
  if (lock === null) throw new UserError('import-running', 'Another import, backup or cleaning is at work on this store.', 'Wait until it has ended, or cancel it.');
  const fetchLock = kinds.includes('room') ? store.tryFetchLock() : undefined; // what is fetched could not be recorded while the file is written anew
  const removed: Partial<Record<LeftoverKind, number>> = {};
  let bytes = 0;
  try {
    if (fetchLock === null) throw new UserError('fetch-running', 'Pictures are being fetched into this store: the empty room of its file cannot be given back meanwhile. Nothing has been cleaned.', 'Wait until that has ended, or cancel it; or clean the rest.');
    if (kinds.includes('imports')) {
      let posts = 0;
      for (posts of clearGenerations(store)) {
        yield { message: 'Removing posts that nobody sees', done: posts, unit: 'posts' };
        await setImmediate();
        signal.throwIfAborted();
      }
      if (posts > 0) removed.imports = posts;
    }
    yield { message: 'Looking what can be cleaned' };
    const { found } = await findLeftovers(store, storeFolder);
    for (const kind of LEFTOVER_KINDS) {
      const leftover = found.find((candidate) => candidate.kind === kind);
      if (!kinds.includes(kind) || leftover === undefined) continue;
      for (const [done, item] of leftover.items.entries()) {
        signal.throwIfAborted();
        yield { message: leftover.title, done, total: leftover.items.length };
        await removeItem(item);
        if (item.run !== null) forgetRun(store, item.run);
        bytes += item.bytes;
        removed[kind] = (removed[kind] ?? 0) + 1;
      }
    }
    const before = storeRoom(store);
    if (kinds.includes('room') && isWorthVacuum(before)) {
      signal.throwIfAborted();
      yield { message: "Giving back the empty room of the store's file" };
      vacuumStore(store);
      bytes += before.bytes - storeRoom(store).bytes;
      removed.room = 1;
    }
  } finally {
    fetchLock?.release();
    lock.release();
  }
  const inside = removed.imports !== undefined && removed.room === undefined ? ` ${removed.imports.toLocaleString('en')} posts that nobody sees are gone; their room in the store's file is used again.` : '';
  return { summary: `${byteCount(bytes)} are free again.${inside}`, bytes, removed };
}

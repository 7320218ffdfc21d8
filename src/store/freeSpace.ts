// Whether a disk has room for what is about to be written: said before work starts, with numbers, instead of in its middle.
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { byteCount } from '../protocol/byteCount.ts';

/** The part of statfs(2) that is asked for: blocks are `bsize` bytes, `bavail` of them free for this user. */
export type Statfs = (path: string) => { readonly bsize: number; readonly bavail: number };

/** Left over for everything else that writes to the same disk, in bytes. */
const RESERVE = 16 * 1000 * 1000;

/** Bytes that this user may still write in a folder, or in the nearest one above it that is there; null where the system does not say. */
export function freeBytes(folder: string, statfs: Statfs = statfsSync): number | null {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    const { bsize, bavail } = statfs(existing);
    return bsize * bavail;
  } catch {
    return null;
  }
}

/**
 * Lets work start only where what it will write has room.
 * @param what begins the message: 'Indexing', 'The backup'
 * @param bytes an estimate of what it writes
 * @throws {UserError} `disk-too-full`
 */
export function requireFreeBytes(folder: string, bytes: number, what: string, statfs: Statfs = statfsSync): void {
  const free = freeBytes(folder, statfs);
  if (free === null || free >= bytes + RESERVE) return;
  throw new UserError('disk-too-full', `${what} needs about ${byteCount(bytes + RESERVE)} on the disk of ${folder}, and ${byteCount(free)} are free. Nothing has been started.`,
    `Free ${byteCount(bytes + RESERVE - free)}: Check the Store… (smp doctor) lists what can be cleaned here and what that frees.`);
}

// Faults of the machine below the store, told as something that a person can mend: a full disk, damage, a folder that
// cannot be written, another process that holds the store. Looked at by code, since both bindings and Node's file
// functions give them; any other error is none of these.
import { UserError } from '../domain/errors.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html) by the names that better-sqlite3 gives; node:sqlite gives the numbers. */
const SQLITE_CODES: ReadonlyMap<string | number, Fault> = new Map<string | number, Fault>([
  ['SQLITE_BUSY', 'busy'], [5, 'busy'],
  ['SQLITE_READONLY', 'read-only'], [8, 'read-only'],
  ['SQLITE_IOERR', 'unreadable'], [10, 'unreadable'],
  ['SQLITE_CORRUPT', 'damaged'], [11, 'damaged'],
  ['SQLITE_FULL', 'full'], [13, 'full'],
  ['SQLITE_NOTADB', 'damaged'], [26, 'damaged'],
]);

/** Of Node's file functions. */
const FILE_CODES: Readonly<Record<string, Fault>> = { ENOSPC: 'full', EDQUOT: 'full', EROFS: 'read-only' };

type Fault = 'full' | 'damaged' | 'read-only' | 'busy' | 'unreadable';

/**
 * The error as a person can mend it, or null when it is nothing of the kind (a UserError, a cancel, a bug).
 * @param path the store's file
 */
export function storeFault(error: unknown, path: string): UserError | null {
  if (error instanceof UserError || typeof error !== 'object' || error === null) return null;
  const fault = faultOf(error as { code?: unknown; errcode?: unknown });
  if (fault === null) return null;
  const place = (error as { path?: unknown }).path;
  return describe(fault, path, typeof place === 'string' ? place : path, error as Error);
}

function faultOf({ code, errcode }: { code?: unknown; errcode?: unknown }): Fault | null {
  if (typeof errcode === 'number') return SQLITE_CODES.get(errcode & 0xff) ?? null; // extended codes repeat the primary one in the low byte
  if (typeof code !== 'string') return null;
  return FILE_CODES[code] ?? SQLITE_CODES.get(code.split('_').slice(0, 2).join('_')) ?? null;
}

function describe(fault: Fault, store: string, place: string, cause: Error): UserError {
  switch (fault) {
    case 'full': return new UserError('disk-full', `The disk of ${place} is full. The store is as it was before.`,
      'Free some space and start again: Check the Store… (smp doctor) lists what can be cleaned here and what that frees.', { cause });
    case 'damaged': return new UserError('store-broken', `The file ${store} is not a store, or is damaged (${cause.message}).`, MEND_DAMAGE, { cause });
    case 'read-only': return new UserError('store-read-only', `${place} cannot be written.`, 'Make its folder and its files writable, or work in another folder.', { cause });
    case 'busy': return new UserError('store-busy', `Another window or process has been writing to the store ${store} for longer than work here can wait.`, 'Try again when it has ended.', { cause });
    case 'unreadable': return new UserError('store-unreadable', `The disk of ${store} could not be read or written (${cause.message}).`,
      'Check that the disk is there and not full, then try again; Check the Store… (smp doctor) says whether the store is whole.', { cause });
  }
}

/** What mends a damaged store, in the order of what is lost. */
export const MEND_DAMAGE = 'Check the Store… (smp doctor) says what is damaged. Restore a backup (smp restore-backup FILE), or move the file away and index again: decisions are read again from the folder decisions beside it.';

// How much of the store's file is in use, what rows that nobody sees take, and giving empty room back to the disk.
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { Database } from './database.ts';
import { requireFreeBytes } from './freeSpace.ts';
import { storeFault } from './storeFaults.ts';

export interface StoreRoom {
  readonly bytes: number; // of the file, without its log
  readonly emptyBytes: number; // of pages that hold nothing
}

export function storeRoom(store: Database): StoreRoom {
  const number = (name: string): number => Object.values(store.prepare<Record<string, number>>(`PRAGMA ${name}`).get()!)[0]!;
  const page = number('page_size');
  return { bytes: number('page_count') * page, emptyBytes: number('freelist_count') * page };
}

export interface UnseenRows {
  readonly generations: number;
  readonly posts: number;
  readonly bytes: number; // their share of the tables and indexes of posts
}

/** Posts of imports that were broken off or replaced, as long as they are not cleared. While an import runs, its own count too. */
export function unseenRows(store: Database): UnseenRows {
  const { generations } = store.prepare<{ generations: number }>("SELECT count(*) AS generations FROM generations WHERE state <> 'live'").get()!;
  if (generations === 0) return { generations: 0, posts: 0, bytes: 0 };
  const { posts } = store.prepare<{ posts: number }>("SELECT count(*) AS posts FROM posts p JOIN generations g ON g.id = p.generation_id WHERE g.state <> 'live'").get()!;
  const { all } = store.prepare<{ all: number }>('SELECT count(*) AS "all" FROM posts').get()!;
  const { bytes } = store.prepare<{ bytes: number | null }>("SELECT sum(pgsize) AS bytes FROM dbstat WHERE aggregate = TRUE AND name LIKE 'posts%'").get()!;
  return { generations, posts, bytes: all === 0 ? 0 : Math.round(((bytes ?? 0) * posts) / all) };
}

/** Whether rewriting the file gives back enough to be worth it: a megabyte, and a tenth of the file. */
export const isWorthVacuum = ({ bytes, emptyBytes }: StoreRoom): boolean => emptyBytes >= 1_000_000 && emptyBytes >= bytes / 10;

/** Bytes that rewriting needs for a while: a copy of what is in use, and again in the log. */
export const bytesToVacuum = ({ bytes, emptyBytes }: StoreRoom): number => 2 * (bytes - emptyBytes);

/**
 * Rewrites the file without its empty pages. It is one piece: it cannot be cancelled, and others cannot write meanwhile.
 * @throws {UserError} `disk-too-full`, `store-busy`
 */
export function vacuumStore(store: Database): void {
  store.requireWritable();
  const needed = bytesToVacuum(storeRoom(store));
  for (const folder of new Set([dirname(store.path), process.env['SQLITE_TMPDIR'] ?? tmpdir()])) requireFreeBytes(folder, needed, 'Rewriting the store without its empty room');
  try {
    store.exec('VACUUM');
    store.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    throw storeFault(error, store.path) ?? error;
  }
}

/** The newest migration of the store, and the version of SQLite that reads it. */
export function storeVersions(store: Database): { readonly schema: string | null; readonly sqlite: string } {
  const { schema } = store.prepare<{ schema: string | null }>('SELECT max(name) AS schema FROM migrations').get()!;
  return { schema, sqlite: store.prepare<{ version: string }>('SELECT sqlite_version() AS version').get()!.version };
}

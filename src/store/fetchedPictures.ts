// Pictures fetched from the addresses that posts name: which are there, which are dead, which are to be asked for again. Kept
// by (source, pid) like everything that people and models made, so it outlives a new import; a changed address counts anew.
import { join } from 'node:path';
import type { Database } from './database.ts';
import { LIVE_POSTS_BY_ID } from './posts.ts';

/** 'fetched': the file is there; 'dead': asking again would answer the same; 'later': the next start asks again. */
export type FetchState = 'fetched' | 'dead' | 'later';

export interface FetchRecord {
  readonly pid: string;
  readonly url: string; // as the post names it
  readonly state: FetchState;
  readonly reason: string; // of dead and later: one of few, counted
  readonly status: number | null; // of HTTP, where the server answered one
  readonly file: string; // of fetched: relative to the folder of pictures, with forward slashes; else ''
  readonly triedAt: number; // unix seconds
}

/** A post whose picture is to be fetched. */
export interface WantedPicture {
  readonly id: number; // of the live generation's row: pages go on after it
  readonly pid: string;
  readonly url: string;
  readonly attempts: number; // answers so far that brought no picture
}

/** Posts that name an address and have no usable picture in the data set. */
const WITHOUT_PICTURE = "p.image_url <> '' AND (p.image_path = '' OR p.dropped IS NOT NULL)";
const RECORD = 'LEFT JOIN fetched_pictures f ON f.source_id = p.source_id AND f.pid = p.pid AND f.url = p.image_url';
const WANTED = `FROM ${LIVE_POSTS_BY_ID} p ${RECORD} WHERE p.source_id = :source AND ${WITHOUT_PICTURE} AND (f.state IS NULL OR f.state = 'later' OR (:dead AND f.state = 'dead'))`;

/** A page of posts whose picture is to be fetched, after the row `afterId` (begin with 0). @param dead also those that were found dead. */
export function pageOfWantedPictures(store: Database, sourceId: number, dead: boolean, afterId: number, limit: number): WantedPicture[] {
  return store.prepare<WantedPicture>(`SELECT p.id, p.pid, p.image_url AS url, ifnull(f.attempts, 0) AS attempts ${WANTED} AND p.id > :after ORDER BY p.id LIMIT :limit`)
    .all({ source: sourceId, dead: Number(dead), after: afterId, limit });
}

export function countWantedPictures(store: Database, sourceId: number, dead: boolean): number {
  return store.prepare<{ wanted: number }>(`SELECT count(*) AS wanted ${WANTED}`).get({ source: sourceId, dead: Number(dead) })!.wanted;
}

/** Remembers what became of an address. One transaction. @param attempts answers without a picture so far, this one included. */
export function recordFetch(store: Database, sourceId: number, record: FetchRecord, attempts: number): void {
  const statement = store.prepare(`INSERT INTO fetched_pictures (source_id, pid, url, state, reason, status, file, attempts, tried_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (source_id, pid) DO UPDATE SET url = excluded.url, state = excluded.state, reason = excluded.reason, status = excluded.status, file = excluded.file, attempts = excluded.attempts, tried_at = excluded.tried_at`);
  store.transaction(() => statement.run(sourceId, record.pid, record.url, record.state, record.reason, record.status, record.file, attempts, record.triedAt));
}

/** The fetched picture of a post's address, relative to the folder of pictures; null without one. A look-up by key. */
export function fetchedPicture(store: Database, sourceId: number, pid: string, url: string): string | null {
  if (url === '') return null;
  return store.prepare<{ file: string }>("SELECT file FROM fetched_pictures WHERE source_id = ? AND pid = ? AND url = ? AND state = 'fetched'").get(sourceId, pid, url)?.file ?? null;
}

/** How many addresses of a source are in each state. */
export function countFetches(store: Database, sourceId: number): Readonly<Record<FetchState, number>> {
  const rows = store.prepare<{ state: FetchState; posts: number }>('SELECT state, count(*) AS posts FROM fetched_pictures WHERE source_id = ? GROUP BY state').all(sourceId);
  return { fetched: 0, dead: 0, later: 0, ...Object.fromEntries(rows.map(({ state, posts }) => [state, posts])) };
}

/** A page of fetched files after the post `afterPid` (begin with ''). */
export function pageOfFetchedFiles(store: Database, sourceId: number, afterPid: string, limit: number): { pid: string; file: string }[] {
  return store.prepare<{ pid: string; file: string }>("SELECT pid, file FROM fetched_pictures WHERE source_id = ? AND pid > ? AND state = 'fetched' ORDER BY pid LIMIT ?").all(sourceId, afterPid, limit);
}

/** Forgets pictures whose files are gone. One transaction. */
export function forgetFetches(store: Database, sourceId: number, pids: readonly string[]): void {
  if (pids.length === 0) return;
  const remove = store.prepare('DELETE FROM fetched_pictures WHERE source_id = ? AND pid = ?');
  store.transaction(() => {
    for (const pid of pids) remove.run(sourceId, pid);
  });
}

/** A dead address, with the place of its post. */
export interface DeadPicture {
  readonly pid: string;
  readonly url: string;
  readonly reason: string;
  readonly triedAt: number;
  readonly file: string; // of the post, relative to the source's root
  readonly row: number;
}

/** Dead addresses of the posts that are there, in the order of the import; at most `limit`. */
export function listDeadPictures(store: Database, sourceId: number, limit: number): DeadPicture[] {
  return store.prepare<DeadPicture>(`SELECT p.pid, f.url, f.reason, f.tried_at AS triedAt, p.file, p.row FROM live_posts p JOIN fetched_pictures f ON f.source_id = p.source_id AND f.pid = p.pid AND f.url = p.image_url
    WHERE p.source_id = ? AND f.state = 'dead' ORDER BY p.id LIMIT ?`).all(sourceId, limit);
}

/** Posts that are left out for their picture although it was fetched since: indexing takes them back. */
export function countReturningPosts(store: Database, sourceId: number): number {
  return store.prepare<{ posts: number }>(`SELECT count(*) AS posts FROM live_posts p ${RECORD} WHERE p.source_id = ? AND p.dropped IS NOT NULL AND f.state = 'fetched'`).get(sourceId)!.posts;
}

/** Where fetched pictures lie: in the store's folder, since a data set is never written to. */
export function picturesFolder(storeFolder: string): string {
  return join(storeFolder, 'pictures');
}

/** Where a post's picture is: the fetched one, else the data set's own; `imagePath` null where the source has no pictures. */
export function pictureOf(
  store: Database, folder: string | null, source: { readonly id: number; readonly root: string; readonly hasPictures: boolean }, post: { readonly pid: string; readonly imagePath: string; readonly imageUrl: string },
): { readonly root: string; readonly imagePath: string | null } {
  const file = folder === null ? null : fetchedPicture(store, source.id, post.pid, post.imageUrl);
  return folder !== null && file !== null ? { root: folder, imagePath: file } : { root: source.root, imagePath: source.hasPictures ? post.imagePath : null };
}

// Building, switching and clearing generations. A generation is filled in short transactions that nobody sees; one short
// transaction makes it the live one. Whoever builds or clears holds the store's import lock, so a generation that is not
// live while the lock is free belongs to nobody: its process was killed, or stopped with cleaning left to do.
import { setImmediate } from 'node:timers/promises';
import type { Post, PostPlace } from '../domain/posts.ts';
import type { Mapping } from '../protocol/stages.ts';
import type { Database } from './database.ts';
import { LIVE_POSTS_BY_ID } from './posts.ts';
import type { SourceStatistics } from './sources.ts';
import type { StatisticsCounter } from './statistics.ts';
import type { UserOrder } from './userOrder.ts';

/**
 * Pages (4 KiB) of the write-ahead log at which the import's own commit copies them into the file. Its short transactions touch
 * the same index pages again and again: copied rarely, each is written and synchronised once. A copy does not keep others
 * from writing.
 */
const IMPORT_CHECKPOINT_PAGES = 8000;

/** How long one transaction may take, in milliseconds, so that a person's decision never waits for an import (architecture.md). */
export const TRANSACTION_MILLISECONDS = 15;

export interface SourceIdentity {
  readonly name: string;
  readonly kind: string;
  readonly root: string;
  readonly template: string;
  readonly mapping: Mapping | null;
}

export interface IndexedFile {
  readonly path: string;
  readonly role: string;
  readonly size: number;
  readonly modifiedAt: number;
  readonly sha256: string; // '' for files that are not read
}

export interface NewPost {
  readonly post: Post;
  readonly place: PostPlace;
  readonly dropped: string | null;
}

export interface NewSkippedRow {
  readonly file: string;
  readonly row: number;
  readonly reason: string;
  readonly detail: string;
}

/** Begins a generation, and the source when it is new. The caller holds the import lock. */
export function beginGeneration(store: Database, identity: SourceIdentity, startedAt: number): { sourceId: number; generationId: number } {
  store.exec(`PRAGMA wal_autocheckpoint = ${IMPORT_CHECKPOINT_PAGES}`);
  return store.transaction(() => {
    store.prepare('INSERT INTO sources (name, kind, root, template, mapping, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING')
      .run(identity.name, identity.kind, identity.root, identity.template, mappingText(identity.mapping), startedAt);
    const sourceId = store.prepare<{ id: number }>('SELECT id FROM sources WHERE name = ?').get(identity.name)!.id;
    const { lastInsertRowid } = store.prepare("INSERT INTO generations (source_id, state, fingerprint, started_at) VALUES (?, 'building', '', ?)").run(sourceId, startedAt);
    return { sourceId, generationId: Number(lastInsertRowid) };
  });
}

const INSERT_POST = `INSERT INTO posts (generation_id, pid, uid, posted_at, title, category, subcategory, concept, tags, image_path, image_url, latitude, longitude, extra, label, file, row, dropped)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (generation_id, pid) DO NOTHING`;

/**
 * Writes posts from `start` on until the list or the time of one transaction is over, and notes them in `order`.
 * @returns the index after the last post written, and the posts left out because their pid is taken.
 */
export function insertPosts(store: Database, sourceId: number, generationId: number, posts: readonly NewPost[], start: number, order: UserOrder): { next: number; duplicates: NewPost[] } {
  const insertPost = store.prepare(INSERT_POST);
  const insertWords = store.prepare('INSERT INTO posts_search (rowid, title, tags, caption) VALUES (?, ?, ?, ?)');
  const caption = store.prepare<{ text: string }>('SELECT text FROM current_captions WHERE source_id = ? AND pid = ?');
  const hasCaptions = store.prepare('SELECT 1 FROM captions WHERE source_id = ? LIMIT 1').get(sourceId) !== undefined;
  const duplicates: NewPost[] = [];
  let next = start;
  store.transaction(() => {
    const deadline = performance.now() + TRANSACTION_MILLISECONDS;
    for (; next < posts.length && (next % 16 !== 0 || performance.now() < deadline); next++) {
      const added = posts[next]!;
      const { post, place } = added;
      const { changes, lastInsertRowid } = insertPost.run(
        generationId, post.pid, post.uid, post.postedAt, post.title, post.category, post.subcategory, post.concept, post.tags, post.imagePath, post.imageUrl,
        post.latitude, post.longitude, extraText(post), post.label, place.file, place.row, added.dropped,
      );
      if (changes === 0) {
        duplicates.push(added);
        continue;
      }
      insertWords.run(lastInsertRowid, post.title, post.tags, hasCaptions ? (caption.get(sourceId, post.pid)?.text ?? '') : '');
      order.add(Number(lastInsertRowid), post.uid, post.postedAt, post.label !== null && added.dropped === null);
    }
  });
  return { next, duplicates };
}

export function insertSkippedRows(store: Database, generationId: number, rows: readonly NewSkippedRow[]): void {
  if (rows.length === 0) return;
  const insert = store.prepare('INSERT INTO skipped_rows (generation_id, file, row, reason, detail) VALUES (?, ?, ?, ?, ?)');
  store.transaction(() => {
    for (const row of rows) insert.run(generationId, row.file, row.row, row.reason, row.detail);
  });
}

/** Skipped rows of a source's live generation, in the order of the files; at most `limit`. */
export function listSkippedRows(store: Database, sourceId: number, limit: number): NewSkippedRow[] {
  return store.prepare<NewSkippedRow>(
    'SELECT k.file, k.row, k.reason, k.detail FROM sources s JOIN skipped_rows k ON k.generation_id = s.live_generation WHERE s.id = ? ORDER BY k.file, k.row LIMIT ?',
  ).all(sourceId, limit);
}

/**
 * Gives the posts their place among their user's posts, in short transactions; yields how many posts are done. Counts users
 * and ties on the way.
 */
export function* orderUsers(store: Database, order: UserOrder, numericPids: boolean, statistics: StatisticsCounter): Generator<number, void, void> {
  const pid = store.prepare<{ pid: string }>('SELECT pid FROM posts WHERE id = ?');
  const places = new Int32Array(order.size);
  for (const _ of order.sort(places, numericPids, (id) => pid.get(id)!.pid, statistics)) yield 0;
  const update = store.prepare('UPDATE posts SET user_order = ? WHERE id = ?');
  for (let next = 0; next < order.size; ) { // in the order of the table, so that each of its pages is written once
    store.transaction(() => {
      const deadline = performance.now() + TRANSACTION_MILLISECONDS;
      for (let written = 0; next < order.size && (written % 16 !== 0 || performance.now() < deadline); written++, next++) update.run(places[next]!, order.idAt(next));
    });
    yield next;
  }
}

export interface FinishedGeneration {
  readonly sourceId: number;
  readonly generationId: number;
  readonly identity: SourceIdentity;
  readonly fingerprint: string;
  readonly numericPids: boolean;
  readonly hasPictures: boolean;
  readonly statistics: SourceStatistics;
  readonly files: readonly IndexedFile[];
  readonly finishedAt: number;
}

/** The switch: one short transaction after which everybody sees the new posts. The generation before becomes 'old'. */
export function makeLive(store: Database, finished: FinishedGeneration): void {
  const { identity } = finished;
  store.transaction(() => {
    writeFiles(store, finished.generationId, finished.files);
    store.prepare("UPDATE generations SET state = 'old' WHERE source_id = ? AND state = 'live'").run(finished.sourceId);
    store.prepare("UPDATE generations SET state = 'live', fingerprint = ?, numeric_pids = ?, has_pictures = ?, statistics = ?, finished_at = ? WHERE id = ?")
      .run(finished.fingerprint, Number(finished.numericPids), Number(finished.hasPictures), JSON.stringify(finished.statistics), finished.finishedAt, finished.generationId);
    store.prepare('UPDATE sources SET live_generation = ?, kind = ?, root = ?, template = ?, mapping = ? WHERE id = ?')
      .run(finished.generationId, identity.kind, identity.root, identity.template, mappingText(identity.mapping), finished.sourceId);
  });
}

/** The same content under another root or with other times of change: nothing to import, but to remember. */
export function rememberFiles(store: Database, sourceId: number, root: string, files: readonly IndexedFile[]): void {
  store.transaction(() => {
    const { live_generation: generationId } = store.prepare<{ live_generation: number }>('SELECT live_generation FROM sources WHERE id = ?').get(sourceId)!;
    store.prepare('UPDATE sources SET root = ? WHERE id = ?').run(root, sourceId);
    store.prepare('DELETE FROM files WHERE generation_id = ?').run(generationId);
    writeFiles(store, generationId, files);
  });
}

function writeFiles(store: Database, generationId: number, files: readonly IndexedFile[]): void {
  const insert = store.prepare('INSERT INTO files (generation_id, path, role, size, modified_at, sha256) VALUES (?, ?, ?, ?, ?, ?)');
  for (const file of files) insert.run(generationId, file.path, file.role, file.size, file.modifiedAt, file.sha256);
}

/** Files of the live generation, by path. */
export function indexedFiles(store: Database, sourceId: number): IndexedFile[] {
  return store.prepare<IndexedFile>(
    'SELECT f.path, f.role, f.size, f.modified_at AS modifiedAt, f.sha256 FROM sources s JOIN files f ON f.generation_id = s.live_generation WHERE s.id = ? ORDER BY f.path',
  ).all(sourceId);
}

/** Paths of the live generation's pictures in the order of the import, a page after `afterId` (begin with 0). */
export function pageOfPicturePaths(store: Database, sourceId: number, afterId: number, limit: number): { id: number; pid: string; imagePath: string; imageUrl: string }[] {
  return store.prepare<{ id: number; pid: string; imagePath: string; imageUrl: string }>(
    `SELECT id, pid, image_path AS imagePath, image_url AS imageUrl FROM ${LIVE_POSTS_BY_ID} WHERE source_id = ? AND id > ? ORDER BY id LIMIT ?`,
  ).all(sourceId, afterId, limit);
}

/** Makes a source invisible at once; `clearGenerations` then removes its rows, and the source with all that hangs on it. */
export function hideSource(store: Database, sourceId: number): void {
  store.transaction(() => {
    store.prepare('UPDATE sources SET live_generation = NULL WHERE id = ?').run(sourceId);
    store.prepare("UPDATE generations SET state = 'old' WHERE source_id = ?").run(sourceId);
  });
}

/** Rows looked up at a time while clearing. */
const CLEARED_AT_ONCE = 1000;

/** Deletes at most so many rows, so that a transaction can end in time. */
const ROWS_A_STATEMENT = 100;
const slices = (table: string, key: string, condition: string): string =>
  `DELETE FROM ${table} WHERE ${key.includes(',') ? `(${key})` : key} IN (SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${ROWS_A_STATEMENT})`;
const OF_DRAWS = 'draw_id IN (SELECT id FROM draws WHERE source_id = ?)';

/** What a source may have many of, children first; the parameter is the source's id. The few rows that are left go with the source's own. */
const ROWS_OF_SOURCE: readonly string[] = [
  slices('pairs', 'id', `model_id IN (SELECT id FROM models WHERE ${OF_DRAWS})`), slices('predictions', 'source_id, pid, model_id, k, decoder, draw', 'source_id = ?'), slices('instructions', 'id', OF_DRAWS),
  slices('draw_users', 'draw_id, uid', OF_DRAWS), slices('captions', 'id', 'source_id = ?'), slices('decisions', 'rowid', 'source_id = ?'),
  slices('fetched_pictures', 'source_id, pid', 'source_id = ?'),
];
/** The same of a generation, beside its posts. */
const ROWS_OF_GENERATION: readonly string[] = [slices('skipped_rows', 'rowid', 'generation_id = ?')];

/** Runs each statement until it finds nothing more, in short transactions; yields after each. */
function* clearRows(store: Database, statements: readonly string[], id: number): Generator<void, void, void> {
  for (const sql of statements) {
    const remove = store.prepare(sql);
    for (let isLeft = true; isLeft; ) {
      store.transaction(() => {
        const deadline = performance.now() + TRANSACTION_MILLISECONDS;
        while (isLeft && performance.now() < deadline) isLeft = remove.run(id).changes > 0;
      });
      if (isLeft) yield;
    }
  }
}

/**
 * Removes every generation that is not live, and sources without any, in short transactions; yields after each how many
 * posts are gone. The caller holds the import lock.
 */
export function* clearGenerations(store: Database): Generator<number, void, void> {
  const generations = store.prepare<{ id: number }>("SELECT id FROM generations WHERE state <> 'live' ORDER BY id").all();
  const slice = store.prepare<{ id: number }>('SELECT id FROM posts WHERE generation_id = ? LIMIT ?');
  const removeWords = store.prepare('DELETE FROM posts_search WHERE rowid = ?');
  const removePost = store.prepare('DELETE FROM posts WHERE id = ?');
  let gone = 0;
  for (const generation of generations) {
    for (let posts = slice.all(generation.id, CLEARED_AT_ONCE); posts.length > 0; posts = slice.all(generation.id, CLEARED_AT_ONCE)) {
      for (let next = 0; next < posts.length; ) {
        const begin = next;
        store.transaction(() => {
          const deadline = performance.now() + TRANSACTION_MILLISECONDS;
          for (; next < posts.length && (next % 16 !== 0 || performance.now() < deadline); next++) {
            removeWords.run(posts[next]!.id);
            removePost.run(posts[next]!.id);
          }
        });
        gone += next - begin;
        yield gone;
      }
    }
    for (const _ of clearRows(store, ROWS_OF_GENERATION, generation.id)) yield gone;
    store.transaction(() => store.prepare('DELETE FROM generations WHERE id = ?').run(generation.id));
  }
  const sources = store.prepare<{ id: number }>('SELECT id FROM sources WHERE live_generation IS NULL AND NOT EXISTS (SELECT 1 FROM generations g WHERE g.source_id = sources.id)').all();
  for (const source of sources) {
    for (const _ of clearRows(store, ROWS_OF_SOURCE, source.id)) yield gone;
    store.transaction(() => store.prepare('DELETE FROM sources WHERE id = ?').run(source.id));
  }
  store.transaction(() => {
    // Deleted words leave marks in the index; where nothing is left, neither are these.
    if (store.prepare('SELECT 1 FROM posts LIMIT 1').get() === undefined) store.prepare("INSERT INTO posts_search (posts_search) VALUES ('delete-all')").run();
  });
}

/** Clears as much as can be done in so many milliseconds; what is left is invisible and goes another time. The caller holds the import lock. */
export async function clearWithin(store: Database, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  for (const _ of clearGenerations(store)) {
    if (performance.now() > deadline) return;
    await setImmediate();
  }
}

/** Clears what a killed process left behind, unless a living one holds the lock: then it is that one's work. Answers whether it found something to clear. */
export async function sweepGenerations(store: Database, milliseconds: number): Promise<boolean> {
  const left = "SELECT 1 FROM generations WHERE state <> 'live' UNION ALL SELECT 1 FROM sources WHERE live_generation IS NULL";
  if (store.prepare(left).get() === undefined) return false;
  const lock = store.tryImportLock();
  if (lock === null) return false;
  try {
    await clearWithin(store, milliseconds);
    return true;
  } finally {
    lock.release();
  }
}

function mappingText(mapping: Mapping | null): string | null {
  return mapping === null ? null : JSON.stringify(mapping);
}

function extraText(post: Post): string {
  for (const _ in post.extra) return JSON.stringify(post.extra);
  return '{}';
}

// Draws of users into sets: one for each source and seed, replaced in place when the posts have changed, so that models and
// predictions made from the old draw stay (marked stale by their own hashes) until they are made again.
import type { Hundredths } from '../domain/posts.ts';
import type { SetName } from '../protocol/stages.ts';
import { UserError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import type { Source } from './sources.ts';
import { drawScope, readStageState } from './stageStates.ts';

export type DrawDetails = Readonly<Record<string, number | string | Readonly<Record<string, number>>>>;

export interface StoredDraw {
  readonly id: number;
  readonly sourceId: number;
  readonly seed: number;
  readonly generator: string; // name of the random generator
  readonly inputHash: string; // of the eligible users and their posts
  readonly sizes: Readonly<Record<SetName, number>>; // users
  readonly rangeMin: Hundredths; // answers allowed, both ends included
  readonly rangeMax: Hundredths;
  readonly details: DrawDetails;
  readonly drawnAt: number; // unix seconds
}

interface DrawRow {
  id: number; source_id: number; seed: number; generator: string; input_hash: string; sizes: string; range_min: number; range_max: number; details: string; drawn_at: number;
}

const fromRow = (row: DrawRow): StoredDraw => ({
  id: row.id, sourceId: row.source_id, seed: row.seed, generator: row.generator, inputHash: row.input_hash,
  sizes: JSON.parse(row.sizes) as Record<SetName, number>, rangeMin: row.range_min, rangeMax: row.range_max,
  details: JSON.parse(row.details) as DrawDetails, drawnAt: row.drawn_at,
});

export function findDraw(store: Database, sourceId: number, seed: number): StoredDraw | undefined {
  const row = store.prepare<DrawRow>('SELECT * FROM draws WHERE source_id = ? AND seed = ?').get(sourceId, seed);
  return row && fromRow(row);
}

/** @throws {UserError} `not-sampled` */
function requireDraw(store: Database, sourceId: number, seed: number): StoredDraw {
  const draw = findDraw(store, sourceId, seed);
  if (draw) return draw;
  throw new UserError('not-sampled', `No users have been drawn into sets with seed ${seed} yet.`, 'Run “sample” first.');
}

/** Writes a draw over the one of the same source and seed, in one transaction; users keep the order in which they were drawn. */
export function saveDraw(store: Database, draw: Omit<StoredDraw, 'id'>, users: Readonly<Record<SetName, readonly string[]>>): number {
  return store.transaction(() => {
    store.prepare(`INSERT INTO draws (source_id, seed, generator, input_hash, sizes, range_min, range_max, details, drawn_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (source_id, seed) DO UPDATE SET generator = excluded.generator, input_hash = excluded.input_hash, sizes = excluded.sizes,
        range_min = excluded.range_min, range_max = excluded.range_max, details = excluded.details, drawn_at = excluded.drawn_at`)
      .run(draw.sourceId, draw.seed, draw.generator, draw.inputHash, JSON.stringify(draw.sizes), draw.rangeMin, draw.rangeMax, JSON.stringify(draw.details), draw.drawnAt);
    const id = store.prepare<{ id: number }>('SELECT id FROM draws WHERE source_id = ? AND seed = ?').get(draw.sourceId, draw.seed)!.id;
    store.prepare('DELETE FROM draw_users WHERE draw_id = ?').run(id);
    const insert = store.prepare('INSERT INTO draw_users (draw_id, set_name, position, uid) VALUES (?, ?, ?, ?)');
    for (const [set, uids] of Object.entries(users)) uids.forEach((uid, position) => insert.run(id, set, position, uid));
    return id;
  });
}

/** Users of a set in the order in which they were drawn. */
export function usersOfSet(store: Database, drawId: number, set: SetName): string[] {
  return store.prepare<{ uid: string }>('SELECT uid FROM draw_users WHERE draw_id = ? AND set_name = ? ORDER BY position').all(drawId, set).map((row) => row.uid);
}

/**
 * Changes whenever the posts that a draw may use can have changed. Cheap: read at every look at the pipeline, and `sample`
 * keeps it as its recorded input.
 */
export function drawInputVersion(store: Database, source: Source): string {
  const row = store.prepare<{ count: number; newest: number | null }>(
    "SELECT count(*) AS count, max(decided_at) AS newest FROM decisions WHERE source_id = ? AND kind IN ('post-excluded', 'post-restored')").get(source.id)!;
  return `${source.fingerprint} ${row.count}/${row.newest ?? 0}`;
}

/**
 * The draw of a seed, certain to fit the posts as they are.
 * @throws {UserError} `not-sampled`, `sample-stale`
 */
export function requireFreshDraw(store: Database, source: Source, seed: number): StoredDraw {
  const draw = requireDraw(store, source.id, seed);
  if (readStageState(store, source.id, 'sample', drawScope({ dataSeed: seed }))?.inputHash === drawInputVersion(store, source)) return draw;
  throw new UserError('sample-stale', `The posts of “${source.name}” have changed since its users were drawn.`, 'Run “sample” again.');
}

/** What a draw reads of a post. */
export interface DrawPost {
  readonly uid: string;
  readonly pid: string;
  readonly postedAt: number;
  readonly userOrder: number;
  readonly title: string;
  readonly label: Hundredths;
}

/** Usable, labelled posts, user by user (uid in code point order), each user's oldest first: a page after the given place. Begin with ('', -1). */
export function pageForDraw(store: Database, sourceId: number, after: { uid: string; userOrder: number }, limit: number): DrawPost[] {
  return store.prepare<{ uid: string; pid: string; posted_at: number; user_order: number; title: string; label: number }>(
    `SELECT uid, pid, posted_at, user_order, title, label FROM usable_posts
     WHERE source_id = ? AND (uid, user_order) > (?, ?) AND label IS NOT NULL ORDER BY uid, user_order LIMIT ?`)
    .all(sourceId, after.uid, after.userOrder, limit)
    .map((row) => ({ uid: row.uid, pid: row.pid, postedAt: row.posted_at, userOrder: row.user_order, title: row.title, label: row.label }));
}

/** Live posts that no draw may use, by reason: dropped by the import, excluded by a person, or without a label. */
export function unusedPosts(store: Database, sourceId: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of store.prepare<{ reason: string; count: number }>(
    'SELECT dropped AS reason, count(*) AS count FROM live_posts WHERE source_id = ? AND dropped IS NOT NULL GROUP BY dropped ORDER BY dropped').all(sourceId)) counts[row.reason] = row.count;
  const usable = store.prepare<{ posts: number; unlabelled: number }>(
    'SELECT count(*) AS posts, ifnull(sum(label IS NULL), 0) AS unlabelled FROM usable_posts WHERE source_id = ?').get(sourceId)!;
  const kept = store.prepare<{ count: number }>('SELECT count(*) AS count FROM live_posts WHERE source_id = ? AND dropped IS NULL').get(sourceId)!.count;
  if (kept > usable.posts) counts['excluded by a person'] = kept - usable.posts;
  if (usable.unlabelled > 0) counts['without a score'] = usable.unlabelled;
  return counts;
}

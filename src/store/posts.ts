// Reading posts of live generations. "Usable" posts are neither dropped by the import nor excluded by a person: samples,
// histories and predictions are made of these. Pages are cut by key, never by OFFSET.
import { isAbsolute, relative, sep } from 'node:path';
import type { Hundredths, Post } from '../domain/posts.ts';
import type { Database } from './database.ts';

export interface StoredPost extends Post {
  readonly id: number; // of this generation: never kept beyond it; people's work is keyed by (sourceId, pid)
  readonly sourceId: number;
  readonly source: string;
  readonly userOrder: number; // 0, 1, … within the user's posts by (time, pid), dropped ones included
  readonly file: string; // relative to the source's root
  readonly row: number; // counted from 1
  readonly dropped: string | null; // why the post is not used
}

interface PostRow {
  id: number; source_id: number; source: string; pid: string; uid: string; posted_at: number; user_order: number;
  title: string; category: string; subcategory: string; concept: string; tags: string; image_path: string; image_url: string;
  latitude: number | null; longitude: number | null; extra: string; label: Hundredths | null; file: string; row: number; dropped: string | null;
}

const COLUMNS = `id, source_id, source, pid, uid, posted_at, user_order, title, category, subcategory, concept, tags, image_path, image_url,
  latitude, longitude, extra, label, file, row, dropped`;

/**
 * The view live_posts for whoever reads it in the order of ids, a page at a time. The plus keeps SQLite from the indices of a
 * generation: by one of them it would collect and sort all posts that are left, for every page anew.
 */
export const LIVE_POSTS_BY_ID = '(SELECT s.id AS source_id, s.name AS source, p.* FROM sources s JOIN posts p ON +p.generation_id = s.live_generation WHERE p.user_order IS NOT NULL)';

/** How many live posts a source has, dropped and excluded ones included. */
export function livePostCount(store: Database, sourceId: number): number {
  return store.prepare<{ posts: number }>('SELECT count(*) AS posts FROM live_posts WHERE source_id = ?').get(sourceId)!.posts;
}

/** A user's usable, labelled posts, oldest first. */
export function postsOfUser(store: Database, sourceId: number, uid: string): StoredPost[] {
  return store.prepare<PostRow>(`SELECT ${COLUMNS} FROM usable_posts WHERE source_id = ? AND uid = ? AND label IS NOT NULL ORDER BY user_order`).all(sourceId, uid).map(toPost);
}

/** A live post, also when dropped or excluded. */
export function postByPid(store: Database, sourceId: number, pid: string): StoredPost | null {
  const row = store.prepare<PostRow>(`SELECT ${COLUMNS} FROM live_posts WHERE source_id = ? AND pid = ?`).get(sourceId, pid);
  return row === undefined ? null : toPost(row);
}

/** The user's usable, labelled posts before `post`, at most `limit` and the newest of them, oldest first. */
export function earlierPosts(store: Database, post: Pick<StoredPost, 'sourceId' | 'uid' | 'userOrder'>, limit: number): StoredPost[] {
  return store.prepare<PostRow>(
    `SELECT ${COLUMNS} FROM usable_posts WHERE source_id = ? AND uid = ? AND user_order < ? AND label IS NOT NULL ORDER BY user_order DESC LIMIT ?`,
  ).all(post.sourceId, post.uid, post.userOrder, limit).map(toPost).reverse();
}

/** Usable posts (labelled or not) whose id is greater than `afterId`, in the order of ids: begin with 0, go on with the last id of the page. */
export function pageOfPosts(store: Database, sourceId: number, afterId: number, limit: number): StoredPost[] {
  return store.prepare<PostRow>(
    `SELECT ${COLUMNS} FROM ${LIVE_POSTS_BY_ID} l WHERE source_id = ? AND id > ? AND dropped IS NULL
       AND NOT EXISTS (SELECT 1 FROM excluded_posts e WHERE e.source_id = l.source_id AND e.pid = l.pid) ORDER BY id LIMIT ?`,
  ).all(sourceId, afterId, limit).map(toPost);
}

/** A post that the import left out of every set. */
export interface DroppedPost {
  readonly id: number; // lists go on after it
  readonly pid: string;
  readonly reason: string;
  readonly title: string;
  readonly imagePath: string;
  readonly file: string; // relative to the source's root
  readonly row: number;
}

/** Dropped posts of a source after the row `afterId` (begin with 0), in the order of the import; at most `limit`. */
export function pageOfDroppedPosts(store: Database, sourceId: number, afterId: number, limit: number): DroppedPost[] {
  return store.prepare<DroppedPost>(
    `SELECT id, pid, dropped AS reason, substr(title, 1, 200) AS title, substr(image_path, 1, 300) AS imagePath, file, row FROM ${LIVE_POSTS_BY_ID}
     WHERE source_id = ? AND id > ? AND dropped IS NOT NULL ORDER BY id LIMIT ?`,
  ).all(sourceId, afterId, limit);
}

/** How many usable posts have each score, ascending: what percentiles are read from. */
export function scoreCounts(store: Database, sourceId: number): [score: Hundredths, posts: number][] {
  return store.prepare<{ label: Hundredths; posts: number }>(
    'SELECT label, count(*) AS posts FROM usable_posts WHERE source_id = ? AND label IS NOT NULL GROUP BY label ORDER BY label',
  ).all(sourceId).map(({ label, posts }) => [label, posts]);
}

/**
 * The live post at a row (from 1) of a file (absolute path). Every file of a row-aligned source leads to its posts: line 7 of
 * the label file and record 7 of the text file are the same post. Null when the file belongs to no source or has no such row.
 */
export function postAt(store: Database, path: string, row: number): StoredPost | null {
  for (const source of store.prepare<{ id: number; root: string; live_generation: number }>('SELECT id, root, live_generation FROM sources WHERE live_generation IS NOT NULL').all()) {
    const inside = relative(source.root, path);
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) continue;
    const file = inside.split(sep).join('/');
    const known = store.prepare<{ role: string }>('SELECT role FROM files WHERE generation_id = ? AND path = ?').get(source.live_generation, file);
    if (known === undefined) continue;
    const candidates = store.prepare<PostRow & { role: string }>(
      `SELECT ${COLUMNS}, (SELECT f.role FROM files f WHERE f.generation_id = live_posts.generation_id AND f.path = live_posts.file) AS role
       FROM live_posts WHERE source_id = ? AND generation_id = ? AND row = ?`,
    ).all(source.id, source.live_generation, row);
    const match = candidates.find((candidate) => part(candidate.role) === part(known.role));
    if (match !== undefined) return toPost(match);
  }
  return null;
}

/** Files whose roles begin alike ('train/label', 'train/text') are aligned row by row. */
function part(role: string): string {
  return role.split('/')[0]!;
}

function toPost(row: PostRow): StoredPost {
  return {
    id: row.id, sourceId: row.source_id, source: row.source, pid: row.pid, uid: row.uid, postedAt: row.posted_at, userOrder: row.user_order,
    title: row.title, category: row.category, subcategory: row.subcategory, concept: row.concept, tags: row.tags, imagePath: row.image_path, imageUrl: row.image_url,
    latitude: row.latitude, longitude: row.longitude, extra: JSON.parse(row.extra) as Record<string, string>, label: row.label,
    file: row.file, row: row.row, dropped: row.dropped,
  };
}

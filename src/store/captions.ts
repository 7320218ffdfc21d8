// Captions of pictures: every caption a post ever had, with where it came from; the newest is the current one.
import type { Database } from './database.ts';

/** Which captions go into instructions: those that a person approved, or any. */
export type CaptionPolicy = 'approved' | 'any';

export interface NewCaption {
  readonly pid: string;
  readonly text: string;
  readonly madeBy: string; // who or what: 'person:anna', 'gpt-4o', 'generator'
  readonly origin: Readonly<Record<string, string | number>>; // file and line of an import, prompt, model
}

/**
 * Adds captions that differ from what their post has now, and puts them into the search index; the same again does nothing.
 * One transaction: callers keep batches small, so that a decision made meanwhile does not wait.
 * Answers how many were added, and the pids of posts that the live generation does not have.
 */
export function addCaptions(store: Database, sourceId: number, captions: readonly NewCaption[], madeAt: number): { added: number; unknown: string[] } {
  const post = store.prepare<{ id: number; title: string; tags: string }>('SELECT id, title, tags FROM live_posts WHERE source_id = ? AND pid = ?');
  const current = store.prepare<{ text: string; made_by: string }>('SELECT text, made_by FROM captions WHERE source_id = ? AND pid = ? ORDER BY id DESC LIMIT 1');
  const insert = store.prepare('INSERT INTO captions (source_id, pid, text, made_by, made_at, origin) VALUES (?, ?, ?, ?, ?, ?)');
  const index = store.prepare('INSERT OR REPLACE INTO posts_search (rowid, title, tags, caption) VALUES (?, ?, ?, ?)');
  return store.transaction(() => {
    let added = 0;
    const unknown: string[] = [];
    for (const caption of captions) {
      const found = post.get(sourceId, caption.pid);
      if (!found) {
        unknown.push(caption.pid);
        continue;
      }
      const before = current.get(sourceId, caption.pid);
      if (before?.text === caption.text && before.made_by === caption.madeBy) continue;
      insert.run(sourceId, caption.pid, caption.text, caption.madeBy, madeAt, JSON.stringify(caption.origin));
      index.run(found.id, found.title, found.tags, caption.text);
      added += 1;
    }
    return { added, unknown };
  });
}

/** The text of a post's current caption; '' where it has none that the policy allows. */
export function captionText(store: Database, sourceId: number, pid: string, policy: CaptionPolicy): string {
  const row = store.prepare<{ text: string; approved: number }>('SELECT text, approved FROM current_captions WHERE source_id = ? AND pid = ?').get(sourceId, pid);
  return row && (policy === 'any' || row.approved === 1) ? row.text : '';
}

/** Whether a caption of the post was added or decided upon after a time (unix seconds). */
export function captionTouchedSince(store: Database, sourceId: number, pid: string, time: number): boolean {
  const caption = store.prepare('SELECT 1 FROM captions WHERE source_id = ? AND pid = ? AND made_at > ?').get(sourceId, pid, time);
  return caption !== undefined || store.prepare("SELECT 1 FROM decisions WHERE source_id = ? AND pid = ? AND decided_at > ? AND kind LIKE 'caption-%'").get(sourceId, pid, time) !== undefined;
}

/** Changes whenever a caption is added or decided upon; cheap enough for every look at the pipeline. */
export function captionsVersion(store: Database, sourceId: number): string {
  const caption = store.prepare<{ id: number }>('SELECT id FROM captions WHERE source_id = ? ORDER BY id DESC LIMIT 1').get(sourceId);
  const decision = store.prepare<{ id: number }>("SELECT rowid AS id FROM decisions WHERE source_id = ? AND kind LIKE 'caption-%' ORDER BY rowid DESC LIMIT 1").get(sourceId);
  return `${caption?.id ?? 0}/${decision?.id ?? 0}`;
}

export interface CaptionCounts {
  readonly captioned: number; // live posts with a caption
  readonly approved: number; // of these, with an approved one
  readonly pictures: number; // posts in use with a picture, their own or a fetched one
}

export function countCaptions(store: Database, sourceId: number): CaptionCounts {
  const captioned = store.prepare<{ captioned: number; approved: number }>(
    `SELECT count(*) AS captioned, ifnull(sum(c.approved), 0) AS approved
     FROM current_captions c JOIN live_posts p ON p.source_id = c.source_id AND p.pid = c.pid WHERE c.source_id = ?`).get(sourceId);
  const pictures = store.prepare<{ pictures: number }>(
    `SELECT count(*) AS pictures FROM live_posts p WHERE source_id = ? AND dropped IS NULL AND (image_path <> '' OR EXISTS (
       SELECT 1 FROM fetched_pictures f WHERE f.source_id = p.source_id AND f.pid = p.pid AND f.url = p.image_url AND f.state = 'fetched'))`).get(sourceId);
  return { captioned: captioned?.captioned ?? 0, approved: captioned?.approved ?? 0, pictures: pictures?.pictures ?? 0 };
}

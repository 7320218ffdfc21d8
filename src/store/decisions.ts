// Decisions of people: events that are only ever added. The state of a post is that of its newest event.
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Post } from '../domain/posts.ts';
import type { PostHit } from '../protocol/workerRpc.ts';
import type { Database } from './database.ts';
import { TRANSACTION_MILLISECONDS } from './generations.ts';

export type PostDecisionKind = 'post-excluded' | 'post-restored';

export interface Decision {
  readonly id: string; // UUID
  readonly pid: string;
  readonly kind: PostDecisionKind;
  readonly reason: string;
  readonly contentHash: string; // of the post as it was when decided
  readonly author: string;
  readonly decidedAt: number; // unix seconds
}

const INSERT = 'INSERT INTO decisions (id, source_id, pid, kind, payload, content_hash, author, decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING';

function insert(store: Database, sourceId: number, decision: Decision): boolean {
  return store.prepare(INSERT).run(
    decision.id, sourceId, decision.pid, decision.kind, JSON.stringify({ reason: decision.reason }), decision.contentHash, decision.author, decision.decidedAt,
  ).changes > 0;
}

/**
 * Adds a decision. `keep` writes it down outside of the store before it counts here: when that throws nothing is decided,
 * and when the commit fails after it the next replay makes up for it.
 */
export function addDecision(store: Database, sourceId: number, decision: Decision, keep: () => void): void {
  store.transaction(() => {
    insert(store, sourceId, decision);
    keep();
  });
}

/** Adds the decisions that are not there yet, told by their ids, in short transactions; yields after each how many were added. */
export function* replayDecisions(store: Database, sourceId: number, decisions: readonly Decision[]): Generator<number, void, void> {
  const known = store.prepare('SELECT 1 FROM decisions WHERE id = ?');
  const missing = decisions.filter(({ id }) => known.get(id) === undefined);
  let added = 0;
  for (let next = 0; next < missing.length; ) {
    store.transaction(() => {
      const deadline = performance.now() + TRANSACTION_MILLISECONDS;
      for (; next < missing.length && (next % 16 !== 0 || performance.now() < deadline); next++) if (insert(store, sourceId, missing[next]!)) added++;
    });
    yield added;
  }
}

/** Why a person left the post out ('' without a reason), or null when it is not left out. */
export function exclusionOf(store: Database, sourceId: number, pid: string): string | null {
  const row = store.prepare<{ payload: string }>('SELECT payload FROM excluded_posts WHERE source_id = ? AND pid = ?').get(sourceId, pid);
  return row === undefined ? null : ((JSON.parse(row.payload) as { reason?: string }).reason ?? '');
}

/** Live posts that a person has left out, newest decision first; the snippet says who and why. */
export function listExcludedPosts(store: Database, limit: number): PostHit[] {
  const rows = store.prepare<Omit<PostHit, 'snippet'> & { root: string; payload: string; author: string }>(
    `SELECT s.name AS source, s.root, p.pid, p.uid, p.title, p.file, p.row, e.payload, e.author
     FROM excluded_posts e JOIN sources s ON s.id = e.source_id JOIN posts p ON p.generation_id = s.live_generation AND p.pid = e.pid
     ORDER BY e.decided_at DESC LIMIT ?`,
  ).all(limit);
  return rows.map(({ root, payload, author, ...post }) => {
    const { reason = '' } = JSON.parse(payload) as { reason?: string };
    return { ...post, file: join(root, post.file), snippet: reason === '' ? author : `${author}: ${reason}` };
  });
}

/** Hash of everything that a prompt may hold or that decides about a post: another one means that a decision was about something else. */
export function contentHash(post: Post): string {
  return hash('sha256', JSON.stringify([post.uid, post.postedAt, post.title, post.category, post.subcategory, post.concept, post.tags, post.imagePath, post.extra, post.label]), 'hex').slice(0, 32);
}

// Full-text search over title, tags and caption of live posts (FTS5, contentless: the words are indexed, the text stays in
// its tables).
import { join } from 'node:path';
import type { PostHit } from '../protocol/workerRpc.ts';
import type { Database } from './database.ts';

interface HitRow {
  source: string; root: string; pid: string; uid: string; title: string; tags: string; caption: string | null; file: string; row: number;
}

const SNIPPET_LENGTH = 120;
/** Shorter words are taken as finished: a single letter begins every tenth word, and ranking 300,000 posts takes seconds. One Chinese character is three bytes. */
const PREFIX_BYTES = 3;
const HIT_COLUMNS = 's.name AS source, s.root, p.pid, p.uid, p.title, p.tags, c.text AS caption, p.file, p.row';
const CAPTION_JOIN = 'LEFT JOIN current_captions c ON c.source_id = s.id AND c.pid = p.pid';

/**
 * Live posts whose id begins with `text`, then those that hold every word of it (the last word may be unfinished), best first. A hit's
 * snippet is the field in which a word was found, at most 120 characters of it.
 * Any text is legal: it is cut into words and quoted, so that nothing in it is an operator.
 * @param sourceId one source, or null for all.
 */
export function searchPosts(store: Database, sourceId: number | null, text: string, limit: number): PostHit[] {
  const words = wordsOf(text);
  const hits = new Map<string, PostHit>();
  for (const row of [...rowsByPid(store, sourceId, text.trim(), limit), ...rowsByWords(store, sourceId, words, limit)]) {
    const key = JSON.stringify([row.source, row.pid]);
    if (hits.size < limit && !hits.has(key)) hits.set(key, toHit(row, words));
  }
  return [...hits.values()];
}

function rowsByPid(store: Database, sourceId: number | null, beginning: string, limit: number): HitRow[] {
  if (beginning === '') return [];
  return store.prepare<HitRow>(
    `SELECT ${HIT_COLUMNS} FROM sources s JOIN posts p ON p.generation_id = s.live_generation AND p.pid >= ? AND p.pid < ? ${CAPTION_JOIN}
     WHERE ? IS NULL OR s.id = ? ORDER BY s.id, p.pid LIMIT ?`,
  ).all(beginning, `${beginning}\u{10FFFF}`, sourceId, sourceId, limit);
}

function rowsByWords(store: Database, sourceId: number | null, words: readonly string[], limit: number): HitRow[] {
  if (words.length === 0) return [];
  // The search index gives its rowids best first, and the joins keep that order (CROSS JOIN): hits of other sources and of
  // generations that are not live are passed over until the limit is filled, and nothing is sorted again.
  return store.prepare<HitRow>(
    `SELECT ${HIT_COLUMNS} FROM posts_search h CROSS JOIN posts p ON p.id = h.rowid CROSS JOIN sources s ON s.live_generation = p.generation_id ${CAPTION_JOIN}
     WHERE h.posts_search MATCH ? AND (? IS NULL OR s.id = ?) ORDER BY h.rank LIMIT ?`,
  ).all(wordQuery(words), sourceId, sourceId, limit);
}

/** An FTS5 query of posts that hold every word; the last may be unfinished. */
export function wordQuery(words: readonly string[]): string {
  const last = words.length - 1;
  return words.map((word, i) => `"${word}"${i === last && Buffer.byteLength(word) >= PREFIX_BYTES ? '*' : ''}`).join(' ');
}

function toHit(row: HitRow, words: readonly string[]): PostHit {
  return {
    source: row.source, pid: row.pid, uid: row.uid, title: row.title, file: join(row.root, row.file), row: row.row,
    snippet: snippetOf([row.title, row.tags, row.caption ?? ''], words),
  };
}

/** Letters, digits and marks, as FTS5's unicode61 cuts them; at most 20 words. */
export function wordsOf(text: string): string[] {
  return (text.normalize('NFC').match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? []).slice(0, 20);
}

function snippetOf(fields: readonly string[], words: readonly string[]): string {
  for (const word of words) {
    for (const field of fields) {
      const found = field.toLowerCase().indexOf(word.toLowerCase());
      if (found === -1) continue;
      const begin = found + word.length <= SNIPPET_LENGTH ? 0 : Math.max(0, found - SNIPPET_LENGTH / 3);
      const cut = field.slice(begin, begin + SNIPPET_LENGTH);
      return `${begin > 0 ? '…' : ''}${cut}${begin + SNIPPET_LENGTH < field.length ? '…' : ''}`;
    }
  }
  return fields.find((field) => field !== '')?.slice(0, SNIPPET_LENGTH) ?? '';
}

// The posts that a submission must answer: all of them, also those that no sample may be drawn from.
import { partOfRole, type Hundredths } from '../domain/posts.ts';
import type { Database } from './database.ts';
import { LIVE_POSTS_BY_ID } from './posts.ts';
import type { DecoderName } from './predictions.ts';

export interface SubmissionPost {
  readonly id: number;
  readonly pid: string;
  readonly dropped: string | null; // why the import left it out of every set
  readonly excluded: 0 | 1; // by a person
}

/** The parts of a source ('train', 'test'); a table has the part 'table'. */
export function partsOfSource(store: Database, sourceId: number): string[] {
  return [...new Set(filesOf(store, sourceId).map(({ role }) => partOfRole(role)))].sort();
}

function filesOf(store: Database, sourceId: number): { path: string; role: string }[] {
  return store.prepare<{ path: string; role: string }>('SELECT f.path, f.role FROM sources s JOIN files f ON f.generation_id = s.live_generation WHERE s.id = ?').all(sourceId);
}

/** How many posts a submission is about: those without a score, or those of a part. */
export function countSubmissionPosts(store: Database, sourceId: number, part: string | null): number {
  return store.prepare<{ posts: number }>(`SELECT count(*) AS posts FROM live_posts p WHERE p.source_id = ? AND ${condition(part)}`).get(sourceId, ...parameters(store, sourceId, part))!.posts;
}

/** A page of them in the order of the files, after `afterId` (begin with 0). */
export function pageOfSubmissionPosts(store: Database, sourceId: number, part: string | null, afterId: number, limit: number): SubmissionPost[] {
  return store.prepare<SubmissionPost>(
    `SELECT p.id, p.pid, p.dropped, EXISTS (SELECT 1 FROM excluded_posts e WHERE e.source_id = p.source_id AND e.pid = p.pid) AS excluded
     FROM ${LIVE_POSTS_BY_ID} p WHERE p.source_id = ? AND ${condition(part)} AND p.id > ? ORDER BY p.id LIMIT ?`,
  ).all(sourceId, ...parameters(store, sourceId, part), afterId, limit);
}

const condition = (part: string | null): string => (part === null ? 'p.label IS NULL' : 'p.file IN (SELECT value FROM json_each(?))');

function parameters(store: Database, sourceId: number, part: string | null): string[] {
  return part === null ? [] : [JSON.stringify(filesOf(store, sourceId).filter(({ role }) => partOfRole(role) === part).map(({ path }) => path))];
}

/** What a model answered to exactly this prompt; undefined where it was not asked, null where its answer is no number. */
export function answerGiven(store: Database, modelId: number, sourceId: number, question: { pid: string; k: number; promptHash: string }, decoder: DecoderName): Hundredths | null | undefined {
  return store.prepare<{ value: Hundredths | null }>(
    'SELECT value FROM predictions WHERE source_id = ? AND pid = ? AND model_id = ? AND k = ? AND decoder = ? AND draw = 0 AND prompt_hash = ?',
  ).get(sourceId, question.pid, modelId, question.k, decoder, question.promptHash)?.value;
}

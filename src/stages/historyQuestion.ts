// What a model is asked about any post: the latest posts of its user before it are the history.
import type { Piece } from '../domain/instructions.ts';
import type { CaptionPolicy } from '../store/captions.ts';
import type { Database } from '../store/database.ts';
import { promptHash } from '../store/instructions.ts';
import { earlierPosts, type StoredPost } from '../store/posts.ts';
import type { Source } from '../store/sources.ts';
import { renderWindow } from './instructionRows.ts';

export interface Question {
  readonly pid: string;
  readonly k: number; // history posts less one
  readonly history: readonly string[]; // pids
  readonly pieces: readonly Piece[];
  readonly promptHash: string;
}

const LONGEST_HISTORY = 4; // posts, as in the 3-shot test

/** The question about a post; null where its user has no earlier post with a score. */
export function historyQuestion(store: Database, source: Source, captions: CaptionPolicy, post: StoredPost): Question | null {
  const history = earlierPosts(store, post, LONGEST_HISTORY);
  if (history.length === 0) return null;
  const pieces = renderWindow(store, source, captions, { history, question: post });
  return { pid: post.pid, k: history.length - 1, history: history.map((earlier) => earlier.pid), pieces, promptHash: promptHash(pieces) };
}

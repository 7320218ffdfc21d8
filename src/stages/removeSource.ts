// Stage `remove`: takes a source out of the store with all that hangs on it. The files it was made of stay as they are, and
// so do the decisions people made, in the store folder's decisions.
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../domain/errors.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import { clearGenerations, hideSource } from '../store/generations.ts';
import { livePostCount } from '../store/posts.ts';
import { requireSource } from '../store/sources.ts';
import type { StageContext } from './stageContext.ts';

/**
 * The source disappears by one short transaction; its rows are removed after that, and by the next opening of the store when
 * this is cancelled.
 * @throws {UserError} `source-unknown`, `import-running`
 */
export async function* removeSource({ store, log }: Pick<StageContext, 'store' | 'log'>, request: StageRequest<'remove'>, signal: AbortSignal): LongWork<StageResult> {
  const source = requireSource(store, request.source);
  signal.throwIfAborted();
  const lock = store.tryImportLock();
  if (lock === null) throw new UserError('import-running', 'An import is writing to this store.', 'Wait until it has ended, or cancel it.');
  try {
    const posts = livePostCount(store, source.id);
    hideSource(store, source.id);
    for (const done of clearGenerations(store)) {
      yield { message: `Removing “${source.name}”`, done: Math.min(done, posts), total: posts, unit: 'posts' };
      await setImmediate();
      signal.throwIfAborted();
    }
    log.info(`Removed “${source.name}” with ${posts} posts.`);
    return { summary: `“${source.name}” was removed; its files are untouched.`, counts: { posts }, unchanged: false };
  } finally {
    lock.release();
  }
}

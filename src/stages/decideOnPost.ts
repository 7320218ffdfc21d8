// One decision of a person on one post: an event in the store and a line in the decisions folder, from which the store can
// be rebuilt and which people merge with git.
import { randomUUID } from 'node:crypto';
import { UserError } from '../domain/errors.ts';
import type { PostKey } from '../domain/posts.ts';
import type { ChangedPost, PostsRequest } from '../protocol/postsView.ts';
import type { LongWork } from '../protocol/progress.ts';
import { appendDecision } from '../sources/decisionFiles.ts';
import { addDecision, contentHash, exclusionOf, type Decision, type PostDecisionKind } from '../store/decisions.ts';
import { postByPid } from '../store/posts.ts';
import { requireSource } from '../store/sources.ts';
import type { StageContext } from './stageContext.ts';

export interface PostDecision extends PostKey {
  readonly kind: PostDecisionKind;
  readonly reason: string;
  readonly author: string;
}

/** @throws {UserError} `post-unknown`, `source-unknown`, `store-read-only`, `decision-malformed` */
export function decideOnPost({ store, storeFolder, now }: Pick<StageContext, 'store' | 'storeFolder' | 'now'>, decision: PostDecision): void {
  const source = requireSource(store, decision.source);
  const post = postByPid(store, source.id, decision.pid);
  if (post === null) throw new UserError('post-unknown', `There is no post ${decision.pid} in “${source.name}”.`, 'Index its data set again.');
  const event: Decision = {
    id: randomUUID(), pid: post.pid, kind: decision.kind, reason: decision.reason, contentHash: contentHash(post), author: decision.author, decidedAt: now(),
  };
  addDecision(store, source.id, event, () => appendDecision(storeFolder, { source: source.name, ...event }));
}

/**
 * The same decision on many posts, each an event of its own. Posts that are as asked already are left alone; the answer
 * names the others with the reason that they carried before, so that all of it can be taken back.
 */
export async function* decideOnPosts(context: Pick<StageContext, 'store' | 'storeFolder' | 'now'>, { posts, ...decision }: PostsRequest<'decide'>): LongWork<ChangedPost[]> {
  const changed: ChangedPost[] = [];
  for (const [index, post] of posts.entries()) {
    const before = exclusionOf(context.store, requireSource(context.store, post.source).id, post.pid);
    if ((before === null) === (decision.kind === 'post-excluded')) {
      decideOnPost(context, { ...decision, ...post });
      changed.push({ ...post, reason: before ?? '' });
    }
    yield { message: 'Deciding', done: index + 1, total: posts.length, unit: 'posts' };
  }
  return changed;
}

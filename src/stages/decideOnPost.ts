// One decision of a person on one post: an event in the store and a line in the decisions folder, from which the store can
// be rebuilt and which people merge with git.
import { randomUUID } from 'node:crypto';
import { UserError } from '../domain/errors.ts';
import type { PostKey } from '../domain/posts.ts';
import { appendDecision } from '../sources/decisionFiles.ts';
import { addDecision, type Decision, type PostDecisionKind } from '../store/decisions.ts';
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
    id: randomUUID(), pid: post.pid, kind: decision.kind, reason: decision.reason, contentHash: post.contentHash, author: decision.author, decidedAt: now(),
  };
  addDecision(store, source.id, event, () => appendDecision(storeFolder, { source: source.name, ...event }));
}

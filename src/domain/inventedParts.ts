// Parts invented posts into those with scores and those to be predicted. As in the challenge, the test posts are the newest.
import { countInventedPosts, inventPosts, type InventedPost, type InventionOptions } from './inventedPosts.ts';

export type PartName = 'train' | 'test';

/** Posts of one part, in ascending order of their pids. */
export interface InventedPart {
  readonly part: PartName;
  readonly posts: readonly InventedPost[];
}

/** How many of the invented posts are test posts. */
export function countTestPosts(options: InventionOptions, testShare: number): number {
  return Math.round(countInventedPosts(options) * testShare);
}

/**
 * The posts of `inventPosts`, each block cut into parts. Exactly `testPosts` of them, the newest, are the test part: without
 * scores, their pictures below `test/`. What is newest shows only at the end, so the posts are then made twice; the first time
 * round empty lists are yielded, for a caller that wants to be stopped.
 */
export function* inventParts(options: InventionOptions, testPosts: number): Generator<readonly InventedPart[], void, void> {
  const cut = { time: Infinity, ties: 0 };
  if (testPosts > 0) {
    const times = new Float64Array(countInventedPosts(options)); // 8 bytes a post
    let filled = 0;
    for (const block of inventPosts(options)) {
      for (const { post } of block) times[filled++] = post.postedAt;
      yield [];
    }
    times.sort();
    cut.time = times[times.length - testPosts]!;
    cut.ties = testPosts - (times.length - (times.lastIndexOf(cut.time) + 1)); // the first of those that were posted in the very second of the cut
  }
  const isTest = ({ post }: InventedPost): boolean => post.postedAt > cut.time || (post.postedAt === cut.time && cut.ties-- > 0);
  for (const block of inventPosts(options)) {
    const train: InventedPost[] = [], test: InventedPost[] = [];
    for (const invented of block) (isTest(invented) ? test : train).push(invented);
    const parts: InventedPart[] = [{ part: 'train', posts: train }, { part: 'test', posts: test.map(toTestPost) }];
    yield parts.filter(({ posts }) => posts.length > 0);
  }
}

function toTestPost(invented: InventedPost): InventedPost {
  const { post } = invented;
  return { ...invented, post: { ...post, label: null, imagePath: post.imagePath.replace(/^train\//, 'test/') } };
}

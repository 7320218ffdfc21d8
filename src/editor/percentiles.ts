// Where a score stands among all posts of its source.
import type { Hundredths } from '../domain/posts.ts';

/**
 * @param counts how many posts have each score, by ascending score
 * @returns the share of posts with a smaller score, 0–100; null when no post has a score
 */
export function percentileReader(counts: readonly (readonly [Hundredths, number])[]): (score: Hundredths) => number | null {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return (score) => {
    if (total === 0) return null;
    let below = 0;
    for (const [value, count] of counts) {
      if (value >= score) break;
      below += count;
    }
    return (100 * below) / total;
  };
}

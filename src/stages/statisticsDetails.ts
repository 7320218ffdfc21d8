// A source's statistics in words, as in the paper's table 4: what the tree shows below Index and what indexing tells.
import type { StatusDetail } from '../protocol/pipelineStatus.ts';
import type { SourceStatistics } from '../store/sources.ts';

export function statisticsDetails(statistics: SourceStatistics): StatusDetail[] {
  const number = (value: number): string => value.toLocaleString('en');
  return [
    { label: 'users', description: number(statistics.users) },
    { label: 'users with at least 5 posts', description: number(statistics.usersWithFivePosts) },
    { label: 'posts', description: number(statistics.posts) },
    ...(statistics.labelled === statistics.posts || statistics.labelled === 0 ? [] : [{ label: 'of them to be predicted', description: number(statistics.posts - statistics.labelled) }]),
    { label: 'categories, subcategories, concepts', description: [statistics.categories, statistics.subcategories, statistics.concepts].map(number).join(', ') },
    { label: 'distinct tags', description: number(statistics.distinctTags) },
    { label: 'tags a post', description: statistics.tagsPerPost.toFixed(1) },
    { label: 'mean title length', description: `${statistics.titleLength.toFixed(1)} characters` },
    { label: 'mean score', description: statistics.meanScore === null ? 'no scores' : statistics.meanScore.toFixed(2) },
    { label: 'posts at the time of another of the same user', description: number(statistics.timeTies) },
  ];
}

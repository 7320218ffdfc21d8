// `smp posts`: the Posts view's query in a terminal. Filters and order are the view's own (protocol/postsView.ts).
import { Option, type Command } from 'commander';
import { UserError } from '../domain/errors.ts';
import { formatHundredths } from '../domain/posts.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import { EVERY_POST, LARGEST_PAGE, POST_SORTS, postsQuerySchema, type PagePlace, type PostRow, type PostsQuery } from '../protocol/postsView.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { Database } from '../store/database.ts';
import { PostList } from '../store/postList.ts';
import { textTable } from './textTable.ts';

/** What --filter takes, with what each does to the query. */
const FILTERS: Readonly<Record<string, (value: string) => Partial<PostsQuery>>> = {
  text: (text) => ({ text }),
  user: (user) => ({ user }),
  category: (category) => ({ category }),
  from: (from) => ({ months: { from, to: null } }),
  to: (to) => ({ months: { from: null, to } }),
  set: (split) => ({ split: split as PostsQuery['split'] }),
  status: (state) => ({ state: state as PostsQuery['state'] }),
  caption: (value) => ({ hasCaption: yesOrNo('caption', value) }),
  prediction: (value) => ({ hasPrediction: yesOrNo('prediction', value) }),
  score: (value) => (/^(yes|no)$/.test(value) ? { hasScore: value === 'yes' } : { scores: scoresOf(value) }),
};

export function addPostsOptions(command: Command): Command {
  return command
    .option('--filter <name=value...>', `which posts: ${Object.keys(FILTERS).join(', ')}; caption, prediction and score take yes or no, score also 3.00..8.50, from and to a month`)
    .addOption(new Option('--sort <key>', 'order').choices([...POST_SORTS]).default(EVERY_POST.sort))
    .option('--descending', 'the other way round').option('--limit <number>', 'posts shown', '20');
}

/** What the options ask for. @throws {UserError} `filter`, `limit` */
export function postsQueryOf(source: string | null, options: Readonly<Record<string, unknown>>): { readonly query: PostsQuery; readonly limit: number } {
  let query: Partial<PostsQuery> = {};
  for (const filter of (options['filter'] as string[] | undefined) ?? []) {
    const [, name = '', value = ''] = /^([a-z]+)=(.*)$/s.exec(filter) ?? [];
    const read = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
    if (read === undefined) throw new UserError('filter', `“${filter}” is no filter.`, `Give name=value; names are ${Object.keys(FILTERS).join(', ')}.`);
    const changes = read(value);
    query = { ...query, ...changes, ...(changes.months === undefined ? {} : { months: { from: changes.months.from ?? query.months?.from ?? null, to: changes.months.to ?? query.months?.to ?? null } }) };
  }
  const parsed = postsQuerySchema.safeParse({ ...EVERY_POST, source, ...query, sort: options['sort'], descending: options['descending'] === true });
  if (!parsed.success) throw new UserError('filter', `--filter ${parsed.error.issues[0]!.path.join('.')}: ${parsed.error.issues[0]!.message}.`, 'See smp posts --help.');
  const limit = Number(options['limit']);
  if (!Number.isInteger(limit) || limit < 1) throw new UserError('limit', `“${String(options['limit'])}” is no number of posts.`, 'Give a whole number from 1.');
  return { query: parsed.data, limit };
}

/** Posts of a query, page after page until the limit, and how many match. */
export async function* listPosts(store: Database, query: PostsQuery, limit: number, experiment: Experiment): LongWork<{ posts: PostRow[]; matches: number; all: number }> {
  const list = new PostList(store);
  const posts: PostRow[] = [];
  for (let place: PagePlace = { kind: 'first' }; ; ) {
    const page = yield* list.page({ query, experiment, place, size: Math.min(LARGEST_PAGE, limit - posts.length) });
    posts.push(...page.rows);
    const last = posts.at(-1);
    if (last === undefined || posts.length >= Math.min(limit, page.matches)) return { posts, matches: page.matches, all: page.all };
    place = { kind: 'after', post: { source: last.source, pid: last.pid } };
  }
}

export function postsText(posts: readonly PostRow[], matches: number, all: number): string {
  if (posts.length === 0) return `No post matches, of ${all.toLocaleString('en-US')}.`;
  const score = (value: number | null | undefined): string => (value == null ? '—' : formatHundredths(value));
  const rows = posts.map((post) => [`${post.source} ${post.pid}`, post.uid, score(post.score), score(post.prediction?.value), new Date(post.postedAt * 1000).toISOString().slice(0, 10), post.split,
    post.excluded !== null ? 'excluded' : post.dropped ?? 'used', post.title.replace(/\s+/g, ' ').slice(0, 40)]);
  return `${textTable([['post', 'user', 'score', 'predicted', 'posted', 'set', 'status', 'title'], ...rows])}\n${posts.length.toLocaleString('en-US')} of ${matches.toLocaleString('en-US')} posts that match, of ${all.toLocaleString('en-US')}.`;
}

function yesOrNo(name: string, value: string): boolean {
  if (value !== 'yes' && value !== 'no') throw new UserError('filter', `${name}=${value}: this filter takes yes or no.`, 'See smp posts --help.');
  return value === 'yes';
}

function scoresOf(value: string): { from: number; to: number } {
  const range = /^(\d+(?:\.\d{1,2})?)\.\.(\d+(?:\.\d{1,2})?)$/.exec(value);
  if (range === null) throw new UserError('filter', `score=${value} is no range of scores.`, 'Give yes, no, or two scores: score=3.00..8.50');
  return { from: Math.round(Number(range[1]) * 100), to: Math.round(Number(range[2]) * 100) };
}

// The wire of the Posts view: what its page asks of the editor, and what the editor passes on to the live worker. Parameters
// and results are validated where they arrive; a page keeps nothing but its query, its layout and its place.
import { z } from 'zod';
import type { Method } from './requestChannel.ts';
import { SET_NAMES } from './stages.ts';

/** Rows of a page. Small enough for one page to be drawn at once, large enough to scroll in. */
export const LARGEST_PAGE = 200;
/** Posts that one decision may name. */
export const LARGEST_SELECTION = 1000;

/** file: as the posts were read. error: of the newest prediction, smallest first. Posts without a score or an error come last either way. */
export const POST_SORTS = ['file', 'time', 'score', 'user', 'id', 'error'] as const;
export type PostSort = (typeof POST_SORTS)[number];

/** Where a post is used: the set of its user in the experiment's draw, `none` where no set has the user, `test` for posts of a test part. */
export const POST_SPLITS = [...SET_NAMES, 'none', 'test'] as const;
export type PostSplit = (typeof POST_SPLITS)[number];

export const POST_STATES = ['used', 'excluded', 'dropped'] as const;

const text = z.string().max(500);
const hundredths = z.int().min(-(2 ** 31) + 2).max(2 ** 31 - 1);
const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const postKeySchema = z.object({ source: text, pid: text });

/** Which posts, in which order. `null` asks for no restriction; restrictions add up. */
export const postsQuerySchema = z.strictObject({
  text: z.string().max(200), // words of title, tags and caption (the last may be unfinished), or the beginning of an id
  source: text.nullable(),
  user: text.nullable(), // exactly
  category: text.nullable(), // of the first level, exactly
  months: z.strictObject({ from: month.nullable(), to: month.nullable() }), // UTC, both included
  split: z.enum(POST_SPLITS).nullable(),
  state: z.enum(POST_STATES).nullable(),
  hasCaption: z.boolean().nullable(),
  hasPrediction: z.boolean().nullable(),
  hasScore: z.boolean().nullable(),
  scores: z.strictObject({ from: hundredths, to: hundredths }).nullable(), // hundredths, both included
  sort: z.enum(POST_SORTS),
  descending: z.boolean(),
});
export type PostsQuery = z.infer<typeof postsQuerySchema>;

export const EVERY_POST: PostsQuery = {
  text: '', source: null, user: null, category: null, months: { from: null, to: null }, split: null, state: null, hasCaption: null, hasPrediction: null, hasScore: null,
  scores: null, sort: 'file', descending: false,
};

/** Where a page begins or ends, always told by a post or by its place in the order, so that a page stays put while others decide. */
export const pagePlaceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('first') }),
  z.strictObject({ kind: z.literal('last') }),
  z.strictObject({ kind: z.literal('from'), post: postKeySchema }), // the first row is this post, or what now follows its place
  z.strictObject({ kind: z.literal('after'), post: postKeySchema }),
  z.strictObject({ kind: z.literal('before'), post: postKeySchema }),
  z.strictObject({ kind: z.literal('position'), position: z.int().min(0) }), // counted from 0 among the matches
  z.strictObject({ kind: z.literal('value'), value: z.union([z.number(), text]) }), // of the sort key: unix seconds, hundredths, a user, an id
]);
export type PagePlace = z.infer<typeof pagePlaceSchema>;

const experimentSchema = z.object({ dataSeed: z.int(), trainingSeed: z.int(), plan: z.enum(['ours', 'paper']), base: z.string(), loss: z.string().optional() });

export const postRowSchema = z.object({
  source: z.string(), pid: z.string(), uid: z.string(),
  title: z.string(), tags: z.string(), // at most 300 characters each
  category: z.string(), subcategory: z.string(),
  postedAt: z.number(), // unix seconds
  score: hundredths.nullable(),
  split: z.enum(POST_SPLITS),
  hasCaption: z.boolean(),
  prediction: z.object({ value: hundredths.nullable(), error: hundredths.nullable() }).nullable(), // value null: the answer is no number; error: predicted less true
  dropped: z.string().nullable(),
  excluded: z.object({ author: z.string(), reason: z.string() }).nullable(),
  file: z.string(), // absolute
  row: z.int(), // counted from 1
});
export type PostRow = z.infer<typeof postRowSchema>;

export const postsPageSchema = z.object({
  rows: z.array(postRowSchema),
  first: z.int(), // place of the first row among the matches, from 0
  matches: z.int(),
  all: z.int(), // posts of the store
});
export type PostsPage = z.infer<typeof postsPageSchema>;

export const postsOverviewSchema = z.object({
  sources: z.array(z.object({ source: z.string(), posts: z.int() })),
  categories: z.array(z.object({ category: z.string(), posts: z.int() })), // of the query's source, most posts first, at most 500
  months: z.object({ first: month, last: month }).nullable(),
  scores: z.object({ // of the query without its range of scores
    from: hundredths, to: hundredths, // of every score of the query's source: the axis stays while the filter changes
    bins: z.array(z.int()), // posts in equal parts of the axis
    mean: z.number().nullable(), // hundredths, of the posts that the query leaves
  }).nullable(), // null: the source has no scores
});
export type PostsOverview = z.infer<typeof postsOverviewSchema>;

export const postDetailsSchema = z.object({
  post: postRowSchema,
  concept: z.string(),
  text: z.object({ title: z.string(), tags: z.string() }), // at most 5,000 characters each
  latitude: z.number().nullable(), longitude: z.number().nullable(),
  extra: z.record(z.string(), z.string()),
  root: z.string(), imagePath: z.string().nullable(), // absolute; relative to it, null: the source has no pictures
  captions: z.array(z.object({ text: z.string(), madeBy: z.string(), madeAt: z.number(), approved: z.boolean() })), // newest first, at most 20
  predictions: z.array(z.object({
    model: z.string(), decoder: z.string(), history: z.int(), value: hundredths.nullable(), text: z.string(),
    low80: hundredths.nullable(), high80: hundredths.nullable(), predictedAt: z.number(),
  })), // the one that a hover shows first, at most 20
  decisions: z.array(z.object({ kind: z.string(), author: z.string(), decidedAt: z.number(), reason: z.string() })), // newest first, at most 50
});
export type PostDetails = z.infer<typeof postDetailsSchema>;

/** A post that a decision changed, with the reason for which it had been left out before ('' when it was not). */
export const changedPostSchema = z.object({ source: z.string(), pid: z.string(), reason: z.string() });
export type ChangedPost = z.infer<typeof changedPostSchema>;

const asked = { query: postsQuerySchema, experiment: experimentSchema };

/** What the live worker answers about posts; its contract takes these in. */
export const postsRequests = {
  page: z.strictObject({ ...asked, place: pagePlaceSchema, size: z.int().min(1).max(LARGEST_PAGE) }),
  overview: z.strictObject({ ...asked, bins: z.int().min(1).max(200) }),
  details: z.strictObject({ post: postKeySchema, experiment: experimentSchema }),
  decide: z.strictObject({ kind: z.enum(['post-excluded', 'post-restored']), posts: z.array(postKeySchema).min(1).max(LARGEST_SELECTION), reason: z.string().max(500), author: z.string().min(1).max(200) }),
} as const;
export type PostsRequest<Name extends keyof typeof postsRequests> = z.infer<(typeof postsRequests)[Name]>;

/** A method whose result is validated too: by the page, where it arrives. */
export interface ViewMethod<Parameters, Result> extends Method<Parameters, Result> {
  readonly resultSchema: z.ZodType<Result>;
}
export type ViewResult<M> = M extends { readonly resultSchema: z.ZodType<infer Result> } ? Result : never;
export type Validator<Value> = z.ZodType<Value>;
const viewMethod = <Parameters, Result>(parameters: z.ZodType<Parameters>, resultSchema: z.ZodType<Result>): ViewMethod<Parameters, Result> => ({ parameters, resultSchema });

const nothing = z.strictObject({});
const done = z.null();
const posts = z.array(postKeySchema).min(1).max(LARGEST_SELECTION);

export const startSchema = z.object({
  folder: z.string(), // path of the folder whose store is shown; a page keeps it for the next start
  hasPosts: z.boolean(), // false: nothing is indexed there
  texts: z.record(z.string(), z.string()), // by the keys of POSTS_TEXT_KEYS
  locale: z.string(), // BCP 47
});

export const pictureSchema = z.union([z.object({ address: z.string() }), z.object({ missing: z.string() })]).nullable(); // null: the source has no pictures
export type PostPicture = z.infer<typeof pictureSchema>;

/** What the page asks of the editor. */
export const POSTS_VIEW = {
  start: viewMethod(nothing, startSchema),
  page: viewMethod(postsRequests.page.omit({ experiment: true }), postsPageSchema),
  overview: viewMethod(postsRequests.overview.omit({ experiment: true }), postsOverviewSchema),
  details: viewMethod(z.strictObject({ post: postKeySchema }), z.object({ details: postDetailsSchema.nullable(), picture: pictureSchema })),
  /** Leaves posts out or takes them back; with `askReason` the editor asks why first. Resolves when it is committed, with how many it changed; null when the person turned away. */
  decide: viewMethod(z.strictObject({ kind: z.enum(['post-excluded', 'post-restored']), posts, askReason: z.boolean() }), z.int().nullable()),
  /** Takes the newest decision of this panel back that has not been; null when there is none. */
  undo: viewMethod(nothing, z.object({ kind: z.enum(['post-excluded', 'post-restored']), posts: z.int() }).nullable()),
  /** Opens the file at the post. */
  open: viewMethod(z.strictObject({ file: z.string(), row: z.int(), pid: text }), done),
  copy: viewMethod(z.strictObject({ text: z.string().max(100_000) }), done),
  predict: viewMethod(z.strictObject({ post: postKeySchema }), done),
  index: viewMethod(nothing, done),
  showLog: viewMethod(nothing, done),
} as const;
export type PostsView = typeof POSTS_VIEW;

/** What the editor tells the page without being asked. */
export const postsNoticeSchema = z.discriminatedUnion('notice', [
  z.object({ type: z.literal('notice'), notice: z.literal('changed') }), // the store is another now
  z.object({ type: z.literal('notice'), notice: z.literal('show'), query: postsQuerySchema }), // these posts were asked for by a command
]);
export type PostsNotice = z.infer<typeof postsNoticeSchema>;

/** Columns of the list, in order. */
export const POST_COLUMNS = ['status', 'id', 'title', 'score', 'prediction', 'error', 'user', 'category', 'posted', 'split', 'caption', 'tags', 'source'] as const;
export type PostColumn = (typeof POST_COLUMNS)[number];

/** What a page keeps over a reload; read back from outside, so validated. */
export const keptPostsSchema = z.object({
  folder: z.string(),
  query: postsQuerySchema,
  place: pagePlaceSchema,
  selected: postKeySchema.nullable(),
  hidden: z.array(z.enum(POST_COLUMNS)),
  widths: z.partialRecord(z.enum(POST_COLUMNS), z.number().min(40).max(1200)), // pixels
  showsDetails: z.boolean(),
  showsMore: z.boolean(),
});
export type KeptPosts = z.infer<typeof keptPostsSchema>;

/** Keys of the page's texts: the editor has them translated, the page fills {0}, {1}, …. */
export const POSTS_TEXT_KEYS = [
  'posts', 'search', 'searchHint', 'user', 'userHint', 'category', 'anyCategory', 'source', 'anySource', 'split', 'anySplit', 'status', 'anyStatus', 'statusUsed', 'statusExcluded', 'statusDropped',
  'moreFilters', 'fewerFilters', 'caption', 'withCaption', 'withoutCaption', 'any', 'prediction', 'withPrediction', 'withoutPrediction', 'score', 'withScore', 'withoutScore', 'from', 'to', 'monthHint',
  'clearFilters', 'columns', 'sortBy', 'sortFile', 'sortTime', 'sortScore', 'sortUser', 'sortId', 'sortError', 'ascending', 'descending', 'histogram', 'histogramOf', 'lowestScore', 'highestScore', 'scoreRange', 'mean',
  'firstPage', 'previousPage', 'nextPage', 'lastPage', 'goTo', 'goToPosition', 'goToMonth', 'goToScore', 'goToUser', 'goToId', 'goToBad', 'shown', 'shownOf', 'noneShown', 'reading', 'loading',
  'columnStatus', 'columnId', 'columnUser', 'columnTitle', 'columnTags', 'columnCategory', 'columnScore', 'columnPrediction', 'columnError', 'columnPosted', 'columnSplit', 'columnCaption', 'columnSource', 'resize',
  'splitValidation', 'splitFewShot', 'splitAlignment', 'splitExtra1', 'splitExtra2', 'splitPool', 'splitNone', 'splitTest', 'yes', 'no', 'noNumber', 'untitled',
  'excludedBy', 'excludedByWhy', 'droppedWhy', 'used', 'nothingIndexed', 'indexData', 'noMatch', 'tryAgain', 'openLog', 'failed',
  'open', 'exclude', 'excludeWhy', 'restore', 'undo', 'copyId', 'copyRow', 'postsOfUser', 'predictPost', 'showDetails', 'hideDetails', 'selected', 'excludedCount', 'restoredCount', 'undone', 'nothingToUndo', 'copied',
  'details', 'chooseForDetails', 'picture', 'concept', 'place', 'file', 'captions', 'predictions', 'decisions', 'noCaption', 'noPrediction', 'noDecision', 'interval', 'history', 'approved', 'decidedExcluded', 'decidedRestored', 'keys',
] as const;
export type PostsTextKey = (typeof POSTS_TEXT_KEYS)[number];

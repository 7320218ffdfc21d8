// The Posts view's questions: a page of posts in any order under any filter, what the filter leaves (counts, scores), and
// everything about one post. Filters and orders are answered from columns in memory (postColumns.ts), rows by key.
import { join } from 'node:path';
import { directed, firstNotBefore, histogramOf, matchesBefore, matchesOf, ranksOf, type ColumnFilter } from '../domain/postIndex.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import { EVERY_POST, type PagePlace, type PostDetails, type PostRow, type PostSort, type PostSplit, type PostsOverview, type PostsPage, type PostsQuery, type PostsRequest } from '../protocol/postsView.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { SetName } from '../protocol/stages.ts';
import type { Database } from './database.ts';
import { pictureOf } from './fetchedPictures.ts';
import { modelName, PREDICTION_PREFERENCE } from './postCards.ts';
import { LivePostColumns, positionOfId, setCode, type LazyColumn } from './postColumns.ts';
import { wordQuery, wordsOf } from './search.ts';

const LONGEST_TEXT_IN_ROW = 300; // characters
const LONGEST_TEXT = 5000;
const CATEGORIES = 500;
/** Answers that are kept: turning pages asks for the same matches again and again. */
const REMEMBERED = 4;
/** Ids of words' posts that are read in one step, about 25 ms: the index begins anew with every step, so that small ones take many times as long. */
const WORDS_AT_ONCE = 200_000;

interface Sequence {
  readonly sequence: Uint32Array; // all posts in the order that was asked for
  ranks(): Uint32Array; // where each position stands in it; made when first asked for
}

interface Matches extends Sequence {
  readonly matches: Uint32Array; // the sequence itself where nothing is left out
}

export class PostList {
  readonly #store: Database;
  readonly #pictures: string | null;
  readonly #columns: LivePostColumns;
  readonly #sequences = new Map<string, Sequence>();
  readonly #matches = new Map<string, Matches>();
  readonly #found = new Map<string, Uint8Array>();
  #version = -1;

  /** @param pictures folder of fetched pictures; null: none are shown */
  constructor(store: Database, pictures: string | null = null) {
    this.#store = store;
    this.#pictures = pictures;
    this.#columns = new LivePostColumns(store);
  }

  async *page({ query, experiment, place, size }: PostsRequest<'page'>): LongWork<PostsPage> {
    const only = yield* this.#read(query, experiment);
    const found = this.#matchesOf(query, only);
    const { sequence, matches } = found;
    const first = this.#firstOf(place, query, size, found);
    const rows = [...matches.subarray(first, first + size)].map((at) => this.#row(at, experiment));
    return { rows, first, matches: matches.length, all: sequence.length };
  }

  async *overview({ query, experiment, bins }: PostsRequest<'overview'>): LongWork<PostsOverview> {
    const only = yield* this.#read(query, experiment);
    const { columns, parts, categories } = this.#columns.loaded;
    const filter = this.#filterOf(query, only);
    const posts = new Array<number>(parts.length).fill(0);
    const ofCategory = new Map<number, number>();
    let [earliest, latest] = [Infinity, -Infinity];
    for (let at = 0; at < columns.id.length; at++) {
      posts[columns.source[at]!]!++;
      if (filter.source !== null && columns.source[at] !== filter.source) continue;
      ofCategory.set(columns.category[at]!, (ofCategory.get(columns.category[at]!) ?? 0) + 1);
      earliest = Math.min(earliest, columns.postedAt[at]!);
      latest = Math.max(latest, columns.postedAt[at]!);
    }
    return {
      sources: parts.map((part) => ({ source: part.name, posts: posts[part.code]! })),
      categories: [...ofCategory].map(([code, count]) => ({ category: categories[code]!, posts: count })).sort((a, b) => b.posts - a.posts).slice(0, CATEGORIES),
      months: earliest > latest ? null : { first: monthOf(earliest), last: monthOf(latest) },
      scores: histogramOf(columns, filter, bins),
    };
  }

  async *details({ post, experiment }: PostsRequest<'details'>): LongWork<PostDetails | null> {
    yield* this.#read(EVERY_POST, experiment);
    const at = this.#columns.positionOf(post.source, post.pid);
    return at === null ? null : this.#details(at, experiment);
  }

  /** Brings the columns up to date and finds what the query's words and user name; anew when other generations went live meanwhile. */
  async *#read(query: PostsQuery, experiment: Experiment): LongWork<Uint8Array | null> {
    for (;;) {
      yield* this.#readColumns(query, experiment);
      const { columns } = this.#columns.loaded;
      const only = await this.#onlyOf(query);
      if (this.#columns.holds(columns)) return only;
    }
  }

  async *#readColumns(query: PostsQuery, experiment: Experiment): LongWork<void> {
    for await (const { done, total } of this.#columns.ready(lazyColumnsOf(query), experiment)) {
      yield { message: 'Reading posts', ...(total > 0 ? { done: Math.min(done, total), total, unit: 'posts' } : {}) };
    }
    if (this.#version === this.#columns.version) return;
    this.#version = this.#columns.version;
    this.#sequences.clear();
    this.#matches.clear();
    this.#found.clear();
  }

  #matchesOf(query: PostsQuery, only: Uint8Array | null): Matches {
    const key = JSON.stringify(query);
    const known = this.#matches.get(key);
    if (known !== undefined) return known;
    const filter = this.#filterOf(query, only);
    const inOrder = this.#sequenceOf(query.sort, query.descending);
    const { sequence } = inOrder;
    const isOpen = Object.values(filter).every((restriction) => restriction === null);
    const answer = { ...inOrder, matches: isOpen ? sequence : matchesOf(this.#columns.loaded.columns, filter, sequence) };
    if (only === null || [...this.#found.values()].includes(only)) remember(this.#matches, key, answer); // what was found before a change is not kept behind it
    return answer;
  }

  #sequenceOf(sort: PostSort, descending: boolean): Sequence {
    const key = `${sort} ${descending}`;
    const known = this.#sequences.get(key);
    if (known !== undefined) return known;
    const sequence = directed(this.#columns.order(sort), descending);
    let ranks: Uint32Array | undefined;
    const made = { sequence, ranks: () => (ranks ??= ranksOf(sequence)) };
    remember(this.#sequences, key, made);
    return made;
  }

  #filterOf(query: PostsQuery, only: Uint8Array | null): ColumnFilter {
    const { parts, categoryCodes } = this.#columns.loaded;
    return {
      only,
      source: query.source === null ? null : (parts.find((part) => part.name === query.source)?.code ?? -1),
      category: query.category === null ? null : (categoryCodes.get(query.category) ?? -1),
      from: query.months.from === null ? null : monthBegins(query.months.from, 0),
      until: query.months.to === null ? null : monthBegins(query.months.to, 1),
      split: query.split === null || query.split === 'test' ? query.split : setCode(query.split),
      state: query.state, hasCaption: query.hasCaption, hasPrediction: query.hasPrediction, hasScore: query.hasScore, scores: query.scores,
    };
  }

  /** Posts that the words find and that are of the user; null when neither is asked for. */
  async #onlyOf({ text, user }: PostsQuery): Promise<Uint8Array | null> {
    if (text.trim() === '' && user === null) return null;
    const key = JSON.stringify([text, user]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const version = this.#version;
    const ofUser = user === null ? null : this.#marked((generation) => this.#idsOfUser(generation, user));
    const found = text.trim() === '' ? null : await this.#postsOfText(text);
    const only = ofUser ?? found!;
    if (ofUser !== null && found !== null) for (let at = 0; at < only.length; at++) only[at]! &= found[at]!;
    if (version === this.#version) remember(this.#found, key, only);
    return only;
  }

  #marked(idsOf: (generation: number) => string): Uint8Array {
    const { columns, parts } = this.#columns.loaded;
    const marks = new Uint8Array(columns.id.length);
    for (const { generation } of parts) mark(marks, columns.id, JSON.parse(idsOf(generation)) as number[]);
    return marks;
  }

  #idsOfUser(generation: number, uid: string): string {
    return this.#store.prepare<{ ids: string }>('SELECT json_group_array(id) AS ids FROM posts WHERE generation_id = ? AND uid = ? AND user_order IS NOT NULL').get(generation, uid)!.ids;
  }

  /** As the search command finds: by the beginning of an id, or by every word. */
  async #postsOfText(text: string): Promise<Uint8Array> {
    const beginning = text.trim();
    const marks = this.#marked((generation) => this.#store.prepare<{ ids: string }>(
      'SELECT json_group_array(id) AS ids FROM posts WHERE generation_id = ? AND pid >= ? AND pid < ?').get(generation, beginning, `${beginning}\u{10FFFF}`)!.ids);
    const words = wordsOf(text);
    if (words.length === 0) return marks;
    const { id } = this.#columns.loaded.columns;
    const slice = this.#store.prepare<{ ids: string }>(
      `SELECT json_group_array(id) AS ids FROM (SELECT rowid AS id FROM posts_search WHERE posts_search MATCH ? AND rowid > ? ORDER BY rowid LIMIT ${WORDS_AT_ONCE})`);
    for (let after = 0; ; ) {
      const found = JSON.parse(slice.get(wordQuery(words), after)!.ids) as number[];
      mark(marks, id, found);
      if (found.length < WORDS_AT_ONCE) return marks;
      after = found.at(-1)!;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Place of a page's first row among the matches, never behind the last. */
  #firstOf(place: PagePlace, query: PostsQuery, size: number, { sequence, ranks, matches }: Matches): number {
    const bounded = (first: number): number => Math.max(0, Math.min(first, matches.length - 1));
    const before = (post: { source: string; pid: string }, included: 0 | 1): number | null => {
      const at = this.#columns.positionOf(post.source, post.pid);
      return at === null ? null : matchesBefore(matches, ranks(), ranks()[at]! + included);
    };
    switch (place.kind) {
      case 'first': return 0;
      case 'last': return Math.max(0, matches.length - size);
      case 'from': return bounded(before(place.post, 0) ?? 0);
      case 'after': return bounded(before(place.post, 1) ?? 0);
      case 'before': return bounded((before(place.post, 0) ?? size) - size);
      case 'position': return bounded(place.position);
      case 'value': return bounded(matchesBefore(matches, ranks(), this.#rankOfValue(place.value, query, sequence)));
    }
  }

  /** The first rank of the order whose key has reached the value. Users and ids are ordered source by source: the value is looked for in the query's, else in the first one. */
  #rankOfValue(value: number | string, { sort, descending, source }: PostsQuery, sequence: Uint32Array): number {
    const { columns, parts } = this.#columns.loaded;
    const { keyed } = this.#columns.order(sort);
    if (keyed === 0) return 0;
    const code = sort === 'user' || sort === 'id' ? (parts.find((part) => part.name === source)?.code ?? columns.source[sequence[0]!]!) : null;
    const isNumeric = sort === 'id' && parts[code!]!.numericPids;
    const wanted = isNumeric ? Number(value) : value;
    return firstNotBefore(keyed, (rank) => {
      const at = sequence[rank]!;
      const order = (code === null ? 0 : columns.source[at]! - code) || compareKeys(this.#keyOf(at, sort, isNumeric), wanted);
      return descending ? order > 0 : order < 0;
    });
  }

  #keyOf(at: number, sort: PostSort, isNumeric: boolean): number | string {
    const { columns } = this.#columns.loaded;
    switch (sort) {
      case 'file': return at;
      case 'time': return columns.postedAt[at]!;
      case 'score': return columns.label[at]!;
      case 'error': return Math.abs(columns.prediction[at]! - columns.label[at]!);
      case 'user': return this.#post(columns.id[at]!).uid;
      case 'id': return isNumeric ? Number(this.#post(columns.id[at]!).pid) : this.#post(columns.id[at]!).pid;
    }
  }

  #row(at: number, experiment: Experiment): PostRow {
    const { columns, parts } = this.#columns.loaded;
    const part = parts[columns.source[at]!]!;
    const post = this.#post(columns.id[at]!);
    const excluded = this.#store.prepare<{ author: string; payload: string }>('SELECT author, payload FROM excluded_posts WHERE source_id = ? AND pid = ?').get(part.sourceId, post.pid);
    const answer = this.#answers(part.sourceId, post.pid, experiment, 1)[0];
    const hasCaption = this.#store.prepare('SELECT 1 FROM captions WHERE source_id = ? AND pid = ? LIMIT 1').get(part.sourceId, post.pid) !== undefined;
    return {
      source: part.name, pid: post.pid, uid: post.uid, title: bounded(post.title, LONGEST_TEXT_IN_ROW), tags: bounded(post.tags, LONGEST_TEXT_IN_ROW),
      category: post.category, subcategory: post.subcategory, postedAt: post.posted_at, score: post.label, split: this.#splitOf(at, part.sourceId, post.uid, experiment.dataSeed), hasCaption,
      prediction: answer === undefined ? null : { value: answer.value, error: answer.value === null || post.label === null ? null : answer.value - post.label },
      dropped: post.dropped,
      excluded: excluded === undefined ? null : { author: excluded.author, reason: reasonOf(excluded.payload) },
      file: join(part.root, post.file), row: post.row,
    };
  }

  #post(id: number): PostTexts {
    return this.#store.prepare<PostTexts>(
      'SELECT pid, uid, posted_at, title, category, subcategory, concept, tags, image_path, image_url, latitude, longitude, extra, label, file, row, dropped FROM posts WHERE id = ?').get(id)!;
  }

  #splitOf(at: number, sourceId: number, uid: string, seed: number): PostSplit {
    if (this.#columns.loaded.columns.isTest[at] === 1) return 'test';
    return this.#store.prepare<{ set_name: SetName }>(
      'SELECT u.set_name FROM draws d JOIN draw_users u ON u.draw_id = d.id AND u.uid = ? WHERE d.source_id = ? AND d.seed = ?').get(uid, sourceId, seed)?.set_name ?? 'none';
  }

  #answers(sourceId: number, pid: string, { dataSeed, plan, trainingSeed, base, loss = '' }: Experiment, limit: number): AnswerRow[] {
    return this.#store.prepare<AnswerRow>(
      `SELECT p.value, p.text, p.quantiles, p.decoder, p.k, p.history, p.predicted_at, m.role, m.variant, m.base
       FROM predictions p JOIN models m ON m.id = p.model_id LEFT JOIN draws d ON d.id = m.draw_id LEFT JOIN runs r ON r.id = p.run_id
       WHERE p.source_id = :source AND p.pid = :pid AND p.decoder IN ('median','greedy') ORDER BY ${PREDICTION_PREFERENCE} LIMIT :limit`,
    ).all({ source: sourceId, pid, dataSeed, plan, trainingSeed, base, loss, limit });
  }

  #details(at: number, experiment: Experiment): PostDetails {
    const { columns, parts } = this.#columns.loaded;
    const part = parts[columns.source[at]!]!;
    const post = this.#post(columns.id[at]!);
    const captions = this.#store.prepare<{ id: number; text: string; made_by: string; made_at: number; approved: number }>(
      `SELECT c.id, c.text, c.made_by, c.made_at, EXISTS (SELECT 1 FROM decisions d WHERE d.source_id = c.source_id AND d.pid = c.pid AND d.kind = 'caption-approved'
              AND json_extract(d.payload, '$.caption_id') = c.id) AS approved FROM captions c WHERE c.source_id = ? AND c.pid = ? ORDER BY c.id DESC LIMIT 20`).all(part.sourceId, post.pid);
    const decisions = this.#store.prepare<{ kind: string; author: string; decided_at: number; payload: string }>(
      'SELECT kind, author, decided_at, payload FROM decisions WHERE source_id = ? AND pid = ? ORDER BY decided_at DESC, rowid DESC LIMIT 50').all(part.sourceId, post.pid);
    return {
      post: this.#row(at, experiment), concept: post.concept, text: { title: bounded(post.title, LONGEST_TEXT), tags: bounded(post.tags, LONGEST_TEXT) },
      latitude: post.latitude, longitude: post.longitude, extra: JSON.parse(post.extra) as Record<string, string>,
      ...pictureOf(this.#store, this.#pictures, { id: part.sourceId, root: part.root, hasPictures: part.hasPictures }, { pid: post.pid, imagePath: post.image_path, imageUrl: post.image_url }),
      captions: captions.map((caption) => ({ text: bounded(caption.text, LONGEST_TEXT), madeBy: caption.made_by, madeAt: caption.made_at, approved: caption.approved === 1 })),
      predictions: this.#answers(part.sourceId, post.pid, experiment, 20).map((answer) => {
        const quantiles = answer.quantiles === null ? {} : (JSON.parse(answer.quantiles) as Record<string, number | undefined>);
        return {
          model: modelName(answer), decoder: answer.decoder, history: (JSON.parse(answer.history) as string[]).length, value: answer.value, text: bounded(answer.text, LONGEST_TEXT_IN_ROW),
          low80: quantiles['10'] ?? null, high80: quantiles['90'] ?? null, predictedAt: answer.predicted_at,
        };
      }),
      decisions: decisions.map((decision) => ({ kind: decision.kind, author: decision.author, decidedAt: decision.decided_at, reason: reasonOf(decision.payload) })),
    };
  }
}

interface PostTexts {
  pid: string; uid: string; posted_at: number; title: string; category: string; subcategory: string; concept: string; tags: string; image_path: string; image_url: string;
  latitude: number | null; longitude: number | null; extra: string; label: number | null; file: string; row: number; dropped: string | null;
}

interface AnswerRow {
  value: number | null; text: string; quantiles: string | null; decoder: string; k: number; history: string; predicted_at: number; role: 'base' | 'sft' | 'aligned'; variant: string; base: string;
}

function lazyColumnsOf(query: PostsQuery): Set<LazyColumn> {
  const needed = new Set<LazyColumn>();
  if (query.hasCaption !== null) needed.add('captions');
  if (query.split !== null && query.split !== 'test') needed.add('sets');
  if (query.hasPrediction !== null || query.sort === 'error') needed.add('predictions');
  if (query.sort === 'user') needed.add('user-order');
  if (query.sort === 'id') needed.add('id-order');
  return needed;
}

/** Keeps the newest few. */
function remember<Value>(kept: Map<string, Value>, key: string, value: Value): void {
  kept.set(key, value);
  if (kept.size > REMEMBERED) kept.delete(kept.keys().next().value!);
}

function mark(marks: Uint8Array, ids: Float64Array, found: readonly number[]): void {
  for (const id of found) {
    const at = positionOfId(ids, id);
    if (at !== null) marks[at] = 1;
  }
}

function compareKeys(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [Buffer.from(String(a)), Buffer.from(String(b))]; // as the store orders texts: by bytes of UTF-8
  return Buffer.compare(left, right);
}

/** Unix seconds at which the month begins that lies `later` months behind 'YYYY-MM'. */
function monthBegins(month: string, later: number): number {
  return Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)) - 1 + later) / 1000;
}

function monthOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${String(date.getUTCFullYear()).padStart(4, '0')}-${String(date.getUTCMonth() + 1).padStart(2, '0')}`;
}

function bounded(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

function reasonOf(payload: string): string {
  const { reason } = JSON.parse(payload) as { reason?: unknown };
  return typeof reason === 'string' ? bounded(reason, 500) : '';
}


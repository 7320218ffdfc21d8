// The columns of every live post, kept in memory by the live worker: read once in short slices, and brought up to date by
// what has changed since. Rarely needed columns are read when a query first asks for them.
import { setImmediate } from 'node:timers/promises';
import { NO_NUMBER, NO_VALUE, orderByKey, type PostColumns, type PostOrder } from '../domain/postIndex.ts';
import { partOfRole } from '../domain/posts.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import type { PostSort } from '../protocol/postsView.ts';
import { SET_NAMES } from '../protocol/stages.ts';
import { storeRevision } from './backupContent.ts';
import type { Database } from './database.ts';
import { PREDICTION_PREFERENCE } from './postCards.ts';

/** Ids looked at in one step: about 10 ms, after which decisions have their turn. */
const SLICE = 5000;

/** What has to be read beside the columns that every query needs. */
export type LazyColumn = 'captions' | 'sets' | 'predictions' | 'user-order' | 'id-order';

export interface LivePart {
  readonly code: number; // in PostColumns.source
  readonly sourceId: number;
  readonly name: string;
  readonly root: string;
  readonly generation: number;
  readonly numericPids: boolean;
  readonly hasPictures: boolean;
}

/** Everything that was read of one set of live generations. */
interface Loaded {
  readonly signature: string;
  readonly parts: readonly LivePart[];
  readonly columns: { -readonly [Name in keyof PostColumns]: PostColumns[Name] };
  readonly categories: readonly string[]; // by code
  readonly categoryCodes: ReadonlyMap<string, number>;
  readonly orders: Map<PostSort, PostOrder>;
  readonly state: Map<LazyColumn | 'decisions', string>; // what each was read at
}

interface Loading {
  done: number;
  total: number;
  isOver: boolean;
  ended: Promise<void>;
}

const PROGRESS_PAUSE = 100; // milliseconds between two words about a load

/** A set's code: its place among the names, from 1. */
export const setCode = (name: string): number => SET_NAMES.indexOf(name as (typeof SET_NAMES)[number]) + 1;

export class LivePostColumns {
  readonly #store: Database;
  #loaded: Loaded | null = null;
  #loading: Loading | null = null;
  #version = 0;

  constructor(store: Database) {
    this.#store = store;
  }

  /** Changes with every change of a column or an order. */
  get version(): number {
    return this.#version;
  }

  /** False once other generations are read: positions in these columns mean nothing then. */
  holds(columns: PostColumns): boolean {
    return this.#loaded?.columns === columns;
  }

  get loaded(): Omit<Loaded, 'signature' | 'state' | 'orders'> {
    if (this.#loaded === null) throw new Error('The columns are read before they are used.');
    return this.#loaded;
  }

  /** Brings everything up to date that `needed` names; yields while it reads, so that a caller can tell how far it is. */
  async *ready(needed: ReadonlySet<LazyColumn>, experiment: Experiment): AsyncGenerator<{ done: number; total: number }, void, void> {
    while (this.#loading !== null || !this.#isFresh(needed, experiment)) {
      const loading = this.#loading ?? this.#start(needed, experiment);
      await Promise.race([loading.ended, new Promise((resolve) => setTimeout(resolve, PROGRESS_PAUSE))]);
      if (!loading.isOver) yield { done: loading.done, total: loading.total };
    }
  }

  #start(needed: ReadonlySet<LazyColumn>, experiment: Experiment): Loading {
    const loading: Loading = { done: 0, total: 0, isOver: false, ended: Promise.resolve() };
    loading.ended = this.#load(needed, experiment, loading).finally(() => {
      loading.isOver = true;
      this.#loading = null;
      this.#version++;
    });
    this.#loading = loading;
    return loading;
  }

  #isFresh(needed: ReadonlySet<LazyColumn>, experiment: Experiment): boolean {
    if (this.#loaded?.signature !== this.#signature()) return false;
    const state = this.#loaded.state;
    if (state.get('decisions') !== String(this.#newest('decisions'))) return false;
    return [...needed].every((column) => state.get(column) === this.#stateOf(column, experiment));
  }

  /** Numbers are given out again after a removal and come back with a backup: when a generation was made, and the store's revision, tell them apart. */
  #signature(): string {
    return JSON.stringify([storeRevision(this.#store), this.#store.prepare(
      'SELECT s.id, s.root, g.id AS generation, g.fingerprint, g.started_at, g.finished_at FROM sources s JOIN generations g ON g.id = s.live_generation ORDER BY s.id').all()]);
  }

  #newest(table: 'decisions' | 'captions'): number {
    return this.#store.prepare<{ newest: number }>(`SELECT rowid AS newest FROM ${table} ORDER BY rowid DESC LIMIT 1`).get()?.newest ?? 0;
  }

  /** What a lazy column would be read at now: another text means that it is out of date. */
  #stateOf(column: LazyColumn, experiment: Experiment): string {
    switch (column) {
      case 'captions': return String(this.#newest('captions'));
      case 'sets': return JSON.stringify(this.#store.prepare('SELECT id, drawn_at FROM draws WHERE seed = ? ORDER BY id').all(experiment.dataSeed));
      // A running prediction shows in each row at once; filters and orders learn of it when its run ends.
      case 'predictions': return JSON.stringify([experiment,
        this.#store.prepare("SELECT count(*) AS runs, max(ended_at) AS ended FROM runs").get(), this.#store.prepare('SELECT count(*) AS models, max(id) AS newest FROM models').get()]);
      case 'user-order': case 'id-order': return 'read';
    }
  }

  async #load(needed: ReadonlySet<LazyColumn>, experiment: Experiment, loading: Loading): Promise<void> {
    const signature = this.#signature();
    if (this.#loaded?.signature !== signature) {
      this.#loaded = null;
      this.#loaded = await this.#readBase(signature, loading);
    }
    const loaded = this.#loaded;
    this.#followDecisions(loaded);
    for (const column of needed) {
      const state = this.#stateOf(column, experiment); // read before the rows: what changes meanwhile is read again
      if (loaded.state.get(column) === state) continue;
      loading.done = loading.total = 0;
      switch (column) {
        case 'captions': await this.#readCaptions(loaded); break;
        case 'sets': await this.#readSets(loaded, experiment.dataSeed); break;
        case 'predictions': await this.#readPredictions(loaded, experiment); break;
        case 'user-order': await this.#readOrder(loaded, 'user'); break;
        case 'id-order': await this.#readOrder(loaded, 'id'); break;
      }
      loaded.state.set(column, state);
    }
  }

  async #readBase(signature: string, loading: Loading): Promise<Loaded> {
    const parts = this.#store.prepare<{ id: number; name: string; root: string; generation: number; numeric: number; pictures: number }>(
      `SELECT s.id, s.name, s.root, g.id AS generation, g.numeric_pids AS numeric, g.has_pictures AS pictures
       FROM sources s JOIN generations g ON g.id = s.live_generation ORDER BY s.id`,
    ).all().map((row, code): LivePart => ({ code, sourceId: row.id, name: row.name, root: row.root, generation: row.generation, numericPids: row.numeric === 1, hasPictures: row.pictures === 1 }));
    const codeOf = new Map(parts.map((part) => [part.generation, part.code]));
    const testFiles = this.#testFiles();
    const bounds = this.#store.prepare<{ first: number | null; last: number | null }>('SELECT (SELECT min(id) FROM posts) AS first, (SELECT max(id) FROM posts) AS last').get()!;
    const slice = this.#store.prepare<{ ids: string; generations: string; times: string; labels: string; categories: string; dropped: string; files: string }>(
      `SELECT json_group_array(id) AS ids, json_group_array(generation_id) AS generations, json_group_array(posted_at) AS times, json_group_array(label) AS labels,
              json_group_array(category) AS categories, json_group_array(dropped IS NOT NULL) AS dropped, json_group_array(file) AS files
       FROM posts WHERE id > ? AND id <= ?`);
    const rows = { id: [] as number[], source: [] as number[], postedAt: [] as number[], label: [] as number[], category: [] as number[], dropped: [] as number[], isTest: [] as number[] };
    const codes = new Map<string, number>();
    const last = bounds.last ?? 0;
    loading.total = last - (bounds.first ?? 1) + 1;
    for (let after = (bounds.first ?? 1) - 1; after < last; after += SLICE) {
      const read = slice.get(after, after + SLICE)!;
      const [ids, generations, times, labels, categories, dropped, files] = [read.ids, read.generations, read.times, read.labels, read.categories, read.dropped, read.files].map((list) => JSON.parse(list) as never[]);
      for (let row = 0; row < ids!.length; row++) {
        const code = codeOf.get(generations![row]!);
        if (code === undefined) continue;
        rows.id.push(ids![row]!);
        rows.source.push(code);
        rows.postedAt.push(times![row]!);
        rows.label.push(labels![row] ?? NO_VALUE);
        let category = codes.get(categories![row]!);
        if (category === undefined) codes.set(categories![row]!, category = codes.size);
        rows.category.push(category);
        rows.dropped.push(dropped![row]!);
        rows.isTest.push(testFiles.has(`${generations![row]!}\n${files![row]!}`) ? 1 : 0);
      }
      loading.done += SLICE;
      await setImmediate();
    }
    const count = rows.id.length;
    return {
      signature, parts, categories: [...codes.keys()], categoryCodes: codes, orders: new Map(), state: new Map(),
      columns: {
        id: Float64Array.from(rows.id), source: Uint16Array.from(rows.source), postedAt: Float64Array.from(rows.postedAt), label: Int32Array.from(rows.label),
        category: Uint32Array.from(rows.category), dropped: Uint8Array.from(rows.dropped), isTest: Uint8Array.from(rows.isTest),
        excluded: new Uint8Array(count), hasCaption: new Uint8Array(count), set: new Uint8Array(count), prediction: new Int32Array(count).fill(NO_VALUE),
      },
    };
  }

  /** Files whose role says that their posts are of a test part. */
  #testFiles(): Set<string> {
    const files = this.#store.prepare<{ generation_id: number; path: string; role: string }>('SELECT generation_id, path, role FROM files').all();
    return new Set(files.filter(({ role }) => partOfRole(role) === 'test').map((file) => `${file.generation_id}\n${file.path}`));
  }

  /** Asks anew about every post that has been decided on since the last look. */
  #followDecisions(loaded: Loaded): void {
    const before = Number(loaded.state.get('decisions') ?? 0);
    const now = this.#newest('decisions');
    if (before === now && loaded.state.has('decisions')) return;
    const decided = this.#store.prepare<{ source_id: number; pid: string }>("SELECT DISTINCT source_id, pid FROM decisions WHERE rowid > ? AND rowid <= ? AND kind IN ('post-excluded', 'post-restored')").all(before, now);
    const isExcluded = this.#store.prepare('SELECT 1 FROM excluded_posts WHERE source_id = ? AND pid = ?');
    for (const { source_id: sourceId, pid } of decided) {
      const at = this.#positionOf(loaded, sourceId, pid);
      if (at !== null) loaded.columns.excluded[at] = isExcluded.get(sourceId, pid) === undefined ? 0 : 1;
    }
    loaded.state.set('decisions', String(now));
  }

  /** Where a live post is in the columns, or null. */
  positionOf(source: string, pid: string): number | null {
    const part = this.loaded.parts.find((candidate) => candidate.name === source);
    return part === undefined ? null : this.#positionOf(this.#loaded!, part.sourceId, pid);
  }

  #positionOf(loaded: Loaded, sourceId: number, pid: string): number | null {
    const part = loaded.parts.find((candidate) => candidate.sourceId === sourceId);
    const post = part === undefined ? undefined : this.#store.prepare<{ id: number }>('SELECT id FROM posts WHERE generation_id = ? AND pid = ?').get(part.generation, pid);
    return post === undefined ? null : positionOfId(loaded.columns.id, post.id);
  }

  async #readCaptions(loaded: Loaded): Promise<void> {
    const before = Number(loaded.state.get('captions') ?? 0);
    const slice = this.#store.prepare<{ ids: string }>(
      `SELECT json_group_array(p.id) AS ids FROM captions c JOIN sources s ON s.id = c.source_id JOIN posts p ON p.generation_id = s.live_generation AND p.pid = c.pid
       WHERE c.id > ? AND c.id <= ?`);
    for (let after = before; after < this.#newest('captions'); after += SLICE / 2) {
      for (const id of JSON.parse(slice.get(after, after + SLICE / 2)!.ids) as number[]) {
        const at = positionOfId(loaded.columns.id, id);
        if (at !== null) loaded.columns.hasCaption[at] = 1;
      }
      await setImmediate();
    }
  }

  async #readSets(loaded: Loaded, seed: number): Promise<void> {
    loaded.columns.set.fill(0);
    const users = this.#store.prepare<{ uid: string; set_name: string; ids: string }>(
      `SELECT u.uid, u.set_name, (SELECT json_group_array(p.id) FROM posts p WHERE p.generation_id = ? AND p.uid = u.uid AND p.user_order IS NOT NULL) AS ids
       FROM draw_users u WHERE u.draw_id = ? AND u.uid > ? ORDER BY u.uid LIMIT 500`);
    for (const part of loaded.parts) {
      const draw = this.#store.prepare<{ id: number }>('SELECT id FROM draws WHERE source_id = ? AND seed = ?').get(part.sourceId, seed);
      if (draw === undefined) continue;
      for (let rows = users.all(part.generation, draw.id, ''); rows.length > 0; rows = users.all(part.generation, draw.id, rows.at(-1)!.uid)) {
        for (const user of rows) {
          for (const id of JSON.parse(user.ids) as number[]) {
            const at = positionOfId(loaded.columns.id, id);
            if (at !== null) loaded.columns.set[at] = setCode(user.set_name);
          }
        }
        await setImmediate();
      }
    }
  }

  /** Of each post the answer that a hover would show. */
  async #readPredictions(loaded: Loaded, { dataSeed, plan, trainingSeed, base, loss = '' }: Experiment): Promise<void> {
    loaded.columns.prediction.fill(NO_VALUE);
    loaded.orders.delete('error');
    const upTo = this.#store.prepare<{ pid: string | null }>('SELECT max(pid) AS pid FROM (SELECT pid FROM predictions WHERE source_id = ? AND pid > ? ORDER BY pid LIMIT 2000)');
    const slice = this.#store.prepare<{ ids: string; answers: string }>(
      `SELECT json_group_array(id) AS ids, json_group_array(value) AS answers FROM (
         SELECT l.id, p.value, row_number() OVER (PARTITION BY p.pid ORDER BY ${PREDICTION_PREFERENCE}) AS place
         FROM predictions p JOIN models m ON m.id = p.model_id LEFT JOIN draws d ON d.id = m.draw_id LEFT JOIN runs r ON r.id = p.run_id
              JOIN posts l ON l.generation_id = :generation AND l.pid = p.pid
         WHERE p.source_id = :source AND p.pid > :after AND p.pid <= :upTo AND p.decoder IN ('median','greedy')) WHERE place = 1`);
    for (const part of loaded.parts) {
      for (let after = ''; ; ) {
        const end = upTo.get(part.sourceId, after)!.pid;
        if (end === null) break;
        const read = slice.get({ generation: part.generation, source: part.sourceId, after, upTo: end, dataSeed, plan, trainingSeed, base, loss })!;
        const [ids, answers] = [JSON.parse(read.ids) as number[], JSON.parse(read.answers) as (number | null)[]];
        ids.forEach((id, row) => {
          const at = positionOfId(loaded.columns.id, id);
          if (at !== null) loaded.columns.prediction[at] = answers[row] ?? NO_NUMBER;
        });
        after = end;
        await setImmediate();
      }
    }
  }

  /** Orders by text come from the store's own indexes, source by source. */
  async #readOrder(loaded: Loaded, sort: 'user' | 'id'): Promise<void> {
    const positions: number[] = [];
    for (const part of loaded.parts) {
      for (const id of sort === 'id' ? await this.#idsByPid(part) : await this.#idsByUser(part)) {
        const at = positionOfId(loaded.columns.id, id);
        if (at !== null) positions.push(at);
      }
    }
    loaded.orders.set(sort, { positions: Uint32Array.from(positions), keyed: positions.length });
  }

  async #idsByUser(part: LivePart): Promise<number[]> {
    const ids: number[] = [];
    const slice = this.#store.prepare<{ ids: string }>(
      `SELECT json_group_array(id) AS ids FROM (SELECT id FROM posts WHERE generation_id = ? AND user_order IS NOT NULL AND (uid, user_order) > (?, ?) ORDER BY uid, user_order LIMIT ${SLICE})`);
    const place = this.#store.prepare<{ uid: string; user_order: number }>('SELECT uid, user_order FROM posts WHERE id = ?');
    for (let after = { uid: '', user_order: -1 }; ; ) {
      const read = JSON.parse(slice.get(part.generation, after.uid, after.user_order)!.ids) as number[];
      if (read.length === 0) return ids;
      for (const id of read) ids.push(id);
      after = place.get(read.at(-1)!)!;
      await setImmediate();
    }
  }

  /** By number where all ids of the source are numbers that a double holds, else by code point. */
  async #idsByPid(part: LivePart): Promise<number[]> {
    const ids: number[] = [];
    const numbers: number[] = [];
    let isExact = part.numericPids;
    const slice = this.#store.prepare<{ ids: string; pids: string }>(
      `SELECT json_group_array(id) AS ids, json_group_array(pid) AS pids FROM (SELECT id, pid FROM posts WHERE generation_id = ? AND pid > ? ORDER BY pid LIMIT ${SLICE})`);
    for (let after = ''; ; ) {
      const read = slice.get(part.generation, after)!;
      const pids = JSON.parse(read.pids) as string[];
      if (pids.length === 0) break;
      for (const id of JSON.parse(read.ids) as number[]) ids.push(id);
      if (isExact) for (const pid of pids) numbers.push(Number(pid));
      isExact &&= pids.every((pid) => Number.isSafeInteger(Number(pid)));
      after = pids.at(-1)!;
      await setImmediate();
    }
    return isExact ? Array.from(orderByKey(ids.length, (at) => numbers[at]!).positions, (at) => ids[at]!) : ids;
  }

  /** The order of a sort; what it is made of has been read by `ready`. */
  order(sort: PostSort): PostOrder {
    const { columns } = this.loaded;
    const { orders } = this.#loaded!;
    let order = orders.get(sort);
    if (order === undefined) orders.set(sort, order = orderByKey(columns.id.length, keyOf(sort, columns)));
    return order;
  }
}

function keyOf(sort: PostSort, columns: PostColumns): (at: number) => number {
  switch (sort) {
    case 'file': return (at) => at;
    case 'time': return (at) => columns.postedAt[at]!;
    case 'score': return (at) => (columns.label[at] === NO_VALUE ? NaN : columns.label[at]!);
    case 'error': return (at) => errorOf(columns, at) ?? NaN;
    default: throw new Error(`Posts are not ordered by ${sort} in memory.`);
  }
}

/** How far the prediction is from the score, without its sign; null without one of the two. */
function errorOf(columns: PostColumns, at: number): number | null {
  const [label, prediction] = [columns.label[at]!, columns.prediction[at]!];
  return label === NO_VALUE || prediction === NO_VALUE || prediction === NO_NUMBER ? null : Math.abs(prediction - label);
}

/** Binary search for a post's id. */
export function positionOfId(ids: Float64Array, id: number): number | null {
  const guess = id - ids[0]!; // right where one import filled the store
  if (ids[guess] === id) return guess;
  let low = 0;
  let high = ids.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const here = ids[middle]!;
    if (here === id) return middle;
    if (here < id) low = middle + 1;
    else high = middle - 1;
  }
  return null;
}

// What the page shows and does, without a document: its query and place, the page of posts that the editor sent, the
// selection. Everything about posts comes from the editor and is replaced whole; nothing is decided here.
import { isCancellation } from '../../src/protocol/requestChannel.ts';
import { UserError } from '../../src/domain/errors.ts';
import type { PostKey } from '../../src/domain/posts.ts';
import { EVERY_POST, keptPostsSchema, type KeptPosts, type PagePlace, type PostDetails, type PostPicture, type PostRow, type PostsNotice, type PostsOverview, type PostsPage, type PostsQuery, type PostsTextKey, type PostsView } from '../../src/protocol/postsView.ts';
import type { EditorWire } from '../editorWire.ts';

export const PAGE_SIZE = 100;
const HISTOGRAM_BINS = 48;
const DETAILS_PAUSE = 120; // milliseconds a row is chosen before its details are asked for

export type Wire = Pick<EditorWire<PostsView, PostsNotice>, 'request' | 'keep' | 'kept'>;

export interface Failure {
  readonly whatHappened: string;
  readonly nextStep: string;
}

export type Details = { readonly details: PostDetails; readonly picture: PostPicture };

export const keyOf = (post: PostKey): string => JSON.stringify([post.source, post.pid]);

export class PostsModel {
  readonly #wire: Wire;
  readonly #listeners: (() => void)[] = [];
  #texts: Readonly<Record<string, string>> = {};
  #loads = 0;
  #stale: AbortController | null = null;
  #overviewOf = '';
  #detailsTimer: ReturnType<typeof setTimeout> | undefined;
  #detailsOf = '';

  view: KeptPosts;
  locale = 'en';
  hasPosts: boolean | null = null; // null: not known yet
  page: PostsPage | null = null;
  overview: PostsOverview | null = null;
  details: Details | null = null;
  failure: Failure | null = null;
  isLoading = false;
  reading: number | null = null; // per cent, while posts are read for the first time
  message = ''; // what the last action did
  active: PostRow | null = null;
  readonly selection = new Set<string>();
  #anchor = 0;

  /** @param showsDetails where the page kept nothing: whether there is room for them */
  constructor(wire: Wire, showsDetails: boolean) {
    this.#wire = wire;
    const kept = keptPostsSchema.safeParse(wire.kept);
    this.view = kept.success ? kept.data : { folder: '', query: EVERY_POST, place: { kind: 'first' }, selected: null, hidden: ['tags'], widths: {}, showsDetails, showsMore: false };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The text of a key in the editor's language, with its places filled. */
  t(key: PostsTextKey, ...values: (string | number)[]): string {
    return (this.#texts[key] ?? '').replace(/\{(\d)\}/g, (place, index: string) => String(values[Number(index)] ?? place));
  }

  count(value: number): string {
    return value.toLocaleString(this.locale);
  }

  /** Learns the texts and whether there is anything to show; the list comes with `first`. */
  async start(): Promise<void> {
    await this.#guard(async () => {
      const started = await this.#wire.request('start', {});
      this.#texts = started.texts;
      this.locale = started.locale;
      this.hasPosts = started.hasPosts;
      this.#keep({ folder: started.folder });
    });
  }

  async first(): Promise<void> {
    if (this.hasPosts === true) await this.#load(this.view.place);
    else this.#tell();
  }

  /** The store is another now: the same page again, whole. */
  async changed(): Promise<void> {
    this.#overviewOf = '';
    this.#detailsOf = '';
    if (this.hasPosts !== true) {
      await this.start();
      return this.first();
    }
    await this.#load(this.view.place);
  }

  get rows(): readonly PostRow[] {
    return this.page?.rows ?? [];
  }

  get activeIndex(): number {
    const key = this.active === null ? '' : keyOf(this.active);
    return this.rows.findIndex((row) => keyOf(row) === key);
  }

  /** Restricts or orders anew, from the first page on. */
  async ask(changes: Partial<PostsQuery>): Promise<void> {
    const query = { ...this.view.query, ...changes };
    if (JSON.stringify(query) === JSON.stringify(this.view.query)) return;
    this.#keep({ query });
    await this.#load({ kind: 'first' });
  }

  async clear(): Promise<void> {
    const { sort, descending } = this.view.query;
    await this.ask({ ...EVERY_POST, sort, descending });
  }

  /** How many restrictions are in force. */
  get restrictions(): number {
    const { query } = this.view;
    const { sort: _sort, descending: _descending, months, text, ...others } = query;
    return [text.trim() === '' ? null : text, months.from, months.to, ...Object.values(others)].filter((value) => value !== null).length;
  }

  get hasNext(): boolean {
    return this.page !== null && this.page.first + this.page.rows.length < this.page.matches;
  }

  get hasPrevious(): boolean {
    return this.page !== null && this.page.first > 0;
  }

  async turn(to: 'first' | 'previous' | 'next' | 'last', activate: 'first' | 'last' = 'first'): Promise<void> {
    const last = this.rows.at(-1);
    const first = this.rows[0];
    if (to === 'first' || to === 'last') await this.#load({ kind: to }, to === 'last' ? 'last' : activate);
    else if (to === 'next' && this.hasNext && last !== undefined) await this.#load({ kind: 'after', post: postKey(last) }, activate);
    else if (to === 'previous' && this.hasPrevious && first !== undefined) await this.#load({ kind: 'before', post: postKey(first) }, activate);
  }

  async goTo(place: PagePlace): Promise<void> {
    await this.#load(place);
  }

  /** Makes a row of the page the active one; the selection follows unless it is added to. */
  activate(index: number, how: 'alone' | 'range' | 'toggle' = 'alone'): void {
    const row = this.rows[Math.max(0, Math.min(index, this.rows.length - 1))];
    if (row === undefined) return;
    this.active = row;
    this.#keep({ selected: postKey(row) });
    const at = this.rows.indexOf(row);
    if (how === 'range') {
      this.selection.clear();
      for (const chosen of this.rows.slice(Math.min(this.#anchor, at), Math.max(this.#anchor, at) + 1)) this.selection.add(keyOf(chosen));
    } else {
      this.#anchor = at;
      if (how === 'toggle' && this.selection.has(keyOf(row))) this.selection.delete(keyOf(row));
      else {
        if (how === 'alone') this.selection.clear();
        this.selection.add(keyOf(row));
      }
    }
    this.#askDetails();
    this.#tell();
  }

  selectPage(): void {
    for (const row of this.rows) this.selection.add(keyOf(row));
    this.#tell();
  }

  /** The rows that an action means. */
  get chosen(): PostRow[] {
    const chosen = this.rows.filter((row) => this.selection.has(keyOf(row)));
    return chosen.length > 0 ? chosen : this.active === null ? [] : [this.active];
  }

  /** Leaves the chosen posts out, or takes them back when all of them are out. The list shows it when it is committed. */
  async decide(askReason = false): Promise<void> {
    const posts = this.chosen;
    if (posts.length === 0) return;
    const kind = posts.every((row) => row.excluded !== null) ? 'post-restored' : 'post-excluded';
    const at = this.activeIndex;
    await this.#guard(async () => {
      const changed = await this.#wire.request('decide', { kind, posts: posts.map(postKey), askReason: askReason && kind === 'post-excluded' });
      if (changed === null) return;
      this.message = this.t(kind === 'post-excluded' ? 'excludedCount' : 'restoredCount', this.count(changed));
      await this.#reload(at);
    });
  }

  async undo(): Promise<void> {
    const at = this.activeIndex;
    await this.#guard(async () => {
      const undone = await this.#wire.request('undo', {});
      this.message = undone === null ? this.t('nothingToUndo') : this.t('undone', this.t(undone.kind === 'post-excluded' ? 'excludedCount' : 'restoredCount', this.count(undone.posts)));
      if (undone === null) this.#tell();
      else await this.#reload(at);
    });
  }

  async open(row = this.active): Promise<void> {
    if (row !== null) await this.#guard(() => this.#wire.request('open', { file: row.file, row: row.row, pid: row.pid }));
  }

  async copy(what: 'id' | 'row'): Promise<void> {
    const text = this.chosen.map((row) => (what === 'id' ? row.pid : rowText(row))).join('\n');
    if (text === '') return;
    await this.#guard(async () => {
      await this.#wire.request('copy', { text });
      this.message = this.t('copied');
      this.#tell();
    });
  }

  async predict(): Promise<void> {
    const row = this.active;
    if (row !== null) await this.#guard(() => this.#wire.request('predict', { post: postKey(row) }));
  }

  async index(): Promise<void> {
    await this.#guard(() => this.#wire.request('index', {}));
  }

  async showLog(): Promise<void> {
    await this.#guard(() => this.#wire.request('showLog', {}));
  }

  /** How the page is laid out; nothing is asked of the editor. */
  lay(changes: Partial<Pick<KeptPosts, 'hidden' | 'widths' | 'showsDetails' | 'showsMore'>>): void {
    this.#keep(changes);
    if (changes.showsDetails === true) this.#askDetails();
    this.#tell();
  }

  /** The page around the same first row, with the same place in it active. */
  async #reload(at: number): Promise<void> {
    this.#overviewOf = '';
    this.#detailsOf = '';
    await this.#load(this.view.place, at);
  }

  async #load(place: PagePlace, activate: 'first' | 'last' | number | null = null): Promise<void> {
    const turn = ++this.#loads;
    this.#stale?.abort();
    const { signal } = this.#stale = new AbortController();
    this.isLoading = true;
    this.#tell();
    const { query } = this.view;
    await this.#guard(async () => {
      const page = await this.#wire.request('page', { query, place, size: PAGE_SIZE }, {
        signal,
        onProgress: ({ done, total }) => {
          if (turn !== this.#loads || done === undefined || total === undefined) return;
          this.reading = Math.floor((100 * done) / total);
          this.#tell();
        },
      });
      if (turn !== this.#loads) return;
      this.#showPage(page, activate);
      await this.#readOverview(query, turn, signal);
    });
    if (turn !== this.#loads) return;
    this.isLoading = false;
    this.reading = null;
    this.#tell();
  }

  #showPage(page: PostsPage, activate: 'first' | 'last' | number | null): void {
    this.page = page;
    this.failure = null;
    this.reading = null;
    const keys = new Set(page.rows.map(keyOf));
    for (const key of [...this.selection]) if (!keys.has(key)) this.selection.delete(key);
    const wanted = this.view.selected;
    const same = wanted === null ? -1 : page.rows.findIndex((row) => keyOf(row) === keyOf(wanted));
    const index = activate === 'first' ? 0 : activate === 'last' ? page.rows.length - 1 : same >= 0 ? same : Math.min(activate ?? 0, page.rows.length - 1);
    this.active = page.rows[Math.max(0, index)] ?? null;
    this.#anchor = Math.max(0, index);
    if (this.active !== null && this.selection.size <= 1) {
      this.selection.clear();
      this.selection.add(keyOf(this.active));
    }
    const first = page.rows[0];
    this.#keep({ place: first === undefined ? { kind: 'first' } : { kind: 'from', post: postKey(first) }, selected: this.active === null ? null : postKey(this.active) });
    this.#askDetails();
    this.#tell();
  }

  /** Counts and scores come after the page, and only when the filter is another. */
  async #readOverview(query: PostsQuery, turn: number, signal: AbortSignal): Promise<void> {
    const key = JSON.stringify({ ...query, sort: null, descending: null, scores: null });
    if (key === this.#overviewOf) return;
    const overview = await this.#wire.request('overview', { query, bins: HISTOGRAM_BINS }, { signal });
    if (turn !== this.#loads) return;
    this.#overviewOf = key;
    this.overview = overview;
  }

  #askDetails(): void {
    clearTimeout(this.#detailsTimer);
    const row = this.active;
    if (row === null || !this.view.showsDetails) {
      this.details = row === null ? null : this.details;
      return;
    }
    const key = keyOf(row);
    if (key === this.#detailsOf) return;
    this.#detailsTimer = setTimeout(() => void this.#guard(async () => {
      const { details, picture } = await this.#wire.request('details', { post: postKey(row) });
      if (this.active === null || keyOf(this.active) !== key) return;
      this.#detailsOf = key;
      this.details = details === null ? null : { details, picture };
      this.#tell();
    }), DETAILS_PAUSE);
  }

  #keep(changes: Partial<KeptPosts>): void {
    this.view = { ...this.view, ...changes };
    this.#wire.keep(this.view);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** A failure is shown in place of the list; what was given up for something newer is none. */
  async #guard(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isCancellation(error)) return;
      this.failure = error instanceof UserError ? { whatHappened: error.whatHappened, nextStep: error.nextStep } : { whatHappened: this.t('failed'), nextStep: '' };
      this.#tell();
    }
  }
}

export const postKey = ({ source, pid }: PostKey): PostKey => ({ source, pid });

/** A row as tab-separated text, as a table program takes it. */
function rowText(row: PostRow): string {
  const cells = [row.source, row.pid, row.uid, row.title, row.tags, row.category, row.subcategory, row.score === null ? '' : (row.score / 100).toFixed(2),
    row.prediction === null || row.prediction.value === null ? '' : (row.prediction.value / 100).toFixed(2), new Date(row.postedAt * 1000).toISOString(), row.split, row.dropped ?? ''];
  return cells.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')).join('\t');
}

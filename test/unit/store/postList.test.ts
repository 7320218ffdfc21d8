// The Posts view's questions against a plain model in memory: every page of every order under many filters, forwards and
// backwards, complete and without repeats; what changes meanwhile; hostile words.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCaptions } from '../../../src/store/captions.ts';
import { compareByCodePoint } from '../../../src/domain/posts.ts';
import { EVERY_POST, POST_SORTS, postDetailsSchema, postsOverviewSchema, postsPageSchema, type PagePlace, type PostRow, type PostsPage, type PostsQuery } from '../../../src/protocol/postsView.ts';
import { decideOnPosts } from '../../../src/stages/decideOnPost.ts';
import { setStoreRevision } from '../../../src/store/backupContent.ts';
import type { Database } from '../../../src/store/database.ts';
import { recordFetch } from '../../../src/store/fetchedPictures.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { PostList } from '../../../src/store/postList.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { addModel, drain, fillSource, instructedStore, neverAborted, regularPosts, testContext, type FixturePost } from '../stages/stageFixture.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';

const experiment = { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' } as const;
const SIZE = 7;
const WORDS = ['lake', 'sunset', 'Zürich', '東京', 'cat', 'category'];
const CATEGORIES = ['Fashion', 'Food', ''];

/** Posts with equal times, equal scores, missing scores, ids that collide with another source's, users in no order. */
function mixedPosts(count: number, users: number): FixturePost[] {
  return Array.from({ length: count }, (_, index): FixturePost => ({
    pid: String((index * 7919) % 100_003), uid: `user${(index * 31) % users}`, postedAt: 1_450_000_000 + ((index * 37) % 50) * 1_000_000,
    label: index % 9 === 4 ? null : 100 + ((index * 53) % 40) * 10, title: `${WORDS[index % WORDS.length]!} ${index}`, category: CATEGORIES[index % CATEGORIES.length]!,
    ...(index % 13 === 5 ? { dropped: 'picture-missing' } : {}),
  }));
}

interface Fixture {
  readonly store: Database;
  readonly list: PostList;
  readonly rows: PostRow[]; // every post, in the order of the files
}

async function page(list: PostList, query: Partial<PostsQuery>, place: PagePlace = { kind: 'first' }, size = SIZE): Promise<PostsPage> {
  return postsPageSchema.parse(await drain(list.page({ query: { ...EVERY_POST, ...query }, experiment, place, size })));
}

/** Two sources, one of them drawn into sets, with captions, predictions and decisions. */
async function fixture(): Promise<Fixture> {
  const { store, sourceId, draw } = await instructedStore();
  const other = fillSource(store, 'other', mixedPosts(90, 11));
  store.prepare('UPDATE generations SET numeric_pids = 1 WHERE source_id = ?').run(other);
  store.exec('INSERT INTO posts_search (rowid, title, tags, caption) SELECT id, title, tags, \'\' FROM posts'); // as an import does
  const first = store.prepare<{ pid: string; label: number }>('SELECT pid, label FROM live_posts WHERE source_id = ? ORDER BY pid').all(sourceId);
  addCaptions(store, sourceId, first.slice(0, 40).map(({ pid }) => ({ pid, text: `a lake with ${pid}`, madeBy: 'generator', origin: {} })), 1);
  const model = addModel(store, draw, 'sft');
  const insert = store.prepare(`INSERT INTO predictions (model_id, source_id, pid, k, decoder, draw, text, value, prompt_hash, history, predicted_at) VALUES (?, ?, ?, ?, ?, 0, 'x', ?, 'h', '[]', 0)`);
  first.slice(20, 90).forEach(({ pid, label }, index) => {
    insert.run(model, sourceId, pid, 0, 'greedy', 111);
    insert.run(model, sourceId, pid, 3, 'median', index % 10 === 0 ? null : label + ((index * 17) % 90) - 45);
  });
  const context = testContext(store);
  await drain(decideOnPosts(context, { kind: 'post-excluded', posts: first.slice(5, 12).map(({ pid }) => ({ source: 'posts', pid })), reason: 'advertisement', author: 'anna' }));
  const list = new PostList(store);
  const { rows } = await page(list, {}, { kind: 'first' }, 200);
  const { rows: rest } = await page(list, {}, { kind: 'position', position: 200 }, 200);
  return { store, list, rows: [...rows, ...rest] };
}

const QUERIES: readonly Partial<PostsQuery>[] = [
  {}, { source: 'other' }, { source: 'posts' }, { source: 'nowhere' }, { category: 'Food' }, { category: '' }, { category: 'none such' }, { user: 'user3' }, { user: 'u007', source: 'posts' }, { user: 'nobody' },
  { state: 'used' }, { state: 'excluded' }, { state: 'dropped' }, { split: 'few-shot' }, { split: 'none' }, { split: 'pool' }, { split: 'test' }, { hasCaption: true }, { hasCaption: false }, { hasPrediction: true }, { hasPrediction: false },
  { hasScore: true }, { hasScore: false }, { scores: { from: 250, to: 400 } }, { scores: { from: 9000, to: 9001 } }, { months: { from: '2016-03', to: '2016-03' } }, { months: { from: '2016-01', to: null } }, { months: { from: null, to: '2016-02' } },
  { text: 'lake' }, { text: 'cat' }, { text: 'sunset 1' }, { text: '東京' }, { text: 'u00' }, { text: 'lake', hasCaption: true, state: 'used' }, { hasScore: true, category: 'Fashion', source: 'other' },
];

/** What a filter means, said again without columns, marks or codes. */
function expected(rows: readonly PostRow[], query: PostsQuery, captions: ReadonlyMap<string, string>): PostRow[] {
  const day = (row: PostRow): string => new Date(row.postedAt * 1000).toISOString().slice(0, 7);
  return rows.filter((row) => {
    const words = query.text.normalize('NFC').match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
    const own = `${row.title} ${row.tags} ${captions.get(`${row.source} ${row.pid}`) ?? ''}`.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').match(/[\p{L}\p{N}]+/gu) ?? [];
    const isFound = query.text === '' || row.pid.startsWith(query.text) || words.every((word, index) => own.some((candidate) => (index === words.length - 1 && Buffer.byteLength(word) >= 3 ? candidate.startsWith(word.toLowerCase()) : candidate === word.toLowerCase())));
    return isFound && (query.source === null || row.source === query.source) && (query.user === null || row.uid === query.user) && (query.category === null || row.category === query.category)
      && (query.months.from === null || day(row) >= query.months.from) && (query.months.to === null || day(row) <= query.months.to)
      && (query.split === null || row.split === query.split) && (query.state === null || (row.excluded !== null ? 'excluded' : row.dropped !== null ? 'dropped' : 'used') === query.state)
      && (query.hasCaption === null || row.hasCaption === query.hasCaption) && (query.hasPrediction === null || (row.prediction !== null) === query.hasPrediction)
      && (query.hasScore === null || (row.score !== null) === query.hasScore) && (query.scores === null || (row.score !== null && row.score >= query.scores.from && row.score <= query.scores.to));
  });
}

function ordered(rows: readonly PostRow[], { sort, descending }: PostsQuery): PostRow[] {
  const place = new Map(rows.map((row, index) => [row, index]));
  const sources = [...new Set(rows.map((row) => row.source))]; // in the order in which they were indexed
  const keyOf = (row: PostRow): number | null => (sort === 'time' ? row.postedAt : sort === 'score' ? row.score : sort === 'error' ? (row.prediction?.error == null ? null : Math.abs(row.prediction.error)) : 0);
  const compare = (a: PostRow, b: PostRow): number => {
    if (sort === 'user' || sort === 'id') {
      const bySource = sources.indexOf(a.source) - sources.indexOf(b.source);
      const byText = sort === 'user' ? compareByCodePoint(a.uid, b.uid) : a.source === 'other' ? Number(a.pid) - Number(b.pid) : compareByCodePoint(a.pid, b.pid);
      if (bySource !== 0 || byText !== 0) return bySource || byText;
    } else {
      const byKey = keyOf(a)! - keyOf(b)!;
      if (byKey !== 0) return byKey;
    }
    return place.get(a)! - place.get(b)!;
  };
  const keyed = rows.filter((row) => keyOf(row) !== null).sort(compare);
  return [...(descending ? keyed.reverse() : keyed), ...rows.filter((row) => keyOf(row) === null)];
}

const ids = (rows: readonly PostRow[]): string[] => rows.map((row) => `${row.source} ${row.pid}`);

describe('PostList', () => {
  let made: Fixture;
  let captions: Map<string, string>;
  before(async () => {
    made = await fixture();
    captions = new Map(made.store.prepare<{ name: string; pid: string; text: string }>('SELECT s.name, c.pid, c.text FROM captions c JOIN sources s ON s.id = c.source_id').all().map((row) => [`${row.name} ${row.pid}`, row.text]));
  });

  it('has posts of every kind in its fixture, so that no filter is tested on nothing', () => {
    for (const isKind of [(row: PostRow) => row.excluded !== null, (row: PostRow) => row.dropped !== null, (row: PostRow) => row.score === null, (row: PostRow) => row.hasCaption, (row: PostRow) => row.prediction?.value === null, (row: PostRow) => (row.prediction?.error ?? 0) < 0]) {
      assert.ok(made.rows.some(isKind), String(isKind));
    }
    assert.equal(made.rows.length, 390);
  });

  for (const sort of POST_SORTS) {
    for (const descending of [false, true]) {
      it(`pages completely and without repeats by ${sort}${descending ? ', descending' : ''}, forwards and backwards, under every filter`, async () => {
        for (const changes of QUERIES) {
          const query = { ...EVERY_POST, ...changes, sort, descending };
          const order = ordered(made.rows, query);
          const wanted = ids(order.filter((row) => expected([row], query, captions).length === 1));
          const forwards: string[] = [];
          for (let shown = await page(made.list, query); shown.rows.length > 0; shown = await page(made.list, query, { kind: 'after', post: { source: shown.rows.at(-1)!.source, pid: shown.rows.at(-1)!.pid } })) {
            assert.equal(shown.first, forwards.length);
            assert.equal(shown.matches, wanted.length);
            forwards.push(...ids(shown.rows));
            if (forwards.length >= shown.matches) break;
          }
          assert.deepEqual(forwards, wanted, JSON.stringify(changes));
          const backwards: string[] = [];
          for (let shown = await page(made.list, query, { kind: 'last' }); shown.rows.length > 0; shown = await page(made.list, query, { kind: 'before', post: { source: shown.rows[0]!.source, pid: shown.rows[0]!.pid } })) {
            backwards.unshift(...ids(shown.rows).slice(0, wanted.length - backwards.length));
            if (shown.first === 0) break;
          }
          assert.deepEqual(backwards, wanted, JSON.stringify(changes));
        }
      });
    }
  }

  it('shows the prediction that a hover shows', async () => {
    const { rows } = await page(made.list, { hasPrediction: true, source: 'posts' }, { kind: 'first' }, 100);
    assert.equal(rows.length, 70);
    assert.equal(rows.some((row) => row.prediction!.value === 111), false); // greedy without history, beside a median with it
  });

  it('goes to a value along the sort key, to a position, and to the place of a post that the filter leaves out', async () => {
    const month = await page(made.list, { sort: 'time', source: 'other' }, { kind: 'value', value: Date.UTC(2016, 2) / 1000 });
    assert.ok(month.rows[0]!.postedAt >= Date.UTC(2016, 2) / 1000);
    const before = await page(made.list, { sort: 'time', source: 'other' }, { kind: 'position', position: month.first - 1 }, 1);
    assert.ok(before.rows[0]!.postedAt < Date.UTC(2016, 2) / 1000);
    const falling = await page(made.list, { sort: 'score', descending: true }, { kind: 'value', value: 300 });
    assert.ok(falling.rows[0]!.score! <= 300);
    assert.equal((await page(made.list, { sort: 'user', source: 'posts' }, { kind: 'value', value: 'u03' })).rows[0]!.uid, 'u030');
    assert.equal((await page(made.list, { sort: 'id', source: 'other' }, { kind: 'value', value: '10000' })).rows[0]!.pid, String(Math.min(...made.rows.filter((row) => row.source === 'other' && Number(row.pid) >= 10_000).map((row) => Number(row.pid)))));
    const excluded = made.rows.find((row) => row.excluded !== null)!;
    const at = await page(made.list, { state: 'used' }, { kind: 'from', post: { source: excluded.source, pid: excluded.pid } }, 1);
    assert.equal(at.first, made.rows.filter((row) => row.excluded === null && row.dropped === null).findIndex((row) => made.rows.indexOf(row) > made.rows.indexOf(excluded)));
    assert.equal((await page(made.list, {}, { kind: 'from', post: { source: 'posts', pid: 'gone' } })).first, 0);
    assert.equal((await page(made.list, {}, { kind: 'position', position: 10_000 })).rows.length, 1);
  });

  it('counts scores, categories and months of what the filter leaves', async () => {
    const query = { ...EVERY_POST, source: 'other', category: 'Food', scores: { from: 200, to: 300 } };
    const overview = postsOverviewSchema.parse(await drain(made.list.overview({ query, experiment, bins: 20 })));
    const ofSource = made.rows.filter((row) => row.source === 'other');
    const left = ofSource.filter((row) => row.category === 'Food' && row.score !== null);
    assert.deepEqual(overview.sources, [{ source: 'posts', posts: 300 }, { source: 'other', posts: 90 }]);
    assert.deepEqual(new Map(overview.categories.map(({ category, posts }) => [category, posts])), new Map(CATEGORIES.map((category) => [category, ofSource.filter((row) => row.category === category).length])));
    assert.equal(overview.scores!.bins.reduce((sum, posts) => sum + posts, 0), left.length); // the range is drawn on these bars, so it takes none of them away
    assert.deepEqual([overview.scores!.from, overview.scores!.to], [Math.min(...ofSource.flatMap((row) => row.score ?? [])), Math.max(...ofSource.flatMap((row) => row.score ?? []))]);
    assert.ok(Math.abs(overview.scores!.mean! - left.reduce((sum, row) => sum + row.score!, 0) / left.length) < 1e-9);
    assert.deepEqual(overview.months, { first: new Date(Math.min(...ofSource.map((row) => row.postedAt)) * 1000).toISOString().slice(0, 7), last: new Date(Math.max(...ofSource.map((row) => row.postedAt)) * 1000).toISOString().slice(0, 7) });
  });

  it('tells everything about a post, and nothing about one that is not there', async () => {
    const excluded = made.rows.find((row) => row.excluded !== null)!;
    const details = postDetailsSchema.parse(await drain(made.list.details({ post: { source: excluded.source, pid: excluded.pid }, experiment })));
    assert.deepEqual(details.decisions.map(({ kind, author, reason }) => ({ kind, author, reason })), [{ kind: 'post-excluded', author: 'anna', reason: 'advertisement' }]);
    assert.equal(details.captions[0]!.text, `a lake with ${excluded.pid}`);
    assert.equal(await drain(made.list.details({ post: { source: 'posts', pid: 'gone' }, experiment })), null);
  });

  it('names the picture that was fetched for the post’s address, else the data set’s own', async () => {
    const { store } = made;
    const [first, second] = made.rows.filter((row) => row.source === 'other');
    const otherId = requireSource(store, 'other').id;
    for (const { pid } of [first!, second!]) {
      store.prepare('UPDATE posts SET image_url = ? WHERE pid = ? AND generation_id = (SELECT live_generation FROM sources WHERE id = ?)').run(`https://pictures.test/${pid}`, pid, otherId);
    }
    recordFetch(store, otherId, { pid: first!.pid, url: `https://pictures.test/${first!.pid}`, state: 'fetched', reason: '', status: null, file: 'other/a.jpg', triedAt: 0 }, 0);
    recordFetch(store, otherId, { pid: second!.pid, url: 'https://pictures.test/another', state: 'fetched', reason: '', status: null, file: 'other/b.jpg', triedAt: 0 }, 0);
    const withPictures = new PostList(store, '/store/pictures');
    const placeOf = async (list: PostList, { source, pid }: PostRow) => {
      const { root, imagePath } = postDetailsSchema.parse(await drain(list.details({ post: { source, pid }, experiment })));
      return { root, imagePath };
    };
    assert.deepEqual(await placeOf(withPictures, first!), { root: '/store/pictures', imagePath: 'other/a.jpg' });
    const own = { root: requireSource(store, 'other').root, imagePath: null };
    assert.deepEqual(await placeOf(withPictures, second!), own);
    assert.deepEqual(await placeOf(made.list, first!), own);
  });

  it('takes any words: operators, quotes, NUL, half of a character, very long ones', async () => {
    for (const text of ['"', 'a" OR "b', 'NEAR(a b)', 'title:lake', '*', '^lake', "'; DROP TABLE posts; --", '\u0000', '\ud800', '-', '( ) AND NOT', '%', '_', '\u202e', 'x'.repeat(200), ' '.repeat(10)]) {
      const shown = await page(made.list, { text });
      assert.equal(shown.all, 390, JSON.stringify(text));
      if (text.trim() === '') assert.equal(shown.matches, 390);
    }
    assert.equal((await page(made.list, { text: 'caption:cat' })).matches, 0);
  });
});

describe('PostList, when the store changes', () => {
  it('follows decisions, captions, draws, runs and imports', async () => {
    const { store, sourceId } = await instructedStore(regularPosts(62, 5));
    const list = new PostList(store);
    const context = testContext(store);
    const matches = async (query: Partial<PostsQuery>): Promise<number> => (await page(list, query)).matches;
    assert.equal(await matches({ state: 'excluded' }), 0);
    const post = { source: 'posts', pid: 'u000-1' };
    const changed = await drain(decideOnPosts(context, { kind: 'post-excluded', posts: [post, { source: 'posts', pid: 'u001-1' }], reason: 'why', author: 'anna' }));
    assert.deepEqual(changed, [{ ...post, reason: '' }, { source: 'posts', pid: 'u001-1', reason: '' }]);
    assert.equal(await matches({ state: 'excluded' }), 2);
    assert.deepEqual(await drain(decideOnPosts(context, { kind: 'post-excluded', posts: [post], reason: 'again', author: 'anna' })), []); // it was out already
    assert.deepEqual(await drain(decideOnPosts(context, { kind: 'post-restored', posts: [post], reason: '', author: 'anna' })), [{ ...post, reason: 'why' }]);
    assert.equal(await matches({ state: 'excluded' }), 1);

    assert.equal(await matches({ hasCaption: true }), 0);
    addCaptions(store, sourceId, [{ pid: 'u003-0', text: 'new', madeBy: 'x', origin: {} }], 1);
    assert.equal(await matches({ hasCaption: true }), 1);
    assert.equal(await matches({ text: 'new' }), 1);

    const drawn = await matches({ split: 'few-shot' });
    await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted)); // one user has a post less, so the draw is another
    assert.ok(drawn > 0 && await matches({ split: 'few-shot' }) > 0);

    fillSource(store, 'posts', mixedPosts(20, 3), { fingerprint: 'another' });
    assert.equal((await page(list, {})).all, 20);
    assert.equal(await matches({ sort: 'user' }), 20);
  });

  it('forgets what a restored backup does not hold', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'post-list-'));
    const file = join(folder, 'store.sqlite');
    const kept = join(folder, 'backup.sqlite');
    const store = await openStore(file, { readOnly: false });
    try {
      const sourceId = fillSource(store, 'posts', regularPosts(10, 3));
      await store.copyInto(kept, () => undefined);
      const [first] = store.prepare<{ pid: string }>('SELECT pid FROM live_posts ORDER BY pid').all();
      await drain(decideOnPosts(testContext(store), { kind: 'post-excluded', posts: [{ source: 'posts', pid: first!.pid }], reason: '', author: 'anna' }));
      addCaptions(store, sourceId, [{ pid: first!.pid, text: 'new', madeBy: 'x', origin: {} }], 1);
      const list = new PostList(store);
      const matches = async (): Promise<number[]> => [(await page(list, { state: 'excluded' })).matches, (await page(list, { hasCaption: true })).matches];
      assert.deepEqual(await matches(), [1, 1]);
      const backup = await openStore(kept, { readOnly: false });
      setStoreRevision(backup, 1);
      await backup.copyInto(file, () => undefined);
      backup.close();
      assert.deepEqual(await matches(), [0, 0]);
    } finally {
      store.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('reads a source anew that was removed and indexed again under the same numbers', async () => {
    const { store, sourceId } = await instructedStore(regularPosts(62, 5));
    const list = new PostList(store);
    const generation = (): unknown => store.prepare('SELECT id, live_generation FROM sources').all();
    const before = generation();
    await page(list, {});
    store.prepare('DELETE FROM sources WHERE id = ?').run(sourceId);
    fillSource(store, 'posts', mixedPosts(20, 3));
    assert.deepEqual(generation(), before);
    assert.equal((await page(list, {}, { kind: 'first' }, 50)).rows.length, 20);
  });

  it('answers several questions at once while it reads', async () => {
    const { store } = await instructedStore();
    const list = new PostList(store);
    const answers = await Promise.all([page(list, {}), page(list, { sort: 'user' }), page(list, { hasCaption: false }), drain(list.overview({ query: EVERY_POST, experiment, bins: 5 }))]);
    assert.deepEqual(answers.slice(0, 3).map((answer) => (answer as PostsPage).matches), [300, 300, 300]);
  });
});

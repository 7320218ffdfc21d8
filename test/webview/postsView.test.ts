// The Posts view's page in a real browser over a real store: what a person does with keys and pointer, and what becomes of it.
import assert from 'node:assert/strict';
import { EVERY_POST, POSTS_VIEW, type ChangedPost, type KeptPosts, type PostsView } from '../../src/protocol/postsView.ts';
import type { Handlers } from '../../src/protocol/requestChannel.ts';
import { UserError } from '../../src/domain/errors.ts';
import { postsTexts } from '../../src/editor/postsTexts.ts';
import { decideOnPosts } from '../../src/stages/decideOnPost.ts';
import type { Database } from '../../src/store/database.ts';
import { PostList } from '../../src/store/postList.ts';
import { drain, fillSource, openTestStore, testContext, type FixturePost } from '../unit/stages/stageFixture.ts';
import { PageHarness, type OpenPage } from './pageHarness.ts';

const experiment = { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' } as const;
const HOSTILE = '<img src=x onerror="document.title=1"><b>bold</b>\u202e${1+1}';
const MANY = 250;

const posts: FixturePost[] = Array.from({ length: MANY }, (_, index) => ({
  pid: String(1000 + index), uid: `user${index % 20}`, postedAt: 1_450_000_000 + index * 86_400, label: index === 7 ? null : 200 + ((index * 37) % 800),
  title: index === 3 ? HOSTILE : index % 5 === 0 ? `sunset ${index}` : `title ${index}`, category: index % 2 === 0 ? 'Food' : 'Travel', ...(index === 9 ? { dropped: 'picture-missing' } : {}),
}));

interface Editor {
  readonly handlers: Handlers<PostsView>;
  readonly store: Database;
  readonly opened: { file: string; row: number; pid: string }[];
  copied: string;
  failure: Error | null; // of the next pages
  asked: number; // pages
}

async function editor(): Promise<Editor> {
  const store = await openTestStore();
  fillSource(store, 'posts', posts);
  store.exec("INSERT INTO posts_search (rowid, title, tags, caption) SELECT id, title, tags, '' FROM posts; UPDATE generations SET numeric_pids = 1");
  const list = new PostList(store);
  const context = testContext(store);
  const done: { kind: 'post-excluded' | 'post-restored'; changed: ChangedPost[] }[] = [];
  const decide = (kind: 'post-excluded' | 'post-restored', keys: readonly { source: string; pid: string }[]) =>
    drain(decideOnPosts(context, { kind, posts: keys.map(({ source, pid }) => ({ source, pid })), reason: '', author: 'anna' }));
  const made: Editor = {
    store, opened: [], copied: '', failure: null, asked: 0,
    handlers: {
      start: () => ({ folder: '/data', hasPosts: true, locale: 'en', texts: postsTexts((message) => message) }),
      page: (request) => {
        made.asked++;
        if (made.failure !== null) throw made.failure;
        return list.page({ ...request, experiment });
      },
      overview: (request) => list.overview({ ...request, experiment }),
      details: async (request) => ({ details: await drain(list.details({ ...request, experiment })), picture: { missing: 'the image file is missing' } }),
      decide: async ({ kind, posts: keys }) => {
        const changed = await decide(kind, keys);
        done.push({ kind, changed });
        return changed.length;
      },
      undo: async () => {
        const last = done.pop();
        if (last === undefined) return null;
        await decide(last.kind === 'post-excluded' ? 'post-restored' : 'post-excluded', last.changed);
        return { kind: last.kind, posts: last.changed.length };
      },
      open: (place) => {
        made.opened.push(place);
        return null;
      },
      copy: ({ text }) => {
        made.copied = text;
        return null;
      },
      predict: () => null, index: () => null, showLog: () => null,
    },
  };
  return made;
}

describe('Posts view, in a browser', function () {
  this.timeout(60_000);
  let harness: PageHarness;
  let made: Editor;
  let shown: OpenPage;

  before(async () => {
    harness = await PageHarness.start();
  });
  after(() => harness.stop());
  const open = async (options: { kept?: unknown; size?: { width: number; height: number } } = {}): Promise<void> => {
    made = await editor();
    shown = await harness.open('posts', POSTS_VIEW, made.handlers, options);
    await row(0).waitFor();
  };
  afterEach(async () => {
    await shown.close();
    assert.deepEqual(shown.faults, []); // no script failed and the page's policy held
  });
  const row = (index: number) => shown.page.locator('.row').nth(index);
  const selectedIds = () => shown.page.locator('.row[aria-selected=true] .cell.id').allInnerTexts();
  const count = (text: string) => shown.page.locator('.count', { hasText: text }).waitFor();
  const press = (key: string) => shown.page.keyboard.press(key);
  const field = (label: string) => shown.page.locator('vscode-text-field', { hasText: label }).locator('input');
  const isExcluded = (pid: string) => made.store.prepare('SELECT 1 FROM excluded_posts WHERE pid = ?').get(pid) !== undefined;

  it('lists posts, moves by arrows over the edge of a page, and opens the post at its row', async () => {
    await open();
    await count('1–100 of 250 posts');
    await row(0).click();
    await press('ArrowDown');
    assert.deepEqual(await selectedIds(), ['1001']);
    await press('Enter');
    await press('End');
    await press('ArrowDown');
    await count('101–200 of 250 posts');
    assert.deepEqual(await selectedIds(), ['1100']);
    await press('ArrowUp');
    await count('1–100 of 250 posts');
    assert.deepEqual(await selectedIds(), ['1099']);
    assert.deepEqual(made.opened, [{ file: '/data/posts.csv', row: 3, pid: '1001' }]);
  });

  it('turns to the last page and back, and jumps to a place', async () => {
    await open();
    await shown.page.getByRole('button', { name: 'Last Page' }).click();
    await count('151–250 of 250 posts');
    await shown.page.getByRole('button', { name: 'Previous Page' }).click();
    await count('51–150 of 250 posts');
    await shown.page.locator('.jump input').fill('200');
    await press('Enter');
    await count('200–250 of 250 posts');
    await shown.page.locator('.jump input').fill('soon');
    await press('Enter');
    await shown.page.locator('.message', { hasText: '“soon” is no position.' }).waitFor();
  });

  it('excludes and restores with one key, shows it when it is committed, and takes it back', async () => {
    await open();
    await row(2).click();
    await press('Space');
    await shown.page.locator('.row.excluded .cell.id', { hasText: '1002' }).waitFor();
    assert.ok(isExcluded('1002'));
    await press('x');
    await shown.page.locator('.row.used .cell.id', { hasText: '1002' }).waitFor();
    assert.equal(isExcluded('1002'), false);
    await press('u');
    await shown.page.locator('.row.excluded .cell.id', { hasText: '1002' }).waitFor();
    await press('u');
    await shown.page.locator('.row.used .cell.id', { hasText: '1002' }).waitFor();
    await press('u');
    await shown.page.locator('.message', { hasText: 'Nothing to undo.' }).waitFor();
  });

  it('excludes a selection at once, and takes all of it back at once', async () => {
    await open();
    await row(0).click();
    for (let times = 0; times < 4; times++) await press('Shift+ArrowDown');
    await row(8).click({ modifiers: ['Control'] });
    assert.deepEqual(await selectedIds(), ['1000', '1001', '1002', '1003', '1004', '1008']);
    await press('x');
    await shown.page.locator('.message', { hasText: '6 excluded' }).waitFor();
    assert.equal(await shown.page.locator('.row.excluded').count(), 6);
    await press('u');
    await shown.page.locator('.message', { hasText: 'Undone: 6 excluded' }).waitFor();
    assert.equal(await shown.page.locator('.row.excluded').count(), 0);
  });

  it('searches, says what to do where nothing is found, and clears', async () => {
    await open();
    await press('/');
    await shown.page.keyboard.type('sunset');
    await count('1–50 of 50 posts (250 in all)');
    await field('User').fill('nobody');
    await shown.page.locator('.notice', { hasText: 'No post matches these filters.' }).waitFor();
    await shown.page.locator('.notice').getByText('Clear Filters').click();
    await count('1–100 of 250 posts');
    assert.equal(await field('Search').inputValue(), '');
  });

  it('sorts by a header, says so, and keeps posts without a score last', async () => {
    await open();
    await shown.page.getByRole('button', { name: 'Score' }).click();
    await shown.page.locator('[role=columnheader][aria-sort=descending]', { hasText: 'Score' }).waitFor();
    const scores = (await shown.page.locator('.row .cell.score').allInnerTexts()).map(Number);
    assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
    await shown.page.getByRole('button', { name: 'Last Page' }).click();
    await count('151–250');
    assert.equal(await shown.page.locator('.row .cell.score').last().innerText(), '—');
  });

  it('chooses a category with its count', async () => {
    await open();
    await shown.page.locator('vscode-dropdown').nth(1).click();
    await shown.page.locator('vscode-option', { hasText: 'Travel (125)' }).click();
    await count('of 125 posts (250 in all)');
  });

  it('restricts scores by keys and by a stretch drawn on the picture', async () => {
    await open();
    const low = shown.page.getByRole('slider', { name: 'Lowest score' });
    await low.focus();
    await press('PageUp');
    await shown.page.locator('.range', { hasText: 'Score 3.00 to' }).waitFor();
    await count('(250 in all)');
    assert.ok((await shown.page.locator('.row .cell.score').allInnerTexts()).every((score) => Number(score) >= 3));
    await press('Escape');
    await count('1–100 of 250 posts');
    const { x, y, width } = (await shown.page.locator('.plot svg').boundingBox())!;
    await shown.page.mouse.move(x + width * 0.5, y + 20);
    await shown.page.mouse.down();
    await shown.page.mouse.move(x + width * 0.75, y + 20);
    await shown.page.mouse.up();
    await count('(250 in all)');
    const scores = (await shown.page.locator('.row .cell.score').allInnerTexts()).map(Number);
    assert.ok(scores.length > 20 && scores.every((score) => score > 5.8 && score < 8.2), scores.join());
  });

  it('shows a stranger\'s text as text', async () => {
    await open();
    assert.equal(await row(3).locator('.cell.title').innerText(), HOSTILE);
    await row(3).click();
    await shown.page.locator('.details h2', { hasText: '<b>bold</b>' }).waitFor();
    assert.equal(await shown.page.locator('.details b, .grid b, .grid img').count(), 0);
    assert.equal(await shown.page.title(), 'Posts');
  });

  it('hides columns, and makes one wider by keys', async () => {
    await open();
    await shown.page.getByText('More Filters').click();
    await shown.page.locator('vscode-checkbox', { hasText: 'Category' }).click();
    assert.equal(await shown.page.locator('.head .category').count(), 0);
    const handle = shown.page.getByRole('separator', { name: 'Width of column Id' });
    const before = (await shown.page.locator('.head .id').boundingBox())!.width;
    await handle.focus();
    await press('ArrowRight');
    assert.equal((await shown.page.locator('.head .id').boundingBox())!.width, before + 16);
    assert.deepEqual((shown.kept as KeptPosts).hidden.includes('category'), true);
  });

  it('offers what can be done with a row by keys, and gives the focus back', async () => {
    await open();
    await row(4).click();
    await press('Shift+F10');
    await shown.page.getByRole('menu').waitFor();
    assert.equal(await shown.page.evaluate('document.activeElement.textContent.includes("Open at Its Line")'), true);
    await press('Escape');
    assert.equal(await shown.page.evaluate('document.activeElement.classList.contains("row")'), true);
    await row(4).click({ button: 'right' });
    await shown.page.getByRole('menuitem', { name: 'Copy Id' }).click();
    await shown.page.locator('.message', { hasText: 'Copied.' }).waitFor();
    assert.equal(made.copied, '1004');
    await row(4).click({ button: 'right' });
    await shown.page.getByRole('menuitem', { name: 'Show User’s Posts' }).click();
    await count('1–13 of 13 posts (250 in all)');
  });

  it('comes back with filter, order, page and selection', async () => {
    const kept: KeptPosts = {
      folder: '/data', query: { ...EVERY_POST, category: 'Food', sort: 'time', descending: true }, place: { kind: 'from', post: { source: 'posts', pid: '1040' } },
      selected: { source: 'posts', pid: '1030' }, hidden: ['tags', 'user'], widths: {}, showsDetails: false, showsMore: false,
    };
    await open({ kept });
    await count('105–125 of 125 posts (250 in all)');
    assert.deepEqual(await selectedIds(), ['1030']);
    assert.equal(await shown.page.locator('.head .user').count(), 0);
    assert.equal(await shown.page.locator('.details').isVisible(), false);
  });

  it('begins anew where what it kept is of no use', async () => {
    await open({ kept: { query: { sort: 'nonsense' } } });
    await count('1–100 of 250 posts');
  });

  it('says a failure in place of the list and tries again', async () => {
    await open();
    made.failure = new UserError('store-busy', 'The store is busy.', 'Wait a moment.');
    await shown.page.getByRole('button', { name: 'Next Page' }).click();
    await shown.page.locator('.notice', { hasText: 'The store is busy.' }).filter({ hasText: 'Wait a moment.' }).waitFor();
    made.failure = null;
    await shown.page.locator('.notice').getByText('Try Again').click();
    await count('1–100 of 250 posts');
  });

  it('shows what another window decided', async () => {
    await open();
    await drain(decideOnPosts(testContext(made.store), { kind: 'post-excluded', posts: [{ source: 'posts', pid: '1005' }], reason: 'double', author: 'ben' }));
    await shown.notify({ type: 'notice', notice: 'changed' });
    await shown.page.locator('.row.excluded .cell.id', { hasText: '1005' }).waitFor();
    assert.equal(await row(5).locator('.cell.status').getAttribute('title'), 'excluded by ben: double');
  });

  it('shows what a command asks for', async () => {
    await open();
    await shown.notify({ type: 'notice', notice: 'show', query: { ...EVERY_POST, user: 'user3' } });
    await count('1–13 of 13 posts (250 in all)');
    assert.equal(await field('User').inputValue(), 'user3');
  });

  for (const width of [320, 420, 560]) {
    it(`fits a window ${width} pixels wide without scrolling sideways`, async () => {
      await open({ size: { width, height: 800 } });
      assert.equal(await shown.page.evaluate('Math.max(document.documentElement.scrollWidth, document.querySelector(".grid").scrollWidth) <= innerWidth'), true);
      assert.equal(await shown.page.evaluate('document.documentElement.scrollHeight <= innerHeight && document.querySelector(".pager").getBoundingClientRect().bottom <= innerHeight'), true);
      assert.ok((await shown.page.locator('.grid').boundingBox())!.height > 300);
      await shown.page.getByText('More Filters').click();
      assert.ok((await shown.page.locator('.grid').boundingBox())!.height > 100);
      assert.equal(await shown.page.evaluate('document.querySelector(".pager").getBoundingClientRect().bottom <= innerHeight'), true);
    });
  }
});

describe('Posts view, when the editor answers wrongly', function () {
  this.timeout(60_000);
  it('shows a fault instead of half an answer', async () => {
    const harness = await PageHarness.start();
    try {
      const { handlers } = await editor();
      const shown = await harness.open('posts', POSTS_VIEW, { ...handlers, page: () => ({ rows: [{ pid: 1 }], first: 'x' }) as never });
      await shown.page.locator('.notice', { hasText: 'SMP Curator met a fault of its own.' }).waitFor();
    } finally {
      await harness.stop();
    }
  });
});

// Root of the Posts view's page: constructs, connects. No logic.
import { POSTS_VIEW, postsNoticeSchema } from '../../src/protocol/postsView.ts';
import { EditorWire } from '../editorWire.ts';
import { element, show } from '../elements.ts';
import { button } from '../toolkit.ts';
import { ContextMenu, type MenuItem } from './contextMenu.ts';
import { DetailsPane } from './detailsPane.ts';
import { FilterBar } from './filterBar.ts';
import { Histogram } from './histogram.ts';
import { Pager } from './pager.ts';
import { PostGrid } from './postGrid.ts';
import { PostsModel } from './postsModel.ts';

const wire = new EditorWire(POSTS_VIEW, postsNoticeSchema, (notice) => {
  if (notice.notice === 'changed') void model.changed();
  else void model.ask(notice.query);
});
const model = new PostsModel(wire, innerWidth >= 760);
await model.start();
build();
await model.first();

function build(): void {
  const t = model.t.bind(model);
  document.title = t('posts');
  const menu = new ContextMenu();
  const filters = new FilterBar(model);
  const grid = new PostGrid(model, (_row, x, y) => menu.open(menuItems(), x, y));
  const notice = element('div', { class: 'notice', role: 'alert' });
  const list = element('div', { class: 'list' }, grid.element, notice);
  const busy = element('div', { class: 'busy' }, element('span', { class: 'reading', role: 'status' }));
  document.body.append(filters.element, new Histogram(model).element, element('div', { class: 'middle' }, list, new DetailsPane(model).element), new Pager(model).element, busy, menu.element);
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || isField(event.target)) return;
    event.preventDefault();
    filters.focusSearch();
  });
  filters.element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' || (event.key === 'ArrowDown' && isSearch(event.target))) grid.focusActive();
  });

  const draw = (): void => {
    const shown = noticeOf();
    show(notice, shown !== null);
    show(grid.element, shown === null);
    const key = JSON.stringify(shown?.lines);
    if (notice.dataset['shown'] !== key) {
      notice.dataset['shown'] = key;
      notice.replaceChildren(...(shown?.lines ?? []).map((line) => element('p', {}, line)), element('div', { class: 'actions' }, ...(shown?.actions ?? []).map(([label, run]) => button(label, 'primary', run))));
    }
    show(busy, model.isLoading && (model.page === null || model.reading !== null));
    busy.querySelector('.reading')!.textContent = model.reading === null ? t('loading') : t('reading', model.reading);
    document.body.classList.toggle('loading', model.isLoading);
    for (const part of [filters.element, document.querySelector('.pager') as HTMLElement]) show(part, model.hasPosts !== false);
  };
  model.onChange(draw);
}

/** What is said in place of the list, and what to do about it. */
function noticeOf(): { readonly lines: readonly string[]; readonly actions: readonly [string, () => void][] } | null {
  const t = model.t.bind(model);
  if (model.failure !== null) {
    const { whatHappened, nextStep } = model.failure;
    return { lines: [whatHappened, nextStep].filter((line) => line !== ''), actions: [[t('tryAgain'), () => void model.changed()], [t('openLog'), () => void model.showLog()]] };
  }
  if (model.hasPosts === false) return { lines: [t('nothingIndexed')], actions: [[t('indexData'), () => void model.index()]] };
  if (model.page !== null && model.page.rows.length === 0) return { lines: [t('noMatch')], actions: [[t('clearFilters'), () => void model.clear()]] };
  return null;
}

function menuItems(): MenuItem[] {
  const t = model.t.bind(model);
  const row = model.active;
  const isOut = model.chosen.length > 0 && model.chosen.every((post) => post.excluded !== null);
  return [
    { label: t('open'), key: '↵', run: () => void model.open() },
    { label: t(isOut ? 'restore' : 'exclude'), key: 'X', run: () => void model.decide() },
    ...(isOut ? [] : [{ label: t('excludeWhy'), key: '⇧X', run: () => void model.decide(true) }]),
    { label: t('undo'), key: 'U', run: () => void model.undo() },
    { label: t('copyId'), key: 'C', run: () => void model.copy('id') },
    { label: t('copyRow'), key: 'Ctrl+C', run: () => void model.copy('row') },
    { label: t('postsOfUser'), key: '', run: () => void (row !== null && model.ask({ user: row.uid, source: row.source })) },
    { label: t('predictPost'), key: '', run: () => void model.predict() },
    { label: t(model.view.showsDetails ? 'hideDetails' : 'showDetails'), key: 'D', run: () => model.lay({ showsDetails: !model.view.showsDetails }) },
  ];
}

const isField = (target: EventTarget | null): boolean => target instanceof Element && target.closest('vscode-text-field, vscode-dropdown, input') !== null;
const isSearch = (target: EventTarget | null): boolean => target instanceof Element && target.closest('.search') !== null;

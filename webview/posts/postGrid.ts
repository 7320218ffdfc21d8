// The list: a grid of rows with one tab stop, which arrows, Enter and single keys work on. In a narrow window the same cells
// stand as a card (posts.css).
import { POST_COLUMNS, type PostColumn, type PostRow } from '../../src/protocol/postsView.ts';
import { element } from '../elements.ts';
import { cellText, COLUMN_TEXTS, scoreText, SORT_OF_COLUMN, statusText, timeText } from './postTexts.ts';
import { keyOf, type PostsModel } from './postsModel.ts';

const WIDTHS: Readonly<Record<PostColumn, number>> = { // pixels, before a person changes them
  status: 92, id: 78, source: 90, user: 100, title: 170, tags: 200, category: 112, score: 58, prediction: 88, error: 62, posted: 92, split: 90, caption: 68,
};
const NUMBERS: ReadonlySet<PostColumn> = new Set(['score', 'prediction', 'error']);
const KEY_STEP = 16; // pixels a key press makes a column wider

export class PostGrid {
  readonly element = element('div', { class: 'grid', role: 'grid', 'aria-multiselectable': 'true' });
  readonly #head = element('div', { class: 'head', role: 'row', 'aria-rowindex': '1' });
  readonly #body = element('div', { class: 'body', role: 'rowgroup' });
  readonly #model: PostsModel;
  readonly #onMenu: (row: PostRow, x: number, y: number) => void;
  #shownRows: readonly PostRow[] = [];
  #shownColumns = '';

  /** @param onMenu opens what can be done with a row, at a place of the window */
  constructor(model: PostsModel, onMenu: (row: PostRow, x: number, y: number) => void) {
    this.#model = model;
    this.#onMenu = onMenu;
    this.element.setAttribute('aria-label', model.t('posts'));
    this.element.append(element('div', { role: 'rowgroup' }, this.#head), this.#body);
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.#body.addEventListener('click', (event) => this.#click(event));
    this.#body.addEventListener('dblclick', (event) => {
      if (this.#indexOf(event) !== null) void model.open();
    });
    this.#body.addEventListener('contextmenu', (event) => {
      const index = this.#indexOf(event);
      if (index === null) return;
      event.preventDefault();
      if (!model.selection.has(keyOf(model.rows[index]!))) model.activate(index);
      onMenu(model.rows[index]!, event.clientX, event.clientY);
    });
    model.onChange(() => this.draw());
  }

  focusActive(): void {
    this.#rowAt(this.#model.activeIndex)?.focus();
  }

  get #columns(): PostColumn[] {
    const { view, overview } = this.#model;
    const hasSources = (overview?.sources.length ?? 0) > 1;
    return POST_COLUMNS.filter((column) => !view.hidden.includes(column) && (column !== 'source' || hasSources));
  }

  draw(): void {
    const { page, view } = this.#model;
    const columns = this.#columns;
    const widthOf = (column: PostColumn): number => view.widths[column] ?? WIDTHS[column];
    this.element.style.setProperty('--columns', columns.map((column) => (column === 'title' && view.widths.title === undefined ? `minmax(${WIDTHS.title}px, 1fr)` : `${widthOf(column)}px`)).join(' '));
    this.element.style.setProperty('--row-width', `${columns.reduce((sum, column) => sum + widthOf(column), 0)}px`);
    this.element.setAttribute('aria-rowcount', String((page?.matches ?? 0) + 1));
    this.element.setAttribute('aria-colcount', String(columns.length));
    const layout = JSON.stringify([columns, view.query.sort, view.query.descending]);
    if (layout !== this.#shownColumns) this.#drawHead(columns);
    if (page !== null && (page.rows !== this.#shownRows || layout !== this.#shownColumns)) this.#drawRows(page.rows, page.first, columns);
    this.#shownColumns = layout;
    this.#markRows();
  }

  #drawHead(columns: readonly PostColumn[]): void {
    const { query } = this.#model.view;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['head'] : undefined;
    this.#head.replaceChildren(...columns.map((column, index) => {
      const label = this.#model.t(COLUMN_TEXTS[column]);
      const sort = SORT_OF_COLUMN[column];
      const cell = element('div', { role: 'columnheader', class: `cell ${column}`, 'aria-colindex': String(index + 1) });
      if (sort === undefined) cell.append(element('span', { class: 'label' }, label));
      else {
        const isSorted = query.sort === sort;
        cell.setAttribute('aria-sort', !isSorted ? 'none' : query.descending ? 'descending' : 'ascending');
        const press = element('button', { type: 'button', 'data-head': column }, label, element('span', { 'aria-hidden': 'true', class: 'sign' }, !isSorted ? '' : query.descending ? ' ↓' : ' ↑'));
        press.addEventListener('click', () => void this.#model.ask(isSorted ? { descending: !query.descending } : { sort, descending: sort === 'score' || sort === 'error' || sort === 'time' }));
        cell.append(press);
      }
      cell.append(this.#resizer(column, label));
      return cell;
    }));
    if (focused !== undefined) this.#head.querySelector<HTMLElement>(`[data-head="${focused}"]`)?.focus();
  }

  /** The border that is drawn with the pointer or moved with arrows. */
  #resizer(column: PostColumn, label: string): HTMLElement {
    const handle = element('div', { class: 'resizer', role: 'separator', tabindex: '0', 'aria-orientation': 'vertical', 'aria-label': this.#model.t('resize', label) });
    const resize = (width: number): void => {
      const bounded = Math.round(Math.max(40, Math.min(1200, width)));
      handle.setAttribute('aria-valuenow', String(bounded));
      this.#model.lay({ widths: { ...this.#model.view.widths, [column]: bounded } });
    };
    const widthNow = (): number => handle.parentElement!.getBoundingClientRect().width;
    handle.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      const [startX, startWidth] = [event.clientX, widthNow()];
      handle.setPointerCapture(event.pointerId);
      const move = (moved: PointerEvent): void => resize(startWidth + moved.clientX - startX);
      handle.addEventListener('pointermove', move);
      handle.addEventListener('lostpointercapture', () => handle.removeEventListener('pointermove', move), { once: true });
    });
    handle.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      event.preventDefault();
      event.stopPropagation();
      resize(widthNow() + (event.key === 'ArrowLeft' ? -KEY_STEP : KEY_STEP));
    });
    return handle;
  }

  #drawRows(rows: readonly PostRow[], first: number, columns: readonly PostColumn[]): void {
    const hadFocus = this.#body.contains(document.activeElement);
    const isOtherPage = rows[0] === undefined || this.#shownRows[0] === undefined || keyOf(rows[0]) !== keyOf(this.#shownRows[0]);
    this.#shownRows = rows;
    this.#body.replaceChildren(...rows.map((row, index) => this.#drawRow(row, first + index + 2, columns)));
    if (isOtherPage) this.element.scrollTop = 0;
    this.#markRows();
    if (hadFocus) this.focusActive();
  }

  #drawRow(row: PostRow, rowIndex: number, columns: readonly PostColumn[]): HTMLElement {
    const state = row.excluded !== null ? 'excluded' : row.dropped !== null ? 'dropped' : 'used';
    return element('div', { role: 'row', class: `row ${state}`, tabindex: '-1', 'aria-rowindex': String(rowIndex) }, ...columns.map((column, index) => {
      const text = cellText(this.#model, row, column);
      const cell = element('div', { role: 'gridcell', class: `cell ${column}${NUMBERS.has(column) ? ' number' : ''}`, 'aria-colindex': String(index + 1), 'data-label': this.#model.t(COLUMN_TEXTS[column]) });
      if (column === 'status') cell.append(statusSign(state, this.#model.t(state === 'excluded' ? 'statusExcluded' : state === 'dropped' ? 'statusDropped' : 'statusUsed')));
      else cell.append(text);
      if (column === 'title' && row.title === '') cell.classList.add('faint');
      cell.title = column === 'status' ? statusText(this.#model, row) : column === 'posted' ? timeText(row.postedAt) : column === 'score' ? scoreText(row.score) : text;
      return cell;
    }));
  }

  /** Selection and the tab stop, without drawing rows anew. */
  #markRows(): void {
    const active = this.#model.activeIndex;
    [...this.#body.children].forEach((row, index) => {
      const post = this.#shownRows[index];
      row.setAttribute('aria-selected', String(post !== undefined && this.#model.selection.has(keyOf(post))));
      row.setAttribute('tabindex', index === Math.max(0, active) ? '0' : '-1');
      row.classList.toggle('active', index === active);
    });
  }

  #rowAt(index: number): HTMLElement | null {
    return (this.#body.children[index] as HTMLElement | undefined) ?? null;
  }

  #indexOf(event: Event): number | null {
    const row = event.target instanceof Element ? event.target.closest('.row') : null;
    return row === null ? null : [...this.#body.children].indexOf(row);
  }

  #click(event: MouseEvent): void {
    const index = this.#indexOf(event);
    if (index === null) return;
    this.#model.activate(index, event.shiftKey ? 'range' : event.ctrlKey || event.metaKey ? 'toggle' : 'alone');
    this.focusActive();
  }

  #key(event: KeyboardEvent): void {
    if (!(event.target instanceof Element) || event.target.closest('.head') !== null || event.altKey) return;
    const action = this.#actionOf(event);
    if (action === null) return;
    event.preventDefault();
    void action();
  }

  #actionOf(event: KeyboardEvent): (() => unknown) | null {
    const model = this.#model;
    const at = model.activeIndex;
    const how = event.shiftKey ? 'range' : 'alone';
    const move = (index: number) => () => {
      model.activate(index, how);
      this.focusActive();
    };
    const turn = (to: 'first' | 'previous' | 'next' | 'last', end: 'first' | 'last') => async () => {
      await model.turn(to, end);
      this.focusActive();
    };
    const withControl = event.ctrlKey || event.metaKey;
    if (withControl) {
      switch (event.key.toLowerCase()) {
        case 'a': return () => model.selectPage();
        case 'z': return () => model.undo();
        case 'c': return () => model.copy('row');
        case 'home': return turn('first', 'first');
        case 'end': return turn('last', 'last');
        default: return null;
      }
    }
    switch (event.key) {
      case 'ArrowDown': return at + 1 < model.rows.length || !model.hasNext ? move(at + 1) : turn('next', 'first');
      case 'ArrowUp': return at > 0 || !model.hasPrevious ? move(at - 1) : turn('previous', 'last');
      case 'Home': return move(0);
      case 'End': return move(model.rows.length - 1);
      case 'PageDown': return turn('next', 'first');
      case 'PageUp': return turn('previous', 'first');
      case 'Enter': return () => model.open();
      case ' ': case 'x': return () => model.decide();
      case 'X': return () => model.decide(true);
      case 'u': return () => model.undo();
      case 'c': return () => model.copy('id');
      case 'd': return () => model.lay({ showsDetails: !model.view.showsDetails });
      case 'ContextMenu': return this.#openMenu();
      case 'F10': return event.shiftKey ? this.#openMenu() : null;
      default: return null;
    }
  }

  #openMenu(): (() => void) | null {
    const row = this.#model.active;
    const shown = this.#rowAt(this.#model.activeIndex);
    if (row === null || shown === null) return null;
    const { left, bottom } = shown.getBoundingClientRect();
    return () => this.#onMenu(row, left + 24, bottom);
  }
}

/** A sign that does not live by its colour alone. */
function statusSign(state: 'used' | 'excluded' | 'dropped', name: string): HTMLElement {
  const sign = element('span', { class: 'sign', 'aria-hidden': 'true' }, state === 'used' ? '●' : state === 'excluded' ? '⊘' : '△');
  return element('span', { class: `state ${state}` }, sign, element('span', { class: 'name' }, name));
}

// What restricts and orders the list: search, choosers, months; the rarer ones behind "More Filters".
import { POST_COLUMNS, POST_SORTS, POST_SPLITS, POST_STATES, type PostsQuery, type PostsTextKey, type PostSort, type PostSplit } from '../../src/protocol/postsView.ts';
import { element, show } from '../elements.ts';
import { button, checkbox, chooser, iconButton, textField, type Chooser } from '../toolkit.ts';
import { COLUMN_TEXTS, SORT_TEXTS, SPLIT_TEXTS } from './postTexts.ts';
import type { PostsModel } from './postsModel.ts';

const TYPING_PAUSE = 200; // milliseconds before what was typed is asked for
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
const ALL = ''; // the value of "no restriction"

export class FilterBar {
  readonly element = element('div', { class: 'filters', role: 'search' });
  readonly #model: PostsModel;
  readonly #search: HTMLElement & { value: string };
  readonly #user: HTMLElement & { value: string };
  readonly #from: HTMLElement & { value: string };
  readonly #to: HTMLElement & { value: string };
  readonly #source: Chooser;
  readonly #category: Chooser;
  readonly #split: Chooser;
  readonly #state: Chooser;
  readonly #caption: Chooser;
  readonly #prediction: Chooser;
  readonly #score: Chooser;
  readonly #sort: Chooser;
  readonly #direction: HTMLElement;
  readonly #more: HTMLElement;
  readonly #moreButton: HTMLElement;
  readonly #clear: HTMLElement;
  readonly #columnBox = element('div', { class: 'columns' });
  #typed: Partial<PostsQuery> = {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: PostsModel) {
    this.#model = model;
    const t = model.t.bind(model);
    this.#search = textField(t('search'), t('searchHint'), (text) => this.#soon({ text: text.slice(0, 200) }), (text) => void model.ask({ text: text.slice(0, 200) }));
    this.#search.classList.add('search');
    this.#user = textField(t('user'), t('userHint'), (value) => this.#soon({ user: value.trim() === '' ? null : value.trim().slice(0, 500) }));
    this.#from = textField(t('from'), t('monthHint'), (value) => this.#month('from', value));
    this.#to = textField(t('to'), t('monthHint'), (value) => this.#month('to', value));
    this.#source = chooser(t('source'), (value) => void model.ask({ source: orNull(value) }));
    this.#category = chooser(t('category'), (value) => void model.ask({ category: value === ALL ? null : value.slice(1) })); // '=' before each: a category may be ''
    this.#split = chooser(t('split'), (value) => void model.ask({ split: orNull(value) as PostSplit | null }));
    this.#state = chooser(t('status'), (value) => void model.ask({ state: orNull(value) as PostsQuery['state'] }));
    this.#caption = chooser(t('caption'), (value) => void model.ask({ hasCaption: orBoolean(value) }));
    this.#prediction = chooser(t('prediction'), (value) => void model.ask({ hasPrediction: orBoolean(value) }));
    this.#score = chooser(t('score'), (value) => void model.ask({ hasScore: orBoolean(value) }));
    this.#sort = chooser(t('sortBy'), (value) => void model.ask({ sort: value as PostSort }));
    this.#direction = iconButton('↓', t('descending'), () => void model.ask({ descending: !model.view.query.descending }));
    this.#moreButton = button(t('moreFilters'), 'secondary', () => model.lay({ showsMore: !model.view.showsMore }));
    this.#clear = button(t('clearFilters'), 'secondary', () => void model.clear());
    this.#more = element('div', { class: 'line more' }, this.#from, this.#to, this.#caption.element, this.#prediction.element, this.#score.element, element('div', { class: 'group' }, element('span', { class: 'label' }, t('columns')), this.#columnBox));
    this.element.append(
      element('div', { class: 'line' }, this.#search, this.#source.element, this.#category.element, this.#split.element, this.#state.element, this.#user,
        element('div', { class: 'group sorting' }, this.#sort.element, this.#direction), element('div', { class: 'buttons' }, this.#moreButton, this.#clear)),
      this.#more,
    );
    for (const column of POST_COLUMNS) {
      this.#columnBox.append(checkbox(t(COLUMN_TEXTS[column]), !model.view.hidden.includes(column), (isChecked) => {
        const { hidden } = model.view;
        model.lay({ hidden: isChecked ? hidden.filter((other) => other !== column) : [...hidden, column] });
      }));
    }
    model.onChange(() => this.draw());
  }

  focusSearch(): void {
    this.#search.focus();
  }

  draw(): void {
    const { query, showsMore } = this.#model.view;
    const t = this.#model.t.bind(this.#model);
    const { overview } = this.#model;
    const count = (posts: number): string => this.#model.count(posts);
    follow(this.#search, query.text);
    follow(this.#user, query.user ?? '');
    follow(this.#from, query.months.from ?? '');
    follow(this.#to, query.months.to ?? '');
    if (overview?.months != null) {
      this.#from.setAttribute('placeholder', overview.months.first);
      this.#to.setAttribute('placeholder', overview.months.last);
    }
    const sources = overview?.sources ?? [];
    show(this.#source.element, sources.length > 1 || query.source !== null);
    this.#source.show([{ value: ALL, label: t('anySource') }, ...sources.map(({ source, posts }) => ({ value: source, label: `${source} (${count(posts)})` }))], query.source ?? ALL);
    const categories = overview?.categories ?? [];
    const listed = query.category === null || categories.some(({ category }) => category === query.category) ? categories : [{ category: query.category, posts: 0 }, ...categories];
    this.#category.show([{ value: ALL, label: t('anyCategory') }, ...listed.map(({ category, posts }) => ({ value: `=${category}`, label: `${category === '' ? '—' : category} (${count(posts)})` }))], query.category === null ? ALL : `=${query.category}`);
    this.#split.show([{ value: ALL, label: t('anySplit') }, ...POST_SPLITS.map((split) => ({ value: split, label: t(SPLIT_TEXTS[split]) }))], query.split ?? ALL);
    const states: Readonly<Record<(typeof POST_STATES)[number], PostsTextKey>> = { used: 'statusUsed', excluded: 'statusExcluded', dropped: 'statusDropped' };
    this.#state.show([{ value: ALL, label: t('anyStatus') }, ...POST_STATES.map((state) => ({ value: state, label: t(states[state]) }))], query.state ?? ALL);
    this.#caption.show(yesNo(t('any'), t('withCaption'), t('withoutCaption')), valueOf(query.hasCaption));
    this.#prediction.show(yesNo(t('any'), t('withPrediction'), t('withoutPrediction')), valueOf(query.hasPrediction));
    this.#score.show(yesNo(t('any'), t('withScore'), t('withoutScore')), valueOf(query.hasScore));
    this.#sort.show(POST_SORTS.map((sort) => ({ value: sort, label: t(SORT_TEXTS[sort]) })), query.sort);
    this.#direction.querySelector('.sign')!.textContent = query.descending ? '↓' : '↑';
    const direction = t(query.descending ? 'descending' : 'ascending');
    this.#direction.setAttribute('aria-label', direction);
    this.#direction.title = direction;
    this.element.classList.toggle('shows-more', showsMore);
    show(this.#more, showsMore);
    this.#moreButton.textContent = t(showsMore ? 'fewerFilters' : 'moreFilters');
    this.#moreButton.setAttribute('aria-expanded', String(showsMore));
    show(this.#clear, this.#model.restrictions > 0);
  }

  #soon(changes: Partial<PostsQuery>): void {
    this.#typed = { ...this.#typed, ...changes };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const typed = this.#typed;
      this.#typed = {};
      void this.#model.ask(typed);
    }, TYPING_PAUSE);
  }

  /** A month counts when it is whole; until then the field only says that it is not. */
  #month(end: 'from' | 'to', value: string): void {
    const month = value.trim();
    const isGood = month === '' || MONTH.test(month);
    const field = end === 'from' ? this.#from : this.#to;
    field.setAttribute('aria-invalid', String(!isGood));
    if (isGood) this.#soon({ months: { ...this.#model.view.query.months, ...this.#typed.months, [end]: month === '' ? null : month } });
  }
}

/** A field shows what is asked, but never changes under a person's hands. */
function follow(field: HTMLElement & { value: string }, value: string): void {
  if (field.value !== value && !field.matches(':focus-within') && document.activeElement !== field) field.value = value;
}

const orNull = (value: string): string | null => (value === ALL ? null : value);
const orBoolean = (value: string): boolean | null => (value === ALL ? null : value === 'with');
const valueOf = (value: boolean | null): string => (value === null ? ALL : value ? 'with' : 'without');
const yesNo = (any: string, yes: string, no: string) => [{ value: ALL, label: any }, { value: 'with', label: yes }, { value: 'without', label: no }];

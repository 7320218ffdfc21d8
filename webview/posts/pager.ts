// Which posts of how many are shown, the four ways to turn, and the field that jumps along the sort key.
import type { PagePlace, PostSort, PostsTextKey } from '../../src/protocol/postsView.ts';
import { element } from '../elements.ts';
import { iconButton, textField } from '../toolkit.ts';
import type { PostsModel } from './postsModel.ts';

const JUMP_TEXTS: Readonly<Record<PostSort, PostsTextKey>> = { file: 'goToPosition', time: 'goToMonth', score: 'goToScore', error: 'goToScore', user: 'goToUser', id: 'goToId' };

export class Pager {
  readonly element = element('div', { class: 'pager' });
  readonly #model: PostsModel;
  readonly #status = element('span', { class: 'count', role: 'status' });
  readonly #message = element('span', { class: 'message', role: 'status' });
  readonly #jump: HTMLElement & { value: string };
  readonly #buttons: Readonly<Record<'first' | 'previous' | 'next' | 'last', HTMLElement & { disabled: boolean }>>;

  constructor(model: PostsModel) {
    this.#model = model;
    const turn = (to: 'first' | 'previous' | 'next' | 'last', sign: string, label: PostsTextKey) => iconButton(sign, model.t(label), () => void model.turn(to));
    this.#buttons = { first: turn('first', '⇤', 'firstPage'), previous: turn('previous', '←', 'previousPage'), next: turn('next', '→', 'nextPage'), last: turn('last', '⇥', 'lastPage') };
    this.#jump = textField('', '', () => this.#jump.removeAttribute('aria-invalid'), (value) => this.#go(value.trim()));
    this.#jump.setAttribute('aria-label', model.t('goTo'));
    this.#jump.classList.add('jump');
    this.element.append(this.#buttons.first, this.#buttons.previous, this.#status, this.#buttons.next, this.#buttons.last, this.#message, element('span', { class: 'keys' }, model.t('keys')), element('label', { class: 'jumping' }, element('span', { 'aria-hidden': 'true' }, model.t('goTo')), this.#jump));
    model.onChange(() => this.draw());
  }

  draw(): void {
    const model = this.#model;
    const { page } = model;
    this.#jump.setAttribute('placeholder', model.t(JUMP_TEXTS[model.view.query.sort]));
    for (const name of ['first', 'previous'] as const) this.#buttons[name].disabled = !model.hasPrevious;
    for (const name of ['next', 'last'] as const) this.#buttons[name].disabled = !model.hasNext;
    const status = page === null ? '' : page.rows.length === 0 ? model.t('noneShown', model.count(page.all))
      : model.t(page.matches === page.all ? 'shown' : 'shownOf', model.count(page.first + 1), model.count(page.first + page.rows.length), model.count(page.matches), model.count(page.all));
    if (this.#status.textContent !== status) this.#status.textContent = status;
    const chosen = model.selection.size > 1 ? model.t('selected', model.count(model.selection.size)) : '';
    const message = [chosen, model.message].filter((text) => text !== '').join(' · ');
    if (this.#message.textContent !== message) this.#message.textContent = message;
  }

  #go(text: string): void {
    const place = placeOf(text, this.#model.view.query.sort);
    this.#jump.setAttribute('aria-invalid', String(place === null));
    if (place !== null) void this.#model.goTo(place);
    else this.#message.textContent = this.#model.t('goToBad', text, this.#model.t(JUMP_TEXTS[this.#model.view.query.sort]));
  }
}

/** What was typed as a place in the order; null where it is none. */
export function placeOf(text: string, sort: PostSort): PagePlace | null {
  switch (sort) {
    case 'file': return /^\d{1,9}$/.test(text) && Number(text) > 0 ? { kind: 'position', position: Number(text) - 1 } : null;
    case 'time': {
      const month = /^(\d{4})(?:-(0[1-9]|1[0-2]))?$/.exec(text);
      return month === null ? null : { kind: 'value', value: Date.UTC(Number(month[1]), Number(month[2] ?? 1) - 1) / 1000 };
    }
    case 'score': case 'error': return /^-?\d{1,6}([.,]\d{1,2})?$/.test(text) ? { kind: 'value', value: Math.round(Number(text.replace(',', '.')) * 100) } : null;
    case 'user': case 'id': return text === '' ? null : { kind: 'value', value: text.slice(0, 500) };
  }
}

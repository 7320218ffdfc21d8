// The scores that the filter leaves, as bars on the source's whole axis. A stretch drawn over them, or the two ends moved
// with arrows, restricts the list to these scores.
import type { Hundredths } from '../../src/domain/posts.ts';
import { drawn, element, show } from '../elements.ts';
import { button } from '../toolkit.ts';
import { scoreText } from './postTexts.ts';
import type { PostsModel } from './postsModel.ts';

const HEIGHT = 78; // pixels
const AXIS = 16; // pixels below the bars
const SIDE = 10;
const SETTLE = 150; // milliseconds after the last move of an end
const KEY_STEP = 10; // hundredths
const LEAST_DRAG = 4; // pixels; less is a click, which takes the stretch away

export class Histogram {
  readonly element = element('section', { class: 'histogram' });
  readonly #model: PostsModel;
  readonly #svg = drawn('svg', { height: HEIGHT, role: 'img' }) as SVGSVGElement;
  readonly #low = slider();
  readonly #high = slider();
  readonly #range = element('span', { class: 'range', 'aria-live': 'polite' });
  readonly #clear: HTMLElement;
  #width = 0;
  #ends: { from: Hundredths; to: Hundredths } | null = null; // while they are moved
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: PostsModel) {
    this.#model = model;
    this.#low.setAttribute('aria-label', model.t('lowestScore'));
    this.#high.setAttribute('aria-label', model.t('highestScore'));
    this.#clear = button('×', 'icon', () => this.#ask(null));
    this.#clear.setAttribute('aria-label', model.t('clearFilters'));
    this.element.setAttribute('aria-label', model.t('histogram'));
    this.element.append(element('div', { class: 'title' }, element('span', {}, model.t('histogram')), this.#range, this.#clear), element('div', { class: 'plot' }, this.#svg as unknown as HTMLElement, this.#low, this.#high));
    this.#svg.addEventListener('pointerdown', (event) => this.#drag(event));
    for (const [end, handle] of [['from', this.#low], ['to', this.#high]] as const) handle.addEventListener('keydown', (event) => this.#key(event, end));
    new ResizeObserver(([entry]) => {
      this.#width = Math.floor(entry!.contentRect.width);
      this.draw();
    }).observe(this.#svg.parentElement!);
    model.onChange(() => this.draw());
  }

  get #scores() {
    return this.#model.overview?.scores ?? null;
  }

  get #shown(): { from: Hundredths; to: Hundredths } | null {
    return this.#ends ?? this.#model.view.query.scores;
  }

  draw(): void {
    const scores = this.#scores;
    show(this.element, scores !== null);
    if (scores === null || this.#width < 4 * SIDE) return;
    const most = Math.max(1, ...scores.bins);
    const base = HEIGHT - AXIS;
    const part = (this.#width - 2 * SIDE) / scores.bins.length;
    const shown = this.#shown;
    const step = (scores.to - scores.from + 1) / scores.bins.length;
    const bars = scores.bins.map((posts, index) => {
      const [begin, end] = [scores.from + index * step, scores.from + (index + 1) * step];
      const isIn = shown === null || (end > shown.from && begin <= shown.to);
      const height = posts === 0 ? 0 : Math.max(1, (posts / most) * (base - 15));
      return drawn('rect', { class: isIn ? 'bar' : 'bar out', x: SIDE + index * part, y: base - height, width: Math.max(1, part - 1), height }, drawn('title', {}, `${scoreText(Math.ceil(begin))}–${scoreText(Math.ceil(end) - 1)}: ${this.#model.count(posts)}`));
    });
    const marks = ticks(scores.from, scores.to, this.#width).map((score) => drawn('text', { x: this.#xOf(score), y: HEIGHT - 3, 'text-anchor': 'middle' }, String(score / 100)));
    const brush = shown === null ? [] : [drawn('rect', { class: 'brush', x: this.#xOf(shown.from), y: 0, width: Math.max(1, this.#xOf(shown.to) - this.#xOf(shown.from)), height: base })];
    const mean = scores.mean === null ? [] : [
      drawn('path', { class: 'mean', d: `M${this.#xOf(scores.mean)} 0V${base}` }),
      drawn('text', { class: 'mean-text', x: this.#xOf(scores.mean) + (this.#xOf(scores.mean) > this.#width - 90 ? -5 : 5), y: 11, 'text-anchor': this.#xOf(scores.mean) > this.#width - 90 ? 'end' : 'start' }, this.#model.t('mean', scoreText(Math.round(scores.mean)))),
    ];
    this.#svg.setAttribute('width', String(this.#width));
    this.#svg.setAttribute('aria-label', this.#model.t('histogramOf', this.#model.count(scores.bins.reduce((sum, posts) => sum + posts, 0)), scoreText(scores.from), scoreText(scores.to)));
    this.#svg.replaceChildren(...brush, ...bars, drawn('path', { class: 'axis', d: `M${SIDE} ${base + 0.5}H${this.#width - SIDE}` }), ...mean, ...marks);
    this.#drawEnds(scores, shown);
  }

  #drawEnds(scores: { from: Hundredths; to: Hundredths }, shown: { from: Hundredths; to: Hundredths } | null): void {
    for (const [handle, value] of [[this.#low, shown?.from ?? scores.from], [this.#high, shown?.to ?? scores.to]] as const) {
      handle.style.left = `${this.#xOf(value)}px`;
      handle.setAttribute('aria-valuemin', scoreText(scores.from));
      handle.setAttribute('aria-valuemax', scoreText(scores.to));
      handle.setAttribute('aria-valuenow', scoreText(value));
    }
    this.#range.textContent = shown === null ? '' : this.#model.t('scoreRange', scoreText(shown.from), scoreText(shown.to));
    show(this.#clear, shown !== null);
  }

  #xOf(score: Hundredths): number {
    const { from, to } = this.#scores!;
    return SIDE + (Math.max(0, Math.min(1, (score - from) / (to - from + 1)))) * (this.#width - 2 * SIDE);
  }

  #scoreAt(clientX: number): Hundredths {
    const { from, to } = this.#scores!;
    const share = (clientX - this.#svg.getBoundingClientRect().left - SIDE) / (this.#width - 2 * SIDE);
    return Math.round(from + Math.max(0, Math.min(1, share)) * (to - from));
  }

  #drag(event: PointerEvent): void {
    if (this.#scores === null) return;
    event.preventDefault();
    const [startX, start] = [event.clientX, this.#scoreAt(event.clientX)];
    this.#svg.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent): void => {
      const end = this.#scoreAt(moved.clientX);
      this.#ends = { from: Math.min(start, end), to: Math.max(start, end) };
      this.draw();
    };
    this.#svg.addEventListener('pointermove', move);
    this.#svg.addEventListener('pointerup', (released) => {
      this.#svg.removeEventListener('pointermove', move);
      this.#ask(Math.abs(released.clientX - startX) < LEAST_DRAG ? null : this.#ends);
    }, { once: true });
  }

  #key(event: KeyboardEvent, end: 'from' | 'to'): void {
    const scores = this.#scores;
    if (scores === null) return;
    const now = this.#shown ?? { from: scores.from, to: scores.to };
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -KEY_STEP, ArrowDown: -KEY_STEP, ArrowRight: KEY_STEP, ArrowUp: KEY_STEP, PageDown: -10 * KEY_STEP, PageUp: 10 * KEY_STEP, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (event.key === 'Escape') return this.#ask(null);
    if (step === undefined) return;
    event.preventDefault();
    const moved = Math.max(end === 'from' ? scores.from : now.from, Math.min(end === 'from' ? now.to : scores.to, now[end] + step));
    this.#ends = { ...now, [end]: moved };
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(this.#ends), SETTLE);
  }

  #ask(scores: { from: Hundredths; to: Hundredths } | null): void {
    clearTimeout(this.#timer);
    this.#ends = null;
    const all = this.#scores;
    const isWhole = scores !== null && all !== null && scores.from <= all.from && scores.to >= all.to;
    void this.#model.ask({ scores: isWhole ? null : scores });
    this.draw();
  }
}

const slider = (): HTMLElement => element('div', { class: 'end', role: 'slider', tabindex: '0', 'aria-orientation': 'horizontal' });

/** Round scores for the axis, far enough from each other to be read. */
function ticks(from: Hundredths, to: Hundredths, width: number): Hundredths[] {
  const wanted = (to - from) / Math.max(2, width / 60);
  const step = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((candidate) => candidate >= wanted) ?? 10 ** Math.ceil(Math.log10(wanted));
  const marks: Hundredths[] = [];
  for (let score = Math.ceil(from / step) * step; score <= to; score += step) marks.push(score);
  return marks;
}

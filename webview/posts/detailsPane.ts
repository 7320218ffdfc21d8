// All that is known of the chosen post: picture, fields, captions, predictions, decisions.
import type { PostDetails } from '../../src/protocol/postsView.ts';
import { element, show } from '../elements.ts';
import { button } from '../toolkit.ts';
import { errorText, scoreText, SPLIT_TEXTS, statusText, timeText } from './postTexts.ts';
import type { Details, PostsModel } from './postsModel.ts';

export class DetailsPane {
  readonly element = element('aside', { class: 'details' });
  readonly #model: PostsModel;
  #shown: Details | null | undefined;

  constructor(model: PostsModel) {
    this.#model = model;
    this.element.setAttribute('aria-label', model.t('details'));
    model.onChange(() => this.draw());
  }

  draw(): void {
    const { details, view, hasPosts } = this.#model;
    show(this.element, view.showsDetails && hasPosts === true);
    if (details === this.#shown) return;
    this.#shown = details;
    this.element.scrollTop = 0;
    this.element.replaceChildren(...(details === null ? [element('p', { class: 'faint' }, this.#model.t('chooseForDetails'))] : this.#draw(details)));
  }

  #draw({ details, picture }: Details): HTMLElement[] {
    const t = this.#model.t.bind(this.#model);
    const { post } = details;
    const title = element('h2', post.title === '' ? { class: 'faint' } : {}, details.text.title === '' ? t('untitled') : details.text.title);
    const facts: [string, string][] = [
      [t('columnId'), post.pid], [t('columnUser'), post.uid], [t('columnSource'), post.source], [t('columnScore'), scoreText(post.score)],
      [t('columnCategory'), [post.category, post.subcategory, details.concept].filter((level) => level !== '').join(' › ')], [t('columnTags'), details.text.tags],
      [t('columnPosted'), timeText(post.postedAt)], [t('columnSplit'), t(SPLIT_TEXTS[post.split])], [t('columnStatus'), statusText(this.#model, post)],
      [t('place'), details.latitude === null || details.longitude === null ? '' : `${details.latitude.toFixed(4)}, ${details.longitude.toFixed(4)}`],
      [t('file'), `${post.file}:${post.row}`], ...Object.entries(details.extra),
    ];
    const actions = element('div', { class: 'actions' },
      button(t('open'), 'primary', () => void this.#model.open()),
      button(t(post.excluded === null ? 'exclude' : 'restore'), 'secondary', () => void this.#model.decide()),
      button(t('postsOfUser'), 'secondary', () => void this.#model.ask({ user: post.uid, source: post.source })));
    return [
      ...this.#picture(picture, post.pid), title, actions,
      element('dl', {}, ...facts.filter(([, value]) => value !== '').flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])),
      ...this.#section(t('captions'), t('noCaption'), details.captions.map((caption) => [caption.text, [caption.madeBy, timeText(caption.madeAt), ...(caption.approved ? [t('approved')] : [])]])),
      ...this.#section(t('predictions'), t('noPrediction'), details.predictions.map((prediction) => this.#prediction(prediction, post.score))),
      ...this.#section(t('decisions'), t('noDecision'), details.decisions.map((decision) => [
        `${decision.kind === 'post-excluded' ? t('decidedExcluded') : decision.kind === 'post-restored' ? t('decidedRestored') : decision.kind}${decision.reason === '' ? '' : `: ${decision.reason}`}`, [decision.author, timeText(decision.decidedAt)],
      ])),
    ];
  }

  #prediction(prediction: PostDetails['predictions'][number], score: number | null): [string, string[]] {
    const t = this.#model.t.bind(this.#model);
    const value = prediction.value === null ? `${t('noNumber')}: “${prediction.text}”` : `${scoreText(prediction.value)}${score === null ? '' : ` (${errorText(prediction.value - score)})`}`;
    const interval = prediction.low80 === null || prediction.high80 === null ? [] : [t('interval', scoreText(prediction.low80), scoreText(prediction.high80))];
    return [value, [...interval, prediction.model, prediction.decoder, t('history', prediction.history), timeText(prediction.predictedAt)]];
  }

  #picture(picture: Details['picture'], pid: string): HTMLElement[] {
    if (picture === null) return [];
    if ('missing' in picture) return [element('div', { class: 'no-picture' }, picture.missing)];
    return [element('img', { class: 'picture', src: picture.address, alt: this.#model.t('picture', pid), loading: 'lazy', decoding: 'async' })];
  }

  #section(name: string, none: string, entries: readonly [string, readonly string[]][]): HTMLElement[] {
    return [element('h3', {}, name), entries.length === 0 ? element('p', { class: 'faint' }, none)
      : element('ul', {}, ...entries.map(([text, notes]) => element('li', {}, element('div', {}, text), element('div', { class: 'faint' }, notes.join(' · ')))))];
  }
}

// The hover's card as Markdown, from what the store knows. Pure: the clock, the theme, the picture and the translations
// come in, so that every state of the card is tested without an editor.
import { formatHundredths, type Hundredths } from '../domain/posts.ts';
import type { CardPrediction, PostCard, StaleReason } from '../protocol/postCard.ts';
import { commandLink, escapeText } from './escapeMarkdown.ts';
import { CURVE_SIZE, missingPicture, scoreCurve, svgUri, type ThemeKind } from './scoreCurve.ts';

/** Commands that a card may link to; a hover trusts these and no other. */
export const CARD_COMMANDS = ['smpCurator.predictThisPost', 'smpCurator.showReport', 'smpCurator.searchPosts', 'smpCurator.showPostsOfUser'] as const;

/** `vscode.l10n.t`, or any function that fills {0}, {1}, … */
export type Translate = (message: string, ...args: (string | number)[]) => string;

/** The picture beside the text: an address to show, why there is none, or null where the source has no pictures. */
export type CardPicture = { readonly address: string } | { readonly missing: string } | null;

export interface CardSurroundings {
  readonly folder: string; // path of the folder whose store the card is from
  readonly theme: ThemeKind;
  readonly now: number; // unix seconds
  readonly percentileOf: ((score: Hundredths) => number | null) | null; // share of the source's posts with a smaller score, 0–100
  readonly picture: CardPicture;
  readonly hasReport: boolean;
  readonly translate: Translate;
}

const FAINT = 'color:var(--vscode-descriptionForeground);';
const faint = (html: string): string => `<span style="${FAINT}">${html}</span>`;
const GAP = ' &nbsp; ';

export function renderHoverCard(card: PostCard, around: CardSurroundings): string {
  const facts = factLines(card, around);
  const picture = pictureCell(card, around);
  const table = picture === null
    ? `<table><tr><td>${facts.join('<br>')}</td></tr></table>`
    : `<table><tr><td width="112">${picture}</td><td>${facts.join('<br>')}</td></tr></table>`;
  return [table, warningLine(card, around), curveImage(card, around), linkLine(card, around)].filter((block) => block !== null).join('\n\n');
}

function titleOf(card: PostCard, t: Translate): string {
  return card.title === '' ? t('Untitled post {0}', escapeText(card.pid, 24)) : escapeText(card.title, 80);
}

function categoryOf(card: PostCard): string {
  const levels = [card.category, card.subcategory, card.concept].filter((level, index, all) => level !== '' && all.indexOf(level) === index);
  const shown = levels.length > 2 ? [levels[0]!, levels.at(-1)!] : levels;
  return shown.map((level) => escapeText(level, 32)).join(' › ');
}

/** Title, scores, interval and percentile, views: one line of HTML each. */
function factLines(card: PostCard, around: CardSurroundings): string[] {
  const { translate: t } = around;
  const { prediction, label } = card;
  const category = categoryOf(card);
  const lines = [`<b>${titleOf(card, t)}</b>${category === '' ? '' : ` ${faint(`&nbsp;${category}`)}`}`];

  const scores: string[] = []; // a label and its number stay together in a narrow window
  if (prediction !== null) scores.push(`${t('predicted')}&nbsp;<b>${prediction.value === null ? '—' : formatHundredths(prediction.value)}</b>`);
  scores.push(label === null ? t('no true score') : `${t('true')}&nbsp;<b>${formatHundredths(label)}</b>`);
  if (prediction === null) scores.push(t('not predicted yet'));
  else if (prediction.value !== null && label !== null) scores.push(`${t('error')}&nbsp;<b>${signed(prediction.value - label)}</b>`);
  lines.push(scores.join(GAP));

  const shown = prediction?.value ?? label;
  const details: string[] = [];
  if (prediction !== null && prediction.low80 !== null && prediction.high80 !== null) {
    details.push(t('80 % interval {0} – {1}', tenths(prediction.low80), tenths(prediction.high80)));
  }
  const percentile = shown === null ? null : (around.percentileOf?.(shown) ?? null);
  if (percentile !== null) details.push(t('above {0} % of posts', Math.round(percentile)));
  const seen = prediction === null ? null : seenText(prediction, t);
  if (seen !== null) details.push(seen);
  if (details.length > 0) lines.push(faint(details.join(' &nbsp; ')));
  if (isFirstPost(card)) lines.push(faint(t('first post of its user: nothing to predict it from')));

  const views = viewsLine(card, t);
  if (views !== null) lines.push(faint(views));
  if (prediction !== null && prediction.value === null) lines.push(faint(t('{0} answered “{1}”, which is no number', escapeText(prediction.model, 48), escapeText(prediction.text, 60))));
  return lines;
}

/** A small error says little about a user whose scores the model has learned from. */
function seenText({ role, userSet }: CardPrediction, t: Translate): string | null {
  if (role === 'base' || userSet === null) return null;
  return userSet === 'pool' || userSet === 'few-shot' || (userSet === 'alignment' && role === 'aligned') ? t('user in training ({0})', userSet) : t('user not in training');
}

const isFirstPost = (card: PostCard): boolean => card.prediction === null && card.earlier.length === 0;

/** SMPD's score is about log2 of the views; other sources' scores mean what their owner meant. */
function viewsLine(card: PostCard, t: Translate): string | null {
  if (!card.sourceKind.startsWith('smpd')) return null;
  const predicted = card.prediction?.value ?? null;
  if (predicted !== null && card.label !== null) return t('≈ {0} views predicted, ≈ {1} true', approximateViews(predicted), approximateViews(card.label));
  if (predicted !== null) return t('≈ {0} views predicted', approximateViews(predicted));
  return card.label === null ? null : t('≈ {0} views', approximateViews(card.label));
}

/** 2^S to two significant digits: '180' for 7.52. */
export function approximateViews(score: Hundredths): string {
  const views = 2 ** (score / 100);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(views)) - 1);
  return (Math.round(views / unit) * unit).toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function pictureCell(card: PostCard, around: CardSurroundings): string | null {
  if (around.picture === null) return null;
  const { translate: t } = around;
  const alternative = 'address' in around.picture ? t('Picture of post {0}', escapeText(card.pid, 24)) : escapeText(around.picture.missing, 60);
  const address = 'address' in around.picture ? around.picture.address : svgUri(missingPicture(t('no image'), around.theme));
  return `<img src="${address}" width="104" height="78" alt="${alternative}">`;
}

function warningLine(card: PostCard, around: CardSurroundings): string | null {
  const { translate: t } = around;
  const warnings: string[] = [];
  if (card.prediction?.stale) warnings.push(staleText(card.prediction.stale, t));
  if (card.excluded) warnings.push(t('You excluded this post: no stage uses it.'));
  if (card.dropped !== null) warnings.push(t('Not used: {0}.', escapeText(card.dropped, 80)));
  return warnings.length === 0 ? null : `$(warning) ${warnings.join(' ')}`;
}

function staleText(reason: StaleReason, t: Translate): string {
  switch (reason) {
    case 'history-changed': return t('The earlier posts that the instruction shows are others now than for this prediction.');
    case 'caption-changed': return t('A caption was changed after this prediction.');
    case 'prompt-changed': return t('The post, or an earlier one that the instruction shows, was changed after this prediction.');
    case 'newer-model': return t('The model was trained again after this prediction.');
  }
}

function curveImage(card: PostCard, around: CardSurroundings): string | null {
  const { translate: t } = around;
  const { prediction, earlier } = card;
  const svg = scoreCurve({
    earlier, predicted: prediction?.value ?? null, low80: prediction?.low80 ?? null, high80: prediction?.high80 ?? null, label: card.label,
    earlierText: earlier.length === 1 ? t('1 earlier post') : t('{0} earlier posts', earlier.length), thisText: t('this'),
  }, around.theme);
  if (svg === null) return null;
  const said = [t('Earlier posts {0}.', earlier.map(formatHundredths).join('; '))];
  if (prediction !== null && prediction.value !== null) said.push(t('Predicted {0}.', formatHundredths(prediction.value)));
  if (prediction !== null && prediction.low80 !== null && prediction.high80 !== null) said.push(t('80 % interval {0} – {1}.', formatHundredths(prediction.low80), formatHundredths(prediction.high80)));
  if (card.label !== null) said.push(t('True {0}.', formatHundredths(card.label)));
  return `<img src="${svgUri(svg)}" width="${CURVE_SIZE.width}" height="${CURVE_SIZE.height}" alt="${escapeText(said.join(' '), 300)}">`;
}

function linkLine(card: PostCard, around: CardSurroundings): string {
  const { translate: t } = around;
  const { prediction } = card;
  const key = { folder: around.folder, source: card.source, pid: card.pid }; // two folders may have sources of one name
  const links = isFirstPost(card) ? [] : [link('play', prediction === null ? t('Predict This Post') : t('Predict Again'), commandLink(CARD_COMMANDS[0], key))];
  if (around.hasReport) links.push(link('graph', t('Show Report'), commandLink(CARD_COMMANDS[1], { folder: around.folder, source: card.source })));
  links.push(link('search', t('Open in Search'), commandLink(CARD_COMMANDS[2], { folder: around.folder, text: card.title === '' ? card.pid : card.title.slice(0, 80) })));
  links.push(link('person', t('User’s Posts'), commandLink(CARD_COMMANDS[3], { folder: around.folder, source: card.source, user: card.uid })));
  if (prediction !== null) links.push(faint(provenance(prediction, around)));
  return links.join(' &nbsp;&nbsp; ');
}

const link = (icon: string, label: string, target: string): string => `[$(${icon}) ${label}](${target} "${label}")`;

function provenance(prediction: CardPrediction, around: CardSurroundings): string {
  const parts = [escapeText(prediction.model, 48), prediction.decoder, ago(around.now - prediction.predictedAt, around.translate)];
  return parts.join(', ');
}

/** '2 h ago'. */
export function ago(seconds: number, t: Translate): string {
  if (seconds < 60) return t('just now');
  if (seconds < 3600) return t('{0} min ago', Math.floor(seconds / 60));
  if (seconds < 86400) return t('{0} h ago', Math.floor(seconds / 3600));
  return t('{0} d ago', Math.floor(seconds / 86400));
}

function signed(difference: Hundredths): string {
  const size = formatHundredths(Math.abs(difference));
  return difference < 0 ? `−${size}` : difference > 0 ? `+${size}` : size;
}

const tenths = (score: Hundredths): string => (score / 100).toFixed(1);

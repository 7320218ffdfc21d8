// The hover's card in each of its states, and that nothing a post says can become more than text.
import assert from 'node:assert/strict';
import { commandLink, escapeText } from '../../../src/editor/escapeMarkdown.ts';
import { approximateViews, CARD_COMMANDS, renderHoverCard, type CardSurroundings } from '../../../src/editor/hoverCard.ts';
import { percentileReader } from '../../../src/editor/percentiles.ts';
import { scoreCurve } from '../../../src/editor/scoreCurve.ts';
import type { CardPrediction, PostCard } from '../../../src/protocol/postCard.ts';

const NOW = 1_700_000_000;
const translate = (message: string, ...args: (string | number)[]): string => message.replace(/\{(\d+)\}/g, (_match, index: string) => String(args[Number(index)]));

const prediction: CardPrediction = {
  value: 731, text: '7.31', low80: 642, high80: 833, model: 'idpop, tiny', role: 'aligned', decoder: 'median', history: 4, run: 'predict-1', predictedAt: NOW - 7300, userSet: 'extra-1', stale: null,
};
const card: PostCard = {
  source: 'demo', pid: '402117', sourceKind: 'smpd-2022', uid: '88@N31', title: 'Harbour at noon', category: 'Travel', subcategory: 'Travel', concept: 'harbour', postedAt: 1_446_016_778,
  label: 752, caption: 'two boats', root: '/data', imagePath: 'train/88@N31/402117.jpg', dropped: null, excluded: false, earlier: [602, 795, 690, 810], prediction, file: '/data/text.json', row: 2,
};
const around: CardSurroundings = { folder: '/work/a b', theme: 'dark', now: NOW, percentileOf: () => 64.2, picture: { address: '402117.jpg' }, hasReport: true, translate };

/** What a reader sees: tags and references resolved, pictures as their alternative text. */
function shown(markdown: string): string {
  return markdown.replace(/<img [^>]*alt="([^"]*)"[^>]*>/g, '[$1]').replace(/<br>/g, '\n').replace(/<[^>]*>/g, '').replace(/&nbsp;/g, ' ')
    .replace(/&#(\d+);/g, (_match, code: string) => String.fromCodePoint(Number(code))).replace(/ +/g, ' ');
}

describe('hover card', () => {
  it('says prediction, truth, error, interval, percentile and views', () => {
    const text = shown(renderHoverCard(card, around));
    for (const said of ['Harbour at noon', 'Travel › harbour', 'predicted 7.31', 'true 7.52', 'error −0.21', '80 % interval 6.4 – 8.3', 'above 64 % of posts', '≈ 160 views predicted, ≈ 180 true', 'idpop, tiny, median, 2 h ago']) {
      assert.ok(text.includes(said), `“${said}” is missing in:\n${text}`);
    }
    assert.match(text, /\[Picture of post 402117\]/);
    assert.match(text, /\[Earlier posts 6\.02; 7\.95; 6\.90; 8\.10\. Predicted 7\.31\. 80 % interval 6\.42 – 8\.33\. True 7\.52\.\]/);
  });

  it('offers the one next step where nothing is predicted, and leaves out what it does not know', () => {
    const markdown = renderHoverCard({ ...card, prediction: null }, { ...around, percentileOf: null, hasReport: false });
    const text = shown(markdown);
    assert.match(text, /true 7\.52\s+not predicted yet/);
    assert.match(text, /\[\$\(play\) Predict This Post\]/);
    assert.doesNotMatch(text, /interval|above|Show Report|error/);
    assert.ok(markdown.includes(commandLink('smpCurator.predictThisPost', { folder: '/work/a b', source: 'demo', pid: '402117' })));
  });

  it('says whether the model has seen scores of the post\'s user, where a model was trained on users', () => {
    const said = (change: Partial<CardPrediction>): string => shown(renderHoverCard({ ...card, prediction: { ...prediction, ...change } }, around));
    assert.match(said({ userSet: 'pool' }), /user in training \(pool\)/);
    assert.match(said({ userSet: 'extra-1' }), /user not in training/);
    assert.match(said({ userSet: 'alignment' }), /user in training \(alignment\)/);
    assert.match(said({ userSet: 'alignment', role: 'sft' }), /user not in training/); // its pairs came later
    assert.doesNotMatch(said({ userSet: 'pool', role: 'base' }), /in training/);
    assert.doesNotMatch(said({ userSet: null }), /in training/);
  });

  it('offers no prediction for a user\'s first post, which has no history', () => {
    const text = shown(renderHoverCard({ ...card, prediction: null, earlier: [] }, around));
    assert.match(text, /first post of its user: nothing to predict it from/);
    assert.doesNotMatch(text, /Predict This Post/);
  });

  it('shows no error for a post without a label, and the reason for a missing picture', () => {
    const text = shown(renderHoverCard({ ...card, label: null, title: '' }, { ...around, picture: { missing: 'the image file is empty' } }));
    assert.match(text, /Untitled post 402117/);
    assert.match(text, /predicted 7\.31\s+no true score/);
    assert.match(text, /\[the image file is empty\]/);
    assert.doesNotMatch(text, /error/);
  });

  it('shows an answer that is no number as —, with what was said', () => {
    const text = shown(renderHoverCard({ ...card, prediction: { ...prediction, value: null, text: 'The popularity is', low80: null, high80: null } }, around));
    assert.match(text, /predicted — \s*true 7\.52/);
    assert.match(text, /answered “The popularity is”, which is no number/);
  });

  it('warns of stale predictions, exclusions and dropped posts', () => {
    const text = shown(renderHoverCard({ ...card, excluded: true, dropped: 'picture missing', prediction: { ...prediction, stale: 'caption-changed' } }, around));
    assert.match(text, /\$\(warning\) A caption was changed after this prediction\. You excluded this post: no stage uses it\. Not used: picture missing\./);
  });

  it('shows views only where the score is about views', () => {
    assert.doesNotMatch(shown(renderHoverCard({ ...card, sourceKind: 'table' }, around)), /views/);
  });

  const HOSTILE = [
    '</b></td></tr></table><script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '[click](command:workbench.action.terminal.new)',
    '![x](https://example.com/track.png)',
    '$(flame) **bold** `code` # head',
    'line\n\n- [ ] list\n\n<svg onload=alert(1)>',
    'https://example.com www.example.com a@b.example',
    '\u202egnp.exe\u0000\u001b[31m',
    '&lt;b&gt; &#60;i&#62;',
    '](command:smpCurator.predictThisPost?%5B%5D "x")',
  ];
  for (const hostile of HOSTILE) {
    it(`keeps ${JSON.stringify(hostile)} text in every place it can stand`, () => {
      const model = { ...prediction, value: null, text: hostile, model: hostile };
      const everywhere: PostCard = { ...card, title: hostile, pid: hostile, uid: hostile, category: hostile, subcategory: `${hostile}1`, concept: `${hostile}2`, dropped: hostile, source: hostile, prediction: model };
      const markdown = renderHoverCard(everywhere, { ...around, picture: { missing: hostile } });
      const tags = [...markdown.matchAll(/<\/?([a-z]+)/g)].map((match) => match[1]);
      assert.deepEqual(tags.filter((tag) => !['table', 'tr', 'td', 'img', 'b', 'br', 'span'].includes(tag!)), []);
      for (const [, attributes] of markdown.matchAll(/<img ([^>]*)>/g)) assert.match(attributes!, /^src="data:image\/svg\+xml;base64,[A-Za-z0-9+/=]+" width="\d+" height="\d+" alt="[^"<>]*"$/);
      const targets = [...markdown.matchAll(/\]\(([^)]*)\)/g)].map((match) => match[1]!.split(/[? ]/)[0]!);
      assert.deepEqual(targets.map((target) => target.replace('command:', '')).filter((target) => !(CARD_COMMANDS as readonly string[]).includes(target)), []);
      assert.deepEqual([...markdown.matchAll(/\$\(([a-z]+)\)/g)].map((match) => match[1]), ['warning', 'play', 'graph', 'search', 'person']);
      assert.doesNotMatch(markdown.replace(/\]\([^)]*\)/g, ''), /https?:\/\/|www\.|[\u0000-\u0009\u000b-\u001f\u202e]/u);
    });
  }

  it('bounds a title of ten megabytes', () => {
    const markdown = renderHoverCard({ ...card, title: '<'.repeat(10_000_000), category: 'x'.repeat(1_000_000) }, around);
    assert.ok(markdown.length < 20_000, `${markdown.length} characters`);
  });
});

describe('escapeText', () => {
  it('keeps letters of every script and cuts by code point', () => {
    assert.equal(escapeText('港口 Café Ñandú 7', 40), '港口 Café Ñandú 7');
    assert.equal(escapeText('😀😀😀😀', 3), '😀😀…');
  });
});

describe('numbers of the card', () => {
  it('rounds 2^S to two digits', () => {
    // 2^7.52 = 183.5; 2^1 = 2; 2^16.56 = 96 619 (65 536 · 2^.56)
    assert.deepEqual([752, 100, 1656].map(approximateViews), ['180', '2', '97,000']);
  });

  it('counts posts below a score', () => {
    const percentileOf = percentileReader([[100, 1], [200, 2], [300, 1]]);
    assert.deepEqual([percentileOf(100), percentileOf(200), percentileOf(250), percentileOf(900)], [0, 25, 75, 100]);
    assert.equal(percentileReader([])(100), null);
  });

  it('draws no curve without something to compare, and stays inside its frame', () => {
    const nothing = { predicted: null, low80: null, high80: null, label: null, earlierText: '', thisText: '' };
    assert.equal(scoreCurve({ ...nothing, earlier: [500] }, 'light'), null);
    assert.equal(scoreCurve({ ...nothing, earlier: [], label: 500 }, 'light'), null);
    for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] as const) {
      const svg = scoreCurve({ ...nothing, earlier: [100, 3199], predicted: 812, low80: 640, high80: 1520, label: 100 }, theme)!;
      for (const [, y] of svg.matchAll(/ cy="([\d.]+)"/g)) assert.ok(Number(y) >= 4 && Number(y) <= 80, `cy ${y}`);
    }
  });
});

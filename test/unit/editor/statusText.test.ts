// The lines of tree and status bar, the report's Markdown, and which pictures a hover may show.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLines } from '../../../src/editor/eventLines.ts';
import { findPicture } from '../../../src/editor/cardPicture.ts';
import { reportMarkdown } from '../../../src/editor/reportMarkdown.ts';
import { entryDescription, failuresOf, runningText, statusLine } from '../../../src/editor/statusText.ts';
import type { EntryStatus, RunningWork, SourceStatus } from '../../../src/protocol/pipelineStatus.ts';
import type { EvaluationReport, EvaluationRow } from '../../../src/protocol/report.ts';
import { PICTURES } from '../sources/pictureBytes.ts';

const translate = (message: string, ...args: (string | number)[]): string => message.replace(/\{(\d+)\}/g, (_match, index: string) => String(args[Number(index)]));
const timeLeft = (seconds: number): string => `${seconds} s left`;

const entry = (changes: Partial<EntryStatus>): EntryStatus => ({ id: 'train', stage: 'train', title: 'Train', optional: false, state: 'done', description: 'sft 40', reason: null, details: [], ...changes });
const source = (changes: Partial<SourceStatus>): SourceStatus => ({ source: 'demo', kind: 'smpd-2022', root: '/data', posts: 12_620, users: 1400, entries: [], next: null, headline: null, ...changes });
const running: RunningWork = { source: 'demo', stage: 'train', message: 'Training', done: 250, total: 400, unit: 'steps', secondsLeft: 120, loss: 0.4149, startedAt: 0, jobFolder: null };
const line = (sources: SourceStatus[], work: RunningWork | null = null, unseen: string[] = []): string => statusLine(sources, work, unseen, translate, timeLeft).text;

describe('status line', () => {
  it('says what runs before anything else', () => {
    assert.equal(line([source({ headline: 'x' })], running, ['Align: out of memory']), '$(sync~spin) Train 62 % · loss 0.41 · 120 s left');
    assert.equal(runningText({ ...running, total: null, loss: null, secondsLeft: null }, timeLeft, translate), 'Train');
    assert.equal(runningText({ ...running, stage: 'fetchPictures', done: 0, loss: null, secondsLeft: null }, timeLeft, translate), 'Fetch Pictures 0 %');
  });

  it('says what failed and was not seen, then what the report says', () => {
    const told = source({ headline: '3-shot MAE 0.87 ± .06 · best plain baseline 1.09' });
    assert.equal(line([told], null, ['Align: out of memory']), '$(error) Align: out of memory');
    assert.equal(line([told]), '$(graph) 3-shot MAE 0.87 ± .06 · best plain baseline 1.09');
  });

  it('marks a report as stale when something has changed since, and takes that of the current source', () => {
    const evaluated = (state: EntryStatus['state'], headline: string) => source({ source: headline, headline, entries: [entry({ id: 'evaluate', stage: 'evaluate', state })] });
    assert.equal(line([evaluated('done', '3-shot MAE 0.87')]), '$(graph) 3-shot MAE 0.87');
    assert.equal(line([evaluated('stale', '3-shot MAE 0.87')]), '$(graph) stale: 3-shot MAE 0.87');
    const [first, second] = [evaluated('done', 'a'), evaluated('done', 'b')];
    assert.equal(statusLine([first!, second!], null, [], translate, timeLeft, second!).text, '$(graph) b');
    assert.equal(statusLine([first!, source({})], null, [], translate, timeLeft, source({})).text, '$(graph) a');
  });

  it('says that there is nothing, or nothing yet', () => {
    assert.equal(line([]), 'SMP: no data set');
    assert.equal(line([source({})]), 'SMP: 12,620 posts, no report yet');
  });
});

describe('entries of the tree', () => {
  it('show the reason where it matters more than the counts', () => {
    assert.equal(entryDescription(entry({ state: 'stale', reason: '71 captions edited' })), 'stale: 71 captions edited');
    assert.equal(entryDescription(entry({ state: 'failed', reason: 'out of memory\n  at line 3' })), 'out of memory');
    assert.equal(entryDescription(entry({ state: 'partial', reason: 'the test sets are not answered' })), 'sft 40');
    assert.equal(entryDescription(entry({ state: 'waiting', description: '', reason: 'after align' })), 'after align');
  });

  it('count a failure once, and again when it fails in another way', () => {
    const failed = (reason: string) => failuresOf([source({ entries: [entry({ state: 'failed', reason }), entry({ id: 'index' })] })], translate);
    assert.deepEqual(failed('a').map((failure) => failure.line), ['Train: a']);
    assert.notEqual(failed('a')[0]!.key, failed('b')[0]!.key);
    assert.equal(failed('a')[0]!.key, failed('a')[0]!.key);
  });
});

describe('report as Markdown', () => {
  const row = (changes: Partial<EvaluationRow>): EvaluationRow => ({
    name: 'IDPOP', kind: 'model', decoder: 'median', fittedOn: 'few-shot', users: 200, parsed: 198, mae: { value: 0.874, low: 0.81, high: 0.93 }, maeFilled: { value: 0.88, low: 0.82, high: 0.94 },
    spearman: { value: 0.71, low: 0.6, high: 0.8 }, pearson: -0.5, validMass: 0.9812, difference: { against: 'user mean', mae: { value: -0.1234, low: -0.2, high: -0.05 }, p: 0.0123 }, ...changes,
  });
  const report = (rows: EvaluationRow[]): EvaluationReport => ({
    version: 1, source: 'demo|<b>', plan: 'ours', dataSeed: 0, trainingSeed: 1, split: 'Users were drawn at random.', sizes: { 'few-shot': 200 },
    tables: [{ set: 'few-shot', k: 3, albumShare: 0.125, rows }], headline: '3-shot MAE 0.87 ± .06', findings: [{ kind: 'no-better-than-median', k: 3, text: 'no model beats the global median' }],
  });
  /** The tables' rows as cells, references resolved; tables are told apart by their heads. */
  const rows = (changes: Partial<EvaluationRow>): string[][] => reportMarkdown(report([row(changes)])).split('\n').filter((text) => text.startsWith('|') && !text.includes('---'))
    .map((text) => text.slice(2, -2).split(' | ').map((cell) => cell.replace(/&#(\d+);/g, (_match, code: string) => String.fromCodePoint(Number(code)))));

  it('shows estimates with their wider half, and signed differences', () => {
    assert.deepEqual(rows({}), [
      ['', 'decoder', '3-shot MAE / SRC'], ['**IDPOP**', 'median', '0.87 ± .06 / .71 (99 %, all 0.88)'],
      ['', 'decoder', '3-shot'], ['**IDPOP**', 'median', '−0.123 [−0.200, −0.050], p 0.012, against user mean'],
      ['', 'decoder', '3-shot'], ['**IDPOP**', 'median', '−.50, 98.1 %'],
    ]);
  });

  it('tells equal predictions, unparsable answers and missing numbers apart', () => {
    assert.equal(rows({ spearman: 'equal', parsed: 200 })[1]![2], '0.87 ± .06 / NaN');
    assert.equal(rows({ spearman: 'unparsable', parsed: 90 })[1]![2], '0.87 ± .06 / — (45 %, all 0.88)');
    assert.equal(rows({ mae: null, parsed: 0 })[1]![2], '— (0 %, all 0.88)');
  });

  it('shows what was published without an interval, and judges models alone', () => {
    const [measured, ...published] = rows({ kind: 'published', name: 'HyFea', decoder: null, mae: { value: 2.38, low: 2.38, high: 2.38 }, spearman: { value: -0.02, low: -0.02, high: -0.02 } });
    assert.deepEqual([measured, published], [['', 'decoder', '3-shot MAE / SRC'], [['few-shot', '', '3-shot MAE / SRC'], ['HyFea', '', '2.38 / −.02']]], 'in a table of its own');
  });

  it('keeps names out of the table\'s own syntax', () => {
    const markdown = reportMarkdown(report([row({ name: 'a | b <script>' })]));
    assert.doesNotMatch(markdown, /<(script|b)>/);
    assert.equal(markdown.split('\n').find((text) => text.startsWith('| **'))!.split(' | ').length, 3);
  });
});

describe('lines of a job', () => {
  it('are readable, complete and in order, wherever the file was cut', () => {
    const events = [
      { time: 0, event: 'step', phase: 'sft', step: 3, steps: 40, loss: 1.23456, learning_rate: 0.0005, gradient_norm: 1, tokens_per_second: 8262.2 },
      { time: 0, event: 'validation', phase: 'sft', step: 3, mae: 0.9077, valid_mass: 0.97, entropy: 6.3, best: true },
      { time: 0, event: 'of another version' },
    ].map((event) => JSON.stringify(event)).join('\n');
    const text = `${events}\nno JSON\n`;
    for (let cut = 0; cut < text.length; cut += 7) {
      const lines = new EventLines();
      const read = [...lines.read(text.slice(0, cut)), ...lines.read(text.slice(cut))].map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, ''));
      assert.deepEqual(read, [
        'sft step 3 of 40: loss 1.2346, learning rate 5.0e-4, 8,262 tokens/s', 'sft step 3: validation MAE 0.908, mass on valid answers 0.970 (best so far)',
        '{"time":0,"event":"of another version"}', 'no JSON',
      ]);
    }
  });
});

describe('pictures of hovers', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'smp-pictures-'));
    mkdirSync(join(root, 'data', 'train'), { recursive: true });
    const bomb = Buffer.from(PICTURES.png);
    bomb.writeUInt32BE(100_000, 16);
    for (const [name, content] of [['good.jpg', PICTURES.jpeg], ['empty.png', ''], ['cut.jpg', PICTURES.jpeg.subarray(0, -2)], ['page.jpg', '<html>'], ['bomb.png', bomb], ['notes.txt', 'x'], ['huge.png', Buffer.alloc(9 * 1024 * 1024)]] as const) writeFileSync(join(root, 'data', 'train', name), content);
    writeFileSync(join(root, 'secret.jpg'), 'x');
    symlinkSync(join(root, 'secret.jpg'), join(root, 'data', 'train', 'link.jpg'));
  });
  after(() => rmSync(root, { recursive: true }));
  const find = (imagePath: string | null) => findPicture({ root: join(root, 'data'), imagePath });

  it('are shown from inside the source\'s folder alone', async () => {
    assert.ok('file' in (await find('train/good.jpg'))!);
    assert.deepEqual(await find('../secret.jpg'), { missing: 'outside' });
    assert.deepEqual(await find('train/link.jpg'), { missing: 'outside' });
  });

  it('are missing with a reason', async () => {
    assert.equal(await find(null), null); // a source without pictures
    for (const [path, missing] of [['', 'no-file'], ['train/nothing.jpg', 'no-file'], ['https://example.com/a.jpg', 'no-file'], ['train/empty.png', 'empty'], ['train/notes.txt', 'no-picture'], ['train/huge.png', 'too-large'], ['train/bomb.png', 'too-large'], ['train/cut.jpg', 'broken'], ['train/page.jpg', 'no-picture']]) {
      assert.deepEqual(await find(path!), { missing }, path);
    }
  });
});

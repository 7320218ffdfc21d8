import assert from 'node:assert/strict';
import { reportText } from '../../../src/cli/reportText.ts';
import { duration, printable, progressText, Terminal } from '../../../src/cli/terminal.ts';
import { textTable } from '../../../src/cli/textTable.ts';
import type { EvaluationReport, EvaluationRow } from '../../../src/protocol/report.ts';

function terminal(options: { json?: boolean; isTTY?: boolean } = {}) {
  const written = { stdout: '', stderr: '' };
  const made = new Terminal({
    stdout: { write: (text) => { written.stdout += text; } }, stderr: { write: (text) => { written.stderr += text; }, isTTY: options.isTTY ?? false, columns: 20 },
    json: options.json ?? false, verbose: false,
  });
  return { made, written };
}

describe('terminal', () => {
  it('rewrites one line where stderr is a terminal, and clears it before the result', () => {
    const { made, written } = terminal({ isTTY: true });
    made.progress({ message: 'Reading a long list of posts', done: 1, total: 4 });
    made.result({}, 'done');
    assert.equal(written.stderr, '\r\u001b[KReading a long list\r\u001b[K');
    assert.equal(written.stdout, 'done\n');
  });

  it('prints sparse plain lines elsewhere, and lines that stay always', () => {
    const { made, written } = terminal();
    for (let done = 1; done <= 100; done++) made.progress({ message: 'Reading', done, total: 100 });
    made.progress({ message: 'Found a table', stays: true });
    made.progress({ message: 'Found pictures', stays: true });
    assert.equal(written.stderr, 'Reading · 1 %\nFound a table\nFound pictures\n');
  });

  it('prints JSON lines on stderr and one object on stdout with --json', () => {
    const { made, written } = terminal({ json: true });
    made.progress({ message: 'Reading', done: 1 });
    made.log.warn('odd');
    made.result({ verb: 'index' }, 'text');
    assert.deepEqual(written.stderr.trimEnd().split('\n').map((line) => JSON.parse(line) as object), [{ progress: { message: 'Reading', done: 1 } }, { note: 'Warning: odd' }]);
    assert.equal(written.stdout, '{"verb":"index"}\n');
  });

  it('never lets text of a data set move the cursor', () => {
    assert.equal(printable('a\u001b[2Jb\rc\u0007\u009bd\ne'), 'a [2Jb c  d\ne');
  });

  it('tells how far and how long', () => {
    assert.equal(progressText({ message: 'Training', done: 40, total: 400, unit: 'steps', secondsLeft: 80 }), 'Training · 10 % · 1 min 20 s left');
    assert.equal(progressText({ message: 'Reading', done: 1500, unit: 'rows' }), 'Reading · 1,500 rows');
    assert.deepEqual([4.24, 42.4, 61].map(duration), ['4.2 s', '42 s', '1 min 1 s']);
  });

  it('lines up tables', () => {
    assert.equal(textTable([['name', 'MAE'], ['a', '1.00'], ['longer', '.5']]), 'name     MAE\n──────  ────\na       1.00\nlonger    .5');
  });
});

describe('report for the terminal', () => {
  const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.06 });
  const row = (changes: Partial<EvaluationRow>): EvaluationRow => ({
    name: 'tiny base', kind: 'model', decoder: 'greedy', fittedOn: 'few-shot labels', users: 20, parsed: 20, mae: estimate(1), maeFilled: estimate(1), spearman: estimate(-0.5), pearson: null, difference: null, ...changes,
  });
  const report: EvaluationReport = {
    version: 1, source: 'posts', plan: 'ours', dataSeed: 0, trainingSeed: 0, split: 'Users were drawn.', sizes: { 'few-shot': 20, pool: 0 }, headline: 'headline', findings: [{ kind: 'verdict', k: 2, text: '2-shot, x: minor' }, { kind: 'verdict', k: 3, text: '3-shot, x: major' }],
    tables: [2, 3].map((k) => ({
      set: 'few-shot', k, albumShare: 0.25, rows: [
        row({}), row({ name: 'mute', mae: null, spearman: 'unparsable', parsed: 0 }), row({ name: 'half', parsed: 15 }), row({ name: 'user mean', kind: 'baseline', decoder: null, spearman: 'equal' }),
        row({ name: 'HyFea', kind: 'published', decoder: null, mae: { value: 1.78, low: 1.78, high: 1.78 }, spearman: { value: 0.67, low: 0.67, high: 0.67 } }),
      ],
    })),
  };

  it('has the shape of the paper\'s tables: a method a row, MAE and SRC for each k', () => {
    const lines = reportText(report, ['few-shot']).split('\n');
    assert.ok(lines.some((line) => /^few-shot \(n = 20, 25 % albums\) +decoder +2-shot MAE \/ SRC +3-shot MAE \/ SRC$/.test(line)));
    const cells = (name: string): string[] => lines.find((line) => line.startsWith(name))!.split(/ {2,}/);
    assert.deepEqual(cells('tiny base'), ['tiny base', 'greedy', '1.00 ± .10 / −.50', '1.00 ± .10 / −.50']);
    assert.deepEqual(cells('mute').slice(-1), ['— (0 %, all 1.00)']);
    assert.deepEqual(cells('half').slice(-1), ['1.00 ± .10 / −.50 (75 %, all 1.00)']);
    assert.deepEqual(cells('user mean').slice(-1), ['1.00 ± .10 / NaN']);
    assert.deepEqual(cells('HyFea').slice(-1), ['1.78 / .67'], 'a single run has no interval');
    const heading = lines.findIndex((line) => line.startsWith("Published, on the paper's own draw of SMPD"));
    assert.ok(heading > lines.findIndex((line) => line.startsWith('user mean')) && heading < lines.findIndex((line) => line.startsWith('HyFea')), 'apart from what was measured');
  });

  it('tells the findings of the largest k alone', () => {
    for (const sets of [['few-shot'], null]) assert.deepEqual(reportText(report, sets).split('\n').filter((line) => line.startsWith('- ')), ['- 3-shot, x: major']);
  });
});

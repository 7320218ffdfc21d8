// The report: rows against the plain measures, and sentences that say what the numbers say.
import assert from 'node:assert/strict';
import { fillFailures, meanAbsoluteError, pearson, spearman } from '../../../src/domain/metrics.ts';
import { assembleReport, measureTable, poolQuestions, withoutAlbums, type EvaluatedMethod, type EvaluatedQuestions, type EvaluationRow, type ReportHeader } from '../../../src/domain/report.ts';

const N = 80;
const users = Array.from({ length: N }, (_, i) => `u${i}`);
const truths = users.map((_, i) => 500 + ((i * 37) % 80)); // 80 different labels
/** ±1 in turn, unrelated to the label. */
const sign = (i: number): number => (i % 2 === 0 ? 1 : -1);

/** A method whose answers are wrong by `error` hundredths, half of them too high. */
const off = (name: string, error: number, more: Partial<EvaluatedMethod> = {}): EvaluatedMethod =>
  ({ name, kind: 'baseline', decoder: null, fittedOn: 'few-shot', predictions: truths.map((truth, i) => truth + error * sign(i)), fallback: 540, ...more });
const constant = (name: string, value: number, more: Partial<EvaluatedMethod> = {}): EvaluatedMethod => off(name, 0, { predictions: truths.map(() => value), ...more });
const model = { kind: 'model', decoder: 'median' } as const;

const questionsOf = (methods: EvaluatedMethod[], more: Partial<EvaluatedQuestions> = {}): EvaluatedQuestions =>
  ({ set: 'few-shot', k: 3, users, truths, albums: users.map((_, i) => i % 4 === 0), methods, ...more });
const header: ReportHeader = { source: 'posts', plan: 'ours', dataSeed: 0, trainingSeed: 0, split: 'users at random', sizes: { 'few-shot': N } };
const reportOf = (...sets: EvaluatedQuestions[]) => assembleReport(header, sets.map((set) => measureTable(set, 1, 2000)));
const sentencesOf = (...sets: EvaluatedQuestions[]): string[] => reportOf(...sets).findings.map(({ text }) => text);

describe('an evaluation table', () => {
  const failing = off('SFT', 30, { ...model, decoder: 'greedy', predictions: truths.map((truth, i) => (i % 10 === 0 ? null : truth + 30 * sign(i))) });
  const { table, compare } = measureTable(questionsOf([off('user mean', 40), failing, off('ridge', 20)]), 1, 2000);
  const row = (name: string): EvaluationRow => table.rows.find((candidate) => candidate.name === name)!;

  it('holds the plain measures, each within its interval', () => {
    const { mae, maeFilled, spearman: rank, pearson: linear, users: n, parsed } = row('SFT');
    assert.equal(n, 80);
    assert.equal(parsed, 72);
    assert.equal(mae!.value, meanAbsoluteError(failing.predictions, truths));
    assert.equal(maeFilled!.value, meanAbsoluteError(fillFailures(failing.predictions, 540), truths));
    assert.ok(typeof rank === 'object' && rank !== null);
    assert.equal(rank.value, spearman(failing.predictions, truths));
    assert.equal(linear, pearson(failing.predictions, truths));
    for (const estimate of [maeFilled!, rank]) assert.ok(estimate.low < estimate.value && estimate.value < estimate.high);
    assert.ok(Math.abs(mae!.low - 0.3) < 1e-9 && Math.abs(mae!.high - 0.3) < 1e-9); // every parsed answer errs by .30
  });

  it('compares with the best plain baseline, which has no difference itself', () => {
    assert.equal(row('ridge').difference, null);
    const { against, mae, p } = row('user mean').difference!;
    assert.equal(against, 'ridge');
    for (const value of [mae.value, mae.low, mae.high]) assert.ok(Math.abs(value - 0.2) < 1e-9);
    assert.ok(Math.abs(p - 2 / 10_001) < 1e-12); // the smallest p there is, twice by Holm: two rows are compared
    assert.ok(Math.abs(compare(0, 2).value - 0.2) < 1e-9);
  });

  it('averages the mass of valid answers over questions, pooled sets and slices included', () => {
    const massive = (mass: number) => questionsOf([off('ridge', 20), off('SFT', 30, { ...model, masses: truths.map((_, i) => (i % 4 === 0 ? 0 : mass)) })]);
    const massOf = (questions: EvaluatedQuestions) => measureTable(questions, 1, 20).table.rows.map(({ validMass }) => validMass);
    assert.deepEqual(massOf(massive(0.8)).map((mass) => mass?.toFixed(6) ?? null), [null, '0.600000']);
    assert.deepEqual(massOf(poolQuestions([massive(0.8), massive(0.4)])).map((mass) => mass?.toFixed(6) ?? null), [null, '0.450000']);
    assert.deepEqual(massOf(withoutAlbums(massive(0.8))).map((mass) => mass?.toFixed(6) ?? null), [null, '0.800000']);
  });

  it('counts albums', () => assert.equal(table.albumShare, 0.25));

  it('tells the two ways of having no correlation apart', () => {
    const silent = off('silent', 0, { ...model, predictions: truths.map((_, i) => (i < 39 ? 500 : null)) });
    const mute = off('mute', 0, { ...model, predictions: truths.map(() => null) });
    const rows = measureTable(questionsOf([constant('global median', 540), silent, mute]), 1, 200).table.rows;
    assert.deepEqual(rows.map(({ spearman }) => spearman), ['equal', 'unparsable', 'unparsable']);
    assert.deepEqual(rows.map(({ mae }) => mae === null), [false, false, true]);
  });

  it('needs a plain baseline and questions', () => {
    assert.throws(() => measureTable(questionsOf([off('SFT', 1, model)]), 1, 10), /needs a plain baseline/);
    assert.throws(() => measureTable({ ...questionsOf([]), users: [], truths: [], albums: [] }, 1, 10), /no questions/);
  });
});

describe('sets together and in part', () => {
  const methods = [constant('global median', 540), off('SFT', 10, model)];

  it('pool in order', () => {
    const pooled = poolQuestions([questionsOf(methods), questionsOf(methods, { set: 'extra-1', users: users.map((uid) => `x${uid}`) })]);
    assert.equal(pooled.set, 'pooled');
    assert.deepEqual(pooled.truths, [...truths, ...truths]);
    assert.deepEqual(pooled.methods[1]!.predictions, [...methods[1]!.predictions, ...methods[1]!.predictions]);
    assert.equal(measureTable(pooled, 1, 50).table.rows[0]!.users, 160);
  });

  it('pool only what the same methods answered', () => {
    assert.throws(() => poolQuestions([questionsOf(methods), questionsOf(methods.toReversed())]), /same methods/);
    assert.throws(() => poolQuestions([questionsOf(methods), questionsOf(methods, { k: 2 })]), /same k/);
  });

  it('leave albums out', () => {
    const slice = withoutAlbums(questionsOf(methods));
    assert.equal(slice.set, 'few-shot without albums');
    assert.deepEqual(slice.truths, truths.filter((_, i) => i % 4 !== 0));
    assert.deepEqual(slice.methods[1]!.predictions, methods[1]!.predictions.filter((_, i) => i % 4 !== 0));
    assert.deepEqual(slice.albums, new Array(60).fill(false));
  });
});

describe('the headline', () => {
  const baselines = [constant('global median', 540), off('ridge', 109)];
  it('names the last model at the largest k by its median, and the best plain baseline', () => {
    const models = [off('base', 95, model), off('IDPOP', 87, model), off('IDPOP', 88, { ...model, decoder: 'greedy' })];
    const far = baselines.map((baseline) => ({ ...baseline, predictions: truths.map((truth, i) => truth + (baseline.name === 'ridge' ? 109 : 150) * sign(i)) }));
    const { headline } = reportOf(questionsOf([...far, ...models]), questionsOf([...far, off('base', 10, model)], { k: 2 }), questionsOf([...far, off('base', 1, model)], { set: 'extra-1' }));
    assert.equal(headline, '3-shot MAE 0.87 ± .00 · best plain baseline 1.09');
  });
  it('gives the wider half of the interval', () => {
    // errors 0 and 2.00 in turn over 80 users: mean 1, standard error 1/√80 = .112, half of the interval about .22
    const uneven = off('SFT', 0, { ...model, predictions: truths.map((truth, i) => truth + (i % 2 ? 200 : 0)) });
    const { headline } = reportOf(questionsOf([off('ridge', 109), uneven]));
    assert.match(headline, /^3-shot MAE 1\.00 ± \.2[1-4] · best plain baseline 1\.09$/);
  });
  it('fills what a model left open: both its numbers are over all questions', () => {
    const easyOnly = off('SFT', 0, { ...model, predictions: truths.map((truth, i) => (i % 2 === 0 ? truth + 10 : null)), fallback: 1540 });
    const filled = meanAbsoluteError(fillFailures(easyOnly.predictions, 1540), truths)!;
    assert.ok(reportOf(questionsOf([off('ridge', 109), easyOnly])).headline.startsWith(`3-shot MAE ${filled.toFixed(2)} ± `));
  });
  it('says when there is no model', () => assert.equal(reportOf(questionsOf([off('ridge', 109)])).headline, '3-shot: no model yet · best plain baseline 1.09'));
});

describe('findings', () => {
  it('say that a model has learned something only when it beats every plain baseline and ranks', () => {
    const findings = sentencesOf(questionsOf([constant('global median', 540), off('user mean', 15), off('SFT', 5, model)]));
    assert.deepEqual(findings.slice(0, 1), ['3-shot, few-shot: SFT (median) has learned something: it beats each plain baseline in MAE, and its Spearman interval lies above 0.']);
    assert.match(findings[1]!, /^3-shot, few-shot: the user mean is better than the global median by −0\.05\d \[−0\.\d+, −0\.\d+\]: users differ/);
    assert.equal(findings.length, 2);
  });

  it('name the baselines that are not beaten', () => {
    const findings = sentencesOf(questionsOf([constant('global median', 540), off('ridge', 4), off('SFT', 5, model)]));
    assert.deepEqual(findings, ['3-shot, few-shot: SFT (median) is worse than the ridge (+0.010 [+0.010, +0.010]), in MAE.']);
  });

  it('tell one baseline fitted on two things apart', () => {
    const { findings: found, tables } = reportOf(questionsOf([off('ridge', 4), off('ridge', 3, { fittedOn: 'pool' }), off('SFT', 5, model)]));
    const findings = found.map(({ text }) => text);
    assert.deepEqual(findings, ['3-shot, few-shot: SFT (median) is worse than the ridge fitted on few-shot (+0.010 [+0.010, +0.010]), the ridge fitted on pool (+0.020 [+0.020, +0.020]), in MAE.']);
    assert.equal(tables[0]!.rows[0]!.difference!.against, 'ridge fitted on pool');
  });

  it('say so when no model is shown to beat the global median and the user mean is far above it', () => {
    const findings = sentencesOf(questionsOf([constant('global median', 540), off('user mean', 100), constant('base', 545, model), off('SFT', 90, model)]));
    assert.ok(findings.some((finding) => /: no model is shown to beat the global median; base comes closest, its MAE differs by [+−]0\.0\d\d \[−0\.\d{3}, \+0\.\d{3}\]\.$/.test(finding)), findings.join('\n'));
    assert.ok(findings.some((finding) => /: the user mean is worse than the global median by \+0\.8\d\d \[/.test(finding)), findings.join('\n'));
  });

  it('say what alignment did to the model it started from, whatever that model was', () => {
    const aligned = (error: number) => off('IDPOP', error, { ...model, alignedFrom: 'SFT' });
    const said = (error: number) => sentencesOf(questionsOf([off('SFT', 5, model), aligned(error), off('ridge', 40)])).filter((text) => text.includes('changes the MAE'));
    assert.deepEqual(said(3), ['3-shot, few-shot: IDPOP changes the MAE of SFT by −0.020 [−0.020, −0.020]: the step helped.']);
    assert.deepEqual(said(5), ['3-shot, few-shot: IDPOP changes the MAE of SFT by 0.000 [0.000, 0.000]: no effect is shown.']);
    assert.deepEqual(said(8), ['3-shot, few-shot: IDPOP changes the MAE of SFT by +0.030 [+0.030, +0.030]: the step did harm.']);
  });

  it('do not praise a model that beats the baselines without ranking', () => {
    const findings = sentencesOf(questionsOf([constant('global median', 900), constant('SFT', 540, model)]));
    assert.deepEqual(findings, ['3-shot, few-shot: SFT (median) beats each plain baseline in MAE, but its Spearman interval does not lie above 0.']);
  });

  it('come from the pooled table where there is one', () => {
    const methods = [constant('global median', 540), off('SFT', 5, model)];
    const pooled = poolQuestions([questionsOf(methods), questionsOf(methods, { set: 'extra-1' })]);
    const findings = sentencesOf(questionsOf(methods), pooled);
    assert.ok(findings.length > 0 && findings.every((finding) => finding.startsWith('3-shot, pooled: ')));
  });
});

// The six plain baselines against arithmetic worked by hand. All scores are hundredths.
import assert from 'node:assert/strict';
import { fitUserLevels, historyFeatures, predictBaselines, shrunkenMean, trainingMedian, type BaselineExample, type BaselineQuestion, type ScoredPost } from '../../../src/domain/baselines.ts';

const close = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
const range = { min: 100, max: 1656 };
const text = { title: '', tags: '', caption: '' };

/** One window over all labels of a user: the last is the question. */
function example(uid: string, ...labels: number[]): BaselineExample {
  const posts = labels.map((label, i): ScoredPost => ({ pid: `${uid}${i}`, label, ...text }));
  return { uid, history: posts.slice(0, -1), question: posts.at(-1)! };
}
const question = (...history: number[]): BaselineQuestion => ({ uid: 'new', history: example('new', ...history, 0).history, question: { pid: 'question', ...text } });

describe('plain baselines', () => {
  const training = [example('a', 400, 600), example('b', 800, 1000)];

  it('of a user\'s own history', () => {
    const predicted = predictBaselines(training, [question(300, 900, 700, 1200), question(500, 650)], range);
    assert.deepEqual(predicted['user mean'], [775, 575]);
    assert.deepEqual(predicted['user median'], [800, 575]);
    assert.deepEqual(predicted['last score'], [1200, 650]);
  });

  it('the global median of all labels that training showed, each post once', () => {
    assert.equal(trainingMedian(training), 700);
    // a's first post stands in two windows; labels 400 600 650 800 1000
    const [a0, a1] = [training[0]!.history[0]!, training[0]!.question];
    const windows = [...training, { uid: 'a', history: [a0, a1], question: { pid: 'a2', label: 650, ...text } }];
    assert.equal(trainingMedian(windows), 650);
    assert.deepEqual(predictBaselines(windows, [question(100)], range)['global median'], [650]);
  });

  it('keeps posts of the same pid and different users apart', () => {
    assert.equal(trainingMedian([example('a', 100, 200), { ...example('a', 700, 800), uid: 'b' }]), 450);
  });

  it('the shrunken user mean, balanced', () => {
    // means 500 and 900, grand mean 700; within (4·100²)/2 = 20,000; among 2·2·200²/1 = 160,000; n₀ = 2; between 70,000
    assert.deepEqual(fitUserLevels(training), { mean: 700, between: 70_000, within: 20_000 });
    // two scores of mean 900: 700 + 70,000/(70,000 + 10,000)·200 = 875; one score of 970: 700 + 7/9·270 = 910
    assert.deepEqual(predictBaselines(training, [question(800, 1000), question(970)], range)['shrunken user mean'], [875, 910]);
  });

  it('the shrunken user mean, unbalanced', () => {
    // a: 300 500, b: 600 700 800. Grand mean 580; within (20,000 + 20,000)/3; among 2·180² + 3·120² = 108,000;
    // n₀ = 5 − 13/5 = 2.4; between (108,000 − 13,333.3)/2.4 = 39,444.4
    // weights 1/46,111.1 and 1/43,888.9: mean (400·43,888.9 + 700·46,111.1)/90,000 = 553.7037
    const levels = fitUserLevels([example('a', 300, 500), example('b', 600, 700, 800)]);
    close(levels.within, 40_000 / 3);
    close(levels.between, 94_666.666666667 / 2.4);
    close(levels.mean, 553.703703704);
  });

  it('the shrunken user mean is the grand mean where users differ by no more than chance', () => {
    const levels = fitUserLevels([example('a', 100, 900), example('b', 200, 800)]);
    assert.equal(levels.between, 0);
    assert.equal(shrunkenMean([900, 900], levels), 500);
    assert.equal(shrunkenMean([900], fitUserLevels([example('a', 5, 5), example('b', 5, 5)])), 5); // nothing varies at all
  });

  it('the ridge reads a trend that the other five cannot, and stays within the range of answers', () => {
    const trend = Array.from({ length: 40 }, (_, i) => example(`u${i}`, 200 + 20 * i, 300 + 20 * i, 600 + 20 * i)); // last + 300
    const { ridge } = predictBaselines(trend, [question(500, 600), question(1490, 1590)], range);
    assert.ok(Math.abs(ridge[0]! - 900) < 5, String(ridge[0]));
    assert.equal(ridge[1], 1656);
  });

  it('the ridge\'s features: mean, last, SD, min, max, and ln(1 + length) of title, tags and caption', () => {
    const asked = { ...question(300, 700, 500, 900), question: { pid: 'q', title: 'abc', tags: '', caption: 'a bridge' } };
    // mean 600; deviations −300 100 −100 300: variance 50,000
    const expected = [600, 900, Math.sqrt(50_000), 300, 900, Math.log(4), 0, Math.log(9)];
    historyFeatures(asked).forEach((value, i) => close(value, expected[i]!));
    assert.equal(historyFeatures(asked).length, expected.length);
  });

  it('refuse an empty history and training that says nothing about users', () => {
    assert.throws(() => predictBaselines(training, [question()], range), /at least one scored post/);
    assert.throws(() => fitUserLevels([example('a', 100, 200)]), /two users/);
  });
});

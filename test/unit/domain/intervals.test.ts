// Intervals and tests of differences: each resample against the plain measures, and p-values against counting by hand.
import assert from 'node:assert/strict';
import { bootstrap, differenceInterval, holm, percentileInterval, signFlipTest, type MethodAnswers } from '../../../src/domain/intervals.ts';
import { fillFailures, meanAbsoluteError, spearman } from '../../../src/domain/metrics.ts';

const close = (actual: number, expected: number, tolerance = 1e-12): void => assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('the bootstrap', () => {
  // Every draw of two clusters is one of: a twice, b twice, one of each.
  const users = ['a', 'a', 'a', 'b', 'b'];
  const truths = [100, 200, 300, 500, 500];
  const answers: MethodAnswers = { predictions: [150, 150, 400, null, 450], fallback: 300 };
  const repeated = (clusters: string) => [...clusters].flatMap((cluster) => users.flatMap((user, i) => (user === cluster ? [i] : [])));
  const expected = ['aa', 'bb', 'ab'].map((clusters) => {
    const drawn = repeated(clusters);
    const predictions = drawn.map((i) => answers.predictions[i]!);
    const actual = drawn.map((i) => truths[i]!);
    const rank = spearman(predictions, actual);
    return { mae: meanAbsoluteError(predictions, actual)!, filled: meanAbsoluteError(fillFailures(predictions, 300), actual)!, rank: typeof rank === 'number' ? rank : NaN };
  });

  it('measures each resample as if its questions were written out', () => {
    const [resampled] = bootstrap({ users, truths, methods: [answers], seed: 1, resamples: 200 });
    const seen = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const which = expected.findIndex(({ filled }) => Math.abs(filled - resampled!.maeFilled[i]!) < 1e-12);
      assert.notEqual(which, -1, `${resampled!.maeFilled[i]}`);
      seen.add(which);
      close(resampled!.mae[i]!, expected[which]!.mae);
      if (which === 1) assert.ok(Number.isNaN(resampled!.spearman[i]!)); // b alone: one truth, one prediction
      else close(resampled!.spearman[i]!, expected[which]!.rank);
    }
    assert.equal(seen.size, 3);
  });

  it('ranks as the plain measure does, ties and failures included, on larger draws', () => {
    const n = 60;
    const many = Array.from({ length: n }, (_, i) => `u${i}`);
    const labels = many.map((_, i) => 100 * ((i * 7) % 11));
    const methods = [3, 5].map((step): MethodAnswers => ({ predictions: many.map((_, i) => (i % (step * 3) === 0 ? null : 100 * ((i * step) % 13))), fallback: 500 }));
    const [first, second] = bootstrap({ users: many, truths: labels, methods, seed: 5, resamples: 20 });
    // What was drawn is recovered from 60 further methods, each of which errs at one question alone.
    const probes = many.map((_, i): MethodAnswers => ({ predictions: labels.map((label, j) => label + (i === j ? 100 : 0)), fallback: 0 }));
    const counts = bootstrap({ users: many, truths: labels, methods: probes, seed: 5, resamples: 20 }).map(({ mae }) => Array.from(mae, (value) => Math.round(value * n)));
    for (let resample = 0; resample < 20; resample++) {
      const drawn = counts.flatMap((count, i) => new Array<number>(count[resample]!).fill(i));
      assert.equal(drawn.length, n);
      for (const [method, resampled] of [[methods[0]!, first!], [methods[1]!, second!]] as const) {
        const predictions = drawn.map((i) => method.predictions[i]!);
        const actual = drawn.map((i) => labels[i]!);
        close(resampled.spearman[resample]!, spearman(predictions, actual) as number);
        close(resampled.mae[resample]!, meanAbsoluteError(predictions, actual)!);
        close(resampled.maeFilled[resample]!, meanAbsoluteError(fillFailures(predictions, 500), actual)!);
      }
    }
  });

  it('gives the interval that theory gives: mean ± 1.96 standard errors', () => {
    // 400 users whose absolute errors are 0 or 2 in turn: mean 1, standard deviation 1, standard error 1/20.
    const many = Array.from({ length: 400 }, (_, i) => `u${i}`);
    const truth = many.map(() => 1000);
    const [resampled] = bootstrap({ users: many, truths: truth, methods: [{ predictions: many.map((_, i) => (i % 2 === 0 ? 1000 : 1200)), fallback: 0 }], seed: 2 });
    const { low, high } = percentileInterval(resampled!.mae)!;
    close(low, 1 - 0.098, 0.005);
    close(high, 1 + 0.098, 0.005);
  });

  it('draws a user\'s questions together', () => {
    // The same 400 errors from 100 users with four equal questions each: the standard error doubles to 1/10.
    const many = Array.from({ length: 400 }, (_, i) => `u${Math.floor(i / 4)}`);
    const predictions = many.map((_, i) => (Math.floor(i / 4) % 2 === 0 ? 1000 : 1200));
    const [resampled] = bootstrap({ users: many, truths: many.map(() => 1000), methods: [{ predictions, fallback: 0 }], seed: 2 });
    const { low, high } = percentileInterval(resampled!.mae)!;
    close(high - low, 2 * 0.196, 0.02);
  });

  it('is paired: a constant difference has an interval of no width', () => {
    const many = Array.from({ length: 50 }, (_, i) => `u${i}`);
    const truth = many.map((_, i) => 300 + i);
    const method = (shift: (i: number) => number): MethodAnswers => ({ predictions: truth.map((label, i) => label + shift(i)), fallback: 0 });
    const [better, worse] = bootstrap({ users: many, truths: truth, methods: [method((i) => i), method((i) => i + 10)], seed: 3, resamples: 500 });
    const { low, high } = differenceInterval(better!.mae, worse!.mae)!;
    close(low, -0.1);
    close(high, -0.1);
  });

  it('repeats itself with the same seed only', () => {
    const run = (seed: number) => [...bootstrap({ users, truths, methods: [answers], seed, resamples: 50 })[0]!.mae];
    assert.deepEqual(run(4), run(4));
    assert.notDeepEqual(run(4), run(5));
  });
});

describe('percentile intervals', () => {
  it('interpolate between order statistics and leave NaN out', () => {
    // 0 … 40: positions 1 and 39; with four values 0 1 2 3: positions .075 and 2.925.
    assert.deepEqual(percentileInterval(Float64Array.from({ length: 41 }, (_, i) => 40 - i)), { low: 1, high: 39 });
    const { low, high } = percentileInterval(Float64Array.from([3, NaN, 0, 2, 1]))!;
    close(low, 0.075);
    close(high, 2.925);
    assert.equal(percentileInterval(Float64Array.from([NaN, NaN])), null);
  });
});

describe('the sign-flip test', () => {
  it('counts patterns as far from zero as the one seen', () => {
    // Eight differences of 1: only all plus or all minus reach 8, so p = 2/256 = .0078; the standard error of 10,000 flips is .0009.
    close(signFlipTest([1, 1, 1, 1, 1, 1, 1, 1], 1), 2 / 256, 0.004);
    // 3, 1, 1, 1: |sum| ≥ 6 twice of 16. And 3, −1, −1, −1 sums to 0: every pattern reaches that.
    close(signFlipTest([3, 1, 1, 1], 1), 2 / 16, 0.014);
    assert.equal(signFlipTest([3, -1, -1, -1], 1), 1);
  });
  it('is never 0, and 1 where nothing differs', () => {
    assert.equal(signFlipTest(new Array<number>(100).fill(5), 1), 1 / 10_001);
    assert.equal(signFlipTest([0, 0, 0], 1), 1);
  });
});

describe('Holm\'s correction', () => {
  it('steps down: p·m, p·(m − 1), …, never falling, at most 1', () => {
    // sorted .01 .02 .03 .6: × 4, 3, 2, 1 = .04 .06 .06 .6
    const adjusted = holm([0.03, 0.01, 0.6, 0.02]);
    [0.06, 0.04, 0.6, 0.06].forEach((expected, i) => close(adjusted[i]!, expected));
    assert.deepEqual(holm([0.9, 0.8]), [1, 1]);
    assert.deepEqual(holm([]), []);
  });
});

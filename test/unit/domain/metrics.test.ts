// MAE, Spearman and Pearson against arithmetic worked by hand and against scipy.
import assert from 'node:assert/strict';
import { averageRanks, fillFailures, meanAbsoluteError, pearson, spearman } from '../../../src/domain/metrics.ts';

const close = (actual: unknown, expected: number): void => assert.ok(typeof actual === 'number' && Math.abs(actual - expected) < 1e-12, `${String(actual)} is not ${expected}`);

describe('MAE', () => {
  it('is the mean absolute error in scores over the answers that are numbers', () => {
    close(meanAbsoluteError([700, 800, 100], [752, 700, 100]), (0.52 + 1 + 0) / 3);
    close(meanAbsoluteError([700, null, 100], [752, 700, 400]), (0.52 + 3) / 2);
    assert.equal(meanAbsoluteError([null], [752]), null);
  });
  it('is also taken with failures filled', () => assert.deepEqual(fillFailures([700, null, 0], 640), [700, 640, 0]));
  it('takes one truth for each prediction', () => assert.throws(() => meanAbsoluteError([700], [752, 1]), /1 predictions do not belong to 2 truths/));
});

describe('correlations', () => {
  it('rank ties by their mean rank', () => assert.deepEqual(averageRanks([30, 10, 30, 20, 30]), [4, 1, 4, 2, 4]));

  it('Spearman by hand: four ranks, each off by one, ρ = 1 − 6·4/(4·15) = 0.6', () => {
    close(spearman([100, 200, 300, 1600], [22, 11, 900, 33]), 0.6);
  });

  it('Pearson by hand: deviations −1 0 1 and −2 −1 3, r = 5/√(2·14)', () => close(pearson([100, 200, 300], [200, 300, 700]), 5 / Math.sqrt(28)));

  it('agree with scipy on ties', () => {
    // scipy 1.17.1: spearmanr(x, y).statistic = 0.7165143802763886, pearsonr(x, y).statistic = 0.6240785923107807
    const x = [752, 700, 640, 640, 1010, 330, 752, 752, 100, 1656];
    const y = [700, 720, 640, 610, 900, 400, 810, 640, 100, 640];
    close(spearman(x, y), 0.7165143802763886);
    close(pearson(x, y), 0.6240785923107807);
  });

  it('leave out answers that are no numbers', () => close(spearman([100, null, 200, 300, 1600, null], [22, 5, 11, 900, 33, 5]), 0.6));

  it('tell equal predictions, mostly unparsable answers and values apart', () => {
    assert.equal(spearman([640, 640, 640], [1, 2, 3]), 'equal');
    assert.equal(pearson([640, 640, 640], [1, 2, 3]), 'equal');
    assert.equal(spearman([1, 2, 3], [640, 640, 640]), 'equal');
    assert.equal(spearman([1, 2, null, null], [1, 2, 3, 4]), 1); // just half
    assert.equal(spearman([1, 2, null, null, null], [1, 2, 3, 4, 5]), 'unparsable');
    assert.equal(pearson([640, 640, null, null, null], [1, 2, 3, 4, 5]), 'unparsable');
  });
});

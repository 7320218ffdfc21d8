// Ordering of answers, and W (13) and μ (14) against arithmetic worked by hand.
import assert from 'node:assert/strict';
import { UserError } from '../../../src/domain/errors.ts';
import { answerWeight, errorRange, orderAnswers, parseAnswer, penaltyStrength, trainingPairs, type AnswerPair, type PenaltySettings } from '../../../src/domain/preferences.ts';

const range = { min: 100, max: 1656 };
const close = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

describe('parsing an answer', () => {
  it('takes two decimals within the range, and blanks around them', () => {
    assert.deepEqual(['7.52', ' 7.52\n', '16.56', '1.00', '07.50'].map((text) => parseAnswer(text, range)), [752, 752, 1656, 100, 750]);
  });
  it('takes nothing else', () => {
    for (const text of ['', '7', '7.5', '7.521', '-7.52', '+7.52', '7,52', '7.52.', 'about 7.52', '107.52', '7.52 7.52', '٧.٥٢', '0.99', '16.57', '1e1', 'NaN']) {
      assert.equal(parseAnswer(text, range), null, text);
    }
  });
});

describe('ordering two answers', () => {
  it('chooses the smaller error', () => {
    const expected: AnswerPair = { state: 'ordered', chosen: '7.00', rejected: '9.50', errorChosen: 52, errorRejected: 198 };
    assert.deepEqual(orderAnswers('9.50', ' 7.00', 752, range), expected);
    assert.deepEqual(orderAnswers('7.00', '9.50', 752, range), expected);
  });
  it('compares in hundredths, where 7.51 and 7.53 are equally far from 7.52', () => {
    // In floating point |7.51 − 7.52| and |7.53 − 7.52| differ.
    assert.notEqual(Math.abs(7.51 - 7.52), Math.abs(7.53 - 7.52));
    assert.deepEqual(orderAnswers('7.53', '7.51', 752, range), { state: 'tie', chosen: '7.53', rejected: '7.51', errorChosen: 1, errorRejected: 1 });
  });
  it('marks what is no number or out of range, and shows the side that is one first', () => {
    assert.deepEqual(orderAnswers('high', '7.00', 752, range), { state: 'unparsable', chosen: '7.00', rejected: 'high', errorChosen: 52, errorRejected: null });
    assert.deepEqual(orderAnswers('7.00', '99.00', 752, range), { state: 'unparsable', chosen: '7.00', rejected: '99.00', errorChosen: 52, errorRejected: null });
    assert.deepEqual(orderAnswers('a', 'b', 752, range), { state: 'unparsable', chosen: 'a', rejected: 'b', errorChosen: null, errorRejected: null });
  });
});

const pair = (errorChosen: number | null, errorRejected: number | null): AnswerPair => ({
  state: errorChosen === null || errorRejected === null ? 'unparsable' : errorChosen === errorRejected ? 'tie' : 'ordered',
  chosen: 'chosen', rejected: 'rejected', errorChosen, errorRejected,
});

describe('Mmin and Mmax', () => {
  it('span both answers of all parsed pairs, ties included, unparsable pairs not', () => {
    assert.deepEqual(errorRange([pair(50, 200), pair(30, 30), pair(1, null), pair(90, 410)]), { min: 30, max: 410 });
  });
  it('are an error when all are equal, and when there are none', () => {
    const refuses = (pairs: AnswerPair[], code: string) => assert.throws(() => errorRange(pairs), (error) => error instanceof UserError && error.code === code);
    refuses([pair(30, 30), pair(30, 30)], 'equal-errors');
    refuses([pair(null, 3)], 'no-parsed-pairs');
  });
});

describe('W and μ', () => {
  const errors = { min: 0, max: 400 };
  const settings: PenaltySettings = { mode: 'ours', alpha: 1, lambda: 1, delta: 0.01, cap: 10 };

  it('W is 10·exp(−α·M / (Mmax − Mmin))', () => {
    close(answerWeight(0, errors, 1), 10);
    close(answerWeight(400, errors, 1), 3.6787944117144233); // 10/e
    close(answerWeight(200, errors, 2), 3.6787944117144233);
    close(answerWeight(400, { min: 200, max: 400 }, 1), 1.353352832366127); // 10/e², since M itself is not shifted
  });

  it('μ is λ / (W_chosen − W_rejected + δ)', () => {
    close(penaltyStrength(0, 400, errors, settings), 1 / (10 - 3.6787944117144233 + 0.01)); // 0.15795…
    close(penaltyStrength(0, 400, errors, { ...settings, lambda: 2, delta: 1 }), 2 / 7.3212055882855767);
    assert.ok(Math.abs(penaltyStrength(0, 400, errors, settings) - 0.157948) < 1e-6); // 1 / 6.3312056
  });

  it('ours caps near-ties, the paper does not', () => {
    // M 0 and 1: W 10 and 10·exp(−1/400) = 9.9750312, difference .0249688, μ = 1/.0349688 = 28.597
    assert.equal(penaltyStrength(0, 1, errors, settings), 10);
    assert.ok(Math.abs(penaltyStrength(0, 1, errors, { ...settings, mode: 'paper' }) - 28.597) < 1e-3);
  });

  it('a pair that a person swapped or kept although tied gets the cap, never a negative value', () => {
    // By (14) alone the second would be 1 / (9.9 − 10 + .01) ≈ −11, a reward.
    for (const [chosen, rejected] of [[200, 200], [4, 0], [400, 0]] as const) assert.equal(penaltyStrength(chosen, rejected, errors, settings), 10);
    assert.equal(penaltyStrength(200, 200, errors, { ...settings, delta: 1 }), 10); // also where λ/δ lies below the cap
  });

  it('the paper\'s has no such pairs', () => {
    assert.throws(() => penaltyStrength(200, 200, errors, { ...settings, mode: 'paper' }), /smaller error/);
  });
});

describe('pairs for training', () => {
  const pairs = [pair(0, 400), pair(10, 19), pair(10, 20), pair(5, 5), pair(5, null)];
  const settings: PenaltySettings & { margin: number | null } = { mode: 'ours', alpha: 1, lambda: 1, delta: 0.01, cap: 10, margin: 10 };

  it('leave out ties, unparsable pairs and margins below the minimum, and count them', () => {
    const result = trainingPairs(pairs, settings);
    assert.deepEqual(result.pairs.map((kept) => kept.pair), [pairs[0], pairs[2]]);
    assert.deepEqual(result.leftOut, { tie: 1, unparsable: 1, margin: 1 });
    assert.deepEqual(result.range, { min: 0, max: 400 });
    close(result.pairs[0]!.mu, 1 / (10 - 3.6787944117144233 + 0.01));
    // W of 10 and 20 hundredths: 9.7530991 and 9.5122942; μ = 1 / .2508049 = 3.98716
    assert.ok(Math.abs(result.pairs[1]!.mu - 3.98716) < 1e-4);
  });

  it('have no minimum margin in the paper\'s plan', () => {
    const result = trainingPairs(pairs, { ...settings, mode: 'paper', margin: null });
    assert.deepEqual(result.pairs.map((kept) => kept.pair), pairs.slice(0, 3));
    assert.deepEqual(result.leftOut, { tie: 1, unparsable: 1, margin: 0 });
  });
});

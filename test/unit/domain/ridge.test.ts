// Ridge regression against closed forms solved by hand, and the choice of its penalty.
import assert from 'node:assert/strict';
import { fitCrossValidatedRidge, fitRidge, RIDGE_PENALTIES, type RidgeRow } from '../../../src/domain/ridge.ts';

const close = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
const rowsOf = (features: number[][], targets: number[]): RidgeRow[] => features.map((row, i) => ({ user: `u${i}`, features: row, target: targets[i]! }));

describe('ridge regression', () => {
  it('one feature by hand', () => {
    // x 1 2 3: z = (x − 2)/√(2/3); y 2 3 7: mean 4; z·y = 5√(3/2), z·z = 3; λ 3: w = 5√(3/2)/6; at x = 4, z = 2√(3/2): 4 + 5·2·(3/2)/6 = 6.5
    const predict = fitRidge(rowsOf([[1], [2], [3]], [2, 3, 7]), 3);
    close(predict([4]), 6.5);
    close(predict([2]), 4);
  });

  it('two correlated features by hand', () => {
    // a + + + − − −, b + + − + − −, Σab = 2; y 3 1 2 −1 −2 −3: a·y 12, b·y 6; λ 2: [8 2; 2 8] w = [12 6], w = [1.4 0.4]
    const predict = fitRidge(rowsOf([[1, 1], [1, 1], [1, -1], [-1, 1], [-1, -1], [-1, -1]], [3, 1, 2, -1, -2, -3]), 2);
    close(predict([1, 1]), 1.8);
    close(predict([1, -1]), 1);
    close(predict([0, 0]), 0);
  });

  it('shares the weight of equal columns and ignores one that does not vary', () => {
    // z ±1 twice: [4+λ 4; 4 4+λ] w = [4 4], λ 4: w = 4/12 each, prediction at +1: 2/3. The third column is 7 throughout.
    const predict = fitRidge(rowsOf([[1, 1, 7], [1, 1, 7], [-1, -1, 7], [-1, -1, 7]], [1, 1, -1, -1]), 4);
    close(predict([1, 1, 7]), 2 / 3);
    close(predict([1, 1, 700]), 2 / 3);
  });
});

describe('the penalty', () => {
  it('is small where the features say everything', () => {
    const rows = Array.from({ length: 40 }, (_, i): RidgeRow => ({ user: `u${i % 10}`, features: [i], target: 3 * i }));
    const { penalty, predict } = fitCrossValidatedRidge(rows);
    assert.equal(penalty, RIDGE_PENALTIES[0]);
    assert.ok(Math.abs(predict([10]) - 30) < 0.5);
  });

  it('is chosen across users: what holds for one user alone is no reason to trust a feature', () => {
    // User a: y = x, 20 rows; user b: y = −x, 10 rows. Folds of rows would find a slope of 1/3 useful (errors 26.7 against
    // 30 for none); with users held out, the slope of one is the opposite of the other's.
    const user = (name: string, slope: number, count: number) => Array.from({ length: count }, (_, i): RidgeRow => ({ user: name, features: [i % 2 ? 1 : -1], target: i % 2 ? slope : -slope }));
    assert.equal(fitCrossValidatedRidge([...user('a', 1, 20), ...user('b', -1, 10)]).penalty, RIDGE_PENALTIES.at(-1));
  });

  it('needs two users', () => assert.throws(() => fitCrossValidatedRidge([{ user: 'a', features: [1], target: 1 }]), /two users/));
});

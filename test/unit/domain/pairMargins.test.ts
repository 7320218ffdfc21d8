import assert from 'node:assert/strict';
import { pairMargins } from '../../../src/domain/pairMargins.ts';

describe('margins of pairs', () => {
  it('are means over pairs, with the share that is in the right order', () => {
    // margins 2, −1, 0, 1: mean 0.5; two of four above 0; chosen −1, −3, −2, −2: mean −2
    const scored = [{ chosen: -1, rejected: -3 }, { chosen: -3, rejected: -2 }, { chosen: -2, rejected: -2 }, { chosen: -2, rejected: -3 }];
    assert.deepEqual(pairMargins(scored), { pairs: 4, chosen: -2, margin: 0.5, preferred: 0.5 });
  });

  it('of no pair are no number', () => {
    assert.throws(() => pairMargins([]));
  });
});

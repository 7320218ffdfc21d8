// Totals of other tools: read from what they print, and never a success when they say nothing.
import assert from 'node:assert/strict';
import { judge, junitTotals, mochaTotals } from '../../../scripts/testRunners.ts';

const ended = (code: number) => ({ code, output: '' });

describe('totals of test runners', () => {
  it("reads mocha's closing lines, the last when there are several", () => {
    assert.deepEqual(mochaTotals('  ✔ a\n\n  12 passing (3s)\n  1 pending\n  2 failing\n'), { passed: 12, failed: 2, skipped: 1 });
    assert.deepEqual(mochaTotals('  1 passing (2ms)\n  7 failing\n\n  4 passing (1s)\n'), { passed: 4, failed: 7, skipped: 0 });
    assert.equal(mochaTotals('Error: cannot load'), null);
  });

  it('sums the suites of a junit file', () => {
    const xml = '<testsuites name="x"><testsuite name="a" errors="1" failures="2" skipped="3" tests="10"></testsuite><testsuite name="b" errors="0" failures="0" skipped="0" tests="5"/></testsuites>';
    assert.deepEqual(junitTotals(xml), { passed: 9, failed: 3, skipped: 3 });
    assert.equal(junitTotals('<testsuites/>'), null);
  });

  it('counts silence, no test and a bad exit status as a failure', () => {
    assert.deepEqual(judge('x', ended(0), null), { passed: 0, failed: 1, skipped: 0 });
    assert.deepEqual(judge('x', ended(0), { passed: 0, failed: 0, skipped: 2 }), { passed: 0, failed: 1, skipped: 2 });
    assert.deepEqual(judge('x', ended(1), { passed: 3, failed: 0, skipped: 0 }), { passed: 3, failed: 1, skipped: 0 });
    assert.deepEqual(judge('x', ended(2), { passed: 3, failed: 2, skipped: 0 }), { passed: 3, failed: 2, skipped: 0 });
    assert.deepEqual(judge('x', ended(0), { passed: 3, failed: 0, skipped: 1 }), { passed: 3, failed: 0, skipped: 1 });
  });
});

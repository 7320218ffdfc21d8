import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseNumber, parseTime, scoreOf, toHundredths } from '../../../src/sources/fieldValues.ts';

describe('scores', () => {
  it('are rounded once, halves up as written in decimal', () => {
    assert.equal(toHundredths(1.005), 101); // 1.005 * 100 is 100.49999999999999 in floating point
    assert.equal(toHundredths(7.52), 752);
    assert.equal(toHundredths(16.56), 1656);
    assert.equal(toHundredths(1.114999), 111);
  });

  it('are log2(count + 1) of counts', () => {
    assert.equal(scoreOf(0, 'log2-count-plus-1'), 0);
    assert.equal(scoreOf(97, 'log2-count-plus-1'), 661); // log2(98) = 6.6147…
    assert.equal(scoreOf(1023, 'log2-count-plus-1'), 1000);
  });

  it('lie within 0 … 31.99', () => {
    assert.equal(scoreOf(31.99, 'as-is'), 3199);
    assert.equal(scoreOf(32, 'as-is'), null);
    assert.equal(scoreOf(-0.01, 'as-is'), null);
  });
});

describe('parseNumber', () => {
  it('takes decimal numbers and nothing else', () => {
    for (const [text, number] of [['7.52', 7.52], [' 3 ', 3], ['-1', -1], ['1e3', 1000], ['.5', 0.5]] as const) assert.equal(parseNumber(text), number);
    for (const text of ['', 'abc', '1,5', '0x10', 'NaN', 'Infinity', '1.2.3', null, {}, Number.NaN, '1e999']) assert.equal(parseNumber(text), null, String(text));
  });
});

describe('parseTime', () => {
  it('reads dates with a time of day, as UTC where no zone is given', () => {
    const expected = Date.UTC(2018, 0, 1, 0, 59, 56) / 1000;
    for (const text of ['2018-01-01 00:59:56', '2018-01-01T00:59:56Z', '2018-01-01T00:59:56.789+00:00', '2018-01-01 02:59:56+0200', '2017-12-31T19:59:56-05:00', '2018/1/1 0:59:56']) {
      assert.equal(parseTime(text, 'iso'), expected, text);
    }
    assert.equal(parseTime('2023-07-29 18:21', 'iso'), Date.UTC(2023, 6, 29, 18, 21) / 1000);
  });

  it('reads whole days as midnight', () => {
    assert.equal(parseTime('2016-02-29', 'day'), Date.UTC(2016, 1, 29) / 1000);
    assert.equal(parseTime('2016-02-29 10:00:00', 'day'), null);
  });

  it('reads unix seconds and milliseconds', () => {
    assert.equal(parseTime('1446016778', 'unix-seconds'), 1446016778);
    assert.equal(parseTime(1446016778123, 'unix-milliseconds'), 1446016778);
  });

  it('refuses days that do not exist, other text, and times outside 1970 … 2100', () => {
    for (const text of ['2018-02-30', '2018-13-01', '2018-01-01 25:00:00', 'yesterday', '', '01.02.2018']) assert.equal(parseTime(text, 'iso'), null, text);
    for (const text of ['0', '-5', '4102444800', 'None', '']) assert.equal(parseTime(text, 'unix-seconds'), null, text);
    assert.equal(parseTime('1950-01-01', 'day'), null);
  });
});

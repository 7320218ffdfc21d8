// Finding the record under the cursor in a window of text, also where the window begins inside a string.
import assert from 'node:assert/strict';
import { columnOf, fieldAt, findColumnRow, findJsonRecord, firstLineOfRecord, recordLines, windowAround, WINDOW_LENGTH } from '../../../src/editor/postRecord.ts';

const KEYS = ['Pid', 'pid'];
const record = (pid: string, title: string): string => JSON.stringify({ Uid: '59@N75', Pid: pid, Title: title, Alltags: 'a b' });

describe('findColumnRow', () => {
  const file = '{"Uid":{"0":"59@N75","1":"60@N75"},\n"Pid":{"0":"775","1":776},"user_description":{"0":"0.1,-0.2","1":"says \\"2\\": no"}}';

  it('finds the row of the entry under the cursor, in every column', () => {
    for (const place of ['"0":"59@N75"', '59@N75', '"775"', '0.1,-0.2']) assert.equal(findColumnRow(file, file.indexOf(place))?.row, 1, place);
    for (const place of ['60@N75', '776', 'says', 'no"}']) assert.equal(findColumnRow(file, file.indexOf(place))?.row, 2, place);
    const entry = findColumnRow(file, file.indexOf('60@'))!;
    assert.equal(file.slice(entry.start, entry.end), '"1":"60@N75"');
  });

  it('works where the window begins inside a vector', () => {
    const vector = Array.from({ length: 399 }, (_, i) => (i / 100).toFixed(2)).join(',');
    const text = `${vector}","41":"${vector}","42":"${vector}"`;
    assert.equal(findColumnRow(text, text.indexOf('"41"') + 20)?.row, 42);
  });

  it('finds nothing at the name of a column or between columns', () => {
    assert.equal(findColumnRow(file, file.indexOf('Uid')), null);
    assert.equal(findColumnRow(file, file.indexOf('\n')), null);
  });
});

describe('recordLines', () => {
  const linesOf = (text: string) => {
    const lines = text.split('\n');
    return recordLines((line) => lines[line]!, lines.length);
  };

  it('finds where a record a line begins and ends', () => {
    assert.deepEqual(linesOf('[\n{"a":1},\n{"a":2}\n]\n'), { first: 1, last: 2 });
    assert.deepEqual(linesOf('[{"a":1},\r\n {"a":2},\r\n {"a":3}]\r\n'), { first: 0, last: 2 });
    assert.deepEqual(linesOf('\ufeff[{"a":1}]'), { first: 0, last: 0 });
  });

  it('finds nothing in other lists', () => {
    assert.equal(linesOf('[\n  {\n    "a": 1\n  }\n]'), null);
    assert.equal(linesOf('{"Uid":{"0":"x"}}'), null);
    assert.equal(linesOf('[]\n'), null);
    assert.equal(linesOf('[\n]\n'), null);
    assert.equal(linesOf(''), null);
  });
});

describe('the id in a line without a header', () => {
  it('is the second quoted field of 2018, the first of TPIC2017', () => {
    assert.equal(fieldAt('"59@N75" "775" "Fashion" "a "quoted" title"', ' ', 1), '775');
    assert.equal(fieldAt('304582 50@N31 0 0 15\n304583', ' ', 0), '304582');
    assert.equal(fieldAt('"59@N75"', ' ', 1), null);
  });
});

describe('findJsonRecord', () => {
  const pretty = JSON.stringify([{ Uid: '1', Pid: '775', Title: 'One {' }, { Uid: '2', Pid: 776, Title: 'Two "}"' }], null, 2);

  it('finds the record from its id, its title, its braces and its blanks', () => {
    for (const place of ['"775"', 'One {', '"Uid": "1"']) assert.equal(findJsonRecord(pretty, pretty.indexOf(place), KEYS)?.pid, '775', place);
    assert.equal(findJsonRecord(pretty, pretty.indexOf('{'), KEYS)?.pid, '775');
    assert.equal(findJsonRecord(pretty, pretty.indexOf('Two'), KEYS)?.pid, '776'); // a number
  });

  it('finds nothing between records and outside of them', () => {
    assert.equal(findJsonRecord(pretty, 0, KEYS), null);
    assert.equal(findJsonRecord(pretty, pretty.indexOf('},') + 2, KEYS), null);
    assert.equal(findJsonRecord('not JSON at all', 4, KEYS), null);
  });

  it('says where the record lies', () => {
    const found = findJsonRecord(pretty, pretty.indexOf('776'), KEYS)!;
    assert.deepEqual(JSON.parse(pretty.slice(found.start, found.end)), { Uid: '2', Pid: 776, Title: 'Two "}"' });
  });

  it('takes the innermost object that has an id, and no id of another level', () => {
    const nested = '{"Pid":"1","more":{"x":1},"list":[{"Pid":"2"}]}';
    assert.equal(findJsonRecord(nested, nested.indexOf('"x"'), KEYS)?.pid, '1');
    assert.equal(findJsonRecord(nested, nested.indexOf('"2"'), KEYS)?.pid, '2');
    assert.equal(findJsonRecord('{"a":{"Pid":"9"},"b":0}', 18, KEYS), null);
  });

  it('reads JSON lines', () => {
    const lines = [record('1', 'a'), record('2', 'b'), record('3', 'c')].join('\n');
    assert.equal(findJsonRecord(lines, lines.indexOf('"b"'), KEYS)?.pid, '2');
  });

  it('leaves columnar files alone: their Pid is an object', () => {
    const columnar = '{"Uid":{"0":"59@N75","1":"x"},"Pid":{"0":"775","1":"776"}}';
    assert.equal(findJsonRecord(columnar, columnar.indexOf('775'), KEYS), null);
  });

  // One line of a large file, cut at every offset within a record: whatever the window begins with, the record is found.
  it('finds the record whichever character the window begins with', () => {
    const titles = ['plain', 'with "quotes" and \\ slashes', 'braces {Pid: 9} [x]', 'a, "Pid": "0", b', 'ends with a slash \\'];
    const line = Array.from({ length: 60 }, (_unused, index) => record(String(1000 + index), titles[index % titles.length]!)).join(',');
    const cursor = line.indexOf('"1030"');
    for (let start = line.indexOf('"1010"'); start < line.indexOf('"1016"'); start++) {
      assert.equal(findJsonRecord(line.slice(start, start + 4000), cursor - start, KEYS)?.pid, '1030', `window from ${start}: ${line.slice(start, start + 30)}`);
    }
  });

  it('does not show a post whose id is cut by the end of the window', () => {
    const line = record('123456', 'x');
    const cut = line.indexOf('3456');
    assert.equal(findJsonRecord(line.slice(0, cut), 5, KEYS), null);
  });
});

describe('windowAround', () => {
  it('never exceeds 64 KB and never leaves the text', () => {
    assert.deepEqual(windowAround(10, 100), { start: 0, end: 100 });
    assert.deepEqual(windowAround(1_000_000, 100_000_000), { start: 1_000_000 - WINDOW_LENGTH / 2, end: 1_000_000 + WINDOW_LENGTH / 2 });
    assert.deepEqual(windowAround(99_999_999, 100_000_000), { start: 100_000_000 - WINDOW_LENGTH, end: 100_000_000 });
  });
});

describe('delimited lines', () => {
  it('finds the line on which a record with line breaks began', () => {
    const lines = ['id,title', '1,plain', '2,"two', 'lines of', 'text",x', '3,"a ""quoted"" word"'];
    assert.deepEqual([1, 2, 3, 4].map((line) => firstLineOfRecord(lines, line)), [1, 2, 2, 2]);
    assert.equal(firstLineOfRecord(['1,"a ""b"" c"', '2,plain'], 1), 1);
  });

  it('reads the field of one column, whatever stands in the others', () => {
    const record = '7,"a ""quoted"", title\nof two lines",say "77",p-77\r\n8,x,y,p-78';
    assert.deepEqual([0, 1, 2, 3, 4].map((index) => fieldAt(record, ',', index)), ['7', 'a "quoted", title\nof two lines', 'say "77"', 'p-77', null]);
    assert.equal(fieldAt('"cut', ',', 0), null);
    assert.equal(fieldAt('a\t"BTdS"\t', '\t', 1), 'BTdS');
    assert.equal(fieldAt('a,,', ',', 2), '');
  });

  it('finds a column by its name', () => {
    assert.equal(columnOf('\ufeff\nid,"author, name",points\n1,2,3', ',', 'points'), 2);
    assert.equal(columnOf('id,author\n1,points', ',', 'points'), null);
  });
});

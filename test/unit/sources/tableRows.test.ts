import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { detectTableFormat, readTable, type RawRow, type TableFormat } from '../../../src/sources/tableRows.ts';

async function read(bytes: Buffer, format: TableFormat, size: number): Promise<{ header: readonly string[]; rows: RawRow[] }> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
  }
  const rows: RawRow[] = [];
  let header: readonly string[] = [];
  for await (const batch of readTable(chunks(), format, 'x.csv')) {
    header = batch.header;
    rows.push(...batch.rows);
  }
  return { header, rows };
}

const CSV: TableFormat = { format: 'csv', delimiter: ',' };

describe('readTable', () => {
  it('yields the same rows and lines wherever the chunks are cut', async () => {
    const bytes = Buffer.from('\uFEFFid,title\r\n1,"two\nlines, ""quoted"""\r\n\r\n2,5" pipe\n3,日本 🎉');
    const expected = [{ row: 2, title: 'two\nlines, "quoted"' }, { row: 5, title: '5" pipe' }, { row: 6, title: '日本 🎉' }];
    for (let size = 3; size <= bytes.length; size++) {
      const { header, rows } = await read(bytes, CSV, size);
      assert.deepEqual(header, ['id', 'title']);
      assert.deepEqual(rows.map(({ row, values }) => ({ row, title: values['title'] })), expected, `chunks of ${size} bytes`);
      assert.ok(rows.every(({ fault }) => fault === null), `chunks of ${size} bytes`);
    }
  });

  it('marks rows that are not UTF-8, and not those that hold a replacement character of their own', async () => {
    const good = Buffer.from('id,title\n1,lost \uFFFD before\n');
    assert.deepEqual((await read(good, CSV, 5)).rows.map(({ fault }) => fault), [null]);
    const bad = Buffer.concat([Buffer.from('id,title\n1,fine\n2,caf'), Buffer.from([0xe9]), Buffer.from('\n3,fine\n')]);
    for (const size of [1, 4, 1000]) assert.deepEqual((await read(bad, CSV, size)).rows.map(({ fault }) => fault?.reason ?? null), [null, 'bad encoding', null], `chunks of ${size}`);
  });

  it('reads JSON lines, skipping what is no object', async () => {
    const { header, rows } = await read(Buffer.from('{"id":1,"tags":["a"]}\n\n[1]\n{"id":2,"x":null}\nnot json\n'), { format: 'jsonl', delimiter: null }, 7);
    assert.deepEqual(header, ['id', 'tags']);
    assert.deepEqual(rows.map(({ row, fault }) => [row, fault?.reason ?? null]), [[1, null], [3, 'no JSON object'], [4, null], [5, 'no JSON']]);
  });

  it('names columns that have no name by their position', async () => {
    assert.deepEqual((await read(Buffer.from(',title\n0,x\n'), CSV, 100)).header, ['column 1', 'title']);
  });
});

describe('detectTableFormat', () => {
  it('goes by the first line', () => {
    assert.deepEqual(detectTableFormat(Buffer.from('a,b,c\n1,2,3')), CSV);
    assert.deepEqual(detectTableFormat(Buffer.from('a\tb, c\td')), { format: 'tsv', delimiter: '\t' });
    assert.deepEqual(detectTableFormat(Buffer.from('a;b;c')), { format: 'csv', delimiter: ';' });
    assert.deepEqual(detectTableFormat(Buffer.from('\n {"a":1}')), { format: 'jsonl', delimiter: null });
    assert.equal(detectTableFormat(Buffer.from('one word\nand more')), null);
  });
});

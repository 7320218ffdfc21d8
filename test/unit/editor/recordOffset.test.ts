// Finding a record in a file that is read in pieces, also where it lies across two of them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesAt, offsetOfPid, offsetOfRow, positionOfOffset } from '../../../src/editor/recordOffset.ts';

const KEYS = ['Pid', 'pid'];

describe('record offsets', () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'smp-offset-'));
    file = join(folder, 'posts');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('finds an object by its id, whichever piece it lies in', async () => {
    const records = Array.from({ length: 30_000 }, (_unused, index) => `{"Uid":"é${index}@N1","Pid":"${100_000 + index}","Title":"名${index} {x}"}`);
    writeFileSync(file, `[${records.join(',')}]`); // 1.7 MB on one line: the first piece ends inside a record
    const bytes = readFileSync(file);
    for (const index of [0, 1, 17_900, 18_000, 18_100, 29_999]) {
      const offset = await offsetOfPid(file, String(100_000 + index), KEYS);
      assert.equal(offset, bytes.indexOf(`{"Uid":"é${index}@`), `record ${index}`);
    }
    const edge = 1024 * 1024; // of the pieces
    const cut = Number(/"Pid":"(\d+)"/.exec(bytes.subarray(edge - 30).toString('utf8'))![1]);
    assert.equal(await offsetOfPid(file, String(cut), KEYS), bytes.indexOf(`{"Uid":"é${cut - 100_000}@`));
    assert.equal(await offsetOfPid(file, '5', KEYS), null); // no id ends with it alone
  });

  it('takes an id only from a key of ids, and says where it stands in the text', async () => {
    const text = '[\n{"Uid":"77","Pid":"1","Title":"é😀"},\n  {"Uid":"8","Groupid":"77","Pid":"77"}]';
    writeFileSync(file, text);
    const offset = await offsetOfPid(file, '77', KEYS);
    assert.equal(offset, readFileSync(file).indexOf('{"Uid":"8"'));
    assert.deepEqual(await positionOfOffset(file, offset!), { line: 2, character: 2 });
    assert.deepEqual(await positionOfOffset(file, readFileSync(file).indexOf('},\n')), { line: 1, character: text.split('\n')[1]!.indexOf('},') });
    assert.deepEqual(await positionOfOffset(file, 0), { line: 0, character: 0 });
  });

  it('finds rows by their number', async () => {
    const lines = Array.from({ length: 200_000 }, (_unused, index) => `row ${index + 1}`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    for (const row of [1, 2, 100_000, 200_000]) {
      const offset = await offsetOfRow(file, row);
      assert.equal((await bytesAt(file, offset!, 20)).toString().split('\n')[0], `row ${row}`);
    }
    assert.equal(await offsetOfRow(file, 200_002), null);
  });
});

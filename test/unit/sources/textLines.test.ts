import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readTextLines } from '../../../src/sources/textLines.ts';

async function read(bytes: Buffer, size: number): Promise<{ text: string; validUtf8: boolean }[]> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
  }
  const lines = [];
  for await (const batch of readTextLines(chunks(), 'x.txt')) lines.push(...batch);
  return lines;
}

describe('readTextLines', () => {
  it('yields the same lines wherever the chunks are cut, with either end of line', async () => {
    const bytes = Buffer.from('one\r\ntwö\n\nfour 🎉');
    for (let size = 1; size <= bytes.length; size++) assert.deepEqual((await read(bytes, size)).map((line) => line.text), ['one', 'twö', '', 'four 🎉'], `chunks of ${size} bytes`);
  });

  it('adds no line behind the last end', async () => {
    assert.deepEqual((await read(Buffer.from('1\n2\n'), 100)).map((line) => line.text), ['1', '2']);
  });

  it('leaves a byte order mark out', async () => {
    assert.equal((await read(Buffer.from('\uFEFF1\n'), 100))[0]!.text, '1');
  });

  it('marks the lines that are not UTF-8 and no others', async () => {
    const bytes = Buffer.concat([Buffer.from('good\nb'), Buffer.from([0xe4]), Buffer.from('d\ngööd\n')]);
    assert.deepEqual((await read(bytes, 100)).map((line) => line.validUtf8), [true, false, true]);
  });
});

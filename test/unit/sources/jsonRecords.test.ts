import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readJsonRecords, type JsonRecord } from '../../../src/sources/jsonRecords.ts';

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

async function read(text: string | Buffer, size: number): Promise<JsonRecord[]> {
  const records: JsonRecord[] = [];
  for await (const batch of readJsonRecords(inChunks(Buffer.from(text), size), 'x.json')) records.push(...batch);
  return records;
}

describe('readJsonRecords', () => {
  const values = [{ a: 'plain' }, { a: 'quote " bracket ] brace } backslash \\' }, { a: { b: [1, { c: '}' }] } }, {}, { a: 'ünïcödé 日本 🎉', b: '\\"' }];

  it('yields the same records wherever the chunks are cut', async () => {
    const text = `\uFEFF [ ${values.map((value) => JSON.stringify(value)).join(' ,\n ')} ]\n`;
    const length = Buffer.byteLength(text);
    for (let size = 1; size <= length; size++) assert.deepEqual((await read(text, size)).map((record) => record.value), values, `chunks of ${size} bytes`);
  });

  it('is not misled by texts that look like the end of a record', async () => {
    const misleading = Array.from({ length: 60 }, (_, i) => ({ Pid: String(i), Title: i % 3 === 0 ? '"},{"Title":"' : '},{},{', nested: [{ a: '},' }, {}] }));
    const text = JSON.stringify(misleading);
    for (const size of [64, 100, 333, 1024, 5000]) assert.deepEqual((await read(text, size)).map((record) => record.value), misleading, `chunks of ${size} bytes`);
  });

  it('reads an empty list', async () => {
    assert.deepEqual(await read('[]', 1), []);
  });

  it('marks the records that are not UTF-8 and no others', async () => {
    const bytes = Buffer.concat([Buffer.from('[{"a":"x"},{"a":"'), Buffer.from([0xe9]), Buffer.from('"},{"a":"é"}]')]);
    assert.deepEqual((await read(bytes, 7)).map((record) => record.validUtf8), [true, false, true]);
  });

  it('names a bad record far behind the first chunk', async () => {
    const good = Array.from({ length: 50 }, (_, i) => JSON.stringify({ Pid: i }));
    for (const bad of ['{Pid:1}', '7', '[{}]', '{"Pid":1}}', 'null']) {
      const text = `[${[...good, bad, ...good].join(',')}]`;
      await assert.rejects(read(text, 128), (error: Error) => /record 5[12]:/.test(error.message), bad);
    }
  });

  for (const [what, text, record] of [
    ['a list that is cut off inside a record', '[{"a":1},{"b":', 2],
    ['a list that is cut off between records', '[{"a":1},{"b":2}', 3],
    ['an element that is no object', '[{"a":1},7]', 2],
    ['an object instead of a list', '{"a":1}', 1],
    ['something behind the list', '[{"a":1}]x', 2],
    ['a comma before the end', '[{"a":1},]', 2],
    ['two commas', '[{"a":1},,{"a":2}]', 2],
    ['no comma', '[{"a":1}{"a":2}]', 2],
    ['a record that is no JSON', '[{"a":1},{"a":1},{a:1}]', 3],
    ['an empty file', '', 1],
  ] as const) {
    it(`names the record of ${what}`, async () => {
      for (const size of [1, 3, 1000]) {
        await assert.rejects(read(text, size), (error: Error & { code?: string }) => error.code === 'json-broken' && error.message.startsWith(`x.json, record ${record}:`), `chunks of ${size}`);
      }
    });
  }
});

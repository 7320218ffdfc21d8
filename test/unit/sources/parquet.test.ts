// Parquet tables: what another writer's types become, pages of row groups, and files that are no sound Parquet.
import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { after, describe, it } from 'mocha';
import { UserError } from '../../../src/domain/errors.ts';
import type { Post } from '../../../src/domain/posts.ts';
import type { Mapping } from '../../../src/protocol/stages.ts';
import { detectSource } from '../../../src/sources/detectSource.ts';
import type { SkippedRow } from '../../../src/sources/postSource.ts';
import { removeFolders, temporaryFolder } from './sourceFixture.ts';

const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'pyarrow.parquet'); // made by makeParquet.py beside it
const PAGES = join(import.meta.dirname, '..', '..', 'fixtures', 'pyarrow-pages.parquet');
const IDS = ['9007199254740993', '9007199254740994', '9007199254740995', '9007199254740996', '9007199254740997', '9007199254740998', '9007199254740999'];

async function read(path: string, change: (mapping: Mapping) => Mapping = (mapping) => mapping): Promise<{ posts: Post[]; skipped: SkippedRow[]; rows: number[] }> {
  const { mapping } = await detectSource(path, null, () => null);
  const source = await detectSource(path, change(mapping!), () => null);
  const posts: Post[] = [], skipped: SkippedRow[] = [], rows: number[] = [];
  for await (const batch of source.read(() => undefined)) {
    posts.push(...batch.posts.map(({ post }) => post));
    rows.push(...batch.posts.map(({ place }) => place.row));
    skipped.push(...batch.skipped);
  }
  return { posts, skipped, rows };
}

/** A copy of the fixture whose bytes were changed. */
function changed(change: (bytes: Buffer) => Buffer): string {
  const path = join(temporaryFolder(), 'posts.parquet');
  writeFileSync(path, change(readFileSync(FIXTURE)));
  return path;
}

const refuses = (code: string, says: RegExp) => (error: UserError): boolean => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  return true;
};

describe('Parquet tables', () => {
  after(removeFolders);

  it('are told by their first bytes, and mapped like any table', async () => {
    const source = await detectSource(FIXTURE, null, () => null);
    assert.equal(source.suggestedName, 'pyarrow');
    assert.equal(source.approximateRows, 7);
    const { format, delimiter, columns, timeFormat, popularityScale, outcome } = source.mapping!;
    assert.deepEqual({ format, delimiter, timeFormat, popularityScale, outcome }, { format: 'parquet', delimiter: null, timeFormat: 'iso', popularityScale: 'as-is', outcome: ['likes'] });
    assert.deepEqual([columns.pid, columns.uid, columns.time, columns.popularity, columns.title, columns.tags], ['post_id', 'author', 'created_at', 'score', 'title', 'hashtags']);
    assert.match(source.findings.join('\n'), /pyarrow\.parquet is a Parquet table of 7 rows\.[^]*Off until chosen: taken_on, embedding\./);
  });

  it('give ids all their digits, times their seconds, lists of tags as one text, and no label where there is none', async () => {
    const { posts, rows } = await read(FIXTURE);
    assert.deepEqual(posts.map((post) => post.pid), IDS);
    assert.deepEqual(rows, [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(posts.map((post) => post.postedAt), IDS.map((_, day) => Date.UTC(2015, 2, 1 + day, 12, 30, 15) / 1000));
    assert.deepEqual(posts.map((post) => post.title), ['Café', '東京 “x”', '', '', 'four', 'five', 'six']);
    assert.deepEqual(posts.map((post) => post.tags), ['a b', '', '', 'c', 'd e f', 'g', '']);
    assert.deepEqual(posts.map((post) => post.label), [752, 101, null, null, 300, 1656, 225]); // NaN is no label either
  });

  it('take days, counts and chosen columns', async () => {
    const { posts } = await read(FIXTURE, (mapping) => ({ ...mapping, columns: { ...mapping.columns, time: 'taken_on', popularity: 'likes' }, timeFormat: 'day', popularityScale: 'log2-count-plus-1', outcome: [] }));
    assert.deepEqual(posts.map((post) => post.postedAt), IDS.map((_, day) => Date.UTC(2015, 1, 1 + day) / 1000));
    assert.deepEqual(posts.map((post) => post.label), [180, 2, null, null, 8, 96000, 5].map((likes) => (likes === null ? null : Math.round(Math.log2(likes + 1) * 100))));
  });

  it('skip rows whose chosen column is no text, and name the row', async () => {
    const { skipped } = await read(FIXTURE, (mapping) => ({ ...mapping, extra: ['embedding'] }));
    assert.deepEqual(skipped.map(({ file, row, reason }) => [file, row, reason]), IDS.map((_, row) => ['pyarrow.parquet', row + 1, 'value is no text']));
  });

  it('are put together from pages that end at different rows of their columns, and within lists', async () => {
    const { posts } = await read(PAGES);
    assert.equal(posts.length, 500);
    for (const [row, post] of posts.entries()) {
      const tags = row % 11 === 0 ? '' : Array.from({ length: row % 40 }, (_, tag) => `t${row}-${tag}`).join(' ');
      assert.deepEqual([post.pid, post.uid, post.postedAt, post.tags, post.label], [`p${row}`, `u${row % 7}`, 1_400_000_000 + row, tags, (row % 16) * 100 + 50]);
    }
  });

  for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP'] as const) {
    it(`are read from a row group of many rows (${codec})`, async () => {
      const path = join(temporaryFolder(), 'long.parquet');
      const rows = 45_000;
      const numbers = Array.from({ length: rows }, (_, row) => row);
      parquetWriteFile({
        filename: path, codec, compressors: { GZIP: gzipSync }, rowGroupSize: rows,
        columnData: [
          { name: 'id', data: numbers, type: 'INT32' }, { name: 'user', data: numbers.map((row) => `u${row % 7}`), type: 'STRING' }, { name: 'time', data: numbers.map((row) => new Date(1e12 + row * 1000)), type: 'TIMESTAMP' },
          { name: 'score', data: numbers.map((row) => (row % 1000) / 100 + 1), type: 'DOUBLE' }, { name: 'title', data: numbers.map((row) => `Title ${row}`), type: 'STRING' },
        ],
      });
      const { posts } = await read(path);
      assert.equal(posts.length, rows);
      assert.ok(posts.every((post, row) => post.pid === String(row) && post.title === `Title ${row}` && post.postedAt === 1e9 + row && post.label === (row % 1000) + 100));
    });
  }

  it('tell a text that is not UTF-8 wherever it stands in a page of many rows', async () => {
    const path = join(temporaryFolder(), 'invalid.parquet');
    const numbers = Array.from({ length: 5000 }, (_, row) => row);
    parquetWriteFile({
      filename: path, codec: 'UNCOMPRESSED',
      columnData: [
        { name: 'id', data: numbers, type: 'INT32' }, { name: 'user', data: numbers.map((row) => `u${row % 7}`), type: 'STRING' }, { name: 'time', data: numbers.map((row) => new Date(1e12 + row * 1000)), type: 'TIMESTAMP' },
        { name: 'score', data: numbers.map((row) => (row % 1000) / 100 + 1), type: 'DOUBLE' }, { name: 'title', data: numbers.map((row) => `Title ${row}!`), type: 'STRING' },
      ],
    });
    const bytes = readFileSync(path);
    for (const row of [3, 3500]) bytes[bytes.indexOf(`Title ${row}!`)] = 0xff; // in the first batch, and in a later one of the same page
    writeFileSync(path, bytes);
    const { posts, skipped } = await read(path);
    assert.deepEqual(skipped.map(({ row, reason }) => [row, reason]), [[4, 'bad encoding'], [3501, 'bad encoding']]);
    assert.equal(posts.length, 4998);
  });

  it('of no rows say so', async () => {
    const path = join(temporaryFolder(), 'empty.parquet');
    parquetWriteFile({ filename: path, columnData: ['id', 'user', 'time', 'score'].map((name) => ({ name, data: [], type: 'STRING' as const })) });
    assert.deepEqual((await read(path)).posts, []);
  });

  it('that were cut off, or have a damaged end, are refused by name', async () => {
    await assert.rejects(read(changed((bytes) => bytes.subarray(0, bytes.length - 100))), refuses('table-broken', /^posts\.parquet, its end: .*cut off/));
    await assert.rejects(read(changed((bytes) => bytes.subarray(0, 9))), refuses('table-broken', /^posts\.parquet, its end/));
    await assert.rejects(read(changed((bytes) => Buffer.concat([bytes.subarray(0, bytes.length - 8), Buffer.from([0xff, 0xff, 0xff, 0x7f]), bytes.subarray(-4)]))), refuses('table-broken', /^posts\.parquet, its end/));
    await assert.rejects(read(changed((bytes) => Buffer.concat([bytes.subarray(0, bytes.length - 600), Buffer.alloc(592, 0xff), bytes.subarray(-8)]))), refuses('table-broken', /^posts\.parquet, its end/));
  });

  it('with a damaged page name the rows', async () => {
    const path = changed((bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(120, 0xee), bytes.subarray(124)]));
    await assert.rejects(read(path), refuses('table-broken', /^posts\.parquet, rows 1 to 3: /));
  });

  it('with any one byte of their pages changed are read or refused, and nothing else', async () => {
    const path = join(temporaryFolder(), 'posts.parquet');
    parquetWriteFile({
      filename: path, codec: 'UNCOMPRESSED', // so that a change reaches what the pages hold
      columnData: [
        { name: 'id', data: ['p1', 'p2', 'p3'], type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' }, { name: 'user', data: ['a', 'a', 'b'], type: 'STRING' },
        { name: 'time', data: [1e9, 1e9 + 1, 1e9 + 3], type: 'INT32', encoding: 'DELTA_BINARY_PACKED' }, { name: 'score', data: [1.5, null, 2.5], type: 'DOUBLE' },
        { name: 'title', data: ['x', 'y', 'z'], type: 'STRING', encoding: 'DELTA_LENGTH_BYTE_ARRAY' }, { name: 'tags', data: [['x', 'y'], [], ['z']], type: 'JSON' },
      ],
    });
    const bytes = readFileSync(path);
    const { mapping } = await detectSource(path, null, () => null);
    const pages = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8); // in front of the description
    const outcomes = { read: 0, refused: 0 };
    for (let at = 4; at < pages; at++) {
      for (const value of [0xff, 0x00, bytes[at]! ^ 0x80]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        writeFileSync(path, damaged);
        try {
          for await (const _ of (await detectSource(path, mapping, () => null)).read(() => undefined));
          outcomes.read++;
        } catch (error) {
          assert.ok(error instanceof UserError, `byte ${at} is ${value}: ${(error as Error).stack}`);
          outcomes.refused++;
        }
      }
    }
    assert.ok(outcomes.read > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
  });

  it('whose compressed frames lead backwards are refused', async () => {
    const path = join(temporaryFolder(), 'posts.parquet');
    const backwards = Uint8Array.from([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf8, 0, 0, 0, 0]); // a frame of −8 bytes, after a header of 8
    parquetWriteFile({ filename: path, codec: 'LZ4', compressors: { LZ4: () => backwards }, columnData: ['id', 'user', 'time', 'score'].map((name) => ({ name, data: ['1'], type: 'STRING' as const })) });
    await assert.rejects(read(path), refuses('table-broken', /^posts\.parquet, rows 1 to 1: /));
  });

  it('that are packed in a way nobody can unpack, or encrypted, are refused by name', async () => {
    const path = join(temporaryFolder(), 'lzo.parquet');
    parquetWriteFile({ filename: path, codec: 'LZO', compressors: { LZO: (input: Uint8Array) => input }, columnData: ['id', 'user', 'time', 'score'].map((name) => ({ name, data: ['1'], type: 'STRING' as const })) });
    await assert.rejects(read(path), refuses('table-codec', /lzo\.parquet: column “time” is compressed with LZO/));
    await assert.rejects(read(changed((bytes) => Buffer.concat([Buffer.from('PARE'), bytes.subarray(4)]))), refuses('table-encrypted', /posts\.parquet/));
  });

  it('that change while they are read are refused', async () => {
    const path = join(temporaryFolder(), 'posts.parquet');
    copyFileSync(FIXTURE, path);
    const source = await detectSource(path, null, () => null);
    await assert.rejects(async () => {
      for await (const batch of source.read(() => assert.fail('a hash was given'))) if (batch.posts.length > 0) appendFileSync(path, 'more');
    }, refuses('file-changed', /posts\.parquet/));
  });

  it('do not take the mapping of another kind of file', async () => {
    const { mapping } = await detectSource(FIXTURE, null, () => null);
    await assert.rejects(detectSource(FIXTURE, { ...mapping!, format: 'csv', delimiter: ',' }, () => null), refuses('mapping-columns', /the mapping is for csv/i));
  });
});

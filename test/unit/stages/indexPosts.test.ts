// Tables: what is taken, what is skipped and listed, and the faults that stop an import with the store as it was.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { listSkippedRows } from '../../../src/store/generations.ts';
import { postByPid } from '../../../src/store/posts.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { PICTURES } from '../sources/pictureBytes.ts';
import { contentOf, csvTable, DRIVERS, goodRows, openStoreAtWork, orderedPids, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

const HEADER = 'id,user,time,title,score\n';

/** Rows enough that one bad one is less than 1 %. */
const many = goodRows(200);

/** Faults that stop the import; the message must name the file, and the row where it has one. */
const FAULTS: readonly { what: string; file: string | Buffer; code: string; says: RegExp }[] = [
  { what: 'no header', file: csvTable(goodRows(20).slice(1), goodRows(1)[0]!.join(',')), code: 'table-columns', says: /posts\.csv.*“Title 0”.*line of names/s },
  { what: 'a delimiter that is none', file: csvTable(goodRows(20)).replaceAll(',', '~'), code: 'table-format', says: /posts\.csv is no table/ },
  { what: 'UTF-16', file: Buffer.from(`\uFEFF${csvTable(goodRows(20))}`, 'utf16le'), code: 'table-encoding', says: /posts\.csv is UTF-16/ },
  { what: 'Windows-1252 in most rows', file: Buffer.from(csvTable(goodRows(20)).replaceAll('Title', 'Überschrift'), 'latin1'), code: 'skipped-rows', says: /bad encoding: 20\).*posts\.csv, row 2:.*iconv/s },
  { what: 'labels that are no numbers', file: csvTable(goodRows(20).map((row) => [...row.slice(0, 4), 'many'])), code: 'skipped-rows', says: /20 of 20 rows.*posts\.csv, row 2: label is no number “many”/s },
  { what: 'dates that are none', file: csvTable(goodRows(20).map((row, i) => (i === 3 ? [row[0]!, row[1]!, 'yesterday', row[3]!, row[4]!] : row))), code: 'skipped-rows', says: /posts\.csv, row 5: date is none “yesterday”/ },
  { what: 'an id twice', file: csvTable([...goodRows(20), goodRows(1)[0]!]), code: 'skipped-rows', says: /posts\.csv, row 22: duplicate id “p0”/ },
  { what: 'NUL bytes everywhere', file: Buffer.alloc(4096), code: 'table-encoding', says: /posts\.csv is no text file/ },
  { what: 'an empty file', file: '', code: 'table-empty', says: /posts\.csv is empty/ },
  { what: 'a header alone', file: HEADER, code: 'no-posts', says: /posts\.csv holds no post/ },
  { what: 'a quote that is never closed', file: `${csvTable(goodRows(20))}p99,u1,2020-01-01 10:00:00,"open,1.5\n`, code: 'table-broken', says: /posts\.csv, line 22: a quote that opens here is never closed/ },
  { what: 'a negative label', file: csvTable([...goodRows(5), ['p9', 'u', '2020-01-01 10:00:00', 'x', '-3.5']]), code: 'negative-label', says: /posts\.csv, line 7: score is -3\.5/ },
  { what: 'two columns of one name', file: csvTable(goodRows(5), 'id,user,time,id,score'), code: 'table-broken', says: /posts\.csv, line 1/ },
];

/** One bad row among many good ones: skipped, counted, listed. */
const SKIPS: readonly { what: string; row: string | Buffer; reason: string }[] = [
  { what: 'a label that is no number', row: 'bad,u,2020-01-01 10:00:00,x,many', reason: 'label is no number' },
  { what: 'a label beyond the range', row: 'bad,u,2020-01-01 10:00:00,x,32.5', reason: 'label outside 0 … 31.99' },
  { what: 'a date that is none', row: 'bad,u,2020-02-30 10:00:00,x,1.5', reason: 'date is none' },
  { what: 'an id that was there before', row: 'p7,u,2020-01-01 10:00:00,x,1.5', reason: 'duplicate id' },
  { what: 'no id', row: ',u,2020-01-01 10:00:00,x,1.5', reason: 'id missing' },
  { what: 'a NUL byte', row: 'bad,u,2020-01-01 10:00:00,x\u0000y,1.5', reason: 'NUL byte' },
  { what: 'a title of 10 MB', row: `bad,u,2020-01-01 10:00:00,${'long '.repeat(2 * 1024 * 1024)},1.5`, reason: 'text too long' },
  { what: 'bytes that are not UTF-8', row: Buffer.from('bad,u,2020-01-01 10:00:00,caf\xe9,1.5', 'latin1'), reason: 'bad encoding' },
  { what: 'a column too many', row: 'bad,u,2020-01-01 10:00:00,x,1.5,more', reason: 'wrong number of columns' },
];

for (const driver of DRIVERS) {
  describe(`indexing a table (${driver})`, () => {
    after(removeFolders);

    for (const { what, file, code, says } of FAULTS) {
      it(`stops at ${what}, and the store is unchanged`, async () => {
        const folder = temporaryFolder();
        writeFiles(folder, { 'good.csv': csvTable(goodRows(30)), 'bad/posts.csv': file });
        const { store, index } = await openStoreAtWork(driver);
        await index(join(folder, 'good.csv'));
        const before = contentOf(store);
        await assert.rejects(index(join(folder, 'bad', 'posts.csv')), (error: Error & { code?: string }) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, says);
          return true;
        });
        assert.deepEqual(contentOf(store), before);
        store.close();
      });
    }

    it('stops at a folder without data, and at one named like a table', async () => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'posts.csv'));
      const { store, index } = await openStoreAtWork(driver);
      await assert.rejects(index(join(folder, 'posts.csv')), (error: Error & { code?: string }) => error.code === 'folder-unknown' && error.message.includes('posts.csv'));
      await assert.rejects(index(join(folder, 'none.csv')), (error: Error & { code?: string }) => error.code === 'path-missing');
      store.close();
    });

    for (const { what, row, reason } of SKIPS) {
      it(`skips a row with ${what}, counts it and lists it`, async () => {
        const folder = temporaryFolder();
        const good = csvTable(many);
        writeFiles(folder, { 'posts.csv': Buffer.concat([Buffer.from(good), Buffer.from(row), Buffer.from('\nlast,u,2020-01-01 10:00:00,"two\nlines",\n')]) });
        const { store, index } = await openStoreAtWork(driver);
        const { result } = await index(join(folder, 'posts.csv'));
        assert.deepEqual({ ...result.counts }, { posts: 201, users: 8, labelled: 200, dropped: 0, skipped: 1 });
        const source = requireSource(store, 'posts');
        const skipped = listSkippedRows(store, source.id, 10);
        assert.deepEqual(skipped.map(({ file, row: line, reason: why }) => ({ file, line, why })), [{ file: 'posts.csv', line: 202, why: reason }]);
        assert.ok(skipped[0]!.detail.length < 200);
        assert.equal(source.statistics!.skippedRows, 1);
        assert.equal(postByPid(store, source.id, 'bad'), null);
        const last = postByPid(store, source.id, 'last')!;
        assert.equal(last.row, 203);
        assert.equal(last.title, 'two\nlines');
        assert.equal(last.label, null);
        store.close();
      });
    }

    it('goes on past many bad rows when skipping is allowed', async () => {
      const folder = temporaryFolder();
      writeFiles(folder, { 'posts.csv': csvTable([...goodRows(5), ['x', 'u', 'never', 't', '1.5']]) });
      const { store, index } = await openStoreAtWork(driver);
      await assert.rejects(index(folder), (error: Error & { code?: string }) => error.code === 'skipped-rows');
      const { result } = await index(folder, { allowSkips: true });
      assert.equal(result.counts['posts'], 5);
      assert.equal(result.counts['skipped'], 1);
      store.close();
    });

    it('orders ids as numbers where all of them are, else by code point', async () => {
      const folder = temporaryFolder();
      const rows = ['10', '9', '100'].map((id) => [id, 'u', '2020-01-01', 't', '1.5']);
      writeFiles(folder, { 'numbers.csv': csvTable(rows), 'texts.csv': csvTable([...rows, ['BTdS7XgBe4X', 'u', '2020-01-01', 't', '1.5']]) });
      const { store, index } = await openStoreAtWork(driver);
      await index(join(folder, 'numbers.csv'));
      assert.deepEqual(orderedPids(store), ['9', '10', '100']);
      assert.equal(requireSource(store, 'numbers').statistics!.timeTies, 2);
      const other = await openStoreAtWork(driver);
      await other.index(join(folder, 'texts.csv'));
      assert.deepEqual(orderedPids(other.store), ['10', '100', '9', 'BTdS7XgBe4X']);
      store.close();
      other.store.close();
    });
  });
}

describe('indexing tables of other shapes', () => {
  after(removeFolders);

  const rows = [{ pid: 'POST1', uid: 'U1', post_time: '2023-07-29 18:21', likes: 1500, tags: ['red', 'blue'] }, { pid: 'POST2', uid: 'U1', post_time: '2023-07-30 18:21', likes: 0, tags: [] }];

  for (const [name, content] of [
    ['posts.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')],
    ['posts.tsv', `pid\tuid\tpost_time\tlikes\ttags\n${rows.map((row) => [row.pid, row.uid, row.post_time, row.likes, row.tags.join(' ')].join('\t')).join('\r\n')}`],
    ['posts.txt', `\uFEFFpid;uid;post_time;likes;tags\n${rows.map((row) => [row.pid, row.uid, row.post_time, row.likes, row.tags.join(' ')].join(';')).join('\n')}`],
  ] as const) {
    it(`reads ${name} by its content`, async () => {
      const folder = temporaryFolder();
      writeFiles(folder, { [name]: content });
      const { store, index } = await openStoreAtWork();
      await index(join(folder, name));
      const post = postByPid(store, requireSource(store, 'posts').id, 'POST1')!;
      assert.equal(post.label, 1055); // log2(1501) = 10.5517
      assert.equal(post.tags, 'red blue');
      assert.equal(post.postedAt, Date.UTC(2023, 6, 29, 18, 21) / 1000);
      assert.equal(post.row, name === 'posts.jsonl' ? 1 : 2);
      store.close();
    });
  }

  it('says what it found before it starts', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, { 'posts.csv': csvTable(goodRows(10).map((row) => [...row, '5', 'x']), 'id,user,time,title,score,comments,kind') });
    const { store, index } = await openStoreAtWork();
    const { progress } = await index(folder);
    const told = progress.map((step) => step.message).join('\n');
    for (const part of ['posts.csv is a CSV table', 'popularity = score', 'never part of a prompt: comments', 'Off until chosen: kind']) assert.ok(told.includes(part), part);
    store.close();
  });

  it('writes no mapping while another import is at work', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, { 'posts.csv': csvTable(goodRows(3)) });
    const { store, storeFolder, index } = await openStoreAtWork('better-sqlite3');
    const path = join(storeFolder, 'mappings', 'posts.json');
    const lock = store.tryImportLock()!;
    await assert.rejects(index(join(folder, 'posts.csv')), (error: Error & { code?: string }) => error.code === 'import-running');
    assert.equal(existsSync(path), false);
    lock.release();
    await index(join(folder, 'posts.csv'));
    assert.equal(existsSync(path), true);
    store.close();
  });

  it('keeps the mapping in a file, and goes by it when it was edited', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, { 'posts.csv': csvTable(goodRows(10).map((row) => [...row, `kind ${row[0]}`]), 'id,user,time,title,score,kind') });
    const { store, storeFolder, index } = await openStoreAtWork();
    await index(folder);
    const path = join(storeFolder, 'mappings', 'posts.json');
    const mapping = JSON.parse(readFileSync(path, 'utf8')) as { extra: string[] };
    assert.deepEqual(mapping.extra, []);
    writeFiles(storeFolder, { 'mappings/posts.json': JSON.stringify({ ...mapping, extra: ['kind'] }) });
    assert.equal((await index(folder)).result.unchanged, false);
    assert.deepEqual(postByPid(store, requireSource(store, 'posts').id, 'p3')!.extra, { kind: 'kind p3' });
    assert.equal((await index(folder)).result.unchanged, true);
    writeFiles(storeFolder, { 'mappings/posts.json': '{"version":1}' });
    await assert.rejects(index(folder), (error: Error & { code?: string }) => error.code === 'mapping-broken' && error.message.includes(path));
    store.close();
  });

  it('drops posts by their pictures where a column names them and some are there', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, {
      'posts.csv': csvTable([['a', 'u', '2020-01-01', 'pictures/a.jpg', '1.5'], ['b', 'u', '2020-01-02', 'pictures/b.jpg', '1.5'], ['c', 'u', '2020-01-03', '../c.jpg', '1.5']], 'id,user,time,image,score'),
      'pictures/a.jpg': PICTURES.jpeg,
    });
    const { store, index } = await openStoreAtWork();
    const { result } = await index(folder);
    assert.equal(result.counts['dropped'], 2);
    const id = requireSource(store, 'posts').id;
    assert.deepEqual(['a', 'b', 'c'].map((pid) => postByPid(store, id, pid)!.dropped), [null, 'picture missing', 'picture outside the folder']);
    assert.equal(postByPid(store, id, 'c')!.imagePath, '');
    store.close();
  });
});

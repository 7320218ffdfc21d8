// SMPD 2018: how a line is cut, its encoding, its shards, and the faults of its files.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { detectSource } from '../../../src/sources/detectSource.ts';
import { cutPostLine } from '../../../src/sources/smpd2018.ts';
import { assertRefused, editLines, files2018, layoutPosts, postLine, readFiles, readSource, type Files } from './layoutFixture.ts';
import { removeFolders, temporaryFolder, writeFiles } from './sourceFixture.ts';

const DATA = 't2_train_data.txt';

describe('a line of SMPD 2018', () => {
  const titleAndTags = (line: string): unknown => {
    const fields = cutPostLine(line);
    return fields === null ? null : [fields[8], fields[10]];
  };
  const cut = (title: string, tags = 'a b'): unknown => titleAndTags(postLine({ uid: '59@N75', pid: '775', title, tags }));

  it('is cut where title and tags hold quotes, also what separates fields', () => {
    assert.deepEqual(cut('plain'), ['plain', 'a b']);
    assert.deepEqual(cut(''), ['', 'a b']);
    assert.deepEqual(cut('the "old" harbour'), ['the "old" harbour', 'a b']);
    assert.deepEqual(cut('he said " "hi" "'), ['he said " "hi" "', 'a b']);
    assert.deepEqual(cut('x', 'one" "two" "three'), ['x', 'one" "two" "three']);
    assert.deepEqual(cut('"'), ['"', 'a b']);
    assert.deepEqual(cutPostLine(`  ${postLine({ uid: 'u', pid: '1' })}\r`)?.length, 15);
  });

  it('is refused where more than one cut is possible', () => {
    assert.equal(cut('my" "photo" "here'), null);
    assert.equal(cut('x', 'a" "photo" "b'), null);
  });

  it('is refused with too few fields or without its outer quotes', () => {
    assert.equal(cutPostLine('"59@N75" "775" "Fashion"'), null);
    assert.equal(cutPostLine(postLine({ uid: 'u', pid: '1' }).slice(0, -1)), null);
    assert.equal(cutPostLine('"'), null);
    assert.equal(cutPostLine(''), null);
  });
});

describe('SMPD 2018', () => {
  after(removeFolders);

  it('joins posts, labels and page addresses', async () => {
    const { source, posts, skipped, hashes } = await readFiles(files2018([{ uid: '59@N75', pid: '775', title: 'Glam "night"', tags: 'rock punk', time: 1446016778 }, { uid: '59@N75', pid: '776' }]));
    assert.equal(source.kind, 'smpd-2018');
    assert.deepEqual(posts[0], {
      post: {
        pid: '775', uid: '59@N75', postedAt: 1446016778, title: 'Glam "night"', category: 'Fashion', subcategory: 'Fashion', concept: 'glam', tags: 'rock punk', latitude: 48.5, longitude: 9.05,
        label: 100, imagePath: '', imageUrl: 'https://www.flickr.com/photos/59@N75/775', extra: {},
      },
      place: { file: DATA, row: 1 }, dropped: null, pictureState: '',
    });
    assert.deepEqual([posts[1]!.post.label, posts.length, skipped], [200, 2, []]);
    assert.deepEqual([...hashes.keys()].sort(), [DATA, 't2_train_img.txt', 't2_train_label.txt']);
    assert.match(source.findings.join('\n'), /layout of 2018.*about 2 train posts/);
    assert.match(source.findings.join('\n'), /Fetch Pictures/);
  });

  it('is Windows-1252', async () => {
    const text = postLine({ uid: '59@N75', pid: '775', title: 'CAFE – € “x”', tags: 'x' });
    const signs: Record<string, number> = { '–': 0x96, '€': 0x80, '“': 0x93, '”': 0x94 };
    const bytes = Buffer.from([...text.replace('CAFE', 'Café')].map((sign) => signs[sign] ?? sign.charCodeAt(0)));
    const { posts, skipped } = await readFiles({ [DATA]: Buffer.concat([bytes, Buffer.from('\n')]), 't2_train_label.txt': '3.00\n' });
    assert.deepEqual([posts[0]?.post.title, skipped], ['Café – € “x”', []]);
  });

  it('is read as UTF-8 where it plainly is', async () => {
    const { source, posts } = await readFiles({ [DATA]: `${postLine({ uid: '59@N75', pid: '775', title: '港の Café' })}\n`, 't2_train_label.txt': '3.00\n' });
    assert.equal(posts[0]!.post.title, '港の Café');
    assert.match(source.findings.join('\n'), /t2_train_data\.txt is UTF-8/);
  });

  it('skips a line with bytes that Windows-1252 does not have, and one that cannot be cut', async () => {
    const good = layoutPosts(3).map(postLine);
    const bad = Buffer.from(`${postLine({ uid: '9@N1', pid: '9', title: 'x#y' })}\n`);
    bad[bad.indexOf('#')] = 0x81;
    const data = Buffer.concat([Buffer.from(good.map((line) => `${line}\n`).join('')), bad, Buffer.from('"59@N75" "10" "cut off\n')]);
    const { posts, skipped } = await readFiles({ [DATA]: data, 't2_train_label.txt': '1.00\n2.00\n3.00\n4.00\n5.00\n' });
    assert.deepEqual(posts.map(({ post }) => post.pid), ['1', '2', '3']);
    assert.deepEqual(skipped.map(({ file, row, reason }) => [file, row, reason]), [[DATA, 4, 'bad encoding'], [DATA, 5, 'line cannot be cut into its fields']]);
  });

  it('reads shards in the order of their numbers; they are the test posts', async () => {
    const test = layoutPosts(33, 100);
    const { source, posts } = await readFiles(files2018(layoutPosts(3), test));
    assert.deepEqual(posts.slice(3).map(({ post }) => post.pid), test.map(({ pid }) => pid)); // t2_metadata10.txt comes last
    assert.deepEqual(posts.at(-1)!.place, { file: 't2_metadata10.txt', row: 3 });
    assert.ok(posts.slice(3).every(({ post }) => post.label === null) && posts.slice(0, 3).every(({ post }) => post.label !== null));
    assert.equal(posts.at(-1)!.post.imageUrl, 'https://www.flickr.com/photos/10@N75/132');
    assert.match(source.findings.join('\n'), /11 files, read in the order of their numbers \(0 … 10\)/);
  });

  it('aligns labels and addresses over all shards, also where a shard ends with a blank line', async () => {
    const files = files2018([], layoutPosts(7, 100));
    const { posts } = await readFiles({
      't2_metadata0.txt': `${files['t2_metadata0.txt'] as string}\n`, 't2_metadata1.txt': files['t2_metadata1.txt']!, 't2_metadata2.txt': files['t2_metadata2.txt']!,
      't2_train_label.txt': '1.00\n2.00\n3.00\n4.00\n5.00\n6.00\n7.00\n',
    });
    assert.deepEqual(posts.map(({ post }) => [post.pid, post.label]), [100, 101, 102, 103, 104, 105, 106].map((pid, i) => [String(pid), (i + 1) * 100]));
  });

  it('says that a shard seems to be missing', async () => {
    const { 't2_metadata1.txt': _, 't2_test_img.txt': __, ...files } = files2018(layoutPosts(3), layoutPosts(9, 100));
    assert.match((await readFiles(files)).source.findings.join('\n'), /Before t2_metadata2\.txt a file seems to be missing/);
  });

  it('stands for the whole folder when one of its files is named', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, files2018([{ uid: '59@N75', pid: '1', title: 'a, b, c' }]));
    assert.equal((await readSource(join(folder, DATA))).source.root, folder);
  });

  const FAULTS: readonly { what: string; break: (files: Files) => Files; code: string; says: RegExp }[] = [
    { what: 'fewer labels than posts', break: (files) => editLines(files, 't2_train_label.txt', (rows) => rows.slice(2)), code: 'smpd-lengths', says: /t2_train_label\.txt ends after row 10, but t2_train_data\.txt has a row 11/ },
    { what: 'more labels than posts', break: (files) => editLines(files, 't2_train_label.txt', (rows) => [...rows, '3.00']), code: 'smpd-lengths', says: /t2_train_data\.txt ends after row 12, but t2_train_label\.txt has a row 13/ },
    { what: 'addresses that are shifted', break: (files) => editLines(files, 't2_train_img.txt', (rows) => [rows[0]!, ...rows.slice(2), rows[1]!]), code: 'smpd-keys', says: /t2_train_img\.txt, line 2 is “https/ },
    { what: 'two files of posts', break: (files) => ({ ...files, 'copy_train.txt': files[DATA]! }), code: 'smpd-ambiguous', says: /copy_train\.txt and t2_train_data\.txt/ },
    { what: 'metadata of two layouts', break: (files) => ({ ...files, 'train_tags.json': '[{"Uid":"a","Pid":"1","Title":"x"}]' }), code: 'smpd-ambiguous', says: /metadata of the train posts/ },
  ];
  for (const { what, break: breakFiles, code, says } of FAULTS) {
    it(`stops at ${what}`, () => assertRefused(readFiles(breakFiles(files2018(layoutPosts(12)))), code, says));
  }

  it('notices a shard that changes while it is read', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, files2018(layoutPosts(3), layoutPosts(6, 100)));
    const source = await detectSource(folder, null, () => null);
    appendFileSync(join(folder, 't2_metadata1.txt'), '\n');
    await assertRefused((async () => { for await (const _ of source.read(() => undefined)) void _; })(), 'file-changed', /t2_metadata1\.txt changed/);
  });

  it('refuses a shard that is a link out of the folder', async () => {
    const folder = temporaryFolder(), elsewhere = temporaryFolder();
    const { [DATA]: data, ...files } = files2018(layoutPosts(3));
    writeFiles(folder, files);
    writeFiles(elsewhere, { [DATA]: data! });
    symlinkSync(join(elsewhere, DATA), join(folder, DATA));
    await assertRefused(readSource(folder), 'outside-folder', /t2_train_data\.txt is a link/);
  });

  it('skips a post with a NUL byte', async () => {
    const files = files2018([{ uid: '59@N75', pid: '1', title: 'a\u0000b' }, { uid: '59@N75', pid: '2' }]);
    const { posts, skipped } = await readFiles(files);
    assert.deepEqual([posts.map(({ post }) => post.pid), skipped.map(({ row, reason }) => [row, reason])], [['2'], [[1, 'NUL byte']]]);
  });

  it('refuses a folder or a dead link where a file should be', async () => {
    for (const make of [(path: string) => mkdirSync(path), (path: string) => symlinkSync('nowhere.txt', path)]) {
      const folder = temporaryFolder();
      const { 't2_train_label.txt': _, ...files } = files2018(layoutPosts(3));
      writeFiles(folder, files);
      make(join(folder, 't2_train_label.txt'));
      await assertRefused(readSource(folder), 'smpd-no-file', /t2_train_label\.txt is no file/);
    }
  });
});

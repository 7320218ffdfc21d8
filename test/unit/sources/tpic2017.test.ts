// TPIC2017: what a post is made of, its own template, and the faults of its files.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { buildInstruction, type TemplateName } from '../../../src/domain/instructions.ts';
import { detectSource } from '../../../src/sources/detectSource.ts';
import { promptPost } from '../../../src/store/instructions.ts';
import { postByPid } from '../../../src/store/posts.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { assertRefused, editLines, files2018, filesTpic, layoutPosts, readFiles, readSource, type Files } from './layoutFixture.ts';
import { contentOf, openStoreAtWork, removeFolders, temporaryFolder, writeFiles } from './sourceFixture.ts';

describe('TPIC2017', () => {
  after(removeFolders);

  it('joins its four files', async () => {
    const { source, posts, hashes } = await readFiles(filesTpic([{ uid: '50@N31', pid: '304585' }, { uid: '25@N92', pid: '9624' }]));
    assert.deepEqual([source.kind, source.template, hashes.size, posts.length], ['tpic-2017', 'tpic2017', 4, 2]);
    assert.deepEqual(posts[0], {
      post: {
        pid: '304585', uid: '50@N31', postedAt: Date.UTC(2012, 6, 1, 5) / 1000, title: '', category: '', subcategory: '', concept: '', tags: '', latitude: null, longitude: null, label: 320,
        imagePath: '', imageUrl: 'http://farm1.staticflickr.com/2/304585_b.jpg',
        extra: { 'title length': '5', 'number of tags': '14', 'release date': '2012-7-1', 'score as printed': '3.2' },
      },
      place: { file: 'USER_META.txt', row: 1 }, dropped: null, pictureState: '',
    });
    assert.match(source.findings.join('\n'), /TPIC2017: about 2 posts/);
    assert.match(source.findings.join('\n'), /comments and views.*not read/);
  });

  it('speaks in the words of the paper’s table 8', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, filesTpic([{ uid: '387@N54', pid: '606818' }, { uid: '387@N54', pid: '608840' }]));
    const { store, index } = await openStoreAtWork();
    await index(folder, { name: 'tpic' });
    const source = requireSource(store, 'tpic');
    const [first, second] = ['606818', '608840'].map((pid) => promptPost(postByPid(store, source.id, pid)!, '', source.template));
    const { text } = buildInstruction({ template: source.template as TemplateName, uid: '387@N54', history: [first!], question: second! });
    assert.match(text, /The title length of post 606818 is 8, the number of tags is 14, the release date is 2012-7-1\. The popularity score of post 606818 is 3\.2\. The target new post is 608840, the title length is 0, the number of tags is 14, the release date is 2012-7-2\. Provide/);
    store.close();
  });

  it('lives in one store with SMPD, whose ids are the same', async () => {
    const smpd = temporaryFolder(), tpic = temporaryFolder();
    writeFiles(smpd, files2018(layoutPosts(3)));
    writeFiles(tpic, filesTpic(layoutPosts(3)));
    const { store, index } = await openStoreAtWork();
    await index(smpd, { name: 'smpd' });
    await index(tpic, { name: 'tpic' });
    assert.equal(postByPid(store, requireSource(store, 'smpd').id, '2')!.title, 'Title of 2');
    assert.equal(postByPid(store, requireSource(store, 'tpic').id, '2')!.title, '');
    store.close();
  });

  it('without labels is there to be predicted', async () => {
    const { 'LABEL.txt': _, ...files } = filesTpic(layoutPosts(3));
    const { source, posts } = await readFiles(files);
    assert.ok(posts.length === 3 && posts.every(({ post }) => post.label === null));
    assert.match(source.findings.join('\n'), /There is no LABEL\.txt/);
  });

  it('skips rows with bad values and names their file', async () => {
    const posts = layoutPosts(6);
    const row = (at: number, edit: (text: string) => string) => (rows: string[]): string[] => rows.map((text, i) => (i === at ? edit(text) : text));
    let files = editLines(filesTpic(posts), 'TIME_FLAG.txt', row(0, (text) => text.replace('2012 7 1', '2012 2 30')));
    files = editLines(files, 'LABEL.txt', row(1, (text) => text.replace(/\S+$/, 'nan')));
    files = editLines(files, 'LABEL.txt', row(2, (text) => text.replace(/\S+$/, '99')));
    files = editLines(files, 'USER_META.txt', row(3, (text) => `${text} 1`));
    files = editLines(files, 'USER_META.txt', row(4, (text) => text.replace(' 5 0 14 ', ' x 0 14 ')));
    const { posts: read, skipped } = await readFiles({ ...files, 'TIME_FLAG.txt': Buffer.from((files['TIME_FLAG.txt'] as string).replace('2012 7 6 5', '2012 7 6 5\u00e9'), 'latin1') });
    assert.deepEqual(read.length, 0);
    assert.deepEqual(skipped.map(({ file, row: at, reason }) => [file, at, reason]), [
      ['TIME_FLAG.txt', 1, 'date is none'], ['LABEL.txt', 2, 'label is no number'], ['LABEL.txt', 3, 'label outside 0 … 31.99'], ['USER_META.txt', 4, 'wrong number of columns'],
      ['USER_META.txt', 5, 'length is no number'], ['TIME_FLAG.txt', 6, 'bad encoding'],
    ]);
  });

  const FAULTS: readonly { what: string; break: (files: Files) => Files; code: string; says: RegExp }[] = [
    { what: 'a pid that does not match', break: (files) => editLines(files, 'LABEL.txt', (rows) => rows.map((row, i) => (i === 4 ? `999${row}` : row))), code: 'tpic-keys', says: /LABEL\.txt, line 5 is about post “9995” of user “1@N75”, but USER_META\.txt has post “5”/ },
    { what: 'a uid that does not match', break: (files) => editLines(files, 'TIME_FLAG.txt', (rows) => rows.map((row, i) => (i === 2 ? row.replace('@N75', '@N99') : row))), code: 'tpic-keys', says: /TIME_FLAG\.txt, line 3/ },
    { what: 'a file that is shorter', break: (files) => editLines(files, 'PHOTO_URL.txt', (rows) => rows.slice(0, 9)), code: 'tpic-lengths', says: /PHOTO_URL\.txt ends after row 9, but .* has a row 10/ },
    { what: 'a missing TIME_FLAG.txt', break: ({ 'TIME_FLAG.txt': _, ...files }) => files, code: 'tpic-incomplete', says: /TIME_FLAG\.txt is missing/ },
    { what: 'an empty LABEL.txt', break: (files) => ({ ...files, 'LABEL.txt': '' }), code: 'tpic-file', says: /LABEL\.txt does not hold/ },
    { what: 'another file of labels', break: (files) => ({ ...files, 'other.txt': files['LABEL.txt']! }), code: 'tpic-ambiguous', says: /other\.txt/ },
    { what: 'a line that is UTF-16', break: (files) => ({ ...files, 'LABEL.txt': Buffer.from(files['LABEL.txt'] as string, 'utf16le') }), code: 'tpic-file', says: /LABEL\.txt does not hold/ },
  ];
  for (const { what, break: breakFiles, code, says } of FAULTS) {
    it(`stops at ${what}, and the store is unchanged`, async () => {
      const folder = temporaryFolder();
      writeFiles(folder, breakFiles(filesTpic(layoutPosts(12))));
      const { store, index } = await openStoreAtWork();
      const before = contentOf(store);
      await assertRefused(index(folder), code, says);
      assert.deepEqual(contentOf(store), before);
      store.close();
    });
  }

  it('stops at a post that is there twice', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, filesTpic([...layoutPosts(4), { uid: '0@N75', pid: '2' }]));
    const { store, index } = await openStoreAtWork();
    await assertRefused(index(folder), 'tpic-duplicate', /USER_META\.txt, record 5: post “2” was there before/);
    store.close();
  });

  it('refuses a link out of the folder, a folder as a file, and a file that changes', async () => {
    const elsewhere = temporaryFolder();
    const { 'LABEL.txt': labels, ...files } = filesTpic(layoutPosts(3));
    writeFiles(elsewhere, { 'LABEL.txt': labels! });
    const linked = temporaryFolder(), withFolder = temporaryFolder(), changing = temporaryFolder();
    for (const folder of [linked, withFolder]) writeFiles(folder, files);
    symlinkSync(join(elsewhere, 'LABEL.txt'), join(linked, 'LABEL.txt'));
    await assertRefused(readSource(linked), 'outside-folder', /LABEL\.txt/);
    mkdirSync(join(withFolder, 'LABEL.txt'));
    await assertRefused(readSource(withFolder), 'tpic-file', /LABEL\.txt/);
    writeFiles(changing, { ...files, 'LABEL.txt': labels! });
    const source = await detectSource(changing, null, () => null);
    appendFileSync(join(changing, 'LABEL.txt'), '\n');
    await assertRefused((async () => { for await (const _ of source.read(() => undefined)) void _; })(), 'file-changed', /LABEL\.txt/);
  });

  it('is no reading of other text files', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, { 'notes.txt': 'Thank you for downloading.\n1 2 3\n', 'empty.txt': '' });
    await assertRefused(readSource(folder), 'folder-unknown', /neither the files of SMPD, TPIC2017 or SMP-Video nor a table/);
    await assertRefused(readSource(temporaryFolder()), 'folder-unknown', /neither/);
  });
});

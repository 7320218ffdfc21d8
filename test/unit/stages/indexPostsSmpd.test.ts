// SMPD 2022: what a post is made of, and the faults of row-aligned files.
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { listSkippedRows } from '../../../src/store/generations.ts';
import { postAt, postByPid } from '../../../src/store/posts.ts';
import { usersWithPosts } from './stageFixture.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { PICTURES } from '../sources/pictureBytes.ts';
import { contentOf, DRIVERS, manyPosts, openStoreAtWork, orderedPids, removeFolders, smpdFiles, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

const TEXT = 'train_allmetadata_json/train_text.json';
const CATEGORY = 'train_allmetadata_json/train_category.json';
const TIME = 'train_allmetadata_json/train_temporalspatial_information.json';
const USERS = 'train_allmetadata_json/train_user_data.json';

type Files = Record<string, string | Buffer>;
type Row = Record<string, unknown>;
const editJson = (files: Files, name: string, edit: (rows: Row[]) => Row[]): Files => ({ ...files, [name]: JSON.stringify(edit(JSON.parse(files[name] as string) as Row[])) });
const editLines = (files: Files, name: string, edit: (lines: string[]) => string[]): Files => ({ ...files, [name]: edit((files[name] as string).trimEnd().split('\n')).map((line) => `${line}\n`).join('') });

/** Record 10 of every file becomes post 3 again. */
function repeatPost({ [USERS]: _, ...files }: Files): Files {
  const repeated: Files = { ...files, 'train_img_filepath.txt': '\n'.repeat(12) };
  const names = [TEXT, CATEGORY, TIME, 'train_allmetadata_json/train_additional_information.json'];
  return names.reduce((now, name) => editJson(now, name, (rows) => rows.map((row, i) => (i === 9 ? { ...row, Pid: '3' } : row))), repeated);
}

const FAULTS: readonly { what: string; break: (files: Files) => Files; code: string; says: RegExp }[] = [
  { what: 'truncated JSON', break: (files) => ({ ...files, [TEXT]: (files[TEXT] as string).slice(0, -30) }), code: 'json-broken', says: /train_text\.json, record 12:.*cut off/ },
  { what: 'a record that is no JSON', break: (files) => ({ ...files, [TEXT]: (files[TEXT] as string).replace('"Title of 5"', 'Title of 5') }), code: 'json-broken', says: /train_text\.json, record 5/ },
  { what: 'a label file that is shorter', break: (files) => editLines(files, 'train_label.txt', (lines) => lines.slice(0, -2)), code: 'smpd-lengths', says: /train_label\.txt ends after row 10, but .* has a row 11/ },
  { what: 'a label file that is longer', break: (files) => editLines(files, 'train_label.txt', (lines) => [...lines, '3.00']), code: 'smpd-lengths', says: /train_label\.txt has a row 13/ },
  { what: 'a JSON file that is shorter', break: (files) => editJson(files, CATEGORY, (rows) => rows.slice(0, 3)), code: 'smpd-lengths', says: /train_category\.json ends after row 3, but .* has a row 4/ },
  { what: 'a Pid that does not match', break: (files) => editJson(files, TIME, (rows) => rows.map((row, i) => (i === 6 ? { ...row, Pid: '999' } : row))), code: 'smpd-keys', says: /temporalspatial_information\.json, record 7 is about post “999”/ },
  { what: 'a Uid that does not match', break: (files) => editJson(files, CATEGORY, (rows) => rows.map((row, i) => (i === 2 ? { ...row, Uid: 'x' } : row))), code: 'smpd-keys', says: /train_category\.json, record 3/ },
  { what: 'picture paths that are shifted', break: (files) => editLines(files, 'train_img_filepath.txt', (lines) => [lines[0]!, ...lines.slice(2), lines[1]!]), code: 'smpd-keys', says: /train_img_filepath\.txt, line 2/ },
  { what: 'a post that is there twice', break: repeatPost, code: 'smpd-duplicate', says: /train_text\.json, record 10: post “3” was there before/ },
  { what: 'no file of times', break: ({ [TIME]: _, ...files }) => files, code: 'smpd-incomplete', says: /no file of temporalspatial records/ },
  { what: 'two files of texts', break: (files) => ({ ...files, 'train_tags.json': files[TEXT]! }), code: 'smpd-ambiguous', says: /train_tags\.json/ },
  { what: 'an empty file of texts', break: (files) => ({ ...files, [TEXT]: '' }), code: 'json-broken', says: /train_text\.json, record 1/ },
];

for (const driver of DRIVERS) {
  describe(`indexing SMPD 2022 (${driver})`, () => {
    after(removeFolders);

    it('joins the files by position', async () => {
      const folder = temporaryFolder();
      writeFiles(folder, smpdFiles([{ uid: '59@N75', pid: '775', title: 'Glam', tags: 'rock punk electro', label: '7.52' }, { uid: '59@N75', pid: '776', postdate: '1446016700', label: '1.005' }]));
      const { store, index } = await openStoreAtWork(driver);
      const { result } = await index(folder, { name: 'smpd' });
      assert.deepEqual({ ...result.counts }, { posts: 2, users: 1, labelled: 2, dropped: 0, skipped: 0 });
      const source = requireSource(store, 'smpd');
      assert.equal(source.kind, 'smpd-2022');
      assert.ok(source.numericPids && source.hasPictures);
      const post = postByPid(store, source.id, '775')!;
      const { id: _id, sourceId: _sourceId, ...rest } = post;
      assert.deepEqual(rest, {
        source: 'smpd', pid: '775', uid: '59@N75', postedAt: 1446016778, userOrder: 1, title: 'Glam', category: 'Fashion', subcategory: 'Fashion', concept: 'glam', tags: 'rock punk electro',
        imagePath: 'train/59@N75/775.jpg', imageUrl: '', latitude: null, longitude: null, extra: {}, label: 752, file: TEXT, row: 1, dropped: null,
      });
      assert.equal(postByPid(store, source.id, '776')!.label, 101);
      assert.deepEqual(orderedPids(store), ['776', '775']);
      store.close();
    });

    it('finds a post by the row of any of its files, train and test apart', async () => {
      const folder = temporaryFolder();
      writeFiles(folder, { ...smpdFiles([{ uid: 'a', pid: '1' }, { uid: 'a', pid: '2' }]), ...smpdFiles([{ uid: 'b', pid: '11' }, { uid: 'b', pid: '12', label: '' }], 'test'), 'test_label.txt': '\n\n' });
      const { store, index } = await openStoreAtWork(driver);
      await index(folder, { name: 'smpd' });
      for (const file of ['train_label.txt', TEXT, 'train_img_filepath.txt']) assert.equal(postAt(store, join(folder, file), 2)?.pid, '2', file);
      assert.equal(postAt(store, join(folder, 'test_allmetadata_json', 'test_text.json'), 2)?.pid, '12');
      assert.equal(postAt(store, join(folder, 'test_img_filepath.txt'), 1)?.pid, '11');
      assert.equal(postAt(store, join(folder, 'train_label.txt'), 3), null);
      assert.equal(postAt(store, join(folder, 'elsewhere.txt'), 1), null);
      const id = requireSource(store, 'smpd').id;
      assert.equal(postByPid(store, id, '12')!.label, null);
      assert.deepEqual(usersWithPosts(store, id), [{ uid: 'a', posts: 2 }]);
      store.close();
    });

    for (const fault of FAULTS) {
      it(`stops at ${fault.what}, and the store is unchanged`, async () => {
        const folder = temporaryFolder();
        writeFiles(folder, fault.break(smpdFiles(manyPosts(12))));
        const { store, index } = await openStoreAtWork(driver);
        const before = contentOf(store);
        await assert.rejects(index(folder, { name: 'smpd' }), (error: Error & { code?: string }) => {
          assert.equal(error.code, fault.code, error.message);
          assert.match(error.message, fault.says);
          return true;
        });
        assert.deepEqual(contentOf(store), before);
        store.close();
      });
    }

    it('drops posts whose picture is missing, empty, broken or elsewhere, and counts each reason', async () => {
      const folder = temporaryFolder();
      const posts = manyPosts(6).map((post, i) => ({ ...post, picture: [PICTURES.jpeg, null, Buffer.alloc(0), PICTURES.jpeg.subarray(0, 10), null, PICTURES.png][i]! }));
      writeFiles(folder, smpdFiles(posts));
      const elsewhere = temporaryFolder();
      writeFiles(elsewhere, { 'x.jpg': PICTURES.jpeg });
      symlinkSync(join(elsewhere, 'x.jpg'), join(folder, 'train', '1@N75', '5.jpg'));
      const { store, index } = await openStoreAtWork(driver);
      const { result } = await index(folder, { name: 'smpd' });
      assert.equal(result.counts['posts'], 6);
      assert.equal(result.counts['dropped'], 4);
      assert.deepEqual(requireSource(store, 'smpd').statistics!.dropped, { 'picture missing': 1, 'picture empty': 1, 'picture broken': 1, 'picture outside the folder': 1 });
      assert.deepEqual(usersWithPosts(store, 1), [{ uid: '0@N75', posts: 1 }, { uid: '1@N75', posts: 1 }]);
      store.close();
    });
  });
}

describe('SMPD 2022', () => {
  after(removeFolders);

  it('loses no post for its picture when there are none at all', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, smpdFiles(manyPosts(6).map((post) => ({ ...post, picture: null }))));
    const { store, index } = await openStoreAtWork();
    const { result } = await index(folder, { name: 'smpd' });
    assert.equal(result.counts['dropped'], 0);
    assert.equal(requireSource(store, 'smpd').hasPictures, false);
    store.close();
  });

  it('finds the pictures in a folder of their own', async () => {
    const folder = temporaryFolder();
    const files = smpdFiles(manyPosts(3));
    writeFiles(folder, Object.fromEntries(Object.entries(files).map(([name, content]) => [name.replace(/^train\//, 'images/train/'), content])));
    const { store, index } = await openStoreAtWork();
    await index(folder, { name: 'smpd' });
    assert.equal(postByPid(store, 1, '1')!.imagePath, 'images/train/0@N75/1.jpg');
    store.close();
  });

  it('tells files by what they hold: old names, numbers as Pid, a row list of users', async () => {
    const folder = temporaryFolder();
    const key = { Uid: '59@N75', Pid: 775 };
    writeFiles(folder, {
      'train_category.json': JSON.stringify([{ ...key, Category: 'Whether&Season', Subcategory: 'a,b', Concept: 'snow' }]),
      'train_tags.json': JSON.stringify([{ ...key, Title: '', Mediatype: 'photo', Alltags: '' }]),
      'train_temporalspatial.json': JSON.stringify([{ ...key, Postdate: '1446016778', Latitude: '48.5', Longitude: '9.05', Geoaccuracy: '16' }]),
      'train_userdata.json': JSON.stringify([{ ...key, photo_firstdate: 'None', photo_count: '7' }]),
      'train_label.txt': '7.52\r\n\r\n',
      'readme.txt': 'Thank you for downloading.\n',
    });
    const { store, index } = await openStoreAtWork();
    await index(folder, { name: 'smpd' });
    const post = postByPid(store, 1, '775')!;
    assert.deepEqual([post.category, post.subcategory, post.title, post.latitude, post.longitude, post.label], ['Whether&Season', 'a,b', '', 48.5, 9.05, 752]);
    store.close();
  });

  it('skips records with bad values and names their file', async () => {
    const folder = temporaryFolder();
    const posts = manyPosts(400);
    writeFiles(folder, smpdFiles(posts.map((post, i) => (i === 10 ? { ...post, postdate: 'None' } : i === 20 ? { ...post, label: 'n/a' } : post))));
    const { store, index } = await openStoreAtWork();
    const { result } = await index(folder, { name: 'smpd' });
    assert.equal(result.counts['posts'], 398);
    assert.deepEqual(listSkippedRows(store, 1, 10), [
      { file: TIME, row: 11, reason: 'date is none', detail: '“None”' },
      { file: 'train_label.txt', row: 21, reason: 'label is no number', detail: '“n/a”' },
    ]);
    store.close();
  });

  it('refuses a file that is a link out of the folder', async () => {
    const folder = temporaryFolder(), elsewhere = temporaryFolder();
    const { 'train_label.txt': labels, ...files } = smpdFiles(manyPosts(3));
    writeFiles(folder, files);
    writeFiles(elsewhere, { 'labels.txt': labels! });
    symlinkSync(join(elsewhere, 'labels.txt'), join(folder, 'train_label.txt'));
    const { store, index } = await openStoreAtWork();
    await assert.rejects(index(folder, { name: 'smpd' }), (error: Error & { code?: string }) => error.code === 'outside-folder' && error.message.includes('train_label.txt'));
    store.close();
  });

  it('counts what the paper’s table 4 counts', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, smpdFiles([
      { uid: 'a', pid: '1', title: 'ab', tags: 'x y', label: '2.00' }, { uid: 'a', pid: '2', title: 'abcd', tags: 'y z z', label: '4.00' },
      { uid: 'b', pid: '3', title: '', tags: '', label: '9.00', postdate: '1446016999' },
    ]));
    const { store, index } = await openStoreAtWork();
    await index(folder, { name: 'smpd' });
    assert.deepEqual(requireSource(store, 'smpd').statistics, {
      users: 2, posts: 3, labelled: 3, dropped: {}, categories: 1, subcategories: 1, concepts: 1, distinctTags: 3, tagsPerPost: 5 / 3, titleLength: 2, meanScore: 5, timeTies: 1, skippedRows: 0, usersWithFivePosts: 0, pictureAddresses: 0,
    });
    store.close();
  });
});

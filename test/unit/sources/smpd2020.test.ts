// SMPD 2019 and 2020: addresses instead of pictures, user files of either kind, test parts, and the faults of user files.
import assert from 'node:assert/strict';
import { after, describe, it } from 'mocha';
import { UserKeys } from '../../../src/sources/smpdUsers.ts';
import { assertRefused, editText, files2020, layoutPosts, readFiles, userColumns, userRows, type Files, type LayoutPost } from './layoutFixture.ts';
import { PICTURES } from './pictureBytes.ts';
import { removeFolders } from './sourceFixture.ts';

const USERS = 'train_userdata.json';

async function drained(work: AsyncGenerator<void, void, void>): Promise<void> {
  for await (const _ of work) void _;
}

describe('SMPD 2020', () => {
  after(removeFolders);

  it('joins train and test posts in one source, the test posts without labels', async () => {
    const { source, posts, hashes } = await readFiles({ ...files2020(layoutPosts(6)), ...files2020(layoutPosts(3, 100), 'test') });
    assert.equal(source.kind, 'smpd-2020');
    assert.deepEqual(posts.map(({ post }) => [post.pid, post.label]), [['1', 100], ['2', 200], ['3', 300], ['4', 400], ['5', 500], ['6', 600], ['100', null], ['101', null], ['102', null]]);
    assert.deepEqual([posts[0]!.post.imagePath, posts[0]!.post.imageUrl], ['', 'https://www.flickr.com/photos/0@N75/1']);
    assert.equal(posts[8]!.post.imageUrl, 'https://www.flickr.com/photos/0@N75/102');
    assert.equal(hashes.size, source.files.length); // the user files too were read to their end
    const findings = source.findings.join('\n');
    assert.match(findings, /2019 and 2020.*about 6 train posts, about 3 test posts/);
    assert.match(findings, /The test posts have no labels/);
    assert.match(findings, /train_userdata\.json \(a list of rows\).*not kept/);
    assert.match(findings, /Fetch Pictures/);
  });

  it('keeps no address where there is none', async () => {
    const { posts } = await readFiles({ ...files2020(layoutPosts(3)), 'train_img.txt': 'https://www.flickr.com/photos/9/1\nNone\n\n' });
    assert.deepEqual(posts.map(({ post }) => post.imageUrl), ['https://www.flickr.com/photos/9/1', '', '']);
  });

  it('reads no picture outside of its folder, whatever a path says', async () => {
    const { 'train_img.txt': _, ...files } = files2020(layoutPosts(4));
    const paths = (text: string): Files => ({ ...files, 'train_img_path.txt': text, 'photos/a.png': PICTURES.png, 'photos/c.png': PICTURES.png });
    const { source, posts } = await readFiles(paths('photos/a.png\n../../../../etc/passwd\nphotos/c.png\n/etc/hostname.png\n'));
    assert.ok(source.hasPictures);
    assert.deepEqual(posts.map(({ dropped }) => dropped), [null, 'picture outside the folder', null, 'picture outside the folder']);
    assert.equal(posts[1]!.post.imagePath, '');
    // Where paths name users and posts, one that does not is a fault of the release.
    await assertRefused(readFiles({ ...files, 'train_img_path.txt': 'train/0@N75/1.png\n../../etc/passwd\ntrain/0@N75/3.png\ntrain/1@N75/4.png\n' }), 'smpd-keys', /train_img_path\.txt, line 2 is “\.\.\/\.\.\/etc\/passwd”/);
  });

  it('is called mixed with the names of 2022 and a list of users', async () => {
    const files = Object.fromEntries(Object.entries(files2020(layoutPosts(3))).map(([name, content]) => [/json$/.test(name) ? `train_allmetadata_json/${name}` : name, content]));
    const { source, posts } = await readFiles(files);
    assert.deepEqual([source.kind, posts.length], ['smpd-mixed', 3]);
  });

  it('takes several subcategories, numbers as Pid and users by column', async () => {
    const files = editText(files2020(layoutPosts(3), 'train', userColumns), 'train_category.json', (text) => text.replaceAll(/"Pid":"(\d)"/g, '"Pid":$1').replaceAll('"Subcategory":"Fashion"', '"Subcategory":"a,b"'));
    const { posts } = await readFiles(files);
    assert.deepEqual(posts.map(({ post }) => [post.pid, post.subcategory]), [['1', 'a,b'], ['2', 'a,b'], ['3', 'a,b']]);
  });
});

describe('a user file of SMPD', () => {
  after(removeFolders);
  const posts = layoutPosts(12);
  const without = (at: number): LayoutPost[] => posts.filter((_, i) => i !== at);
  const withUsers = (users: string): Files => ({ ...files2020(posts), [USERS]: users });

  for (const [kind, write] of [['by column', userColumns], ['as a list of rows', userRows]] as const) {
    describe(kind, () => {
      it('agrees with its posts', async () => assert.equal((await readFiles(withUsers(write(posts)))).posts.length, 12));
      it('must not have another Pid', () => assertRefused(readFiles(withUsers(write(posts.map((post, i) => (i === 6 ? { ...post, pid: '999' } : post))))), 'smpd-keys', /train_userdata\.json, row 7 is not about post “7” of user “2@N75”, which train_tags\.json has there/));
      it('must not have another Uid', () => assertRefused(readFiles(withUsers(write(posts.map((post, i) => (i === 2 ? { ...post, uid: 'x' } : post))))), 'smpd-keys', /train_userdata\.json, row 3/));
      it('must not be shifted', () => assertRefused(readFiles(withUsers(write(without(4)))), 'smpd-keys', /row 5/));
      it('must not be shorter', () => assertRefused(readFiles(withUsers(write(posts.slice(0, -2)))), 'smpd-lengths', /train_userdata\.json ends after row 10, but train_tags\.json has a row 11/));
      it('must not be longer', () => assertRefused(readFiles(withUsers(write([...posts, { uid: 'x', pid: '13' }]))), 'smpd-lengths', /train_tags\.json ends after row 12, but train_userdata\.json has a row 13/));
      for (const end of [1, 2, 300, 2000]) {
        it(`must not be cut off ${end} bytes before its end`, () => assertRefused(readFiles(withUsers(write(posts).slice(0, -end))), 'json-broken', /train_userdata\.json, .*cut off/));
      }
      it('must not go on behind its end', () => assertRefused(readFiles(withUsers(`${write(posts)}[]`)), 'json-broken', /something follows the end/));
      it('may be cut by the reader at any byte', async () => {
        const bytes = Buffer.from(write(posts.slice(0, 3)).replaceAll(/(?:-?\d\.\d\d,){390}/g, '')); // short vectors, so that every cut is tried
        for (let cut = 1; cut < bytes.length; cut++) {
          const keys = new UserKeys('users.json', (async function* () { yield bytes.subarray(0, cut); yield bytes.subarray(cut); })());
          await drained(keys.prepare(3));
          posts.slice(0, 3).forEach((post, i) => keys.check(i + 1, post.uid, post.pid, 'posts.json'));
          await drained(keys.finish(3, 'posts.json'));
          assert.throws(() => keys.check(2, posts[1]!.uid, '3', 'posts.json'), /users\.json, row 2/);
          await assert.rejects(drained(keys.finish(2, 'posts.json')), /has a row 3/);
        }
      });
    });
  }

  it('may name no ids: then its rows are counted', async () => {
    const rows = (count: number): string => JSON.stringify(Array.from({ length: count }, () => ({ photo_firstdate: '1', photo_count: 3 })));
    assert.equal((await readFiles(withUsers(rows(12)))).posts.length, 12);
    await assertRefused(readFiles(withUsers(rows(11))), 'smpd-lengths', /ends after row 11/);
  });

  it('by column must have columns of one length, and rows in their order', async () => {
    const columns = (photoCount: object, uid: object = { 0: 'a', 1: 'b' }): string => JSON.stringify({ Uid: uid, Pid: { 0: '1', 1: '2' }, photo_count: photoCount });
    const files = (users: string): Files => ({ ...files2020([{ uid: 'a', pid: '1', time: 1446016778 }, { uid: 'b', pid: '2', time: 1446016778 }]), [USERS]: users });
    assert.equal((await readFiles(files(columns({ 0: 1, 1: 2 })))).posts.length, 2);
    await assertRefused(readFiles(files(columns({ 0: 1 }))), 'smpd-lengths', /column “photo_count” has 1 rows, but “Uid” has 2/);
    await assertRefused(readFiles(files(columns({ 0: 1, 1: 2 }, { 0: 'a', 7: 'b' }))), 'smpd-keys', /row 2 of column “Uid” is named “7”/);
  });

  it('is read whatever its strings hold', async () => {
    const hostile = JSON.stringify([{ Uid: 'a"\\', Pid: 1, user_description: '"}]{["\\', nested: { Uid: 'no', list: [[1, '}'], {}] }, ispro: null }]);
    assert.equal((await readFiles({ ...files2020([{ uid: 'a"\\', pid: '1', time: 1446016778 }]), [USERS]: hostile })).posts.length, 1);
  });

  it('is compared to its last row where it comes in many pieces', async () => {
    const rows = 20_000;
    const vector = '-0.07,'.repeat(399);
    async function* chunks(): AsyncGenerator<Buffer, void, void> {
      for (const [name, valueOf] of [['Uid', (i: number) => `${i}@N1`], ['Pid', (i: number) => String(i)], ['user_description', () => vector]] as const) {
        yield Buffer.from(`${name === 'Uid' ? '{' : ','}"${name}":{`);
        for (let i = 0; i < rows; i += 500) yield Buffer.from(Array.from({ length: 500 }, (_, j) => `${i + j === 0 ? '' : ','}"${i + j}":"${valueOf(i + j)}"`).join(''));
        yield Buffer.from('}');
      }
      yield Buffer.from('}');
    }
    const keys = new UserKeys('users.json', chunks());
    await drained(keys.prepare(1000));
    for (const row of [1, 77, rows]) keys.check(row, `${row - 1}@N1`, String(row - 1), 'posts.json'); // the columns of ids have been read
    assert.throws(() => keys.check(78, '77@N1', '78', 'posts.json'), /users\.json, row 78/);
    await drained(keys.finish(rows, 'posts.json'));
    assert.throws(() => keys.check(rows + 1, 'x', 'y', 'posts.json'), /users\.json ends after row 20000/);
  });
});

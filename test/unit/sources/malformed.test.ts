// Malformed folders of every layout: each fault stops the import with a message that names file and row (or folder), and the
// posts that were indexed before are served as before.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { UserError } from '../../../src/domain/errors.ts';
import { postByPid } from '../../../src/store/posts.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { editLines, editText, files2018, files2020, filesTpic, layoutPosts, userRows, type Files, type LayoutPost } from './layoutFixture.ts';
import { PICTURES } from './pictureBytes.ts';
import { contentOf, openStoreAtWork, removeFolders, smpdFiles, temporaryFolder, writeFiles } from './sourceFixture.ts';

const ALL = 'train_allmetadata_json/train_';

/** SMPD 2022 of the same posts; the fixture counts scores on. */
const files2022 = (posts: readonly LayoutPost[]): Files => smpdFiles(posts.map((post) => ({ ...post, postdate: String(post.time) })));

/** Names of 2022, a list of users without ids, and the other name for the list of pictures. */
function filesMixed(posts: readonly LayoutPost[]): Files {
  const { [`${ALL}user_data.json`]: _users, 'train_img_filepath.txt': pictures, ...files } = files2022(posts);
  const users = (JSON.parse(userRows(posts)) as Record<string, unknown>[]).map(({ Uid: _uid, Pid: _pid, ...user }) => user);
  return { ...files, [`${ALL}user_data.json`]: JSON.stringify(users), 'train_img_path.txt': pictures! };
}

interface Layout {
  readonly make: (posts: readonly LayoutPost[]) => Files;
  readonly texts: string; // a file with ids that is cut off, loses rows, gets wrong ids
  readonly bytes: string; // a file with text in which bytes go wrong
  readonly isJson: boolean;
  readonly family: 'smpd' | 'tpic';
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  'SMPD 2018': { make: (posts) => files2018(posts), texts: 't2_train_data.txt', bytes: 't2_train_data.txt', isJson: false, family: 'smpd' },
  'SMPD 2020': { make: (posts) => files2020(posts), texts: 'train_category.json', bytes: 'train_tags.json', isJson: true, family: 'smpd' },
  'SMPD 2022': { make: files2022, texts: `${ALL}category.json`, bytes: `${ALL}text.json`, isJson: true, family: 'smpd' },
  'SMPD mixed': { make: filesMixed, texts: `${ALL}category.json`, bytes: `${ALL}text.json`, isJson: true, family: 'smpd' },
  TPIC2017: { make: filesTpic, texts: 'TIME_FLAG.txt', bytes: 'USER_META.txt', isJson: false, family: 'tpic' },
};

const POSTS = layoutPosts(12);
type JsonObject = Record<string, unknown>;
const bytesOf = (content: string | Buffer): Buffer => Buffer.from(content as string);

/** Edits a row of a file by its place, in JSON lists and in lines alike. */
function editRow(files: Files, name: string, row: number, edit: (text: string) => string): Files {
  if (!name.endsWith('.json')) return editLines(files, name, (lines) => lines.map((line, at) => (at === row - 1 ? edit(line) : line)));
  return editText(files, name, (text) => JSON.stringify((JSON.parse(text) as JsonObject[]).map((record, at): unknown => (at === row - 1 ? JSON.parse(edit(JSON.stringify(record))) : record))));
}

function withoutRow(files: Files, name: string, row: number): Files {
  if (!name.endsWith('.json')) return editLines(files, name, (lines) => lines.toSpliced(row - 1, 1));
  return editText(files, name, (text) => JSON.stringify((JSON.parse(text) as JsonObject[]).toSpliced(row - 1, 1)));
}

/** Puts bytes behind the first occurrence of a text. */
function insertBytes(files: Files, name: string, behind: string, bytes: Buffer): Files {
  const content = bytesOf(files[name]!);
  const at = content.indexOf(behind) + behind.length;
  assert.ok(at >= behind.length, `${name} has no ${behind}`);
  return { ...files, [name]: Buffer.concat([content.subarray(0, at), bytes, content.subarray(at)]) };
}

const last = (name: string): string => name.split('/').at(-1)!.replaceAll('.', '\\.');

for (const [title, layout] of Object.entries(LAYOUTS)) {
  const { make, texts, bytes, isJson, family } = layout;
  const valid = (): Files => make(POSTS);
  const wordsOf7 = family === 'tpic' ? '7 2@N75 0 0 7' : 'Title of 7'; // TPIC2017 has no title, but its length

  /** Indexes the valid folder, breaks it, and indexes again. */
  async function index(broken: (folder: string) => void, request: { allowSkips?: boolean } = {}, onStart: (folder: string) => void = () => undefined) {
    const folder = temporaryFolder();
    writeFiles(folder, valid());
    const { store, index: run } = await openStoreAtWork();
    await run(folder, { name: 'data' });
    const before = contentOf(store);
    broken(folder);
    let started = false;
    const work = run(folder, { name: 'data', ...request }, undefined, () => {
      if (!started) onStart(folder);
      started = true;
    });
    return { store, before, work, folder };
  }

  async function assertStops(broken: (folder: string) => void, code: string, says: RegExp, onStart?: (folder: string) => void): Promise<void> {
    const { store, before, work } = await index(broken, {}, onStart);
    await assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof UserError, String((error as Error).stack));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      assert.ok(error.nextStep !== '');
      return true;
    });
    assert.deepEqual(contentOf(store), before);
    store.close();
  }
  const replace = (files: (files: Files) => Files) => (folder: string): void => writeFiles(folder, files(valid()));

  describe(`a malformed folder of ${title}`, () => {
    after(removeFolders);

    it('with a file that was cut off', () => assertStops(
      replace((files) => editText(files, texts, (text) => text.slice(0, isJson ? -10 : text.indexOf('\n', text.length / 2) + 1))),
      isJson ? 'json-broken' : `${family}-lengths`, isJson ? new RegExp(`${last(texts)}, record 12: .*cut off`) : new RegExp(`${last(texts)} ends after row \\d|has a row \\d`),
    ));

    it('with a row too few', () => assertStops(replace((files) => withoutRow(files, texts, 12)), `${family}-lengths`, new RegExp(`${last(texts)} ends after row 11, but .* has a row 12`)));

    it('with a pid that does not match', () => {
      // All fields of a post stand in one line of 2018: there its page says which post it is about.
      const [name, row] = title === 'SMPD 2018' ? ['t2_train_img.txt', 5] : [texts, 5];
      return assertStops(replace((files) => editRow(files, name, row, (text) => text.replace(/(?<=["/ ]|^)5(?=["\n ]|$)/, '995'))), `${family}-keys`, new RegExp(`${last(name)}, (line|record|row) 5 .*995`));
    });

    it('with a pid twice', () => assertStops(
      (folder) => writeFiles(folder, make(POSTS.map((post, at) => (at === 8 ? { ...post, pid: '3' } : post)))), `${family}-duplicate`, /, (record|line|row) 9: post “3” was there before/,
    ));

    it('in another encoding', () => {
      const isLines2018 = title === 'SMPD 2018'; // there it is Windows-1252, which leaves few bytes open
      return assertStops(replace((files) => insertBytes(files, bytes, wordsOf7, Buffer.from([isLines2018 ? 0x81 : 0xe9]))), 'skipped-rows', new RegExp(`1 of 12 rows .*${last(bytes)}, row 7: bad encoding`));
    });

    it('with a file in UTF-16', () => assertStops(replace((files) => ({ ...files, [bytes]: Buffer.from(files[bytes] as string, 'utf16le') })), `${family}-file`, new RegExp(`${last(bytes)} does not hold`)));

    it('with a NUL byte', () => assertStops(
      replace((files) => insertBytes(files, bytes, wordsOf7, isJson ? Buffer.from('\\u0000') : Buffer.from([0]))), 'skipped-rows', new RegExp(`1 of 12 rows .*, row 7: ${family === 'tpic' ? 'length is no number' : 'NUL byte'}`),
    ));

    it('with nothing in it', () => assertStops((folder) => {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    }, 'folder-unknown', /smp-test-\w+ holds neither/));

    it('with a folder where a file should be', () => assertStops((folder) => {
      rmSync(join(folder, texts));
      mkdirSync(join(folder, texts));
    }, family === 'tpic' ? 'tpic-file' : 'smpd-no-file', new RegExp(`${last(texts)} (is no file|does not hold)`)));

    it('with a file that is a link out of it', () => assertStops((folder) => {
      const elsewhere = temporaryFolder();
      writeFiles(elsewhere, { 'there.txt': valid()[texts]! });
      rmSync(join(folder, texts));
      symlinkSync(join(elsewhere, 'there.txt'), join(folder, texts));
    }, 'outside-folder', new RegExp(`${last(texts)} is a link that leads out of `)));

    it('that changes while it is read', () => assertStops((folder) => appendFileSync(join(folder, texts), '\n'), 'file-changed', new RegExp(`${last(texts)} changed while it was being read`), (folder) => appendFileSync(join(folder, texts), '\n')));

    it('with a picture path that leads out of it', async () => {
      const list = Object.keys(valid()).find((name) => /img|PHOTO_URL/.test(name))!;
      const { store, work } = await index(replace((files) => editRow(files, list, 4, (line) => line.replace(/\S+$/, '../../etc/passwd'))));
      if (title.endsWith('2022') || title.endsWith('mixed')) {
        // Lists of paths name user and post: a path that names others means that the files are not aligned.
        await assert.rejects(work, (error: unknown) => error instanceof UserError && error.code === 'smpd-keys' && new RegExp(`${last(list)}, line 4 .*passwd`).test(error.message));
      } else await work;
      assert.equal(postByPid(store, requireSource(store, 'data').id, '4')!.imagePath.includes('..'), false);
      assert.equal(postByPid(store, requireSource(store, 'data').id, '4')!.imageUrl.includes('..'), false);
      store.close();
    });
  });
}

describe('a table with a picture path that leads out of its folder', () => {
  after(removeFolders);

  for (const path of ['../../etc/passwd', '/etc/passwd', 'train/../../x.png']) {
    it(`keeps the post without it (${path})`, async () => {
      const folder = temporaryFolder();
      writeFiles(folder, { 'posts.csv': `id,user,time,score,image\n1,a,2020-01-01 10:00:00,3.5,1.png\n2,a,2020-01-02 10:00:00,4.5,${path}\n`, '1.png': PICTURES.png });
      const { store, index } = await openStoreAtWork();
      await index(folder, { name: 'data' });
      const post = postByPid(store, requireSource(store, 'data').id, '2')!;
      assert.deepEqual([post.imagePath, post.dropped], ['', 'picture outside the folder']);
      store.close();
    });
  }
});

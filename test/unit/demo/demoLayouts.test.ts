// The generator's layouts: the product's own readers find in each the posts that were invented, train and test parts at any size.
import assert from 'node:assert/strict';
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countTestPosts, inventParts } from '../../../src/domain/inventedParts.ts';
import { inventPosts } from '../../../src/domain/inventedPosts.ts';
import { DESCRIPTION_NUMBERS, LOCATION_NUMBERS, oldTitle } from '../../../src/domain/inventedUserData.ts';
import type { Post } from '../../../src/domain/posts.ts';
import { DEMO_FORMATS, demoRequest, demoRequestSchema, FORMATS_WITH_PICTURES, type DemoFormat, type DemoRequest } from '../../../src/protocol/demo.ts';
import { detectSource } from '../../../src/sources/detectSource.ts';
import { readJsonRecords } from '../../../src/sources/jsonRecords.ts';
import { makeDemo } from '../../../src/stages/makeDemo.ts';
import { drain, neverAborted } from '../stages/stageFixture.ts';

type Changes = Parameters<typeof demoRequest>[1];
const LAYOUTS_OF_PAGES: readonly DemoFormat[] = ['smpd-2018', 'smpd-2020', 'tpic-2017'];
const FORMATS_OF_TABLES: readonly DemoFormat[] = ['csv', 'jsonl', 'parquet'];
const byPid = (a: Post, b: Post): number => Number(a.pid) - Number(b.pid);
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const lines = (...path: string[]): string[] => read(...path).split('\n').slice(0, -1);

describe('the layouts of the demo', () => {
  let parent: string;
  before(() => { parent = mkdtempSync(join(tmpdir(), 'smp-layouts-')); });
  after(() => rmSync(parent, { recursive: true, force: true }));

  const request = (name: string, changes: Changes = {}): DemoRequest => demoRequestSchema.parse(demoRequest(join(parent, name), { posts: 150, seed: 5, ...changes }));
  const make = async (name: string, changes: Changes = {}): Promise<string> => {
    await drain(makeDemo(request(name, changes), neverAborted));
    return join(parent, name);
  };
  const inventedParts = (changes: Changes = {}) => {
    const options = request('unused', changes);
    return [...inventParts(options, countTestPosts(options, options.testShare))].flat();
  };

  for (const format of DEMO_FORMATS) {
    const testShare = format === 'tpic-2017' ? 0 : 0.3;
    it(`are read back as they were invented (${format})`, async () => {
      const folder = await make(format, { format, testShare, pictures: FORMATS_WITH_PICTURES.includes(format) });
      const source = await detectSource(folder, null, () => null);
      assert.equal(source.kind, FORMATS_OF_TABLES.includes(format) ? 'table' : format);
      const posts: Post[] = [];
      for await (const batch of source.read(() => undefined)) {
        assert.deepEqual(batch.skipped, []);
        assert.ok(batch.posts.every(({ dropped }) => dropped === null));
        posts.push(...batch.posts.map(({ post }) => post));
      }
      const expected = inventedParts({ format, testShare, pictures: FORMATS_WITH_PICTURES.includes(format) }).flatMap((part) => part.posts.map(({ post }): Post => ({
        ...post, imageUrl: LAYOUTS_OF_PAGES.includes(format) ? `https://www.flickr.com/photos/${post.uid}/${post.pid}` : '',
        ...(format === 'smpd-2018' ? { title: oldTitle(post.title, post.pid) } : {}),
        ...(format === 'csv' ? { latitude: null, longitude: null } : {}), // it has no columns for the place
      })));
      assert.equal(posts.length, 150);
      assert.equal(posts.filter((post) => post.label === null).length, testShare * 150);
      if (format !== 'tpic-2017') return assert.deepEqual(posts.sort(byPid), expected.sort(byPid));
      const shape = (post: Post): unknown[] => [post.pid, post.uid, post.label, post.imageUrl, Math.floor(post.postedAt / 3600)]; // TPIC2017 has no words, and hours instead of seconds
      assert.deepEqual(posts.map(shape), expected.map(shape));
      assert.deepEqual(posts.map(({ extra }) => [extra['title length'], extra['number of tags']]), expected.map((post) => [String(post.title.length), String(post.tags.split(' ').length)]));
    });
  }

  it('put the newest posts into the test part, exactly as many as asked, whatever the order of pids', () => {
    const parts = inventedParts({ posts: 500, testShare: 0.37 });
    const of = (name: string): Post[] => parts.filter(({ part }) => part === name).flatMap(({ posts }) => posts.map(({ post }) => post));
    const train = of('train'), test = of('test');
    assert.deepEqual([train.length, test.length], [315, 185]);
    assert.ok(Math.max(...train.map((post) => post.postedAt)) <= Math.min(...test.map((post) => post.postedAt)));
    assert.ok(test.every((post) => post.label === null && post.imagePath.startsWith('test/')));
    assert.deepEqual(parts.flatMap(({ posts }) => posts.map(({ post }) => post.pid)).sort(), [...inventPosts(request('unused', { posts: 500 }))].flat().map(({ post }) => post.pid).sort());
  });

  it('have as many posts as asked, the first ones of a larger demo with the same seed, for all but the last block', () => {
    const few = [...inventPosts(request('unused', { posts: 700 }))];
    const many = [...inventPosts(request('unused', { posts: 3000 }))];
    assert.equal(few.flat().length, 700);
    assert.equal(many.flat().length, 3000);
    assert.ok(few.length > 1);
    assert.deepEqual(few.slice(0, -1), many.slice(0, few.length - 1));
  });

  it('write 2018 in Windows-1252 with inner quotes, its test posts in ten shards', async () => {
    const folder = await make('old', { format: 'smpd-2018', testShare: 0.4 });
    const bytes = readFileSync(join(folder, 't2_train_data.txt'));
    const titles = bytes.toString('latin1').split('\n').slice(0, -1).map((line) => /" "ready" "(.*)" "photo" "/.exec(line)![1]!);
    assert.ok(titles.some((title) => title.endsWith(' au caf\xe9')) && titles.some((title) => title.includes('the "old" one')) && titles.some((title) => title.includes('\x93se\xf1or\x94')));
    const shards = Array.from({ length: 10 }, (_, shard) => lines(folder, `t2_metadata${shard}.txt`).length);
    assert.deepEqual(shards, Array.from({ length: 10 }, () => 6));
    assert.deepEqual(readdirSync(folder).filter((name) => name.includes('label')), ['t2_train_label.txt']);
  });

  it('write 2020 with the addresses of pages, numbers as Pid in one file, and no labels for the test posts', async () => {
    const folder = await make('pages', { format: 'smpd-2020', testShare: 0.2 });
    const keys = JSON.parse(read(folder, 'test_category.json')) as { Uid: string; Pid: number }[];
    assert.deepEqual(lines(folder, 'test_imgfile.txt'), keys.map(({ Uid, Pid }) => `https://www.flickr.com/photos/${Uid}/${Pid}`));
    assert.ok(keys.every(({ Pid }) => typeof Pid === 'number'));
    assert.ok(!existsSync(join(folder, 'test_label.txt')) && existsSync(join(folder, 'train_img.txt')));
  });

  for (const format of ['smpd-2020', 'smpd-2022', 'smpd-mixed'] as const) {
    it(`give the users' vectors their 399 and 400 numbers, the same in all rows of a user (${format})`, async () => {
      const folder = await make(`vectors-${format}`, { format, vectors: true, pictures: false });
      const path = format === 'smpd-2020' ? join(folder, 'train_userdata.json') : join(folder, 'train_allmetadata_json', 'train_user_data.json');
      let rows: Record<string, unknown>[] = [];
      if (format === 'smpd-2022') {
        const columns = JSON.parse(read(path)) as Record<string, Record<string, unknown>>;
        rows = Object.keys(columns['Uid']!).map((row) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])));
      } else for await (const records of readJsonRecords(createReadStream(path), path)) rows.push(...records.map(({ value }) => value));
      const uids = inventedParts().flatMap(({ posts }) => posts.map(({ post }) => post.uid));
      assert.equal(rows.length, uids.length);
      const ofUser = new Map<string, unknown>();
      for (const [at, { user_description: description, location_description: location }] of rows.entries()) {
        assert.match(String(description), /^(-?\d\.\d\d?,)*-?\d\.\d\d?$/);
        assert.match(String(location), /^(-?\d\.\d\d?,)*-?\d\.\d\d?\r\n$/);
        assert.deepEqual([String(description).split(',').length, String(location).split(',').length], [DESCRIPTION_NUMBERS, LOCATION_NUMBERS]);
        if (ofUser.has(uids[at]!)) assert.equal(ofUser.get(uids[at]!), description);
        ofUser.set(uids[at]!, description);
      }
      assert.ok(new Set(ofUser.values()).size > ofUser.size / 2, 'users differ');
      assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('.column')), []);
    });
  }

  it('refuse options that a layout has no place for', () => {
    const refused = (changes: Changes): string | undefined => {
      const parsed = demoRequestSchema.safeParse(demoRequest('any', changes));
      return parsed.success ? undefined : parsed.error.issues[0]!.path.join('.');
    };
    assert.deepEqual([refused({ format: 'csv', vectors: true }), refused({ format: 'tpic-2017', testShare: 0.1 }), refused({ format: 'tpic-2017', faults: 0.1 }), refused({ format: 'smpd-2020', vectors: true })], ['vectors', 'testShare', 'faults', undefined]);
  });

  it('tell what was asked for apart from what was not: a demo without the later options is described as before', async () => {
    const folder = await make('plain', { posts: null, users: 5 });
    assert.deepEqual(Object.keys(JSON.parse(read(folder, 'demo.json')) as object), ['generator', 'version', 'source', 'users', 'seed', 'format', 'pictures', 'smallUsers', 'faults', 'spreads', 'broken']);
    const parts = await make('parts', { testShare: 0.2, format: 'jsonl' });
    const { posts, testShare } = JSON.parse(read(parts, 'demo.json')) as Record<string, unknown>;
    assert.deepEqual([posts, testShare], [150, 0.2]);
  });
});

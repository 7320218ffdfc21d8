// The demo's files: their shapes, that the product's own readers take them, and what happens when the making goes wrong.
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { inventPosts } from '../../../src/domain/inventedPosts.ts';
import { demoRequest, demoRequestSchema, type DemoRequest } from '../../../src/protocol/demo.ts';
import type { StageResult } from '../../../src/protocol/stages.ts';
import { readCaptionFile } from '../../../src/sources/captionFile.ts';
import { detectSource } from '../../../src/sources/detectSource.ts';
import type { ReadPost } from '../../../src/sources/postSource.ts';
import { makeDemo } from '../../../src/stages/makeDemo.ts';

type Changes = Parameters<typeof demoRequest>[1];

async function make(request: DemoRequest, signal = new AbortController().signal): Promise<StageResult> {
  const work = makeDemo(request, signal);
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
  }
}

async function readAll(path: string): Promise<ReadPost[]> {
  const source = await detectSource(path, null, () => null);
  const posts: ReadPost[] = [];
  for await (const batch of source.read(() => undefined)) {
    assert.deepEqual(batch.skipped, []);
    posts.push(...batch.posts);
  }
  return posts;
}

const files = (folder: string): string[] => globSync('**', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'));
const lines = (...path: string[]): string[] => readFileSync(join(...path), 'utf8').split('\n').slice(0, -1);

describe('making the demo', () => {
  let parent: string;
  before(() => { parent = mkdtempSync(join(tmpdir(), 'smp-demo-')); });
  after(() => rmSync(parent, { recursive: true, force: true }));

  const request = (name: string, changes: Changes = {}): DemoRequest => demoRequestSchema.parse(demoRequest(join(parent, name), { users: 20, seed: 5, source: 'demo', ...changes }));
  const invented = (changes: Changes = {}) => [...inventPosts(request('unused', changes))].flat();

  it('gives the same bytes for the same seed', async () => {
    await make(request('first'));
    await make(request('second'));
    const names = files(join(parent, 'first'));
    assert.deepEqual(names, files(join(parent, 'second')));
    for (const name of names) assert.ok(readFileSync(join(parent, 'first', name)).equals(readFileSync(join(parent, 'second', name))), name);
  });

  it('writes the layout of SMPD 2022, aligned by row', async () => {
    await make(request('layout'));
    const folder = join(parent, 'layout');
    const posts = invented();
    const keys = posts.map(({ post }) => ({ Uid: post.uid, Pid: post.pid }));
    const records = (name: string): Record<string, string>[] => json(folder, 'train_allmetadata_json', `train_${name}.json`) as Record<string, string>[];
    const fields = {
      category: ['Category', 'Subcategory', 'Concept'], text: ['Title', 'Mediatype', 'Alltags'],
      temporalspatial_information: ['Postdate', 'Latitude', 'Longitude', 'Geoaccuracy'], additional_information: ['Pathalias', 'Ispublic', 'Mediastatus'],
    };
    for (const [name, expected] of Object.entries(fields)) {
      assert.deepEqual(records(name).map(({ Uid, Pid }) => ({ Uid, Pid })), keys, name);
      assert.deepEqual(Object.keys(records(name)[0]!), ['Uid', 'Pid', ...expected], name);
    }
    assert.ok(records('temporalspatial_information').every(({ Postdate }) => /^1[0-9]{9}$/.test(Postdate!)));
    const users = json(folder, 'train_allmetadata_json', 'train_user_data.json') as Record<string, Record<string, unknown>>;
    assert.deepEqual(Object.keys(users), ['Uid', 'Pid', 'photo_firstdate', 'photo_count', 'ispro', 'canbuypro', 'timezone_offset', 'timezone_timezone_id', 'photo_firstdatetaken', 'user_description', 'location_description']);
    assert.deepEqual(Object.entries(users['Pid']!), posts.map(({ post }, row) => [String(row), post.pid]));
    assert.ok(Object.values(users['photo_firstdatetaken']!).every((value) => /^\d{10}$/.test(String(value))));
    assert.deepEqual(lines(folder, 'train_label.txt'), posts.map(({ post }) => (post.label! / 100).toFixed(2)));
    assert.deepEqual(lines(folder, 'train_img_filepath.txt'), posts.map(({ post }) => `train/${post.uid}/${post.pid}.png`));
    assert.deepEqual(files(folder).filter((name) => name.startsWith('train/')), posts.map(({ post }) => post.imagePath).sort());
    assert.deepEqual(readdirSync(folder).sort(), ['.vscode', 'captions.jsonl', 'demo.json', 'train', 'train_allmetadata_json', 'train_img_filepath.txt', 'train_label.txt']);
  });

  for (const format of ['smpd-2022', 'csv'] as const) {
    it(`is read back as it was invented (${format})`, async () => {
      const name = `read-${format}`;
      await make(request(name, { format }));
      const read = await readAll(join(parent, name));
      const expected = invented().map(({ post: { latitude: _latitude, longitude: _longitude, ...post } }) => post); // a table has no place
      assert.deepEqual(read.map(({ post: { latitude: _latitude, longitude: _longitude, ...post } }) => post), expected);
      assert.ok(read.every(({ dropped }) => dropped === null));
    });
  }

  it('leaves outcomes out of a table\'s mapping and takes the score for the popularity', async () => {
    await make(request('mapping', { format: 'csv' }));
    const { mapping } = await detectSource(join(parent, 'mapping'), null, () => null);
    assert.equal(mapping?.columns.popularity, 'score');
    assert.deepEqual(mapping.outcome, ['comments']);
    assert.deepEqual(mapping.extra, []);
  });

  for (const format of ['smpd-2022', 'csv'] as const) {
    it(`writes captions that the import reads, for the source as the index will name it (${format})`, async () => {
      const folder = join(parent, `captions-${format}`);
      await make(request(`captions-${format}`, { source: null, pictures: false, format }));
      const { suggestedName } = await detectSource(folder, null, () => null);
      const captions = [];
      for await (const { source, pid, caption, by } of readCaptionFile(join(folder, 'captions.jsonl'))) captions.push({ source, pid, caption, by });
      assert.deepEqual(captions, invented().map(({ post, caption }) => ({ source: suggestedName, pid: post.pid, caption, by: 'generator' })));
    });
  }

  it('has neither pictures nor their paths when none are asked for', async () => {
    await make(request('bare', { pictures: false }));
    assert.deepEqual(readdirSync(join(parent, 'bare')).sort(), ['.vscode', 'captions.jsonl', 'demo.json', 'train_allmetadata_json', 'train_label.txt']);
    assert.ok((await readAll(join(parent, 'bare'))).every(({ post, dropped }) => post.imagePath === '' && dropped === null));
  });

  it('breaks pictures and labels as asked, says which, and the reader finds each', async () => {
    await make(request('broken', { faults: 0.1 }));
    const folder = join(parent, 'broken');
    const { broken } = json(folder, 'demo.json') as { broken: { pid: string; fault: string }[] };
    assert.deepEqual(broken, invented({ faults: 0.1 }).flatMap(({ post, fault }) => (fault === null ? [] : [{ pid: post.pid, fault }])));
    const faults = new Map(broken.map(({ pid, fault }) => [pid, fault]));
    for (const { post, dropped } of await readAll(folder)) {
      const fault = faults.get(post.pid);
      assert.equal(dropped !== null, fault !== undefined && fault.startsWith('picture'), `${post.pid}: ${dropped} (${fault})`);
      assert.equal(post.label === null, fault === 'label-missing');
      if (fault === 'picture-missing') assert.ok(!existsSync(join(folder, post.imagePath)));
      if (fault === 'picture-empty') assert.equal(readFileSync(join(folder, post.imagePath)).length, 0);
      if (fault === 'picture-cut') assert.throws(() => PNG.sync.read(readFileSync(join(folder, post.imagePath))));
    }
  });

  it('does nothing when the same demo is there, and touches no folder that holds anything else', async () => {
    assert.equal((await make(request('again'))).unchanged, false);
    const { seed, ...others } = request('again');
    assert.equal((await make({ ...others, seed })).unchanged, true); // whatever the order of the options
    await assert.rejects(make(request('again', { seed: 6 })), { name: 'UserError', code: 'demo-folder-taken' });
    assert.equal((await make(request('again'))).unchanged, true);
    writeFileSync(join(parent, 'a-file'), 'mine');
    await assert.rejects(make(request('a-file')), { code: 'demo-folder-taken' });
    await assert.rejects(make(request(join('a-file', 'below'))), { code: 'demo-unwritable' });
    assert.equal(readFileSync(join(parent, 'a-file'), 'utf8'), 'mine');
  });

  it('refuses parts of the score that there are none of', () => {
    const wrong = { ...request('spreads'), spreads: { ...request('spreads').spreads, weather: 1 } };
    assert.equal(demoRequestSchema.safeParse(wrong).success, false);
  });

  it('fills an empty folder, and sweeps what a killed run left beside it', async () => {
    mkdirSync(join(parent, 'empty'));
    mkdirSync(join(parent, 'empty.making', 'train'), { recursive: true });
    await make(request('empty'));
    assert.ok(existsSync(join(parent, 'empty', 'train_label.txt')));
    assert.ok(!existsSync(join(parent, 'empty.making')));
  });

  it('can be cancelled, and then leaves nothing behind', async () => {
    const controller = new AbortController();
    const work = makeDemo(request('cancelled', { users: 200 }), controller.signal);
    const first = await work.next();
    assert.ok(!first.done && first.value.done! > 0 && first.value.done! < first.value.total!);
    controller.abort();
    await assert.rejects(work.next(), { name: 'AbortError' });
    assert.deepEqual(readdirSync(parent).filter((name) => name.startsWith('cancelled')), []);
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import { captionImages } from '../../../src/stages/captionImages.ts';
import { captionText } from '../../../src/store/captions.ts';
import { drain, fillSource, neverAborted, openTestStore, regularPosts, testContext } from './stageFixture.ts';

async function importing(lines: readonly (string | object)[]) {
  const store = await openTestStore();
  const sourceId = fillSource(store, 'posts', regularPosts(2, 3));
  const context = testContext(store);
  const file = join(context.folder, 'captions.jsonl');
  const write = (content: readonly (string | object)[]): void => writeFileSync(file, content.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  write(lines);
  return { store, sourceId, context, file, write, run: () => drain(captionImages(context, { source: 'posts', import: file }, neverAborted)) };
}

describe('stage caption', () => {
  it('imports captions with their provenance, finds them by search, and does nothing the second time', async () => {
    const { store, sourceId, run } = await importing([
      { source: 'posts', pid: 'u000-0', caption: 'a red coat', by: 'gpt-4o' },
      { source: 'posts', pid: 'u001-1', caption: 'a bridge', by: 'person:anna' },
    ]);
    const result = await run();
    assert.equal(result.counts['added'], 2);
    assert.equal(captionText(store, sourceId, 'u000-0', 'any'), 'a red coat');
    assert.equal(captionText(store, sourceId, 'u000-0', 'approved'), '');
    const row = store.prepare<{ made_by: string; origin: string }>("SELECT made_by, origin FROM captions WHERE pid = 'u001-1'").get()!;
    assert.equal(row.made_by, 'person:anna');
    assert.deepEqual(JSON.parse(row.origin), { file: 'captions.jsonl', line: 2 });
    const found = store.prepare<{ pid: string }>("SELECT p.pid FROM posts_search s JOIN posts p ON p.id = s.rowid WHERE posts_search MATCH 'bridge'").all();
    assert.deepEqual(found.map((post) => post.pid), ['u001-1']);
    assert.equal((await run()).unchanged, true);
    assert.equal(store.prepare<{ count: number }>('SELECT count(*) AS count FROM captions').get()!.count, 2);
  });

  it('adds only what changed, and keeps the caption that was', async () => {
    const lines = ['u000-0', 'u000-1'].map((pid) => ({ source: 'posts', pid, caption: 'old', by: 'a' }));
    const { store, sourceId, run, write } = await importing(lines);
    await run();
    write([{ ...lines[0], caption: 'new' }, lines[1]!]);
    assert.equal((await run()).counts['added'], 1);
    assert.equal(captionText(store, sourceId, 'u000-0', 'any'), 'new');
    assert.equal(store.prepare<{ count: number }>("SELECT count(*) AS count FROM captions WHERE pid = 'u000-0'").get()!.count, 2);
  });

  it('counts and lists unknown pids, empty captions and lines of other sources', async () => {
    const { run } = await importing([
      { source: 'posts', pid: 'nobody', caption: 'x', by: 'a' }, { source: 'posts', pid: 'u000-0', caption: ' ', by: 'a' },
      { source: 'elsewhere', pid: 'u000-0', caption: 'x', by: 'a' }, { pid: 'u000-2', caption: 'no source named', by: 'a' },
    ]);
    const { counts, summary } = await run();
    assert.deepEqual([counts['added'], counts['unknown'], counts['empty'], counts['otherSource']], [1, 1, 1, 1]);
    assert.match(summary, /“nobody”/);
  });

  it('bounds hostile text', async () => {
    const { store, sourceId, run } = await importing([{ pid: 'u000-0', caption: `a\u0000b\n\n\u001b[31mred ${'😀'.repeat(5000)}`, by: 'a' }]);
    await run();
    const text = captionText(store, sourceId, 'u000-0', 'any');
    assert.equal([...text].length, 2000);
    assert.ok(text.startsWith('a b [31mred 😀'));
  });

  for (const [name, bad, says] of [
    ['no JSON', '{"pid": ', /line 2: this is not JSON/], ['a missing field', { pid: 'u000-0', caption: 'x' }, /line 2: “by”/],
    ['a wrong type', { pid: 'u000-0', caption: 3, by: 'a' }, /line 2: “caption”/], ['a list', '[1]', /line 2/], ['a line of megabytes', `"${'x'.repeat(2 ** 21)}`, /line 2: the line is longer/],
  ] as const) {
    it(`refuses ${name} with file and line, and imports nothing`, async () => {
      const { store, file, run } = await importing([{ pid: 'u000-0', caption: 'fine', by: 'a' }, bad]);
      await assert.rejects(run(), (error) => error instanceof UserError && error.code === 'captions-malformed' && error.message.includes(file) && says.test(error.message));
      assert.equal(store.prepare<{ count: number }>('SELECT count(*) AS count FROM captions').get()!.count, 0);
    });
  }

  it('refuses text that is not UTF-8, a folder, and a file that is all for another source', async () => {
    const { context, file, run, write } = await importing([]);
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    await assert.rejects(run(), /line 1: the text is not UTF-8/);
    await assert.rejects(drain(captionImages(context, { source: 'posts', import: context.folder }, neverAborted)), (error) => error instanceof UserError && error.code === 'captions-unreadable');
    write([{ source: 'elsewhere', pid: 'u000-0', caption: 'x', by: 'a' }]);
    await assert.rejects(run(), (error) => error instanceof UserError && error.code === 'captions-other-source' && /“elsewhere”/.test(error.message));
  });
});

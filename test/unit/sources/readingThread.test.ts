import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { ROOT } from '../../../scripts/paths.ts';
import { detectSource } from '../../../src/sources/detectSource.ts';
import type { PostBatch, PostSource } from '../../../src/sources/postSource.ts';
import { readInThread } from '../../../src/sources/readingThread.ts';
import { removeFolders, temporaryFolder, writeFiles } from './sourceFixture.ts';

const READER = join(ROOT, 'src', 'reader.ts');
const HEADER = 'id,user,time,title,popularity,mood,latitude,longitude\n';

async function allOf(batches: AsyncIterable<PostBatch>): Promise<PostBatch> {
  const posts: PostBatch['posts'][number][] = [], skipped: PostBatch['skipped'][number][] = [];
  for await (const batch of batches) {
    posts.push(...batch.posts);
    skipped.push(...batch.skipped);
  }
  return { posts, skipped };
}

describe('reading in a thread', () => {
  after(removeFolders);

  /** A table of `rows` posts; every 50th has a bad label, every 7th none. */
  async function table(rows: number): Promise<{ path: string; source: PostSource }> {
    const path = join(temporaryFolder(), 'posts.csv');
    const lines = Array.from({ length: rows }, (_, i) => `p${i},u${i % 9},2020-01-01 10:00:00,Títle 🎉 ${i},${i % 50 === 49 ? 'x' : i % 7 === 0 ? '' : '1.5'},calm,,\n`);
    writeFiles(join(path, '..'), { 'posts.csv': HEADER + lines.join('') });
    return { path, source: await detectSource(path, null, () => null) };
  }

  it('yields what reading here does, hashes included', async () => {
    const { path, source } = await table(5000);
    const here: string[] = [], there: string[] = [];
    const expected = await allOf(source.read((file, sha256) => here.push(file, sha256)));
    assert.deepEqual(await allOf(readInThread(READER, path, source, (file, sha256) => there.push(file, sha256))), expected);
    assert.equal(expected.skipped.length, 100);
    assert.deepEqual(there, here);
  });

  it('throws what the reader throws', async () => {
    const { path, source } = await table(100);
    appendFileSync(path, 'late,u,2020-01-01 10:00:00,x,1.5,calm,,\n');
    await assert.rejects(allOf(readInThread(READER, path, source, () => undefined)), { name: 'UserError', code: 'file-changed' });
  });

  it('ends with whoever stops taking', async () => {
    const { path, source } = await table(40_000);
    for await (const { posts } of readInThread(READER, path, source, () => undefined)) {
      assert.ok(posts.length > 0);
      break;
    }
    // A thread that went on would keep this process, and mocha, from ending.
  });

  it('tells that the thread could not be started', async () => {
    const { path, source } = await table(10);
    await assert.rejects(allOf(readInThread(join(ROOT, 'src', 'missing.ts'), path, source, () => undefined)), /missing\.ts/);
  });
});

// The decisions folder: what people decided outlives the store, and comes together from several people.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { UserError } from '../../../src/domain/errors.ts';
import { readDecisions } from '../../../src/sources/decisionFiles.ts';
import { decideOnPost } from '../../../src/stages/decideOnPost.ts';
import { removeSource } from '../../../src/stages/removeSource.ts';
import type { Database } from '../../../src/store/database.ts';
import { csvTable, goodRows, openStoreAtWork, removeFolders, temporaryFolder, writeFiles, type StoreAtWork } from '../sources/sourceFixture.ts';
import { drain } from './stageFixture.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const excluded = (store: Database): string[] => store.prepare<{ pid: string }>('SELECT pid FROM excluded_posts ORDER BY pid').all().map(({ pid }) => pid);

/** A line as a colleague's machine writes it. */
const line = (pid: string, changes: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ source: 'posts', id: randomUUID(), pid, kind: 'post-excluded', reason: 'spam', contentHash: '', author: 'bob', decidedAt: 1000, ...changes })}\n`;

async function indexed(): Promise<StoreAtWork & { data: string; decide: (pid: string, kind?: 'post-excluded' | 'post-restored', at?: number) => void }> {
  const data = join(temporaryFolder(), 'posts.csv');
  writeFiles(join(data, '..'), { 'posts.csv': csvTable(goodRows(20)) });
  const work = await openStoreAtWork();
  await work.index(data);
  return { ...work, data, decide: (pid, kind = 'post-excluded', at = 1000) => decideOnPost({ ...work, now: () => at }, { source: 'posts', pid, kind, reason: 'spam', author: 'anna' }) };
}

describe('decisions of people', () => {
  after(removeFolders);

  it('are restored when the store was deleted and the posts are indexed again', async () => {
    const { store, folder, storeFolder, data, decide } = await indexed();
    decide('p1');
    decide('p2');
    decide('p2', 'post-restored', 1001);
    store.close();
    for (const suffix of ['', '-wal', '-shm', '-import']) rmSync(join(storeFolder, `curation.sqlite${suffix}`), { force: true });
    const again = await openStoreAtWork('better-sqlite3', folder);
    const { progress } = await again.index(data);
    assert.deepEqual(excluded(again.store), ['p1']);
    assert.ok(progress.some(({ message, stays }) => stays && message === '3 decisions were restored from the folder decisions.'));
    const { result } = await again.index(data);
    assert.equal(result.unchanged, true, 'what is there is not restored again');
    again.store.close();
  });

  it('come back with a source that was removed and indexed again', async () => {
    const { store, index, data, decide } = await indexed();
    decide('p1');
    await drain(removeSource({ store, log: silent }, { source: 'posts' }, new AbortController().signal));
    assert.deepEqual(excluded(store), []);
    await index(data);
    assert.deepEqual(excluded(store), ['p1']);
    store.close();
  });

  it('of a colleague are applied by the next index, although the posts are unchanged; of another source they are not', async () => {
    const { store, storeFolder, index, data, decide } = await indexed();
    decide('p1');
    writeFileSync(join(storeFolder, 'decisions', 'bob.jsonl'), line('p3') + line('p4', { source: 'elsewhere' }) + line('p1', { kind: 'post-restored', decidedAt: 999 }));
    const { result } = await index(data);
    assert.equal(result.unchanged, false);
    assert.deepEqual(excluded(store), ['p1', 'p3'], 'the newest decision on p1 is anna’s');
    store.close();
  });

  it('are read around bad lines, which are counted and named', async () => {
    const { store, storeFolder, index, data } = await indexed();
    const decisions = join(storeFolder, 'decisions');
    mkdirSync(decisions);
    writeFileSync(join(decisions, 'bob.jsonl'), `<<<<<<< ours\n${line('p3')}\n${line('p4', { decidedAt: 1e12 })}${line('p5', { id: 'x' })}${line('p6', { kind: 'post-deleted' })}${line('p7', { reason: 'x'.repeat(10_000) })}[]\n`);
    const { progress } = await index(data);
    assert.deepEqual(excluded(store), ['p3']);
    const told = progress.find(({ message }) => message.startsWith('Decisions that cannot be used'))!.message;
    assert.equal(told, 'Decisions that cannot be used: 6 (bob.jsonl, line 1: no JSON; bob.jsonl, line 4: dated in the future; bob.jsonl, line 5: id is not as expected; bob.jsonl, line 6: kind is not as expected; bob.jsonl, line 7: reason is not as expected; …).');
    store.close();
  });

  it('are read within bounds: a file of rubbish is given up, links are not followed', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, { 'outside.jsonl': line('p1'), 'decisions/rubbish.jsonl': 'x\n'.repeat(5000) + line('p2'), 'decisions/fine.jsonl': line('p3') });
    if (process.platform !== 'win32') symlinkSync(join(folder, 'outside.jsonl'), join(folder, 'decisions', 'link.jsonl'));
    const { decisions, bad, faults } = await readDecisions(folder, 'posts', 2000);
    assert.deepEqual(decisions.map(({ pid }) => pid), ['p3']);
    assert.deepEqual([bad, faults.length], [1001, 5]); // a thousand lines, and that the rest was not read
  });

  it('count only when they are written down, and no torn line swallows them', async () => {
    const { store, storeFolder, decide } = await indexed();
    writeFileSync(join(storeFolder, 'decisions'), 'a file where the folder should be');
    assert.throws(() => decide('p1'));
    assert.deepEqual(excluded(store), []);
    rmSync(join(storeFolder, 'decisions'));
    decide('p1');
    const file = join(storeFolder, 'decisions', 'anna.jsonl');
    appendFileSync(file, '{"source":"po');
    decide('p2');
    assert.equal(readFileSync(file, 'utf8').split('\n').length, 4);
    assert.deepEqual((await readDecisions(storeFolder, 'posts', 2000)).decisions.map(({ pid }) => pid), ['p1', 'p2']);
    assert.throws(() => decideOnPost({ store, storeFolder, now: () => 1 }, { source: 'posts', pid: 'p3', kind: 'post-excluded', reason: 'x'.repeat(501), author: 'anna' }),
      (error) => error instanceof UserError && error.code === 'decision-malformed');
    assert.deepEqual(excluded(store), ['p1', 'p2']);
    store.close();
  });
});

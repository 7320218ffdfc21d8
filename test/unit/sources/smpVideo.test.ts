// SMP-Video: posts of two parts, joined with their popularity by id, and the faults of its files.
import assert from 'node:assert/strict';
import { after, describe, it } from 'mocha';
import { assertRefused, editLines, filesVideo, readFiles, type Files, type LayoutPost } from './layoutFixture.ts';
import { removeFolders } from './sourceFixture.ts';

const POSTS: readonly LayoutPost[] = Array.from({ length: 6 }, (_, i) => ({ uid: `USER0000${i % 4}`, pid: `POST0000${i}` }));
const TEST: readonly LayoutPost[] = [{ uid: 'USER00009', pid: 'POST00099' }];

describe('SMP-Video', () => {
  after(removeFolders);

  it('joins posts with their popularity, whatever the order, and keeps test posts apart', async () => {
    const files = editLines({ ...filesVideo(POSTS), ...filesVideo(TEST, 'test') }, 'smp_popularity_train.jsonl', (rows) => rows.toReversed());
    const { source, posts, hashes } = await readFiles({ ...files, 'captions.jsonl': '{"pid":"POST00001","caption":"a dance"}\n' });
    assert.deepEqual([source.kind, source.files.length, hashes.size], ['smpvideo-2025', 7, 7]);
    assert.deepEqual(posts.map(({ post }) => [post.pid, post.label]).sort(), [...POSTS.map(({ pid }, i) => [pid, i * 100 + 50]), ['POST00099', null]]);
    const first = posts.find(({ post }) => post.pid === 'POST00000')!;
    assert.deepEqual([first.post.title, first.post.postedAt, first.place], ['dance #fyp', Date.UTC(2023, 6, 29, 18, 21) / 1000, { file: 'smp_posts_train.jsonl', row: 1 }]);
    assert.match(source.findings.join('\n'), /about 6 train posts, about 1 test posts|about 1 test posts, about 6 train posts/);
    assert.match(source.findings.join('\n'), /few-shot sets may not/);
  });

  it('skips bad rows', async () => {
    const files = editLines(filesVideo(POSTS), 'smp_posts_train.jsonl', (rows) => rows.map((row, i) => (i === 1 ? row.replace('2023-07-29 18:21', 'yesterday') : row)));
    const { posts, skipped } = await readFiles(files);
    assert.deepEqual([posts.length, skipped.map(({ file, row, reason }) => [file, row, reason])], [5, [['smp_posts_train.jsonl', 2, 'date is none']]]);
  });

  const FAULTS: readonly { what: string; break: (files: Files) => Files; says: RegExp; code?: string }[] = [
    { what: 'a post without popularity', break: (files) => editLines(files, 'smp_popularity_train.jsonl', (rows) => rows.slice(0, 5)), says: /smp_posts_train\.jsonl, line 6: post “POST00005” has no line/ },
    { what: 'a popularity without post', break: (files) => editLines(files, 'smp_posts_train.jsonl', (rows) => rows.slice(0, 5)), says: /smp_popularity_train\.jsonl, line 6 is about post “POST00005”/ },
    { what: 'a popularity of another user', break: (files) => editLines(files, 'smp_popularity_train.jsonl', (rows) => rows.map((row, i) => (i === 2 ? row.replace('USER', 'OTHER') : row))), says: /smp_popularity_train\.jsonl, line 3 names user “OTHER00002”/ },
    { what: 'a user who is not in the list of users', break: (files) => editLines(files, 'smp_users_train.jsonl', (rows) => rows.slice(1)), says: /line 1: user “USER00000” is not in smp_users_train\.jsonl/ },
    { what: 'two files of posts', break: (files) => ({ ...files, 'more_posts_train.jsonl': files['smp_posts_train.jsonl']! }), says: /more_posts_train\.jsonl/, code: 'smpvideo-ambiguous' },
  ];
  for (const { what, break: breakFiles, says, code } of FAULTS) {
    it(`stops at ${what}`, () => assertRefused(readFiles(breakFiles(filesVideo(POSTS))), code ?? 'smpvideo-keys', says));
  }
});

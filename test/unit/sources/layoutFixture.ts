// Little data sets in the layouts of SMPD 2018 and 2020, TPIC2017 and SMP-Video, and what their readers make of them.
import assert from 'node:assert/strict';
import { detectSource } from '../../../src/sources/detectSource.ts';
import type { PostSource, ReadPost, SkippedRow } from '../../../src/sources/postSource.ts';
import { temporaryFolder, writeFiles } from './sourceFixture.ts';

export type Files = Record<string, string | Buffer>;

export interface LayoutPost {
  readonly uid: string;
  readonly pid: string;
  readonly title?: string;
  readonly tags?: string;
  readonly time?: number; // unix seconds
}

/** `count` posts of users with three posts each, pids from `first`. */
export function layoutPosts(count: number, first = 1): LayoutPost[] {
  return Array.from({ length: count }, (_, i) => ({ uid: `${Math.floor(i / 3)}@N75`, pid: String(first + i), time: 1446016778 + i }));
}

/** A line of fifteen fields. */
export function postLine({ uid, pid, title = `Title of ${pid}`, tags = 'rock punk', time = 1446016778 }: LayoutPost): string {
  return `"${[uid, pid, 'Fashion', 'Fashion', 'glam', 'None', '1', 'ready', title, 'photo', tags, String(time), '48.5', '16', '9.05'].join('" "')}"`;
}

const lines = <Row>(rows: readonly Row[], of: (row: Row, index: number) => string): string => rows.map((row, index) => `${of(row, index)}\n`).join('');
const pageOf = (post: LayoutPost): string => `https://www.flickr.com/photos/${post.uid}/${post.pid}`;

/** SMPD 2018 with train posts, and test posts in shards of three with one list of addresses. */
export function files2018(train: readonly LayoutPost[], test: readonly LayoutPost[] = []): Files {
  const files: Files = { 't2_train_data.txt': lines(train, postLine), 't2_train_label.txt': lines(train, (_, i) => ((i % 9) + 1).toFixed(2)), 't2_train_img.txt': lines(train, pageOf) };
  for (let i = 0; i * 3 < test.length; i++) files[`t2_metadata${i}.txt`] = lines(test.slice(i * 3, i * 3 + 3), postLine);
  if (test.length > 0) files['t2_test_img.txt'] = lines(test, pageOf);
  return files;
}

/** One part of SMPD 2019 and 2020. `users` writes the user file. */
export function files2020(posts: readonly LayoutPost[], part = 'train', users: (posts: readonly LayoutPost[]) => string = userRows): Files {
  const records = (fields: (post: LayoutPost) => object): string => JSON.stringify(posts.map((post) => ({ Uid: post.uid, Pid: post.pid, ...fields(post) })));
  return {
    [`${part}_category.json`]: records(() => ({ Category: 'Fashion', Subcategory: 'Fashion', Concept: 'glam' })),
    [`${part}_tags.json`]: records((post) => ({ Title: post.title ?? `Title of ${post.pid}`, Mediatype: 'photo', Alltags: post.tags ?? 'rock punk' })),
    [`${part}_temporalspatial.json`]: records((post) => ({ Postdate: String(post.time), Latitude: '0', Longitude: '0', Geoaccuracy: '0' })),
    [`${part}_additional.json`]: records(() => ({ Pathalias: 'None', Ispublic: '1', Mediastatus: 'ready' })),
    [`${part}_userdata.json`]: users(posts),
    ...(part === 'test' ? { 'test_imgfile.txt': lines(posts, pageOf) } : { [`${part}_label.txt`]: lines(posts, (_, i) => ((i % 9) + 1).toFixed(2)), [`${part}_img.txt`]: lines(posts, pageOf) }),
  };
}

const VECTOR = Array.from({ length: 399 }, (_, i) => (i / 100 - 2).toFixed(2)).join(',');
const userOf = (): object => ({ photo_firstdate: 'None', photo_count: '7', ispro: 0, timezone_offset: '+01:00', user_description: VECTOR, location_description: 'a "place" in {braces} \\' });

/** A user file as a list of rows. */
export function userRows(posts: readonly LayoutPost[]): string {
  return JSON.stringify(posts.map((post) => ({ Uid: post.uid, Pid: post.pid, ...userOf() })));
}

/** A user file by column. */
export function userColumns(posts: readonly LayoutPost[]): string {
  const columns = { Uid: { ...posts.map((post) => post.uid) }, Pid: { ...posts.map((post) => post.pid) } };
  return JSON.stringify({ ...columns, ...Object.fromEntries(Object.entries(userOf()).map(([name, value]) => [name, { ...posts.map((): unknown => value) }])) });
}

/** TPIC2017; a post's title length is the last digit of its pid. */
export function filesTpic(posts: readonly LayoutPost[]): Files {
  return {
    'USER_META.txt': lines(posts, (post) => `${post.pid} ${post.uid} 0 0 ${post.pid.at(-1)} 0 14 199.32 1188 6601`),
    'TIME_FLAG.txt': lines(posts, (post, i) => `${post.pid} ${post.uid} 2012 7 ${(i % 28) + 1} 5`),
    'LABEL.txt': lines(posts, (post, i) => `${post.pid} ${post.uid} ${((i % 50) + 32) / 10}`),
    'PHOTO_URL.txt': lines(posts, (post) => `${post.pid} ${post.uid} http://farm1.staticflickr.com/2/${post.pid}_b.jpg`),
  };
}

/** SMP-Video: a train part, and a test part without popularity where there are posts for it. */
export function filesVideo(posts: readonly LayoutPost[], part = 'train'): Files {
  const json = (rows: readonly object[]): string => lines(rows, (row) => JSON.stringify(row));
  return {
    [`smp_posts_${part}.jsonl`]: json(posts.map(({ pid, uid, title }) => ({ pid, uid, post_content: title ?? 'dance #fyp', post_location: 'RO', post_suggested_words: ['dance'], post_text_language: 'en', video_path: `${pid}.mp4`, post_time: '2023-07-29 18:21' }))),
    [`smp_users_${part}.jsonl`]: json([...new Set(posts.map(({ uid }) => uid))].map((uid) => ({ uid, user_following_count: 1, user_follower_count: 2, user_likes_count: 3 }))),
    [`smp_videos_${part}.jsonl`]: json(posts.map(({ pid, uid }) => ({ vid: `V${pid}`, pid, uid, video_height: 1024, video_width: 576, video_duration: 11, music_title: 'song' }))),
    ...(part === 'train' ? { 'smp_popularity_train.jsonl': json(posts.map(({ pid, uid }, i) => ({ pid, uid, popularity: i + 0.5 }))) } : {}),
  };
}

export interface ReadSource {
  readonly source: PostSource;
  readonly posts: readonly ReadPost[];
  readonly skipped: readonly SkippedRow[];
  readonly hashes: ReadonlyMap<string, string>;
}

/** Writes the files into a new folder and reads what is detected there. */
export async function readFiles(files: Files): Promise<ReadSource> {
  const folder = temporaryFolder();
  writeFiles(folder, files);
  return readSource(folder);
}

export async function readSource(path: string): Promise<ReadSource> {
  const source = await detectSource(path, null, () => null);
  const posts: ReadPost[] = [];
  const skipped: SkippedRow[] = [];
  const hashes = new Map<string, string>();
  for await (const batch of source.read((file, sha256) => hashes.set(file, sha256))) {
    posts.push(...batch.posts);
    skipped.push(...batch.skipped);
  }
  return { source, posts, skipped, hashes };
}

/** Reading must stop with this code, and the message must name file and row. */
export async function assertRefused(work: Promise<unknown>, code: string, says: RegExp): Promise<void> {
  await assert.rejects(work, (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.stack);
    assert.match(error.message, says);
    return true;
  });
}

export const editText = (files: Files, name: string, edit: (text: string) => string): Files => ({ ...files, [name]: edit(files[name] as string) });
export const editLines = (files: Files, name: string, edit: (rows: string[]) => string[]): Files => editText(files, name, (text) => lines(edit(text.trimEnd().split('\n')), (row) => row));

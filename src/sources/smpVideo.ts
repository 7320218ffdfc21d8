// Reader for SMP-Video (TikTok, 2025): JSON lines of posts, users, videos and popularity, joined by their ids. Posts are few
// (some thousand), so that scores are kept in memory while posts are read.
import { basename, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Post } from '../domain/posts.ts';
import { idFault, parseNumber, parseTime, scoreOf, textFault, textOf } from './fieldValues.ts';
import { approximateLines, headOf, headText } from './fileHead.ts';
import { readHashed } from './hashedFile.ts';
import { shown, type PostBatch, type PostSource, type ReadPost, type SkippedRow, type SourceFile } from './postSource.ts';
import { describeFile, listDataFiles } from './sourcePaths.ts';
import { readTable, type RawRow } from './tableRows.ts';

type Content = 'posts' | 'users' | 'videos' | 'popularity';
type Files = ReadonlyMap<Content, SourceFile>;

const PART_NAME = /(?:^|[_.-])(train|test|val|valid|validation)(?=[_.-]|$)/i;
const FEW_SHOT_POSTS = 5; // of a user (method.md, section 2)

interface Score {
  readonly uid: string;
  readonly value: unknown;
  readonly row: number;
}

/**
 * Detects SMP-Video in a folder.
 * @returns null when it holds none of its files of posts.
 * @throws {UserError} when two files hold the same of one part.
 */
export function detectSmpVideo(root: string): PostSource | null {
  const parts = new Map<string, Map<Content, SourceFile>>();
  for (const { path, isFile } of listDataFiles(root, /\.jsonl$/i, /^$/)) {
    const content = isFile ? contentOf(join(root, path)) : null;
    if (content === null) continue;
    const name = PART_NAME.exec(path)?.[1]?.toLowerCase() ?? 'train';
    const files = parts.get(name) ?? new Map<Content, SourceFile>();
    const other = files.get(content);
    if (other !== undefined) throw new UserError('smpvideo-ambiguous', `Both ${other.path} and ${path} hold the ${content} of the ${name} part.`, 'Move one of them out of the folder.');
    files.set(content, describeFile(root, path, `${name}/${content}`, true));
    parts.set(name, files);
  }
  const withPosts = [...parts].filter(([, files]) => files.has('posts'));
  if (withPosts.length === 0) return null;
  const counts = withPosts.map(([, files]) => approximateLines(headOf(join(root, files.get('posts')!.path)), files.get('posts')!.size));
  return {
    kind: 'smpvideo-2025', root, suggestedName: basename(root), template: 'smpd', files: withPosts.flatMap(([, files]) => [...files.values()]), hasPictures: false,
    approximateRows: counts.reduce((sum, count) => sum + count, 0), mapping: null,
    findings: [
      `${root} holds SMP-Video: ${withPosts.map(([name], index) => `about ${counts[index]!.toLocaleString('en')} ${name} posts`).join(', ')}.`,
      ...withPosts.filter(([, files]) => !files.has('popularity')).map(([name]) => `The ${name} posts have no popularity: they can be predicted, not trained on.`),
      `Users of this data set rarely have ${FEW_SHOT_POSTS} posts: browsing, captions and baselines work, the few-shot sets may not.`,
      'Files of users and videos are compared with the posts; what they say is not kept.',
    ],
    async *read(onHash) {
      for (const [, files] of withPosts) yield* readPart(root, files, onHash);
    },
  };
}

function contentOf(path: string): Content | null {
  const first = headText(headOf(path)).split('\n', 1)[0]!;
  const has = (key: string): boolean => first.includes(`"${key}"`);
  if (has('post_time') && has('pid') && has('video_path')) return 'posts'; // without a video any table of posts
  if (has('user_follower_count')) return 'users';
  if (has('vid') && has('video_duration')) return 'videos';
  return has('popularity') && has('pid') ? 'popularity' : null;
}

async function* readPart(root: string, files: Files, onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void> {
  async function* rowsOf(content: Content): AsyncGenerator<RawRow[], void, void> {
    const file = files.get(content);
    if (file === undefined) return;
    const chunks = readHashed(join(root, file.path), file.path, file, (sha256) => onHash(file.path, sha256));
    for await (const { rows } of readTable(chunks, { format: 'jsonl', delimiter: null }, file.path)) yield rows;
  }
  const users = await collect(rowsOf('users'), 'uid');
  const videos = await collect(rowsOf('videos'), 'pid');
  const scores = files.has('popularity') ? await collect(rowsOf('popularity'), 'pid') : null;
  const place = files.get('posts')!.path;
  let last = 0;
  for await (const rows of rowsOf('posts')) {
    const posts: ReadPost[] = [];
    const skipped: SkippedRow[] = [];
    for (const raw of rows) {
      last = raw.row;
      const pid = keyOf(raw.values['pid']), uid = keyOf(raw.values['uid']);
      if (raw.fault === null && users.size > 0 && !users.has(uid)) throw otherKeys(`${place}, line ${raw.row}: user ${shown(uid)} is not in ${files.get('users')!.path}`);
      for (const [content, found] of [['videos', videos], ['popularity', scores]] as const) {
        const other = found?.get(pid);
        if (other !== undefined && other.uid !== uid) throw otherKeys(`${files.get(content)!.path}, line ${other.row} names user ${shown(other.uid)}, but ${place} has post ${shown(pid)} of user ${shown(uid)}`);
      }
      if (raw.fault === null && scores !== null && !scores.has(pid)) throw otherKeys(`${place}, line ${raw.row}: post ${shown(pid)} has no line in ${files.get('popularity')!.path}`);
      const result = raw.fault ?? toPost(raw, pid, uid, scores?.get(pid)?.value);
      if ('reason' in result) skipped.push({ file: place, row: raw.row, ...result });
      else posts.push({ ...result, place: { file: place, row: raw.row } });
      scores?.delete(pid);
    }
    yield { posts, skipped };
  }
  const left = scores === null ? undefined : scores.entries().next().value;
  if (left !== undefined) throw otherKeys(`${files.get('popularity')!.path}, line ${left[1].row} is about post ${shown(left[0])}, which is not among the ${last} lines of ${place}`);
}

/** The rows by an id. A file that is not there has none. */
async function collect(batches: AsyncGenerator<RawRow[], void, void>, key: 'uid' | 'pid'): Promise<Map<string, Score>> {
  const found = new Map<string, Score>();
  for await (const rows of batches) {
    for (const { row, values } of rows) found.set(keyOf(values[key]), { uid: keyOf(values['uid']), value: values['popularity'], row });
  }
  return found;
}

function otherKeys(what: string): UserError {
  return new UserError('smpvideo-keys', `${what}.`, 'The files are not about the same posts: fetch them again from the same release.');
}

function toPost({ values }: RawRow, pid: string, uid: string, popularity: unknown): Omit<ReadPost, 'place'> | { reason: string; detail: string } {
  const badId = idFault(pid) ?? idFault(uid);
  if (badId !== null) return { reason: badId, detail: `post ${shown(pid)}, user ${shown(uid)}` };
  const postedAt = parseTime(values['post_time'], 'iso');
  if (postedAt === null) return { reason: 'date is none', detail: shown(values['post_time'] ?? '') };
  const number = popularity === undefined || popularity === null || popularity === '' ? null : parseNumber(popularity);
  if (number === null && popularity !== undefined && popularity !== null && popularity !== '') return { reason: 'label is no number', detail: shown(popularity) };
  const label = number === null ? null : scoreOf(number, 'as-is');
  if (number !== null && label === null) return { reason: 'label outside 0 … 31.99', detail: shown(popularity) };
  const title = textOf(values['post_content']);
  if (title === null) return { reason: 'value is no text', detail: shown(values['post_content']) };
  const badText = textFault([title, pid, uid]);
  if (badText !== null) return { reason: badText, detail: shown(title) };
  const post: Post = {
    pid, uid, postedAt, title, category: '', subcategory: '', concept: '', tags: '', imagePath: '', imageUrl: '', latitude: null, longitude: null, extra: {}, label,
  };
  return { post, dropped: null, pictureState: '' };
}

const keyOf = (value: unknown): string => (textOf(value) ?? '').trim();

// What every reader offers: a description of what was found, made before anything is read, and the posts in batches.
import type { Post, PostPlace } from '../domain/posts.ts';
import type { Mapping } from '../protocol/stages.ts';

/** A file of a source. `path` is relative to the source's root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  /** '<part>/<what>' in row-aligned sources ('train/label'), '<part>.<n>/<what>' of a shard, else 'table'; see partOfRole. Files of one part are aligned row by row. */
  readonly role: string;
  readonly size: number; // bytes
  readonly modifiedAt: number; // milliseconds since 1970, as the file system tells
  /** False for a file whose presence and size are all that counts: it has no hash. */
  readonly read: boolean;
}

export interface ReadPost {
  readonly post: Post;
  readonly place: PostPlace;
  /** Why the post is kept but not used ('picture missing'), or null. */
  readonly dropped: string | null;
  /** Changes when the picture does; '' without one. */
  readonly pictureState: string;
}

/** A row with a bad value. `reason` is one of few and counted; `detail` shows the value, bounded. */
export interface SkippedRow {
  readonly file: string;
  readonly row: number; // from 1
  readonly reason: string;
  readonly detail: string;
}

/** Rows are handed over in batches, so that nobody waits once a row. A batch takes a few milliseconds to read. */
export interface PostBatch {
  readonly posts: readonly ReadPost[];
  readonly skipped: readonly SkippedRow[];
}

/** The family before the dash, the layout behind it: another layout of the same family is another state of the same data. */
export type SourceKind = 'smpd-2018' | 'smpd-2020' | 'smpd-2022' | 'smpd-mixed' | 'tpic-2017' | 'smpvideo-2025' | 'table';

/** 'smpd' of 'smpd-2018': also the beginning of its codes of errors. */
export function kindFamily(kind: string): string {
  return kind.split('-', 1)[0]!;
}

/** A source as detected: nothing but the heads of its files was read. */
export interface PostSource {
  readonly kind: SourceKind;
  readonly root: string; // absolute folder
  readonly suggestedName: string;
  readonly template: 'smpd' | 'tpic2017';
  readonly files: readonly SourceFile[];
  readonly hasPictures: boolean;
  readonly approximateRows: number;
  readonly mapping: Mapping | null; // tables only
  readonly findings: readonly string[]; // sentences for a person, to be shown before the start
  /**
   * Reads all posts. `onHash` is called with the SHA-256 of each file once it was read to its end.
   * @throws {UserError} for structural faults (counts or keys that differ, truncated JSON, a file that changes meanwhile),
   *   naming file and row.
   */
  read(onHash: (path: string, sha256: string) => void): AsyncGenerator<PostBatch, void, void>;
}

/** Rows in a batch, and fewer where each means a look at a picture's file. */
export const ROWS_AT_ONCE = 1000;
export const PICTURES_AT_ONCE = 200;

/** Longest text of one value that is kept, in UTF-16 units: Flickr ends titles at 255; whatever is longer than this is no title, tag list or category. */
export const MAX_TEXT = 20_000;
/** Longest post or user id. */
export const MAX_ID = 200;

/** A value as it is shown in messages: at most 60 characters, control characters made visible. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return `“${visible(short)}”`;
}

/** Control characters made visible, for messages that quote what a file holds. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

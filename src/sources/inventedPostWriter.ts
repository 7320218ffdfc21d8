// What the writers of invented data have in common.
import type { InventedPart, PartName } from '../domain/inventedParts.ts';
import type { Post } from '../domain/posts.ts';

export interface InventedPostWriter {
  /** Blocks come in ascending order of their pids. A score that is null is left empty, or out where a layout has no place for that. */
  write(part: InventedPart): void;
  /** Ends every file, so that the data set is complete. */
  finish(): void;
  /** Closes what is open, also after a failure. */
  close(): void;
}

/** What a writer is told before the first post. The folder exists and is empty. */
export interface WriterSettings {
  readonly folder: string;
  readonly seed: number;
  readonly pictures: boolean; // list the paths of pictures
  readonly vectors: boolean; // user files hold vectors instead of words
  readonly testPosts: number;
}

/** The page of a post, for layouts that name pages instead of files. */
export function pageAddress(post: Post): string {
  return `https://www.flickr.com/photos/${post.uid}/${post.pid}`;
}

/** Makes a part's files when its first posts come: a part without posts has none. */
export class PartFiles<Files> {
  readonly #files = new Map<PartName, Files>();
  readonly #make: (part: PartName) => Files;

  constructor(make: (part: PartName) => Files) {
    this.#make = make;
  }

  of(part: PartName): Files {
    let files = this.#files.get(part);
    if (files === undefined) this.#files.set(part, (files = this.#make(part)));
    return files;
  }

  all(): Files[] {
    return [...this.#files.values()];
  }
}

// Tells whether a post's picture can be used: where it lies, and what its first and last bytes say (domain/pictureFormats.ts).
// Hundreds of thousands are looked at in one import, so a look is a few system calls and remembers what folders it has seen.
import { closeSync, lstatSync, openSync, readSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { pictureFault, type PictureFault } from '../domain/pictureFormats.ts';

/** What a person is told of a data set whose pictures are no files of it. */
export const PICTURES_ELSEWHERE = {
  addresses: 'Of pictures there are only addresses: “Fetch Pictures…” can get them. Until then no post is dropped for its picture.',
  none: 'No pictures were found: no post is dropped for its picture.',
} as const;

export interface PictureCheck {
  readonly fault: 'picture missing' | 'picture empty' | 'picture outside the folder' | PictureFault | null;
  /** Changes when the file does. */
  readonly state: string;
}

/** Checks pictures below one root; remembers which folders lie inside it. */
export class PictureFolder {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #foldersInside = new Map<string, boolean>();

  constructor(root: string) {
    this.#root = root;
    this.#realRoot = realpathSync(root);
  }

  /** @param path relative to the root, with forward slashes. */
  check(path: string): PictureCheck {
    const full = join(this.#root, path);
    if (isAbsolute(path) || (full !== this.#root && !full.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep))) return { fault: 'picture outside the folder', state: '' };
    let status: Stats | undefined;
    try {
      status = lstatSync(full, { throwIfNoEntry: false });
      if (status?.isSymbolicLink() === true) {
        if (!this.#isInside(full)) return { fault: 'picture outside the folder', state: '' };
        status = statSync(full, { throwIfNoEntry: false });
      }
    } catch {
      status = undefined; // a path that no file can have
    }
    if (status === undefined || !status.isFile()) return { fault: 'picture missing', state: '' };
    if (!this.#folderIsInside(dirname(full))) return { fault: 'picture outside the folder', state: '' };
    const state = `${status.size}:${status.mtimeMs}`;
    if (status.size === 0) return { fault: 'picture empty', state };
    return { fault: this.#faultOf(full, status.size), state };
  }

  /** The state alone, without looking into the file. */
  state(path: string): string {
    try {
      const status = statSync(join(this.#root, path), { throwIfNoEntry: false });
      return status?.isFile() === true ? `${status.size}:${status.mtimeMs}` : '';
    } catch {
      return '';
    }
  }

  #folderIsInside(folder: string): boolean {
    let inside = this.#foldersInside.get(folder);
    if (inside === undefined) {
      inside = this.#isInside(folder);
      this.#foldersInside.set(folder, inside);
    }
    return inside;
  }

  #isInside(path: string): boolean {
    try {
      const real = realpathSync(path);
      return real === this.#realRoot || real.startsWith(this.#realRoot.endsWith(sep) ? this.#realRoot : this.#realRoot + sep);
    } catch {
      return true; // does not exist: missing, not outside
    }
  }

  #faultOf(path: string, size: number): PictureFault | null {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch {
      return 'picture broken'; // cannot be read
    }
    try {
      return pictureFault({ size, read: (position, length) => readAt(file, position, length) });
    } catch {
      return 'picture broken';
    } finally {
      closeSync(file);
    }
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}

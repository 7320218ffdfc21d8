// Tells whether a post's picture can be used, from its size and its first and last bytes: pixels are not decoded here.
import { closeSync, lstatSync, openSync, readSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, join, sep } from 'node:path';

export interface PictureCheck {
  readonly fault: 'picture missing' | 'picture empty' | 'picture broken' | 'picture outside the folder' | null;
  /** Changes when the file does. */
  readonly state: string;
}

const HEAD_BYTES = 12;
const TAIL_BYTES = 64; // some programs append a few bytes behind the end marker

/** Checks pictures below one root; remembers which folders lie inside it. */
export class PictureFolder {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #foldersInside = new Map<string, boolean>();
  readonly #head = Buffer.alloc(HEAD_BYTES);
  readonly #tail = Buffer.alloc(TAIL_BYTES);

  constructor(root: string) {
    this.#root = root;
    this.#realRoot = realpathSync(root);
  }

  /** @param path relative to the root, with forward slashes. */
  check(path: string): PictureCheck {
    const full = join(this.#root, path);
    if (full !== this.#root && !full.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep)) return { fault: 'picture outside the folder', state: '' };
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
    return { fault: this.#endsProperly(full, status.size) ? null : 'picture broken', state };
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
      return real === this.#realRoot || real.startsWith(this.#realRoot + sep);
    } catch {
      return true; // does not exist: missing, not outside
    }
  }

  #endsProperly(path: string, size: number): boolean {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch {
      return false; // cannot be read
    }
    try {
      const head = this.#head.subarray(0, readSync(file, this.#head, 0, HEAD_BYTES, 0));
      const tail = this.#tail.subarray(0, readSync(file, this.#tail, 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES)));
      return isWholePicture(head, tail, size);
    } catch {
      return false;
    } finally {
      closeSync(file);
    }
  }
}

/** Whether the bytes begin as a PNG, JPEG, GIF or WebP and end as one, so that a download that broke off shows. */
export function isWholePicture(head: Buffer, tail: Buffer, size: number): boolean {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return tail.includes('IEND');
  if (begins(0xff, 0xd8, 0xff)) return tail.includes(Buffer.from([0xff, 0xd9]));
  if (begins(0x47, 0x49, 0x46, 0x38)) return tail.findLast((byte) => byte !== 0) === 0x3b;
  // RIFF names the length of what follows its first eight bytes.
  if (begins(0x52, 0x49, 0x46, 0x46) && head.subarray(8, 12).toString('latin1') === 'WEBP') return head.readUInt32LE(4) + 8 <= size;
  return false;
}

// Appends text to a file in large pieces, so that data sets of any size are written in bounded memory.
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

const PIECE = 1 << 18; // characters kept back before a write; bytes at a time when files are joined

export class ChunkedFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #encode: (text: string) => Buffer;
  #pending = '';
  #closed = false;

  /** Creates the file; it must not exist. @param encode into bytes; UTF-8 unless told. */
  constructor(path: string, encode = (text: string): Buffer => Buffer.from(text, 'utf8')) {
    this.path = path;
    this.#encode = encode;
    this.#descriptor = openSync(path, 'wx');
  }

  append(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= PIECE) this.#flush();
  }

  /** Writes what was kept back. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush();
    closeSync(this.#descriptor);
  }

  /** Closes `other`, appends all it holds and deletes it. */
  appendAndRemove(other: ChunkedFile): void {
    other.close();
    this.#flush();
    const descriptor = openSync(other.path, 'r');
    try {
      const piece = Buffer.alloc(PIECE);
      for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) this.#write(piece.subarray(0, read));
    } finally {
      closeSync(descriptor);
    }
    rmSync(other.path);
  }

  #flush(): void {
    this.#write(this.#encode(this.#pending));
    this.#pending = '';
  }

  #write(bytes: Buffer): void {
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written);
  }
}

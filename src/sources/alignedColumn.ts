// A row-aligned file (or a row of shards) as a column: rows read ahead, each poured into the post that stands beside it.
import { join } from 'node:path';
import type { Hundredths } from '../domain/posts.ts';
import { readHashed } from './hashedFile.ts';
import type { SourceFile } from './postSource.ts';

/** What the files of a part say of one post, before it is checked. One object serves all rows: each column writes its fields. */
export interface RawPost {
  uid: string; // as the column at hand has it; '' where it names none
  pid: string;
  row: number; // within the file at hand, from 1
  postedAt: number | null; // unix seconds
  title: unknown;
  tags: unknown;
  category: unknown;
  subcategory: unknown;
  concept: unknown;
  latitude: number | null;
  longitude: number | null;
  label: Hundredths | null;
  picturePath: string;
  pictureUrl: string;
  extra: Readonly<Record<string, string>>;
}

export function emptyRawPost(): RawPost {
  return {
    uid: '', pid: '', row: 0, postedAt: null, title: '', tags: '', category: '', subcategory: '', concept: '', latitude: null, longitude: null, label: null,
    picturePath: '', pictureUrl: '', extra: {},
  };
}

/** A bad value: the row is skipped, counted by reason and listed with the detail. */
export interface RowFault {
  readonly reason: string;
  readonly detail: string;
}

/** How one kind of file is read: `open` cuts it into rows, `fill` writes a row's fields into the post. */
export interface ColumnFormat<Row> {
  open(chunks: AsyncGenerator<Buffer, void, void>, file: string): AsyncGenerator<Row[], void, void>;
  fill(row: Row, raw: RawPost): RowFault | null;
  /** Whether a row behind the end of the other files says nothing: a blank line at the end of a text file. */
  isBlank(row: Row): boolean;
  readonly rowName: 'record' | 'line';
  /** Whether its rows can name their post, so that they are compared with the others. */
  readonly hasKeys: boolean;
}

/** The end of a column without regard to its rows' type. */
export interface AlignedColumn {
  readonly file: SourceFile; // that holds the row taken last, else the first
  readonly taken: number; // rows of all shards taken so far
  readonly available: number; // rows that can be taken without reading on
  readonly ended: boolean;
  readonly rowName: 'record' | 'line';
  readonly hasKeys: boolean;
  /** Reads on until a row is there or the last file has ended. */
  refill(): Promise<void>;
  /** Writes the next row's fields into `raw`. */
  take(raw: RawPost): RowFault | null;
  /** Drops the next row and tells whether it was blank. */
  dropBlank(): boolean;
  close(): Promise<void>;
}

/** @param files shards in their order; most columns have one. */
export function openColumn<Row>(root: string, files: readonly SourceFile[], format: ColumnFormat<Row>, onHash: (path: string, sha256: string) => void): AlignedColumn {
  return new FileColumn(root, files, format, onHash);
}

class FileColumn<Row> implements AlignedColumn {
  file: SourceFile;
  taken = 0;
  ended = false;
  readonly rowName: 'record' | 'line';
  readonly hasKeys: boolean;
  readonly #format: ColumnFormat<Row>;
  readonly #open: (file: SourceFile) => AsyncGenerator<Row[], void, void>;
  readonly #waiting: SourceFile[];
  #batches: AsyncGenerator<Row[], void, void>;
  #rows: readonly Row[] = [];
  #position = 0; // of the next row within #rows
  #rowInFile = 0;

  constructor(root: string, files: readonly SourceFile[], format: ColumnFormat<Row>, onHash: (path: string, sha256: string) => void) {
    this.#format = format;
    this.rowName = format.rowName;
    this.hasKeys = format.hasKeys;
    this.#open = (file) => format.open(readHashed(join(root, file.path), file.path, file, (sha256) => onHash(file.path, sha256)), file.path);
    [this.file, ...this.#waiting] = files as [SourceFile, ...SourceFile[]];
    this.#batches = this.#open(this.file);
  }

  get available(): number {
    return this.#rows.length - this.#position;
  }

  async refill(): Promise<void> {
    while (this.available === 0 && !this.ended) {
      const next = await this.#batches.next();
      if (!next.done) {
        this.#rows = next.value;
        this.#position = 0;
      } else if (this.#waiting.length === 0) this.ended = true;
      else {
        this.file = this.#waiting.shift()!;
        this.#rowInFile = 0;
        this.#batches = this.#open(this.file);
      }
    }
  }

  take(raw: RawPost): RowFault | null {
    raw.row = ++this.#rowInFile;
    return this.#format.fill(this.#next(), raw);
  }

  dropBlank(): boolean {
    this.#rowInFile++;
    return this.#format.isBlank(this.#next());
  }

  async close(): Promise<void> {
    await this.#batches.return();
  }

  #next(): Row {
    this.taken++;
    return this.#rows[this.#position++]!;
  }
}

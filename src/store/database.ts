// Opens a store and hides which SQLite binding is underneath. better-sqlite3 is the driver; node:sqlite takes over where
// its binary does not load (old glibc). Everything else in this folder works on `Database`.

export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** A prepared statement. Rows are plain objects keyed by column. */
export interface Statement<Row = unknown> {
  run(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): { changes: number; lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): Row | undefined;
  all(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): Row[];
  iterate(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): IterableIterator<Row>;
}

export interface Database {
  readonly path: string;
  readonly readOnly: boolean;
  /** Prepared once per SQL text and kept. */
  prepare<Row = unknown>(sql: string): Statement<Row>;
  exec(sql: string): void;
  /** Runs `work` in BEGIN IMMEDIATE … COMMIT; rolls back when it throws. Not nestable, never async. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

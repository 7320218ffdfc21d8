// What the rest of the program sees of SQLite: a synchronous connection with kept statements. Which binding is underneath
// is decided in openStore.ts; better-sqlite3 is the driver, node:sqlite takes over where its binary does not load.
import { existsSync, statSync } from 'node:fs';
import { UserError } from '../domain/errors.ts';
import { storeFault } from './storeFaults.ts';

export type SqlValue = string | number | bigint | Uint8Array | null;
export type DriverName = 'better-sqlite3' | 'node:sqlite';

/** A prepared statement. Rows are plain objects keyed by column. While an `iterate` is open the connection serves nothing else. */
export interface Statement<Row = unknown> {
  run(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): { changes: number; lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): Row | undefined;
  all(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): Row[];
  iterate(...parameters: SqlValue[] | [Readonly<Record<string, SqlValue>>]): IterableIterator<Row>;
}

export interface Database {
  readonly path: string;
  /** True when asked for, and also when the store was made by a newer version (`newerMigrations` is then not empty). */
  readonly readOnly: boolean;
  readonly driver: DriverName;
  /** Names of migrations that this version does not know. */
  readonly newerMigrations: readonly string[];
  /** Prepared once per SQL text and kept. */
  prepare<Row = unknown>(sql: string): Statement<Row>;
  exec(sql: string): void;
  /**
   * Runs `work` in BEGIN IMMEDIATE … COMMIT; rolls back when it throws. Not nestable, never async.
   * @throws {UserError} `store-read-only` or `store-newer` on a read-only connection; a fault of the disk as storeFaults.ts tells it.
   */
  transaction<Result>(work: () => Result): Result;
  /** For work that takes long before it writes. @throws {UserError} `store-read-only`, `store-newer` */
  requireWritable(): void;
  /**
   * Takes the store's import lock, which one process holds while it builds or clears generations; null when another has it.
   * It is an exclusive transaction on an empty database beside the store, so the system frees it when its holder dies.
   */
  tryImportLock(): ImportLock | null;
  /** The same for fetching pictures, which goes on for days while posts are indexed and models trained. */
  tryFetchLock(): ImportLock | null;
  /**
   * Copies the store as it is at this moment into the SQLite file `target`, a piece at a time; others may write meanwhile. What
   * `target` holds is replaced in one transaction of its own, so whoever has it open sees the one state or the other.
   * @param onPages is told after each piece how many pages are copied; an error that it throws ends the copy and undoes it.
   * @throws {UserError} `disk-full`, `store-broken`, …
   */
  copyInto(target: string, onPages: (done: number, total: number) => void): Promise<void>;
  /** Whether another connection or process holds the import lock at this moment. */
  isImporting(): boolean;
  /** False when the file at `path` is not the one that was opened: deleted, or replaced by another. One look at the file system. */
  isCurrent(): boolean;
  close(): void;
}

export interface ImportLock {
  release(): void;
}

/** What a binding has to offer; betterSqlite.ts and nodeSqlite.ts implement it. */
export interface Connection {
  readonly driver: DriverName;
  prepare(sql: string): Statement;
  exec(sql: string): void;
  copyInto(target: string, onPages: (done: number, total: number) => void): Promise<void>;
  close(): void;
  /** SQLite's primary result code of an error that this binding threw (5 is SQLITE_BUSY), or null for other errors. */
  resultCode(error: unknown): number | null;
}

/** Opens a file with the chosen binding. `busyTimeout` is in milliseconds. */
export type Connect = (path: string, readOnly: boolean, busyTimeout: number) => Connection;

/** Wraps an open connection. `readOnly` and `newerMigrations` were found out by whoever opened it. */
export function createDatabase(connection: Connection, connect: Connect, path: string, readOnly: boolean, newerMigrations: readonly string[]): Database {
  const statements = new Map<string, Statement>();
  const opened = fileIdentity(path);
  let pauseUntil = 0; // before it, this connection begins no transaction
  return {
    path,
    readOnly,
    driver: connection.driver,
    newerMigrations,
    prepare<Row>(sql: string): Statement<Row> {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = connection.prepare(sql);
        statements.set(sql, statement);
      }
      return statement as Statement<Row>;
    },
    exec: (sql) => connection.exec(sql),
    transaction<Result>(work: () => Result): Result {
      if (readOnly) throw readOnlyError(path, newerMigrations);
      if (pauseUntil > performance.now()) sleep(pauseUntil - performance.now());
      const began = performance.now();
      try {
        return runTransaction(connection, work);
      } catch (error) {
        throw storeFault(error, path) ?? error;
      } finally {
        const ended = performance.now();
        if (ended - began > LONG_TRANSACTION) pauseUntil = ended + PAUSE;
      }
    },
    requireWritable() {
      if (readOnly) throw readOnlyError(path, newerMigrations);
    },
    tryFetchLock() {
      if (readOnly) throw readOnlyError(path, newerMigrations);
      if (path === ':memory:') return { release: () => undefined };
      return tryLock(connect(`${path}-pictures`, false, 0));
    },
    tryImportLock() {
      if (readOnly) throw readOnlyError(path, newerMigrations);
      if (path === ':memory:') return { release: () => undefined };
      // isImporting takes the lock for a moment to look at it: only who holds it longer has it.
      const deadline = performance.now() + LOOK;
      for (;;) {
        const lock = tryLock(connect(`${path}-import`, false, 0));
        if (lock !== null || performance.now() > deadline) return lock;
        sleep(LOOK / 10);
      }
    },
    async copyInto(target, onPages) {
      connection.exec('BEGIN'); // one moment: without it each commit of others would begin the copy anew
      try {
        connection.prepare('SELECT count(*) FROM sqlite_schema').get();
        await connection.copyInto(target, onPages);
      } catch (error) {
        throw storeFault(error, target) ?? error;
      } finally {
        connection.exec('COMMIT');
      }
    },
    isImporting() {
      if (path === ':memory:' || !existsSync(`${path}-import`)) return false;
      const lock = tryLock(connect(`${path}-import`, false, 0));
      lock?.release();
      return lock === null;
    },
    isCurrent: () => fileIdentity(path) === opened,
    close() {
      statements.clear();
      connection.close();
    },
  };
}

/** Tells a file from one that took its name; null where there is none, as in memory. */
function fileIdentity(path: string): string | null {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? null : `${status.dev}:${status.ino}`;
}

/** How long a statement waits for another connection's transaction, in milliseconds. Our own never take longer than a fraction of it. */
export const BUSY_TIMEOUT = 5000;

/*
 * Turns. SQLite gives the right to write to whoever asks at the right moment, and its own wait sleeps up to 100 ms between two
 * questions: beside an import, which writes without end in transactions of 15 ms, a person's decision then waits half a second.
 * So whoever waits asks often, and whoever has written for long leaves a pause in which the others are sure to ask.
 */
const ASK_AGAIN = 0.1; // milliseconds
const PAUSE = 0.4; // milliseconds
const LONG_TRANSACTION = 5; // milliseconds
/** Longer than a look at the import lock takes, in milliseconds. */
const LOOK = 50;

const sleeping = new Int32Array(new SharedArrayBuffer(4));
const sleep = (milliseconds: number): void => void Atomics.wait(sleeping, 0, 0, milliseconds);

/** BEGIN IMMEDIATE, as soon as others let it. */
function beginWriting(connection: Pick<Connection, 'exec' | 'resultCode'>): void {
  const deadline = performance.now() + BUSY_TIMEOUT;
  connection.exec('PRAGMA busy_timeout = 0');
  try {
    for (;;) {
      try {
        return connection.exec('BEGIN IMMEDIATE');
      } catch (error) {
        if (connection.resultCode(error) !== SQLITE_BUSY || performance.now() > deadline) throw error;
      }
      sleep(ASK_AGAIN);
    }
  } finally {
    connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
  }
}

/** BEGIN IMMEDIATE … COMMIT around `work`; rolls back when it throws. */
export function runTransaction<Result>(connection: Pick<Connection, 'exec' | 'resultCode'>, work: () => Result): Result {
  beginWriting(connection);
  let result: Result;
  try {
    result = work();
    connection.exec('COMMIT');
  } catch (error) {
    try {
      connection.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself (full disk, I/O error); the first error is the one to report.
    }
    throw error;
  }
  return result;
}

const SQLITE_BUSY = 5;

function tryLock(connection: Connection): ImportLock | null {
  try {
    connection.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    if (connection.resultCode(error) === SQLITE_BUSY) return null;
    throw error;
  }
  return { release: () => connection.close() };
}

function readOnlyError(path: string, newerMigrations: readonly string[]): UserError {
  return newerMigrations.length > 0
    ? new UserError('store-newer', `The store ${path} was made by a newer version of SMP Curator and can only be read.`, 'Update SMP Curator to change it.')
    : new UserError('store-read-only', `The store ${path} is open for reading only.`, 'Make its folder writable, or work in another folder.');
}

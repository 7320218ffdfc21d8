// The binding better-sqlite3: Node-API with prebuilt binaries, the one that is normally used.
import type BetterSqliteDatabase from 'better-sqlite3';
import type { Connect, Connection, Statement } from './database.ts';

type BetterSqlite = typeof BetterSqliteDatabase;

/** SQLite's primary result codes by the names that better-sqlite3 gives to errors. Only those that somebody asks for. */
const RESULT_CODES: Readonly<Record<string, number>> = { SQLITE_BUSY: 5, SQLITE_READONLY: 8, SQLITE_CORRUPT: 11, SQLITE_FULL: 13, SQLITE_CANTOPEN: 14, SQLITE_NOTADB: 26 };

/** Pages (4 KiB) copied between two turns of the event loop: a few milliseconds. */
const PAGES_AT_ONCE = 500;

/**
 * Loads the binding and proves that it works; the package's JavaScript loads everywhere, its binary only when a database is made.
 * @throws what the loader said: no package, no binary for this platform, a C library that is too old.
 */
export async function loadBetterSqlite(nativeBinding: string | undefined): Promise<Connect> {
  const { default: Driver } = (await import('better-sqlite3')) as { default: BetterSqlite };
  const binding = nativeBinding === undefined ? {} : { nativeBinding };
  new Driver(':memory:', binding).close();
  return (path, readOnly, busyTimeout) => connect(new Driver(path, { ...binding, readonly: readOnly, fileMustExist: readOnly, timeout: busyTimeout }));
}

function connect(database: BetterSqliteDatabase.Database): Connection {
  return {
    driver: 'better-sqlite3',
    prepare: (sql) => database.prepare(sql) as unknown as Statement,
    exec: (sql) => void database.exec(sql),
    async copyInto(target, onPages) {
      await database.backup(target, {
        progress({ totalPages, remainingPages }) {
          onPages(totalPages - remainingPages, totalPages);
          return PAGES_AT_ONCE;
        },
      });
    },
    close: () => void database.close(),
    resultCode(error) {
      const code = (error as { code?: unknown } | null)?.code;
      if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return null;
      // Extended codes repeat the primary one: SQLITE_BUSY_SNAPSHOT.
      return RESULT_CODES[code.split('_').slice(0, 2).join('_')] ?? 1;
    },
  };
}

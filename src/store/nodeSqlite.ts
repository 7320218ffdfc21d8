// The binding that Node brings itself, for machines whose C library is too old for better-sqlite3's binary.
import type { StatementSync } from 'node:sqlite';
import type { Connect, SqlValue, Statement } from './database.ts';

/** Pages (4 KiB) copied between two messages of progress. */
const PAGES_AT_ONCE = 500;

/** @throws when this Node has no node:sqlite (before 22.13). */
export async function loadNodeSqlite(): Promise<Connect> {
  const { DatabaseSync, backup } = await import('node:sqlite');
  return (path, readOnly, busyTimeout) => {
    const database = new DatabaseSync(path, { readOnly, timeout: busyTimeout, enableDoubleQuotedStringLiterals: false });
    return {
      driver: 'node:sqlite',
      prepare: (sql) => wrap(database.prepare(sql)),
      exec: (sql) => database.exec(sql),
      async copyInto(target, onPages) {
        let failure: unknown = null;
        await backup(database, target, {
          rate: PAGES_AT_ONCE,
          progress({ totalPages, remainingPages }) {
            try {
              onPages(totalPages - remainingPages, totalPages);
            } catch (error) {
              failure ??= error;
              throw error;
            }
          },
        }).catch((error: unknown) => {
          throw failure ?? error;
        });
        if (failure !== null) throw failure;
      },
      close: () => database.close(),
      resultCode(error) {
        const code = (error as { errcode?: unknown } | null)?.errcode;
        return typeof code === 'number' ? code & 0xff : null;
      },
    };
  };
}

/** Gives rows the ordinary prototype, and lets an object of named parameters hold more than the statement names, as better-sqlite3 does. */
function wrap(statement: StatementSync): Statement {
  statement.setAllowUnknownNamedParameters?.(true);
  const bind = (parameters: readonly unknown[]): SqlValue[] => parameters as SqlValue[];
  return {
    run(...parameters) {
      const { changes, lastInsertRowid } = statement.run(...bind(parameters));
      return { changes: Number(changes), lastInsertRowid };
    },
    get(...parameters) {
      const row = statement.get(...bind(parameters));
      return row === undefined ? undefined : { ...row };
    },
    all: (...parameters) => statement.all(...bind(parameters)).map((row) => ({ ...row })),
    *iterate(...parameters) {
      for (const row of statement.iterate(...bind(parameters))) yield { ...row };
    },
  };
}

// Whether a store is whole: SQLite's own check of every table, index and full-text index, foreign keys, and that each post
// has its words. Table by table, so that somebody who waits sees how far it is and can turn away.
import type { Database } from './database.ts';
import { storeFault } from './storeFaults.ts';

/** Faults that are told; a damaged page makes hundreds. */
const MOST_FAULTS = 10;

export interface IntegrityReport {
  readonly tables: number;
  readonly posts: number; // of all generations
  readonly faults: readonly string[]; // none: whole
}

/** Yields before each table how many are done. An unreadable table is a fault, not an error. */
export function* checkIntegrity(store: Database): Generator<{ readonly done: number; readonly total: number; readonly table: string }, IntegrityReport, void> {
  const faults = new Set<string>();
  const look = <Row>(sql: string, tell: (row: Row) => string | null): void => {
    try {
      for (const row of store.prepare<Row>(sql).all()) {
        const fault = tell(row);
        if (fault !== null && faults.size < MOST_FAULTS) faults.add(fault);
      }
    } catch (error) {
      if (storeFault(error, store.path) === null) throw error;
      faults.add((error as Error).message);
    }
  };
  let tables: string[] = [];
  // The schema's own tree first: without it the names below are not to be had.
  look<{ integrity_check: string }>(`PRAGMA integrity_check('sqlite_schema')`, ({ integrity_check: said }) => (said === 'ok' ? null : said));
  look<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rootpage = 0, rootpage", ({ name }) => {
    tables = [...tables, name];
    return null;
  });
  const total = tables.length + 1;
  for (const [done, table] of tables.entries()) {
    yield { done, total, table };
    const quoted = `'${table.replaceAll("'", "''")}'`;
    look<{ integrity_check: string }>(`PRAGMA integrity_check(${quoted})`, ({ integrity_check: said }) => (said === 'ok' ? null : `${table}: ${said}`));
    look<{ table: string; parent: string; rowid: number | null }>(`PRAGMA foreign_key_check(${quoted})`, ({ parent, rowid }) => `${table}: row ${rowid ?? '?'} points to a row of ${parent} that is not there`);
  }
  yield { done: tables.length, total, table: 'posts_search' };
  // The full-text index keeps no text; its table of lengths has a row for each post.
  look<{ posts: number }>('SELECT count(*) AS posts FROM live_posts p WHERE NOT EXISTS (SELECT 1 FROM posts_search_docsize d WHERE d.id = p.id)', ({ posts }) => (posts === 0 ? null : `${posts} posts are missing in the search index`));
  look<{ words: number }>('SELECT count(*) AS words FROM posts_search_docsize d WHERE NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = d.id)', ({ words }) => (words === 0 ? null : `the search index has ${words} posts that are not in the store`));
  let posts = 0;
  look<{ count: number }>('SELECT count(*) AS count FROM posts', ({ count }) => {
    posts = count;
    return null;
  });
  return { tables: tables.length, posts, faults: [...faults] };
}

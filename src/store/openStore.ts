// Opens a store: chooses the binding, applies migrations, sweeps what a killed process left behind.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Log } from '../protocol/progress.ts';
import { loadBetterSqlite } from './betterSqlite.ts';
import { BUSY_TIMEOUT, createDatabase, runTransaction, type Connect, type Connection, type Database, type DriverName } from './database.ts';
import { sweepGenerations } from './generations.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { loadNodeSqlite } from './nodeSqlite.ts';
import { storeFault } from './storeFaults.ts';

/** Pages kept in memory by a connection that writes: imports fill three indexes in random order. */
const CACHE_KIBIBYTES = 24 * 1024;

/**
 * Pages (4 KiB) of the write-ahead log at which a commit also copies them into the file. Beyond what an import lets stand
 * (generations.ts), so that no decision beside it is the one that copies.
 */
const CHECKPOINT_PAGES = 16_000;

/** What opening may spend on rows that a killed import left; the rest goes with the next opening or import. */
const SWEEP_MILLISECONDS = 500;

export interface OpenStoreOptions {
  readonly readOnly: boolean;
  /** Path of better-sqlite3's binary where it does not lie beside its package. */
  readonly nativeBinding?: string | undefined;
  /** Leaves no choice of the binding; tests run on both. */
  readonly driver?: DriverName | undefined;
  /** Other than this version's; tests of upgrades. */
  readonly migrations?: readonly Migration[] | undefined;
  readonly log?: Log | undefined;
}

/**
 * Opens the SQLite file at `path` (made when missing, unless read-only). A store made by a newer version is opened read-only
 * whatever was asked: see `newerMigrations`.
 * @throws {UserError} `store-missing`, `store-older` (read-only and not yet migrated), `store-broken`, `store-foreign`, `store-unopenable`.
 */
export async function openStore(path: string, options: OpenStoreOptions): Promise<Database> {
  const migrations = options.migrations ?? MIGRATIONS;
  if (options.readOnly && !existsSync(path)) throw new UserError('store-missing', `There is no store at ${path}.`, 'Index posts first.');
  if (!options.readOnly && path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const connect = await loadBinding(options);

  let connection = open(connect, path, options.readOnly);
  try {
    let newer = unknownMigrations(connection, path, migrations);
    let readOnly = options.readOnly;
    requireOwn(connection, path);
    if (!readOnly && newer.length === 0) {
      connection.exec('PRAGMA journal_mode = WAL');
      migrate(connection, migrations);
      newer = unknownMigrations(connection, path, migrations);
    }
    if (!readOnly && newer.length > 0) {
      connection.close();
      connection = open(connect, path, true);
      readOnly = true;
    }
    if (newer.length > 0) options.log?.warn(`The store ${path} was made by a newer version (${newer.join(', ')}); it is open for reading only.`);
    else if (readOnly && appliedMigrations(connection).size < migrations.length) {
      throw new UserError('store-older', `The store ${path} was made by an older version.`, 'Open it once for writing (any index run does) to bring it up to date.');
    }
    connection.exec('PRAGMA foreign_keys = ON');
    connection.exec('PRAGMA synchronous = NORMAL');
    if (!readOnly) {
      connection.exec(`PRAGMA cache_size = -${CACHE_KIBIBYTES}`);
      connection.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    }
    const store = createDatabase(connection, connect, path, readOnly, newer);
    if (!readOnly && (await sweepWhereItCan(store, options.log))) options.log?.info(`The store ${path} held posts of an import that was broken off or replaced; they were invisible, and are being removed.`);
    return store;
  } catch (error) {
    connection.close();
    throw storeFault(error, path) ?? error;
  }
}

/** On a full disk nothing can be removed, but all posts can be read: that must not keep a store shut. */
async function sweepWhereItCan(store: Database, log: Log | undefined): Promise<boolean> {
  try {
    return await sweepGenerations(store, SWEEP_MILLISECONDS);
  } catch (error) {
    const fault = storeFault(error, store.path) ?? error;
    if (!(fault instanceof UserError && (fault.code === 'disk-full' || fault.code === 'store-busy'))) throw error;
    log?.warn(fault.message);
    return false;
  }
}

async function loadBinding(options: OpenStoreOptions): Promise<Connect> {
  if (options.driver === 'node:sqlite') return loadNodeSqlite();
  try {
    return await loadBetterSqlite(options.nativeBinding);
  } catch (error) {
    if (options.driver === 'better-sqlite3') throw error;
    options.log?.warn(`better-sqlite3 does not load here (${(error as Error).message.split('\n')[0]}); Node's own SQLite is used.`);
    return loadNodeSqlite();
  }
}

function open(connect: Connect, path: string, readOnly: boolean): Connection {
  try {
    return connect(path, readOnly, BUSY_TIMEOUT);
  } catch (error) {
    throw new UserError('store-unopenable', `The store ${path} cannot be opened (${(error as Error).message}).`, 'Check that its folder exists and that you may write there.', { cause: error });
  }
}

function appliedMigrations(connection: Connection): Set<string> {
  const known = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'").get();
  if (known === undefined) return new Set();
  return new Set((connection.prepare('SELECT name FROM migrations').all() as { name: string }[]).map((row) => row.name));
}

/** First read of the file, so this is where a file that is no database shows. */
function unknownMigrations(connection: Connection, path: string, migrations: readonly Migration[]): string[] {
  try {
    const known = new Set(migrations.map((migration) => migration.name));
    return [...appliedMigrations(connection)].filter((name) => !known.has(name));
  } catch (error) {
    throw storeFault(error, path) ?? error;
  }
}

/** A store begins with an empty file; tables without ours among them are somebody else's. */
function requireOwn(connection: Connection, path: string): void {
  const { tables } = connection.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (tables === 0 || appliedMigrations(connection).size > 0) return;
  throw new UserError('store-foreign', `${path} is an SQLite file of another program.`, 'Name a file that SMP Curator has written.');
}

/** Applies what is missing, each in one transaction; another process may be doing the same, so each looks again once it holds the lock. */
function migrate(connection: Connection, migrations: readonly Migration[]): void {
  if (migrations.every((migration) => appliedMigrations(connection).has(migration.name))) return;
  for (const migration of migrations) {
    runTransaction(connection, () => {
      connection.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at REAL NOT NULL) WITHOUT ROWID');
      if (appliedMigrations(connection).has(migration.name)) return;
      connection.exec(migration.sql);
      connection.prepare("INSERT INTO migrations (name, applied_at) VALUES (?, unixepoch('subsec'))").run(migration.name);
    });
  }
}

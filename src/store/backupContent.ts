// What a backup holds beside the store's own tables: which store it is of, and the small files of the store's folder that
// people have written or chosen. Two tables that only backups have.
import type { Database } from './database.ts';

export interface BackupInfo {
  readonly madeAt: number; // unix seconds
  readonly productVersion: string;
  readonly storeFile: string; // where the store lay
}

export interface BackupFile {
  readonly path: string; // relative to the store's folder, with '/'
  readonly content: Uint8Array;
}

export function writeBackupContent(backup: Database, info: BackupInfo, files: readonly BackupFile[]): void {
  backup.exec('CREATE TABLE backup_info (info TEXT NOT NULL); CREATE TABLE backup_files (path TEXT PRIMARY KEY, content BLOB NOT NULL)');
  backup.transaction(() => {
    backup.prepare('INSERT INTO backup_info (info) VALUES (?)').run(JSON.stringify(info));
    const insert = backup.prepare('INSERT INTO backup_files (path, content) VALUES (?, ?)');
    for (const { path, content } of files) insert.run(path, content);
  });
}

/** Takes the two tables out again; nothing in a plain copy of a store. */
export function takeBackupContent(backup: Database): { readonly info: BackupInfo | null; readonly files: readonly BackupFile[] } {
  if (backup.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'backup_info'").get() === undefined) return { info: null, files: [] };
  const { info } = backup.prepare<{ info: string }>('SELECT info FROM backup_info').get()!;
  const files = backup.prepare<BackupFile>('SELECT path, content FROM backup_files ORDER BY path').all();
  backup.exec('DROP TABLE backup_info; DROP TABLE backup_files');
  return { info: JSON.parse(info) as BackupInfo, files };
}

/** One file without a log beside it, which can be copied and read from where nothing can be written. */
export function makeSingleFile(store: Database): void {
  store.exec('PRAGMA journal_mode = DELETE');
}

/** Changes whenever another connection has committed to the store; only differences between two answers of one connection mean anything. */
export function foreignCommits(store: Database): number {
  return store.prepare<{ data_version: number }>('PRAGMA data_version').get()!.data_version;
}

/** A number that changes when the whole store is replaced by a backup; 0 of a store that never was. */
export function storeRevision(store: Database): number {
  return store.prepare<{ user_version: number }>('PRAGMA user_version').get()!.user_version;
}

export function setStoreRevision(store: Database, revision: number): void {
  store.exec(`PRAGMA user_version = ${Math.trunc(revision)}`);
}

// Exports that were made: where they lie and what they were made from.
import type { Database } from './database.ts';

export interface ExportRecord {
  readonly drawId: number;
  readonly format: string;
  readonly content: string;
  readonly folder: string; // absolute
  readonly fingerprint: string; // SHA-256 of the manifest
  readonly manifest: string; // JSON
  readonly exportedAt: number; // unix seconds
}

interface ExportRow {
  draw_id: number; format: string; content: string; folder: string; fingerprint: string; manifest: string; exported_at: number;
}

/** Remembers an export. One transaction. */
export function recordExport(store: Database, made: ExportRecord): void {
  const statement = store.prepare('INSERT INTO exports (draw_id, format, content, folder, fingerprint, manifest, exported_at) VALUES (?, ?, ?, ?, ?, ?, ?)');
  store.transaction(() => statement.run(made.drawId, made.format, made.content, made.folder, made.fingerprint, made.manifest, made.exportedAt));
}

/** The newest export of each folder, newest first. */
export function newestExports(store: Database, drawId: number, limit: number): ExportRecord[] {
  return store.prepare<ExportRow>('SELECT * FROM exports WHERE draw_id = ? AND id IN (SELECT max(id) FROM exports GROUP BY folder) ORDER BY id DESC LIMIT ?')
    .all(drawId, limit).map((row) => ({
      drawId: row.draw_id, format: row.format, content: row.content, folder: row.folder, fingerprint: row.fingerprint, manifest: row.manifest, exportedAt: row.exported_at,
    }));
}

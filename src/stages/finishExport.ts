// The end of every export: the folder is written, unless it holds just that already, and what was made is kept in the store.
import { sha256 } from '../exports/manifest.ts';
import { holdsExactly, writeExportFolder, type FolderFile } from '../exports/writeExportFolder.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import type { StoredDraw } from '../store/draws.ts';
import { newestExports, recordExport } from '../store/exportRecords.ts';
import { requireFreeBytes } from '../store/freeSpace.ts';
import { recordStageSuccess } from '../store/stageStates.ts';
import type { StageContext } from './stageContext.ts';
import { scopeOf } from './stageScope.ts';

export interface MadeExport {
  readonly files: readonly FolderFile[]; // all but the manifest
  readonly manifest: string;
  readonly summary: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** @throws {UserError} `export-folder-taken`, `export-not-written` */
export async function* finishExport(context: StageContext, request: StageRequest<'export'>, draw: StoredDraw, made: MadeExport, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const { summary, counts, manifest } = made;
  const all: FolderFile[] = [...made.files, { path: 'manifest.json', text: manifest }];
  const fingerprint = sha256(manifest);
  const isThere = newestExports(store, draw.id, Number.MAX_SAFE_INTEGER).some((one) => one.folder === request.folder && one.fingerprint === fingerprint);
  if (isThere && (await holdsExactly(request.folder, all))) return { summary, counts, unchanged: true };
  signal.throwIfAborted();
  requireFreeBytes(request.folder, all.reduce((sum, file) => sum + Buffer.byteLength(file.text), 0), 'The export');
  yield { message: 'Writing files', done: 0, total: all.length, unit: 'files' };
  await writeExportFolder(request.folder, all);
  recordExport(store, { drawId: draw.id, format: request.format, content: request.content, folder: request.folder, fingerprint, manifest, exportedAt: context.now() });
  recordStageSuccess(store, draw.sourceId, 'export', scopeOf('export', request), fingerprint, { ...counts, folder: request.folder }, context.now());
  return { summary, counts, unchanged: false };
}

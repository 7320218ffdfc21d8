// Finds out what lies at a path, by content: SMPD, TPIC2017 or SMP-Video in a folder, or a table.
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { Mapping } from '../protocol/stages.ts';
import type { PostSource } from './postSource.ts';
import { detectSmpd } from './smpd.ts';
import { tellingReadFaults, withReadFaults } from './readFaults.ts';
import { detectSmpVideo } from './smpVideo.ts';
import { detectTable } from './table.ts';
import { detectTpic } from './tpic2017.ts';

/** Captions to be imported may lie beside the posts. */
const CAPTION_FILE = /^captions?\b/i;
/** What files of the data sets that are folders are called. */
const DATA_SET_FILE = /\.(json|jsonl|txt)$/i;

/**
 * Describes the source at `path` (a folder or a file) without reading more than the heads of its files.
 * @param given a mapping that overrides whatever is kept; tables only.
 * @param kept finds the mapping kept under a source's suggested name.
 * @param mostRows how many rows of a table may be read to guess the scale of its scores; else all while it is open.
 * @throws {UserError} saying what was found instead.
 */
export async function detectSource(path: string, given: Mapping | null, kept: (suggestedName: string) => Mapping | null, mostRows = Infinity): Promise<PostSource> {
  return tellingReadFaults(await withReadFaults(() => detect(path, given, kept, mostRows)));
}

async function detect(path: string, given: Mapping | null, kept: (suggestedName: string) => Mapping | null, mostRows: number): Promise<PostSource> {
  const full = resolve(path);
  const status = statSync(full, { throwIfNoEntry: false });
  if (status === undefined) throw new UserError('path-missing', `There is nothing at ${full}.`, 'Check the path.');
  if (status.isDirectory()) return detectFolder(full, given, kept, mostRows);
  if (!status.isFile()) throw new UserError('path-kind', `${full} is neither a file nor a folder.`, 'Choose a folder with SMPD files, or a CSV, TSV, JSON-lines or Parquet file.');
  // One file of a data set stands for the whole of it.
  if (DATA_SET_FILE.test(full)) {
    for (const folder of [dirname(full), dirname(dirname(full))]) {
      const dataSet = detectDataSet(folder);
      if (dataSet?.files.some((file) => join(folder, file.path) === full)) return dataSet;
    }
  }
  const table = await detectTable(full, given, kept, mostRows);
  if (table !== null) return table;
  throw new UserError(
    'table-format', `${basename(full)} is no table: its first line cannot be cut at a comma, a tab, a semicolon or a bar, and it holds no JSON lines.`,
    'Choose another file, or separate its columns by one of these.',
  );
}

/** The data sets that are known by their own layouts. */
function detectDataSet(folder: string): PostSource | null {
  return detectSmpd(folder) ?? detectTpic(folder) ?? detectSmpVideo(folder);
}

async function detectFolder(folder: string, given: Mapping | null, kept: (suggestedName: string) => Mapping | null, mostRows: number): Promise<PostSource> {
  const dataSet = detectDataSet(folder);
  if (dataSet !== null) return dataSet;
  const tables = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory() && /\.(csv|tsv|jsonl|ndjson|parquet)$/i.test(entry.name) && !CAPTION_FILE.test(entry.name)).map((entry) => entry.name).sort();
  if (tables.length === 1) {
    const table = await detectTable(join(folder, tables[0]!), given, kept, mostRows);
    if (table !== null) return table;
  }
  if (tables.length > 1) throw new UserError('folder-tables', `${folder} holds ${tables.length} tables (${tables.slice(0, 5).join(', ')}${tables.length > 5 ? ', …' : ''}).`, 'Name the one to index.');
  throw new UserError('folder-unknown', `${folder} holds neither the files of SMPD, TPIC2017 or SMP-Video nor a table.`, 'Choose a folder with the files of one of these, or a CSV, TSV, JSON-lines or Parquet file.');
}

// Writes an export's folder so that nothing is ever half done: into a temporary folder beside it, then renamed.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { MANIFEST_VERSION, sha256 } from './manifest.ts';

export interface FolderFile {
  readonly path: string; // inside the folder; no subfolders
  readonly text: string;
}

/** Whether the folder holds exactly these files already. */
export async function holdsExactly(folder: string, files: readonly FolderFile[]): Promise<boolean> {
  if (!existsSync(folder)) return false;
  const names = new Set(await readdir(folder));
  if (names.size !== files.length) return false;
  for (const file of files) {
    if (!names.has(file.path) || sha256(await readFile(join(folder, file.path), 'utf8')) !== sha256(file.text)) return false;
  }
  return true;
}

/**
 * Makes or replaces the folder. Only an empty folder or an earlier export is replaced.
 * @throws {UserError} `export-folder-taken`, `export-not-written`
 */
export async function writeExportFolder(folder: string, files: readonly FolderFile[]): Promise<void> {
  if (existsSync(folder) && !(await isReplaceable(folder))) {
    throw new UserError('export-folder-taken', `${folder} holds files that are no export.`, 'Choose an empty folder, or one that is not there yet.');
  }
  let temporary: string | null = null;
  try {
    await mkdir(dirname(folder), { recursive: true });
    temporary = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
    const made = join(temporary, 'new');
    await mkdir(made);
    for (const file of files) {
      const handle = await open(join(made, file.path), 'wx');
      try {
        await handle.writeFile(file.text);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    const old = join(temporary, 'old');
    if (existsSync(folder)) await rename(folder, old);
    try {
      await rename(made, folder);
    } catch (error) {
      if (existsSync(old)) await rename(old, folder);
      throw error;
    }
  } catch (error) {
    throw new UserError('export-not-written', `The export could not be written to ${folder} (${(error as Error).message}).`, 'Check that you may write there and that the disk is not full.', { cause: error });
  } finally {
    if (temporary !== null) await rm(temporary, { recursive: true, force: true });
  }
}

async function isReplaceable(folder: string): Promise<boolean> {
  try {
    if ((await readdir(folder)).length === 0) return true;
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { schema_version?: unknown; product?: { name?: unknown } };
    return manifest.schema_version === MANIFEST_VERSION && manifest.product?.name === 'smp-curator';
  } catch {
    return false; // a file, unreadable, or without a manifest
  }
}

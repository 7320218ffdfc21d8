// Paths inside a source's folder: found, measured, and kept from leading out of it.
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { SourceFile } from './postSource.ts';

/**
 * Describes a file of a source.
 * @param path relative to `root`, with forward slashes.
 * @throws {UserError} `outside-folder` when it is a link that leads out of the folder.
 */
export function describeFile(root: string, path: string, role: string, read: boolean): SourceFile {
  const full = join(root, path);
  if (lstatSync(full).isSymbolicLink() && !isInside(root, full)) {
    throw new UserError('outside-folder', `${path} is a link that leads out of ${root}.`, 'Put the file itself into the folder.');
  }
  const status = statSync(full);
  return { path, role, size: status.size, modifiedAt: status.mtimeMs, read };
}

function isInside(root: string, path: string): boolean {
  const realRoot = realpathSync(root);
  return realpathSync(path).startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep);
}

export interface DataFile {
  readonly path: string; // relative to the root, with forward slashes
  readonly isFile: boolean; // false: a folder or something else by that name, or a link to nothing or to itself
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // a link to nothing or to itself
  }
}

/** Entries of the folder, and of those of its folders whose names match `below`, that match `name`; sorted. */
export function listDataFiles(root: string, name: RegExp, below: RegExp): DataFile[] {
  const found: DataFile[] = [];
  const list = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}${entry.name}`;
      if (name.test(entry.name)) found.push({ path, isFile: isFile(join(root, path)) });
      else if (folder === '' && entry.isDirectory() && below.test(entry.name)) list(`${path}/`);
    }
  };
  list('');
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

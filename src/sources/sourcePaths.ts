// Paths inside a source's folder: found, measured, and kept from leading out of it.
import { lstatSync, realpathSync, statSync } from 'node:fs';
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

// Says whether work was done already: a hash of the inputs, kept beside the output.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from './paths.ts';

const NOT_INPUT = new Set(['__pycache__', 'node_modules', '.pytest_cache', '.mypy_cache', '.ruff_cache']);

/** Hash of the names and contents of files and folders given below the checkout; what does not exist counts as empty. */
export function fingerprint(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesBelow(join(ROOT, path))) {
      hash.update(`${relative(ROOT, file)}\0`).update(readFileSync(file)).update('\0');
    }
  }
  return hash.digest('hex');
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(entry => !NOT_INPUT.has(entry.name))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(entry => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw error;
  }
}

/** Runs `work` unless `marker` says that it ended with these inputs before. Returns whether it ran. */
export async function unlessDone(marker: string, inputs: string, work: () => Promise<void>): Promise<boolean> {
  if (existsSync(marker) && readFileSync(marker, 'utf8') === inputs) return false;
  rmSync(marker, { force: true }); // work that is broken off leaves no word for what it was doing
  await work();
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, inputs);
  return true;
}

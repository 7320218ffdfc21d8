// Makes a store that was copied to another folder point to where it lies now: the sample is built when packaging and copied
// on first use. And makes the sample's store forget the machine it was built on.
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Database } from './database.ts';

/** Columns that may hold an absolute path inside the folder. */
const PATHS: readonly { readonly table: string; readonly column: string }[] = [
  { table: 'sources', column: 'root' },
  { table: 'exports', column: 'folder' },
  { table: 'models', column: 'path' },
  { table: 'models', column: 'adapter_of' },
];

/**
 * Leaves no path of this machine in a store that is to be shipped.
 * @param folder what to name instead of the folder that the store lies in
 * @param base the shipped base model: `from` here, `to` in the store
 */
export function forgetMachine(store: Database, folder: string, base: { readonly from: string; readonly to: string }): void {
  relocateStore(store, folder);
  store.prepare('UPDATE models SET path = ? WHERE path = ?').run(base.to, base.from);
  store.exec('VACUUM'); // else the old paths stay in free pages
}

/** Every path at or below the first source's root moves below `folder`; in the sample that root is the folder itself. */
export function relocateStore(store: Database, folder: string): void {
  const first = store.prepare<{ root: string }>('SELECT root FROM sources ORDER BY id LIMIT 1').get();
  if (first === undefined) return;
  store.transaction(() => {
    for (const { table, column } of PATHS) {
      const rows = store.prepare<{ path: string }>(`SELECT DISTINCT ${column} AS path FROM ${table} WHERE ${column} IS NOT NULL`).all();
      for (const { path } of rows) {
        if (!isAbsolute(path)) continue;
        const inside = relative(first.root, path);
        if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) continue;
        store.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} = ?`).run(join(folder, inside), path);
      }
    }
  });
}

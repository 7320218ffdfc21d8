// Where a source was indexed from, so that it can be indexed again just so: a table by its file, everything else by its folder.
import { join } from 'node:path';
import type { Mapping } from '../protocol/stages.ts';
import { readMapping } from '../sources/mapping.ts';
import { indexedFiles } from '../store/generations.ts';
import { requireSource } from '../store/sources.ts';
import type { StageContext } from './stageContext.ts';

export interface IndexedPlace {
  readonly path: string; // absolute
  readonly name: string;
  readonly mapping: Mapping | null; // tables: as a person may have edited it since, else as it was recorded
}

/** @throws {UserError} `source-unknown`, `mapping-broken` */
export function indexedPlace({ store, storeFolder }: Pick<StageContext, 'store' | 'storeFolder'>, name: string): IndexedPlace {
  const source = requireSource(store, name);
  if (source.kind !== 'table') return { path: source.root, name, mapping: null };
  const table = indexedFiles(store, source.id).find((file) => file.role === 'table');
  return { path: table === undefined ? source.root : join(source.root, table.path), name, mapping: readMapping(storeFolder, name) ?? source.mapping };
}

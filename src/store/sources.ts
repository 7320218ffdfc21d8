// Queries over sources: what was indexed, from where, and what came out of it.
import { UserError } from '../domain/errors.ts';
import { mappingSchema, type Mapping } from '../protocol/stages.ts';
import type { Database } from './database.ts';

/** Counts of a source's live posts, in the shape of the paper's table 4 and beyond. */
export interface SourceStatistics {
  readonly users: number;
  readonly posts: number;
  readonly labelled: number;
  readonly dropped: Readonly<Record<string, number>>; // posts by the reason why they are not used
  // Of the labelled posts, or of all where there are none:
  readonly categories: number; // distinct values of each level
  readonly subcategories: number;
  readonly concepts: number;
  readonly distinctTags: number;
  readonly tagsPerPost: number; // mean over posts
  readonly titleLength: number; // mean, in characters (code points)
  readonly meanScore: number | null; // scores, not hundredths; null without labels
  readonly timeTies: number; // posts that share user and time with an earlier one in the order
  readonly skippedRows: number;
  readonly usersWithFivePosts: number; // usable, labelled
  readonly pictureAddresses?: number; // posts without a usable picture that name the address of one; not known of sources indexed before this was counted
}

export interface Source {
  readonly id: number;
  readonly name: string;
  readonly kind: string; // a SourceKind of src/sources/postSource.ts: 'smpd-2022', 'table', …
  readonly root: string; // absolute folder
  readonly template: string;
  readonly mapping: Mapping | null;
  readonly liveGeneration: number | null; // null: nothing visible yet
  readonly numericPids: boolean;
  readonly hasPictures: boolean;
  readonly fingerprint: string; // of files and mapping of the live generation; '' without one
  readonly statistics: SourceStatistics | null;
  readonly createdAt: number; // unix seconds
  readonly indexedAt: number | null;
}

interface SourceRow {
  id: number; name: string; kind: string; root: string; template: string; mapping: string | null; live_generation: number | null;
  numeric_pids: number | null; has_pictures: number | null; fingerprint: string | null; statistics: string | null; created_at: number; finished_at: number | null;
}

const SELECT_SOURCE = `
  SELECT s.id, s.name, s.kind, s.root, s.template, s.mapping, s.live_generation, s.created_at,
         g.numeric_pids, g.has_pictures, g.fingerprint, g.statistics, g.finished_at
  FROM sources s LEFT JOIN generations g ON g.id = s.live_generation`;

export function sourceByName(store: Database, name: string): Source | null {
  const row = store.prepare<SourceRow>(`${SELECT_SOURCE} WHERE s.name = ?`).get(name);
  return row === undefined ? null : toSource(row);
}

/** Sources in the order in which they were first indexed. Those whose first import never ended are left out. */
export function listSources(store: Database): Source[] {
  return store.prepare<SourceRow>(`${SELECT_SOURCE} WHERE s.live_generation IS NOT NULL ORDER BY s.id`).all().map(toSource);
}

/** @throws {UserError} `source-unknown`, naming the sources that are there. */
export function requireSource(store: Database, name: string): Source {
  const source = sourceByName(store, name);
  if (source !== null && source.liveGeneration !== null) return source;
  const names = listSources(store).map((other) => `“${other.name}”`);
  throw new UserError('source-unknown', `There is no source “${name}” in this store.`, names.length === 0 ? 'Index posts first.' : `Indexed are: ${names.join(', ')}.`);
}

function toSource(row: SourceRow): Source {
  return {
    id: row.id, name: row.name, kind: row.kind, root: row.root, template: row.template,
    mapping: row.mapping === null ? null : mappingSchema.parse(JSON.parse(row.mapping)),
    liveGeneration: row.live_generation, numericPids: row.numeric_pids === 1, hasPictures: row.has_pictures === 1,
    fingerprint: row.fingerprint ?? '', statistics: row.statistics === null ? null : (JSON.parse(row.statistics) as SourceStatistics),
    createdAt: row.created_at, indexedAt: row.finished_at,
  };
}

// Little data sets in temporary folders, and a store to index them into.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Progress } from '../../../src/protocol/progress.ts';
import type { StageRequest, StageResult } from '../../../src/protocol/stages.ts';
import { indexPosts } from '../../../src/stages/indexPosts.ts';
import type { Database, DriverName } from '../../../src/store/database.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { PICTURES } from './pictureBytes.ts';

export const DRIVERS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite'];

const folders: string[] = [];

/** A new folder; `removeFolders` in an after hook takes all of them away. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'smp-test-'));
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Writes files below `folder`; names may lead into folders. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

export interface SmpdPost {
  readonly uid: string;
  readonly pid: string;
  readonly postdate?: string;
  readonly title?: string;
  readonly tags?: string;
  readonly label?: string;
  readonly picture?: Buffer | null; // null: missing
}

/** Posts as SMPD 2022 keeps them: text, category, place and time, the rest, labels, picture paths and the pictures. */
export function smpdFiles(posts: readonly SmpdPost[], part = 'train'): Record<string, string | Buffer> {
  const records = (fields: (post: SmpdPost) => Record<string, unknown>): string => JSON.stringify(posts.map((post) => ({ Uid: post.uid, Pid: post.pid, ...fields(post) })));
  const folder = `${part}_allmetadata_json/${part}_`;
  const files: Record<string, string | Buffer> = {
    [`${folder}category.json`]: records(() => ({ Category: 'Fashion', Subcategory: 'Fashion', Concept: 'glam' })),
    [`${folder}text.json`]: records((post) => ({ Title: post.title ?? `Title of ${post.pid}`, Mediatype: 'photo', Alltags: post.tags ?? 'rock punk' })),
    [`${folder}temporalspatial_information.json`]: records((post) => ({ Postdate: post.postdate ?? '1446016778', Latitude: '0', Longitude: '0', Geoaccuracy: '0' })),
    [`${folder}additional_information.json`]: records(() => ({ Pathalias: 'None', Ispublic: '1', Mediastatus: 'ready' })),
    [`${folder}user_data.json`]: JSON.stringify({ Uid: { ...posts.map((post) => post.uid) }, Pid: { ...posts.map((post) => post.pid) }, photo_count: { ...posts.map(() => '3') } }),
    [`${part}_label.txt`]: posts.map((post) => `${post.label ?? '7.52'}\n`).join(''),
    [`${part}_img_filepath.txt`]: posts.map((post) => `${part}/${post.uid}/${post.pid}.jpg\n`).join(''),
  };
  for (const post of posts) if (post.picture !== null) files[`${part}/${post.uid}/${post.pid}.jpg`] = post.picture ?? PICTURES.jpeg;
  return files;
}

/** `count` posts of users with three posts each, pids from 1. */
export function manyPosts(count: number): SmpdPost[] {
  return Array.from({ length: count }, (_, i) => ({ uid: `${Math.floor(i / 3)}@N75`, pid: String(i + 1), postdate: String(1446016778 + i) }));
}

/** Lines of a table with the columns id, user, time, title, likes. */
export function csvTable(rows: readonly (readonly string[])[], header = 'id,user,time,title,score'): string {
  return [header, ...rows.map((row) => row.join(','))].map((line) => `${line}\n`).join('');
}

/** `count` good rows of such a table. */
export function goodRows(count: number): string[][] {
  return Array.from({ length: count }, (_, i) => [`p${i}`, `u${i % 7}`, `2020-01-${String(1 + (i % 28)).padStart(2, '0')} 10:00:00`, `Title ${i}`, `${(i % 10) + 0.25}`]);
}

export interface IndexRun {
  readonly result: StageResult;
  readonly progress: readonly Progress[];
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A store in a folder of its own, with `index` to run the stage on it. */
export interface StoreAtWork {
  readonly store: Database;
  readonly folder: string;
  readonly storeFolder: string;
  index(path: string, request?: Partial<StageRequest<'index'>>, signal?: AbortSignal, onProgress?: (progress: Progress) => void): Promise<IndexRun>;
}

export async function openStoreAtWork(driver: DriverName = 'better-sqlite3', folder = temporaryFolder()): Promise<StoreAtWork> {
  const storeFolder = join(folder, '.smp');
  const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false, driver });
  return {
    store, folder, storeFolder,
    async index(path, request = {}, signal = new AbortController().signal, onProgress = () => undefined) {
      const work = indexPosts({ store, log: silent, storeFolder, now: () => 1_700_000_000 }, { path, name: null, mapping: null, allowSkips: false, ...request }, signal);
      const progress: Progress[] = [];
      for (;;) {
        const step = await work.next();
        if (step.done) return { result: step.value, progress };
        progress.push(step.value);
        onProgress(step.value);
      }
    },
  };
}

/** Everything that an import could leave behind, for "the store is unchanged". */
export function contentOf(store: Database): Record<string, unknown[]> {
  const tables = ['sources', 'generations', 'files', 'posts', 'skipped_rows', 'decisions', 'stage_states'];
  const content: Record<string, unknown[]> = Object.fromEntries(tables.map((table) => [table, store.prepare(`SELECT * FROM ${table}`).all()]));
  content['posts_search'] = store.prepare('SELECT rowid FROM posts_search').all();
  return content;
}

/** Pids in the order of their users and within them. */
export function orderedPids(store: Database): string[] {
  return store.prepare<{ pid: string }>('SELECT pid FROM live_posts ORDER BY uid, user_order').all().map((row) => row.pid);
}

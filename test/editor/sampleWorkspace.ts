// Folders that editor tests open: the finished sample with one post as if it had never been predicted, and a small table.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/openStore.ts';
import { pageOfPosts } from '../../src/store/posts.ts';
import { relocateStore } from '../../src/store/relocateStore.ts';
import { requireSource } from '../../src/store/sources.ts';
import { SAMPLE } from '../../scripts/paths.ts';

export interface SampleWorkspace {
  readonly folder: string;
  readonly pid: string; // of a post without a label and without a prediction, whose user has earlier posts
}

export async function copySample(): Promise<SampleWorkspace> {
  const folder = join(mkdtempSync(join(tmpdir(), 'smp-sample-')), 'sample');
  cpSync(SAMPLE, folder, { recursive: true });
  const store = await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: false });
  relocateStore(store, folder);
  const { pid } = pageOfPosts(store, requireSource(store, 'sample').id, 0, 1000).find(({ userOrder }) => userOrder === 3)!;
  // No stage takes a prediction or a label back: these two writes are the test's own.
  store.prepare('DELETE FROM predictions WHERE pid = ?').run(pid);
  store.prepare('UPDATE posts SET label = NULL WHERE pid = ?').run(pid);
  store.close();
  return { folder, pid };
}

/** A folder with posts.csv: `users` users with 3 posts each; the second line's title is hostile. */
export function tableWorkspace(users: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'smp-table-'));
  const lines = ['id,author,created_at,title,points,comments'];
  for (let user = 0; user < users; user++) {
    for (let post = 0; post < 3; post++) {
      const title = lines.length === 1 ? '</b><img src=x> [a](command:x) $(flame)' : `Title ${user} ${post}`;
      lines.push(`p${user}x${post},user${user},2019-0${post + 1}-11 10:00:00,${title},${2 ** (post + 1)},${user}`);
    }
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'posts.csv'), `${lines.join('\n')}\n`);
  return folder;
}

export function removeFolder(folder: string | undefined): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

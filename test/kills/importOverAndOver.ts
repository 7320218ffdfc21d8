// A process that indexes a data set whose scores it changes before each time, until it is killed. Arguments: store folder,
// data set. Prints a line of JSON after each import: what the store then holds.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexPosts } from '../../src/stages/indexPosts.ts';
import { openStore } from '../../src/store/openStore.ts';

const [storeFolder, data] = process.argv.slice(2) as [string, string];
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false });
const labels = join(data, 'train_label.txt');
const posts = readFileSync(labels, 'latin1').length / '1.00\n'.length;

for (;;) {
  const before = store.prepare<{ score: number }>('SELECT label AS score FROM live_posts LIMIT 1').get()?.score ?? 100;
  const score = 100 + ((before - 99) % 800); // the next one, below 9.00
  writeFileSync(`${labels}.new`, `${(score / 100).toFixed(2)}\n`.repeat(posts)); // as long as before
  renameSync(`${labels}.new`, labels); // a kill must not leave half of it
  const began = performance.now();
  const request = { path: data, name: 'posts', mapping: null, allowSkips: false };
  for await (const _ of indexPosts({ store, log: silent, storeFolder, now: () => Date.now() / 1000 }, request, new AbortController().signal)) {
    // to its end
  }
  const counts = store.prepare(`SELECT (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM posts_search) AS words,
    (SELECT count(*) FROM generations) AS generations, (SELECT min(label) FROM live_posts) AS least, (SELECT max(label) FROM live_posts) AS most`).get() as object;
  process.stdout.write(`${JSON.stringify({ ...counts, score, milliseconds: performance.now() - began })}\n`);
}

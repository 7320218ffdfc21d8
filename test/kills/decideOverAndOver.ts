// A process that decides on one post after the other until it is killed. Arguments: store folder, a word that is in every
// reason. Prints each reason once its decision is kept.
import { join } from 'node:path';
import { decideOnPost } from '../../src/stages/decideOnPost.ts';
import { openStore } from '../../src/store/openStore.ts';

const [storeFolder, word] = process.argv.slice(2) as [string, string];
const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false });
const pids = store.prepare<{ pid: string }>('SELECT pid FROM live_posts ORDER BY pid LIMIT 500').all();
for (let count = 0; ; count++) {
  const reason = `${word}-${count}`;
  const { pid } = pids[count % pids.length]!;
  decideOnPost({ store, storeFolder, now: () => Date.now() / 1000 }, { source: 'posts', pid, kind: count % 2 === 0 ? 'post-excluded' : 'post-restored', reason, author: 'anna' });
  process.stdout.write(`${reason}\n`);
  await new Promise((resolve) => setTimeout(resolve, 5));
}

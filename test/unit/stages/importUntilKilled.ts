// A process of its own that begins an import and stops in the middle of it, so that a test can kill it there.
// Arguments: store folder, path to index, driver. Prints "reading" when posts have been written.
import { join } from 'node:path';
import { indexPosts } from '../../../src/stages/indexPosts.ts';
import type { DriverName } from '../../../src/store/database.ts';
import { openStore } from '../../../src/store/openStore.ts';

const [storeFolder, path, driver] = process.argv.slice(2) as [string, string, DriverName];
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false, driver });
const request = { path, name: null, mapping: null, allowSkips: false };
for await (const { message } of indexPosts({ store, log: silent, storeFolder, now: () => 1_700_000_000 }, request, new AbortController().signal)) {
  if (message !== 'Reading posts') continue;
  process.stdout.write('reading\n');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}

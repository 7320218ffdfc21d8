// Statistics of an indexed source: told by the import, and shown below Index.
import assert from 'node:assert/strict';
import { after, describe, it } from 'mocha';
import { readPipelineStatus } from '../../../src/stages/pipelineStatus.ts';
import { csvTable, openStoreAtWork, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

/** Of ann five posts, the first two at one time; of bob one without a score, which describes nothing. The others' titles have 2, 4, 2, 2 and 2 characters. */
const ROWS = [
  ['a1', 'ann', '2020-01-01', '📷b', '1.00', 'x y', 'Food'], ['a2', 'ann', '2020-01-01', 'four', '2.00', 'x', 'Food'], ['a3', 'ann', '2020-01-03', 'ab', '3.00', '', 'Food'],
  ['a4', 'ann', '2020-01-04', 'ab', '4.00', '', 'Food'], ['a5', 'ann', '2020-01-05', 'ab', '5.00', '', 'Travel'], ['b1', 'bob', '2020-01-01', 'sixsix', '', '', ''],
];
const EXPECTED = [
  ['users', '2'], ['users with at least 5 posts', '1'], ['posts', '6'], ['of them to be predicted', '1'], ['categories, subcategories, concepts', '2, 0, 0'], ['distinct tags', '2'],
  ['tags a post', '0.6'], ['mean title length', '2.4 characters'], ['mean score', '3.00'], ['posts at the time of another of the same user', '1'],
];

describe('statistics of a source', () => {
  after(removeFolders);

  it('are told by the import, and stand below Index', async () => {
    const folder = temporaryFolder();
    writeFiles(folder, { 'posts.csv': csvTable(ROWS, 'id,user,time,title,score,tags,category') });
    const { store, storeFolder, index } = await openStoreAtWork();
    const { progress } = await index(folder);
    const told = progress.filter(({ stays }) => stays).map(({ message }) => message);
    for (const [label, description] of EXPECTED) assert.ok(told.includes(`${label}: ${description}`), label);
    const status = readPipelineStatus({ store, storeFolder, now: () => 0 }, { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' });
    assert.deepEqual(status.sources[0]!.entries[0]!.details, EXPECTED.map(([label, description]) => ({ label, description })));
    store.close();
  });
});

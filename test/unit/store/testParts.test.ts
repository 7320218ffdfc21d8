// Posts of a test part, whether it is one list of files or cut into shards: the Posts view's split and the submission's part.
import assert from 'node:assert/strict';
import { EVERY_POST } from '../../../src/protocol/postsView.ts';
import { PostList } from '../../../src/store/postList.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { countSubmissionPosts, pageOfSubmissionPosts, partsOfSource } from '../../../src/store/submissionPosts.ts';
import { files2018, files2020, layoutPosts } from '../sources/layoutFixture.ts';
import { openStoreAtWork, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';
import { drain } from '../stages/stageFixture.ts';

const experiment = { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' } as const;

describe('the test part', () => {
  after(removeFolders);

  const layouts = { '2018, in shards': files2018(layoutPosts(6), layoutPosts(5, 100)), '2020': { ...files2020(layoutPosts(6)), ...files2020(layoutPosts(5, 100), 'test') } };
  for (const [layout, files] of Object.entries(layouts)) {
    it(`of SMPD ${layout} is one part, in the view and in a submission`, async () => {
      const at = await openStoreAtWork();
      const data = temporaryFolder();
      writeFiles(data, files);
      await at.index(data, { name: 'posts' });
      const { id } = requireSource(at.store, 'posts');
      assert.deepEqual(partsOfSource(at.store, id), ['test', 'train']);
      assert.equal(countSubmissionPosts(at.store, id, 'test'), 5);
      assert.equal(countSubmissionPosts(at.store, id, 'train'), 6);
      const pids = layoutPosts(5, 100).map(({ pid }) => pid).sort();
      assert.deepEqual(pageOfSubmissionPosts(at.store, id, 'test', 0, 10).map(({ pid }) => pid).sort(), pids);
      const { rows } = await drain(new PostList(at.store).page({ query: { ...EVERY_POST, split: 'test' }, experiment, place: { kind: 'first' }, size: 10 }));
      assert.deepEqual(rows.map(({ pid }) => pid).sort(), pids);
      at.store.close();
    });
  }
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { addCaptions } from '../../../src/store/captions.ts';
import { searchPosts } from '../../../src/store/search.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { csvTable, DRIVERS, openStoreAtWork, removeFolders, temporaryFolder, writeFiles, type StoreAtWork } from '../sources/sourceFixture.ts';

const ROWS = [
  ['q1', 'ann', '2020-01-01', 'Sunset over the harbour', 'boats evening', '1.00'], ['q2', 'ann', '2020-01-02', 'Café in Zürich', 'coffee', '2.00'],
  ['harbour7', 'bob', '2020-01-03', 'Nothing of note', '', '1.00'], ['q4', 'bob', '2020-01-03', `${'word '.repeat(60)}needle ${'word '.repeat(60)}`, '', '1.00'],
];

for (const driver of DRIVERS) {
  describe(`searchPosts (${driver})`, () => {
    let work: StoreAtWork;
    let folder: string;
    before(async () => {
      folder = temporaryFolder();
      writeFiles(folder, { 'posts.csv': csvTable(ROWS, 'id,user,time,title,tags,score') });
      work = await openStoreAtWork(driver);
      await work.index(folder);
      addCaptions(work.store, 1, [{ pid: 'q2', text: 'a steaming cup on a marble table', madeBy: 'generator', origin: {} }], 1);
    });
    after(() => {
      work.store.close();
      removeFolders();
    });
    const found = (text: string, limit = 10): string[] => searchPosts(work.store, null, text, limit).map((hit) => hit.pid);

    it('finds words of title, tags and caption, also unfinished and without accents', () => {
      assert.deepEqual(found('sunset'), ['q1']);
      assert.deepEqual(found('even'), ['q1']);
      assert.deepEqual(found('cafe zurich'), ['q2']);
      assert.deepEqual(found('marble'), ['q2']);
      assert.deepEqual(found('sunset coffee'), []);
    });

    it('puts posts first whose id begins with the text', () => {
      assert.deepEqual(found('harbour'), ['harbour7', 'q1']);
      assert.deepEqual(found('harbour', 1), ['harbour7']);
    });

    it('takes any text as it is', () => {
      for (const text of ['"', "'", 'AND', 'NEAR(a b', '*', '-x', 'title:', 'a OR b', '(((', '%', '\u0000', '🎉', ' ', '^sun', '{a b}:c']) assert.doesNotThrow(() => found(text), text);
      assert.deepEqual(found('title:sunset'), []);
      assert.deepEqual(found('"Sunset" (over)'), ['q1']);
    });

    it('says where a hit is and shows where the word stands', () => {
      const [hit] = searchPosts(work.store, null, 'needle', 10);
      assert.equal(hit!.file, join(folder, 'posts.csv'));
      assert.equal(hit!.row, 5);
      assert.match(hit!.snippet, /^….*needle.*…$/);
      assert.ok(hit!.snippet.length <= 122);
    });

    it('finds posts of one source among any number of better ones of another', async () => {
      const many = temporaryFolder();
      const few = temporaryFolder();
      // Shorter titles rank higher: all 1,200 of the large source come before the three of the small one.
      const large = Array.from({ length: 1200 }, (_, at) => [`l${at}`, 'eve', '2020-01-01', 'lighthouse', '', '1.00']);
      const small = Array.from({ length: 3 }, (_, at) => [`s${at}`, 'fay', '2020-01-01', 'a lighthouse far away behind many other words', '', '1.00']);
      writeFiles(many, { 'posts.csv': csvTable(large, 'id,user,time,title,tags,score') });
      writeFiles(few, { 'posts.csv': csvTable(small, 'id,user,time,title,tags,score') });
      await work.index(many, { name: 'large' });
      await work.index(few, { name: 'small' });
      assert.deepEqual(searchPosts(work.store, requireSource(work.store, 'small').id, 'lighthouse', 10).map((hit) => hit.pid), ['s0', 's1', 's2']);
      const everywhere = searchPosts(work.store, null, 'lighthouse', 1203);
      assert.deepEqual(everywhere.slice(1199).map((hit) => hit.source), ['large', 'small', 'small', 'small']);
    });

    it('keeps captions findable after the posts were indexed again', async () => {
      writeFiles(folder, { 'posts.csv': csvTable([...ROWS, ['q9', 'ann', '2020-02-01', 'More', '', '3.00']], 'id,user,time,title,tags,score') });
      await work.index(folder);
      assert.deepEqual(found('marble'), ['q2']);
      assert.deepEqual(searchPosts(work.store, 99, 'marble', 10), []);
    });
  });
}

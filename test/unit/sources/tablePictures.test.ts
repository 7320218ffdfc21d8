// What is said of the pictures of a table before anything is read: files beside it, addresses in the web, or neither.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { detectSource } from '../../../src/sources/detectSource.ts';
import { PICTURES } from './pictureBytes.ts';
import { removeFolders, temporaryFolder, writeFiles } from './sourceFixture.ts';

async function findingsOf(image: (row: number) => string): Promise<{ hasPictures: boolean; last: string }> {
  const folder = temporaryFolder();
  const rows = [1, 2, 3].map((row) => `p${row},u1,2020-01-0${row} 10:00:00,Title,5.25,${image(row)}`);
  writeFiles(folder, { 'posts.csv': `id,user,time,title,score,image\n${rows.join('\n')}\n`, 'a/2.png': PICTURES.png });
  const { hasPictures, findings } = await detectSource(join(folder, 'posts.csv'), null, () => null);
  return { hasPictures, last: findings.at(-1)! };
}

describe('pictures of a table', () => {
  after(removeFolders);

  it('are files where one of the first lies there', async () => {
    const { hasPictures, last } = await findingsOf((row) => `a/${row}.png`);
    assert.equal(hasPictures, true);
    assert.match(last, /missing, empty or broken are dropped/);
  });
  it('can be fetched where they are addresses', async () => {
    const { hasPictures, last } = await findingsOf((row) => (row === 1 ? '' : `https://example.org/${row}.jpg`));
    assert.equal(hasPictures, false);
    assert.match(last, /only addresses: “Fetch Pictures…” can get them/);
  });
  it('are none where neither is so, or where paths lead out of the folder', async () => {
    for (const image of [() => 'b/x.png', () => '', () => '../../etc/passwd']) assert.match((await findingsOf(image)).last, /^No pictures were found/);
  });
});

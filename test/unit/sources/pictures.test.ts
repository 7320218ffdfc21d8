import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { isWholePicture, PictureFolder } from '../../../src/sources/pictures.ts';
import { PICTURES, removeFolders, temporaryFolder, writeFiles } from './sourceFixture.ts';

describe('pictures', () => {
  after(removeFolders);

  it('are judged by existence, size, beginning and end', () => {
    const root = temporaryFolder();
    writeFiles(root, { 'a/good.jpg': PICTURES.jpeg, 'a/good.png': PICTURES.png, 'a/empty.jpg': '', 'a/cut.jpg': PICTURES.jpeg.subarray(0, 10), 'a/page.jpg': '<html>gone</html>', 'a/cut.png': PICTURES.png.subarray(0, 12) });
    const folder = new PictureFolder(root);
    const fault = (path: string): string | null => folder.check(path).fault;
    assert.equal(fault('a/good.jpg'), null);
    assert.equal(fault('a/good.png'), null);
    assert.equal(fault('a/none.jpg'), 'picture missing');
    assert.equal(fault('a'), 'picture missing');
    assert.equal(fault('a/empty.jpg'), 'picture empty');
    for (const name of ['a/cut.jpg', 'a/cut.png', 'a/page.jpg']) assert.equal(fault(name), 'picture broken', name);
  });

  it('outside of the folder are refused, by path and by link', () => {
    const parent = temporaryFolder();
    writeFiles(parent, { 'secret/x.jpg': PICTURES.jpeg, 'root/y.jpg': PICTURES.jpeg });
    const root = join(parent, 'root');
    symlinkSync(join(parent, 'secret', 'x.jpg'), join(root, 'link.jpg'));
    symlinkSync(join(parent, 'secret'), join(root, 'folder'));
    symlinkSync(join(root, 'y.jpg'), join(root, 'inside.jpg'));
    const folder = new PictureFolder(root);
    for (const path of ['../secret/x.jpg', 'link.jpg', 'folder/x.jpg']) assert.equal(folder.check(path).fault, 'picture outside the folder', path);
    assert.equal(folder.check('inside.jpg').fault, null);
  });

  it('end as their kind ends: GIF by its last byte, WebP by the length it names', () => {
    const gif = Buffer.from('GIF89a......;');
    assert.ok(isWholePicture(gif.subarray(0, 12), gif, gif.length));
    assert.ok(!isWholePicture(gif.subarray(0, 12), gif.subarray(0, -1), gif.length - 1));
    const webp = Buffer.concat([Buffer.from('RIFF'), Buffer.from([12, 0, 0, 0]), Buffer.from('WEBPVP8 xxxx')]);
    assert.ok(isWholePicture(webp.subarray(0, 12), webp, 20));
    assert.ok(!isWholePicture(webp.subarray(0, 12), webp, 19));
  });
});

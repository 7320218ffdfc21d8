import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { MAX_SIDE, pictureFault, type PictureFault } from '../../../src/domain/pictureFormats.ts';
import { PictureFolder } from '../../../src/sources/pictures.ts';
import { PICTURES } from './pictureBytes.ts';
import { removeFolders, temporaryFolder, writeFiles } from './sourceFixture.ts';

/** The verdict on bytes in memory, and how many of them were looked at. */
function judge(bytes: Buffer): { fault: PictureFault | null; looked: number } {
  let looked = 0;
  const fault = pictureFault({
    size: bytes.length,
    read(position, length) {
      const part = bytes.subarray(position, position + length);
      looked += part.length;
      return part;
    },
  });
  return { fault, looked };
}
const faultOf = (bytes: Buffer): PictureFault | null => judge(bytes).fault;

/** A copy with numbers written over it. */
function withNumbers(bytes: Buffer, ...writes: ((copy: Buffer) => unknown)[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const write of writes) write(copy);
  return copy;
}

const FRAME = PICTURES.jpeg.indexOf(Buffer.from([0xff, 0xc0]));
const SCAN = PICTURES.jpeg.indexOf(Buffer.from([0xff, 0xda]));
const jpegOf = (width: number, height: number): Buffer => withNumbers(PICTURES.jpeg, (copy) => copy.writeUInt16BE(height, FRAME + 5), (copy) => copy.writeUInt16BE(width, FRAME + 7));
const pngOf = (width: number, height: number): Buffer => withNumbers(PICTURES.png, (copy) => copy.writeUInt32BE(width, 16), (copy) => copy.writeUInt32BE(height, 20));
/** A segment before the frame, as profiles, thumbnails and comments are. */
const withSegment = (marker: number, content: Buffer): Buffer => {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([PICTURES.jpeg.subarray(0, 2), head, content, PICTURES.jpeg.subarray(2)]);
};

describe('pictures', () => {
  after(removeFolders);

  it('of every format are whole as they are, and broken without their last bytes', () => {
    for (const [name, bytes] of Object.entries(PICTURES)) {
      assert.equal(faultOf(bytes), null, name);
      assert.equal(faultOf(bytes.subarray(0, -2)), 'picture broken', name);
      assert.equal(faultOf(bytes.subarray(0, 16)), 'picture broken', name);
    }
    assert.equal(faultOf(Buffer.from('<html>gone</html>')), 'picture of unknown format');
    assert.equal(faultOf(Buffer.from('BM a bitmap, which no part of this reads')), 'picture of unknown format');
  });

  it('may have bytes behind their end: a few, many, and zeros', () => {
    for (const name of ['jpeg', 'png'] as const) {
      assert.equal(faultOf(Buffer.concat([PICTURES[name], Buffer.from('\r\nsome program was here')])), null, name);
      assert.equal(faultOf(Buffer.concat([PICTURES[name], Buffer.alloc(300_000, 0x41)])), null, `${name}, with a film behind it`);
    }
    assert.equal(faultOf(Buffer.concat([PICTURES.gif, Buffer.alloc(10)])), null);
    assert.equal(faultOf(Buffer.concat([PICTURES.webpLossy, Buffer.from('junk')])), null);
    // A download that was given its length before its bytes came.
    assert.equal(faultOf(Buffer.concat([PICTURES.jpeg.subarray(0, -4), Buffer.alloc(200_000)])), 'picture broken');
  });

  it('are not taken for whole because a thumbnail in the header is', () => {
    const thumbnail = withSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), PICTURES.jpeg]));
    assert.equal(faultOf(thumbnail), null);
    assert.equal(faultOf(thumbnail.subarray(0, -2)), 'picture broken');
    assert.equal(faultOf(withNumbers(PICTURES.jpeg.subarray(0, SCAN), (copy) => copy.set([0xff, 0xd9], copy.length - 2))), 'picture broken', 'no scan at all');
  });

  it('too large to be decoded are refused from their header alone', () => {
    const bombs: Record<string, Buffer> = {
      'a PNG of four gigapixels': pngOf(65_535, 65_535), 'a PNG of 2^31 pixels in one row': pngOf(2 ** 31 - 1, 1),
      'a PNG of nothing but a header': Buffer.concat([pngOf(50_000, 50_000).subarray(0, 33), PICTURES.png.subarray(-12)]),
      'a JPEG with a huge frame': jpegOf(65_535, 65_535), 'a JPEG just beyond': jpegOf(16_000, 4195),
      'a progressive JPEG': withNumbers(jpegOf(65_535, 65_535), (copy) => copy.writeUInt8(0xc2, FRAME + 1)),
      'a GIF': withNumbers(PICTURES.gif, (copy) => copy.writeUInt16LE(65_535, 6), (copy) => copy.writeUInt16LE(65_535, 8)),
      'a WebP of the old kind': withNumbers(PICTURES.webpLossy, (copy) => copy.writeUInt16LE(16_383, 26), (copy) => copy.writeUInt16LE(16_383, 28)),
      'a lossless WebP': withNumbers(PICTURES.webpLossless, (copy) => copy.writeUInt32LE(16_382 | (16_382 << 14), 21)),
      'an extended WebP': withNumbers(PICTURES.webpExtended, (copy) => copy.writeUIntLE(2 ** 24 - 1, 24, 3), (copy) => copy.writeUIntLE(2 ** 24 - 1, 27, 3)),
    };
    for (const [name, bytes] of Object.entries(bombs)) assert.equal(faultOf(bytes), 'picture too large', name);
    assert.equal(faultOf(jpegOf(9504, 6336)), null, 'a camera of 60 megapixels');
    assert.equal(faultOf(jpegOf(MAX_SIDE, 2)), null);
    assert.equal(faultOf(jpegOf(2, MAX_SIDE + 1)), 'picture too large');
    for (const bytes of [jpegOf(0, 2), jpegOf(2, 0), pngOf(0, 3)]) assert.equal(faultOf(bytes), 'picture broken', 'without a pixel');
  });

  it('are read in a few places, also where the size stands far behind', () => {
    const profiles = [1, 2, 3, 4].reduce((bytes) => Buffer.concat([bytes.subarray(0, 2), withSegment(0xe2, Buffer.alloc(65_000)).subarray(2, 65_006), bytes.subarray(2)]), jpegOf(65_535, 65_535));
    const { fault, looked } = judge(profiles);
    assert.equal(fault, 'picture too large');
    assert.ok(looked < 10_000, `${looked} of ${profiles.length} bytes`);
    const endless = Buffer.concat([PICTURES.jpeg.subarray(0, 2), ...Array<Buffer>(100_000).fill(Buffer.from([0xff, 0xfe, 0, 2]))]);
    assert.equal(faultOf(endless), 'picture broken');
    assert.ok(judge(endless).looked < 20_000);
    assert.equal(faultOf(Buffer.concat([PICTURES.jpeg.subarray(0, 2), Buffer.alloc(5000, 0xff)])), 'picture broken', 'fill bytes');
    assert.equal(faultOf(withSegment(0xe0, Buffer.alloc(0)).fill(0, 4, 6)), 'picture broken', 'a segment shorter than its own length');
  });

  it('in a folder are judged by existence and size too', () => {
    const root = temporaryFolder();
    writeFiles(root, { 'a/good.jpg': PICTURES.jpeg, 'a/good.png': PICTURES.png, 'a/empty.jpg': '', 'a/cut.jpg': PICTURES.jpeg.subarray(0, 100), 'a/page.jpg': '<html>gone</html>', 'a/bomb.png': pngOf(100_000, 100_000) });
    const folder = new PictureFolder(root);
    const faults: Record<string, string | null> = {
      'a/good.jpg': null, 'a/good.png': null, 'a/none.jpg': 'picture missing', a: 'picture missing', 'a/\0.jpg': 'picture missing',
      'a/empty.jpg': 'picture empty', 'a/cut.jpg': 'picture broken', 'a/page.jpg': 'picture of unknown format', 'a/bomb.png': 'picture too large',
    };
    for (const [path, fault] of Object.entries(faults)) assert.equal(folder.check(path).fault, fault, path);
  });

  it('outside of the folder are refused, by path and by link', () => {
    const parent = temporaryFolder();
    writeFiles(parent, { 'secret/x.jpg': PICTURES.jpeg, 'root/y.jpg': PICTURES.jpeg, 'root-2/z.jpg': PICTURES.jpeg });
    const root = join(parent, 'root');
    symlinkSync(join(parent, 'secret', 'x.jpg'), join(root, 'link.jpg'));
    symlinkSync(join(parent, 'secret'), join(root, 'folder'));
    symlinkSync(join(root, 'y.jpg'), join(root, 'inside.jpg'));
    const folder = new PictureFolder(root);
    for (const path of ['../secret/x.jpg', '../root-2/z.jpg', 'a/../../secret/x.jpg', 'link.jpg', 'folder/x.jpg']) assert.equal(folder.check(path).fault, 'picture outside the folder', path);
    assert.equal(folder.check('/etc/passwd').fault, 'picture outside the folder', 'an absolute path');
    assert.equal(folder.check('inside.jpg').fault, null);
  });
});

// Files that are written in pieces hold exactly what was appended.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChunkedFile } from '../../../src/sources/chunkedFile.ts';

describe('a chunked file', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'smp-chunked-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('holds all that was appended, over many pieces and in UTF-8', () => {
    const file = new ChunkedFile(join(folder, 'a'));
    const lines = Array.from({ length: 20_000 }, (_, index) => `Zeile ${index} – 日本 🎈\n`);
    for (const line of lines) file.append(line);
    file.close();
    file.close(); // a second time does nothing
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), lines.join(''));
  });

  it('takes over another file whole, in order, and deletes it', () => {
    const first = new ChunkedFile(join(folder, 'first'));
    const second = new ChunkedFile(join(folder, 'second'));
    first.append('before ');
    second.append('x'.repeat(200_000));
    first.appendAndRemove(second);
    first.append(' after');
    first.close();
    assert.equal(readFileSync(join(folder, 'first'), 'utf8'), `before ${'x'.repeat(200_000)} after`);
    assert.ok(!existsSync(join(folder, 'second')));
  });

  it('never writes over a file that is there', () => {
    writeFileSync(join(folder, 'mine'), 'mine');
    assert.throws(() => new ChunkedFile(join(folder, 'mine')), { code: 'EEXIST' });
    assert.equal(readFileSync(join(folder, 'mine'), 'utf8'), 'mine');
  });
});

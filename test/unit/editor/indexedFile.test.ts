// A file counts as the one that was indexed by size and time, or by its content where it was copied.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAsIndexed } from '../../../src/editor/indexedFile.ts';
import type { PostFile } from '../../../src/protocol/postCard.ts';

describe('isAsIndexed', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'smp-indexed-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const content = '1.00\n2.00\n';
  const file = (indexed: PostFile['indexed']): PostFile => ({ source: 'posts', layout: 'lines', pidKeys: [], rowAligned: true, pidColumn: null, delimiter: null, indexed });

  it('believes size and time, and compares the content of a copy', async () => {
    const path = join(folder, 'label.txt');
    writeFileSync(path, content);
    const { size, mtimeMs } = statSync(path);
    const sha256 = createHash('sha256').update(content).digest('hex');
    assert.equal(await isAsIndexed(path, file({ size, modifiedAt: mtimeMs, sha256: '' })), true);
    assert.equal(await isAsIndexed(path, file({ size, modifiedAt: 5, sha256 })), true);
    assert.equal(await isAsIndexed(path, file({ size, modifiedAt: 5, sha256: sha256.replace(/^./, 'x') })), false); // another line of the same length
    assert.equal(await isAsIndexed(path, file({ size: size + 5, modifiedAt: mtimeMs, sha256 })), false);
    assert.equal(await isAsIndexed(path, file(null)), false);
    assert.equal(await isAsIndexed(join(folder, 'none.txt'), file({ size, modifiedAt: mtimeMs, sha256 })), false);
  });
});

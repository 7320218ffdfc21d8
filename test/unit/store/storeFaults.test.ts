// A disk that is full before or in the middle of work, and a store on a network: what is said, and that nothing is lost.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { byteCount } from '../../../src/protocol/byteCount.ts';
import { freeBytes, requireFreeBytes } from '../../../src/store/freeSpace.ts';
import { storeFault } from '../../../src/store/storeFaults.ts';
import { describePlace, locateStore } from '../../../src/store/storeLocation.ts';
import { contentOf, csvTable, DRIVERS, goodRows, openStoreAtWork, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

const coded = (error: Error & { code?: string }): string | undefined => error.code;

describe('faults of the disk', function () {
  this.timeout(20_000);
  after(removeFolders);

  for (const driver of DRIVERS) {
    it(`a disk that fills up in the middle of an import leaves the posts of before, and the next import works, on ${driver}`, async () => {
      const data = temporaryFolder();
      writeFiles(data, { 'posts.csv': csvTable(goodRows(100)) });
      const { store, index } = await openStoreAtWork(driver);
      await index(join(data, 'posts.csv'));
      const before = contentOf(store);
      // SQLite's own limit makes the same SQLITE_FULL as a disk does, wherever the test runs.
      const { page_count: pages } = store.prepare<{ page_count: number }>('PRAGMA page_count').get()!;
      store.exec(`PRAGMA max_page_count = ${pages + 20}`);
      writeFiles(data, { 'posts.csv': csvTable(goodRows(6000)) });
      await assert.rejects(index(join(data, 'posts.csv')), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'disk-full');
        assert.match(error.message, /^The disk of .*curation\.sqlite is full\. The store is as it was before\. Free some space and start again: Check the Store… \(smp doctor\)/);
        return true;
      });
      assert.deepEqual(contentOf(store), before);
      assert.deepEqual(store.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }]);
      assert.equal(store.isImporting(), false);
      store.exec(`PRAGMA max_page_count = ${1_000_000}`);
      assert.equal((await index(join(data, 'posts.csv'))).result.counts['posts'], 6000);
      store.close();
    });
  }

  it('work that has no room is refused before it starts, with numbers', () => {
    const small = () => ({ bsize: 4096, bavail: 50_000 }); // 204.8 MB
    assert.equal(freeBytes('/', small), 204_800_000);
    requireFreeBytes('/', 188_000_000, 'Indexing', small); // and the reserve of 16 MB
    assert.throws(() => requireFreeBytes('/data', 1_000_000_000, 'Indexing', small), (error: Error) => {
      assert.equal(coded(error), 'disk-too-full');
      assert.equal(error.message, 'Indexing needs about 1.0 GB on the disk of /data, and 205 MB are free. Nothing has been started. Free 811 MB: Check the Store… (smp doctor) lists what can be cleaned here and what that frees.');
      return true;
    });
  });

  it('a disk that cannot be asked stops nothing', () => {
    requireFreeBytes('/', Number.MAX_SAFE_INTEGER, 'Indexing', () => {
      throw new Error('no such system call');
    });
  });

  it('asks about the nearest folder that is there', () => {
    const folder = temporaryFolder();
    assert.equal(freeBytes(join(folder, 'not', 'yet'), (path) => {
      assert.equal(path, folder);
      return { bsize: 1, bavail: 7 };
    }), 7);
  });

  it('errors of files and of SQLite are told by their codes; others stay what they are', () => {
    const file = (code: string): Error => Object.assign(new Error(code), { code, path: '/disk/file' });
    assert.deepEqual(['ENOSPC', 'EDQUOT', 'EROFS', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_IOERR_WRITE', 'SQLITE_CORRUPT_VTAB', 'SQLITE_NOTADB', 'SQLITE_READONLY_DBMOVED'].map((code) => storeFault(file(code), '/store')?.code),
      ['disk-full', 'disk-full', 'store-read-only', 'store-busy', 'store-unreadable', 'store-broken', 'store-broken', 'store-read-only']);
    assert.match(storeFault(file('ENOSPC'), '/store')!.message, /^The disk of \/disk\/file is full/);
    assert.equal(storeFault(Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 778 }), '/store')?.code, 'store-unreadable'); // SQLITE_IOERR_WRITE of node:sqlite
    assert.deepEqual([storeFault(file('ENOENT'), '/store'), storeFault(file('SQLITE_CONSTRAINT_UNIQUE'), '/store'), storeFault('text', '/store')], [null, null, null]);
  });

  it('counts bytes as a person reads them', () => {
    assert.deepEqual([0, 1, 999, 1000, 9940, 9960, 999_499, 999_500, 1_300_000_000, -5].map(byteCount), ['0 bytes', '1 byte', '999 bytes', '1.0 kB', '9.9 kB', '10 kB', '999 kB', '1.0 MB', '1.3 GB', '0 bytes']);
  });
});

describe('a store on a share', () => {
  after(removeFolders);

  // No network file system can be mounted in a test; what the system would say of one stands for it.
  if (process.platform === 'linux') {
    // statfs tells the magic number in 32 bits with a sign.
    for (const [name, type] of [['NFS', 0x6969], ['SMB 2', 0xfe534d42 | 0], ['FUSE', 0x65735546]] as const) {
      it(`lies on this machine when its folder is on ${name}, and says so`, () => {
        const folder = temporaryFolder(), storage = temporaryFolder();
        const location = locateStore(folder, storage, () => ({ type }));
        assert.ok(location.onNetwork);
        assert.ok(location.storeFile.startsWith(join(storage, 'stores')));
        assert.equal(location.storeFolder, join(folder, '.smp'), 'jobs and decisions stay with the folder');
        const { isUsual, sentence } = describePlace(folder, location);
        assert.equal(isUsual, false);
        assert.match(sentence, /because .* is on a network file system \(.*\), where SQLite could damage it\. Jobs and decisions stay in/);
        assert.ok(!existsSync(location.storeFile));
      });
    }
  }

  it('says nothing of a store that lies where one expects it', () => {
    const folder = temporaryFolder();
    assert.equal(describePlace(folder, locateStore(folder, '/storage')).isUsual, true);
  });
});

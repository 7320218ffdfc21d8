import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'mocha';
import { storageFolder } from '../../../src/cli/workplace.ts';
import { defaultStorage, locateStore, networkFileSystem, prepareStoreFolder } from '../../../src/store/storeLocation.ts';
import { removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

describe('where a store lies', () => {
  after(removeFolders);

  it('is the workspace folder on a disk of this machine', () => {
    const folder = temporaryFolder();
    assert.deepEqual(locateStore(folder, '/storage'), { storeFile: join(folder, '.smp', 'curation.sqlite'), storeFolder: join(folder, '.smp'), onNetwork: false, writable: true });
  });

  it('is the storage for a folder that cannot be written, a place of its own for each', function () {
    if (process.getuid?.() === 0) {
      // The superuser may write anywhere; a folder that does not exist cannot be written by anybody.
      const location = locateStore('/proc/nothing/here', '/storage');
      assert.ok(location.storeFile.startsWith('/storage/stores/'));
      return;
    }
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    for (const folder of [one, two]) chmodSync(folder, 0o555);
    const locations = [one, two].map((folder) => locateStore(folder, '/storage'));
    for (const location of locations) {
      assert.ok(!location.writable);
      assert.equal(location.storeFile, join(location.storeFolder, 'curation.sqlite'));
      assert.ok(location.storeFolder.startsWith('/storage/stores/'));
    }
    assert.notEqual(locations[0]!.storeFolder, locations[1]!.storeFolder);
    for (const folder of [one, two]) chmodSync(folder, 0o755);
  });

  it('knows a share by its path', () => {
    assert.equal(networkFileSystem('\\\\server\\share\\folder'), 'SMB');
  });

  it('takes no storage from a variable that is empty or no absolute path', () => {
    const usual = defaultStorage({}, 'linux');
    assert.deepEqual(['', 'data', './data'].map((value) => defaultStorage({ XDG_DATA_HOME: value }, 'linux')), [usual, usual, usual]);
    assert.equal(defaultStorage({ LOCALAPPDATA: '' }, 'win32'), defaultStorage({}, 'win32'));
  });

  it('is the same for the editor and the command line', () => {
    for (const environment of [{}, { XDG_DATA_HOME: '' }, { XDG_DATA_HOME: '/data' }, { LOCALAPPDATA: '/data' }, { SMP_STORAGE: '' }]) {
      assert.equal(storageFolder({ environment, workingFolder: '/elsewhere' }), defaultStorage(environment));
    }
    assert.equal(storageFolder({ environment: { SMP_STORAGE: '/storage' }, workingFolder: '/elsewhere' }), '/storage', 'in the editor’s terminals it is named');
  });

  it('follows the conventions of the system for its storage', () => {
    assert.equal(defaultStorage({ XDG_DATA_HOME: '/data' }, 'linux'), join('/data', 'smp-curator'));
    assert.match(defaultStorage({}, 'linux'), /\.local.share.smp-curator$/);
    assert.match(defaultStorage({}, 'darwin'), /Application Support.smp-curator$/);
    assert.equal(defaultStorage({ LOCALAPPDATA: '/local' }, 'win32'), join('/local', 'smp-curator'));
  });

  it('keeps all but decisions, plans and mappings out of git, and leaves an edited file alone', () => {
    const storeFolder = join(temporaryFolder(), '.smp');
    prepareStoreFolder({ storeFolder });
    const text = readFileSync(join(storeFolder, '.gitignore'), 'utf8');
    for (const line of ['*', '!decisions/**', '!plans/**', '!mappings/**']) assert.ok(text.split('\n').includes(line), line);
    writeFiles(storeFolder, { '.gitignore': 'mine\n' });
    prepareStoreFolder({ storeFolder });
    assert.equal(readFileSync(join(storeFolder, '.gitignore'), 'utf8'), 'mine\n');
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBase, hashOfFiles, storedPath } from '../../../src/stages/baseModel.ts';

describe('the base of an experiment', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'smp-base-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function makeModel(name: string, weights = 'weights'): string {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'config.json'), '{}');
    writeFileSync(join(path, 'model.safetensors'), weights);
    return path;
  }

  it('is a folder or .gguf file relative to the workspace or absolute, or an id', async () => {
    const path = makeModel('mine');
    const context = { folder, resources: join(folder, 'resources') };
    assert.deepEqual([(await findBase(context, 'mine')).place, (await findBase(context, path)).isLocal], [path, true]);
    writeFileSync(join(folder, 'small.gguf'), 'GGUF');
    assert.equal((await findBase(context, 'small.gguf')).place, join(folder, 'small.gguf'));
    const { place, isLocal, isTiny } = await findBase(context, 'organisation/model-1B');
    assert.deepEqual([place, isLocal, isTiny], ['organisation/model-1B', false, false]);
    for (const name of ['/nowhere', './nowhere', 'nowhere.gguf', 'tiny']) await assert.rejects(findBase(context, name), { code: 'base-missing' }, name);
    mkdirSync(join(folder, 'empty'));
    await assert.rejects(findBase(context, 'empty'), { code: 'base-missing' });
    for (const name of ['a b', 'a/b/c', 'x;y', '']) await assert.rejects(findBase(context, name), (error) => ['base-unknown', 'base-missing'].includes((error as { code: string }).code), name);
  });

  it('is told apart by the content and names of its files, wherever it lies', async () => {
    const one = await hashOfFiles(makeModel('one'));
    assert.equal(await hashOfFiles(makeModel('two')), one);
    assert.notEqual(await hashOfFiles(makeModel('three', 'Weights')), one);
    writeFileSync(join(folder, 'two', 'added'), '');
    assert.notEqual(await hashOfFiles(join(folder, 'two')), one);
  });

  it('is told apart by pieces all over a large file, its end included', async () => {
    const path = join(folder, 'large.gguf');
    writeFileSync(path, '');
    truncateSync(path, 200 * 1024 * 1024); // a hole: takes no space
    const before = await hashOfFiles(path);
    const file = openSync(path, 'r+');
    writeSync(file, 'x', 200 * 1024 * 1024 - 1);
    closeSync(file);
    const after = await hashOfFiles(path);
    assert.notEqual(after, before);
    truncateSync(path, 200 * 1024 * 1024 + 1);
    assert.notEqual(await hashOfFiles(path), after);
  });

  it('is kept relative to the store where it lies below, so that a workspace can move', () => {
    assert.equal(storedPath({ storeFolder: '/work/.smp' }, '/work/.smp/jobs/x/out/model'), 'jobs/x/out/model');
    assert.equal(storedPath({ storeFolder: '/work/.smp' }, '/elsewhere/model'), '/elsewhere/model');
  });
});

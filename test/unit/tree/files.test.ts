// Rules about the files themselves: short, explained, translated, and free of anybody's machine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/paths.ts';

const LONGEST = 500; // lines
const BINARY = /\.(png|jpe?g|gif|ico|webp|safetensors|sqlite|gguf|onnx|gz|zip)$/;
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 })
  .split('\0').filter(path => path !== '' && existsSync(join(ROOT, path)));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const code = tracked.filter(path => /^(src|webview|scripts|resources\/trainer)\/.*\.(ts|mjs|py)$/.test(path));

describe('the tree', () => {
  it(`has no source file over ${LONGEST} lines`, () => {
    assert.deepEqual(code.filter(path => read(path).split('\n').length > LONGEST + 1), []);
  });

  it('opens every source file with its purpose', () => {
    const bare = code.filter(path => {
      const text = read(path).replace(/^#!.*\n/, '');
      return text !== '' && !/^(\/\/|\/\*|#|"""|r""")/.test(text);
    });
    assert.deepEqual(bare, []);
  });

  it('names no machine, no home folder and no package registry', () => {
    // Written in parts, so that this file does not match itself.
    const forbidden = [
      ['/work', '/main'], ['/work', '/shared'], ['/ho', 'me/'], ['/Us', 'ers/'], ['/ro', 'ot/'],
      ['registry.', 'npmjs'], ['pypi', '.org'], ['files.python', 'hosted'], ['deb.', 'debian'],
    ].map(parts => parts.join(''));
    const found = tracked.filter(path => !BINARY.test(path)).flatMap(path => {
      const text = read(path);
      return forbidden.filter(word => text.includes(word)).map(word => `${path}: ${word}`);
    });
    assert.deepEqual(found, []);
  });

  it('has the same keys in every language', () => {
    const keys = (path: string): string[] => Object.keys(JSON.parse(read(path)) as object).sort();
    assert.deepEqual(keys('package.nls.zh-cn.json'), keys('package.nls.json'));
  });

  it('has a text for every key of the manifest, and no text without one', () => {
    const used = [...new Set([...read('package.json').matchAll(/"%([\w.-]+)%"/g)].map(([, key = '']) => key))].sort();
    assert.deepEqual(used, Object.keys(JSON.parse(read('package.nls.json')) as object).sort());
  });
});

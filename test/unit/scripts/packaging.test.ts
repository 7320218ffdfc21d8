import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagedReadme } from '../../../scripts/packagedReadme.ts';
import { packagesOf, thirdPartyNotices } from '../../../scripts/thirdPartyNotices.ts';

describe('packaging', () => {
  it('tells the innermost package of what went into a bundle, each once', () => {
    const inputs = ['src/cli.ts', 'node_modules/zod/v4/index.js', 'node_modules/zod/v4/core.js', 'node_modules/@scope/name/main.js', 'node_modules/outer/node_modules/inner/a.js'];
    assert.deepEqual(packagesOf(inputs), ['node_modules/@scope/name', 'node_modules/outer/node_modules/inner', 'node_modules/zod']);
  });

  it('gives every package its name, version, licence and text, and refuses one without', () => {
    const notices = thirdPartyNotices(['node_modules/zod', 'node_modules/commander', 'node_modules/zod']);
    assert.deepEqual([...notices.matchAll(/^(\w+) [\d.]+ \(MIT\)$/gm)].map(([, name]) => name), ['commander', 'zod']);
    assert.match(notices, /Copyright \(c\) 2011 TJ Holowaychuk/);
    assert.match(thirdPartyNotices(['node_modules/@microsoft/fast-element']), /Copyright \(c\) Microsoft\n[^]*WITHOUT WARRANTY OF ANY KIND/, 'one that names the MIT licence and forgot its file');
    assert.throws(() => thirdPartyNotices(['test/fixtures']), /package\.json/);
  });

  it('puts pictures into the README and takes links to files out of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'smp-readme-'));
    try {
      writeFileSync(join(folder, 'a.png'), 'picture');
      assert.equal(
        packagedReadme('![what it shows](a.png) [its docs](docs/a.md), [there](https://a.example/b.png), [here](#part)', folder),
        `![what it shows](data:image/png;base64,${Buffer.from('picture').toString('base64')}) its docs, [there](https://a.example/b.png), [here](#part)`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import assert from 'node:assert/strict';
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

  it('takes out of the README what needs the files beside it', () => {
    assert.equal(
      packagedReadme('One.\n\n![what it shows](docs/a.png)\n\nTwo: [its docs](docs/a.md), [there](https://a.example/b), [here](#part).\n\n![badge](https://a.example/b.png)\n'),
      'One.\n\nTwo: its docs, [there](https://a.example/b), [here](#part).\n\n![badge](https://a.example/b.png)\n',
    );
  });
});

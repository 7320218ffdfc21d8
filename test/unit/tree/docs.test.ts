// The documentation keeps up with the product: generated tables are fresh, and every verb, loss and export format is named.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPages, readPage, withTable } from '../../../scripts/generateDocs.ts';
import { ROOT } from '../../../scripts/paths.ts';
import { PIPELINE } from '../../../src/pipeline.ts';
import { SETTINGS } from '../../../src/protocol/settings.ts';

const docs = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].map(readPage).join('\n');

describe('the documentation', () => {
  for (const page of generatedPages()) {
    it(`${page.path} has the manifest's table as it is (else: npm run docs)`, () => {
      const current = readPage(page.path);
      assert.equal(current, withTable(current, page));
    });
  }

  it('shows every verb of the command line', () => {
    const verbs = [...new Set(PIPELINE.map(entry => entry.verb))];
    assert.deepEqual(verbs.filter(verb => !new RegExp(`\\bsmp (-- )?${verb}\\b`).test(docs)), []);
  });

  it('names every loss, export format and other choice of a setting', () => {
    const missing = SETTINGS.flatMap(setting => (setting.choices ?? []).filter(choice => !docs.includes(choice)));
    assert.deepEqual(missing, []);
  });

  it('links to pages and pictures that exist', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', 'src/ARCHITECTURE.md', ...globSync('docs/**/*.md', { cwd: ROOT })];
    const broken = pages.flatMap(page => [...readPage(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, target = '']) => join(page, '..', target))
      .filter(target => { try { readFileSync(join(ROOT, target)); return false; } catch (error) { return (error as NodeJS.ErrnoException).code !== 'EISDIR'; } })
      .map(target => `${page} → ${target}`));
    assert.deepEqual(broken, []);
  });
});

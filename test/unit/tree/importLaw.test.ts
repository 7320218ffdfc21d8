// The import law: each room's rule, its reason, and that ESLint really stops a file that breaks it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { importFault, packageFault } from '../../../scripts/importLaw.ts';
import { ROOT } from '../../../scripts/paths.ts';

const BREACHES: readonly (readonly [from: string, to: string, reason: RegExp])[] = [
  ['src/domain/metrics.ts', 'src/protocol/report.ts', /pure/],
  ['src/protocol/run.ts', 'src/store/posts.ts', /contracts/],
  ['src/pipeline.ts', 'src/stages/samplePosts.ts', /looked up by the roots/],
  ['src/sources/smpd.ts', 'src/store/posts.ts', /joins readers and store/],
  ['src/store/posts.ts', 'src/sources/smpd.ts', /all SQL/],
  ['src/models/client.ts', 'src/store/posts.ts', /used by stages/],
  ['src/exports/trl.ts', 'src/store/posts.ts', /without a store/],
  ['src/hosts/local/localHost.ts', 'src/domain/posts.ts', /what a post is/],
  ['src/stages/samplePosts.ts', 'src/editor/hoverCard.ts', /meet in the store/],
  ['src/cli/status.ts', 'src/editor/hoverCard.ts', /without an editor/],
  ['src/editor/hoverCard.ts', 'src/stages/samplePosts.ts', /extension host/],
  ['src/editor/hoverCard.ts', 'src/store/posts.ts', /extension host/],
  ['webview/captions/page.ts', 'src/editor/hoverCard.ts', /holds no truth/],
  ['src/editor/hoverCard.ts', 'src/extension.ts', /composition root/],
  ['src/worker.ts', 'src/cli.ts', /composition root/],
  ['src/domain/metrics.ts', 'test/unit/fixtures.ts', /what ships/],
  ['src/helpers/dates.ts', 'src/domain/posts.ts', /no room/],
];
const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ['src/domain/metrics.ts', 'src/domain/posts.ts'],
  ['src/hosts/local/localHost.ts', 'src/domain/errors.ts'],
  ['src/stages/samplePosts.ts', 'src/store/posts.ts'],
  ['src/editor/hoverCard.ts', 'src/protocol/postCard.ts'],
  ['src/extension.ts', 'src/store/openStore.ts'],
  ['src/domain/instructions.ts', 'resources/trainer/multismp/clauses.json'],
  ['test/unit/settings.test.ts', 'src/protocol/settings.ts'],
];

const PACKAGE_BREACHES: readonly (readonly [from: string, specifier: string, reason: RegExp])[] = [
  ['src/stages/samplePosts.ts', 'vscode', /in a worker/],
  ['src/worker.ts', 'vscode', /in a worker/],
  ['src/domain/metrics.ts', 'node:fs', /pure/],
  ['src/domain/metrics.ts', 'fs', /pure/],
  ['src/domain/metrics.ts', 'zod', /pure/],
  ['src/protocol/run.ts', 'node:path', /contracts/],
  ['webview/posts/page.ts', 'node:path', /holds no truth/],
  ['src/editor/hoverCard.ts', 'better-sqlite3', /all SQL/],
  ['src/stages/samplePosts.ts', 'node:sqlite', /all SQL/],
];
const ALLOWED_PACKAGES: readonly (readonly [from: string, specifier: string])[] = [
  ['src/editor/hoverCard.ts', 'vscode'],
  ['src/extension.ts', 'vscode'],
  ['src/domain/ridge.ts', 'ml-matrix'],
  ['src/domain/seededGenerator.ts', 'pure-rand/generator/xoroshiro128plus'],
  ['webview/posts/page.ts', '@vscode/webview-ui-toolkit/dist/index.js'],
  ['src/store/betterSqlite.ts', 'better-sqlite3'],
  ['src/stages/samplePosts.ts', 'node:fs'],
  ['test/unit/settings.test.ts', 'better-sqlite3'],
];

describe('the import law', () => {
  for (const [from, to, reason] of BREACHES) {
    it(`forbids ${from} → ${to} and says why`, () => assert.match(importFault(from, to) ?? 'allowed', reason));
  }
  for (const [from, to] of ALLOWED) {
    it(`allows ${from} → ${to}`, () => assert.equal(importFault(from, to), null));
  }

  for (const [from, specifier, reason] of PACKAGE_BREACHES) {
    it(`forbids ${from} → ${specifier} and says why`, () => assert.match(packageFault(from, specifier) ?? 'allowed', reason));
  }
  for (const [from, specifier] of ALLOWED_PACKAGES) {
    it(`allows ${from} → ${specifier}`, () => assert.equal(packageFault(from, specifier), null));
  }

  it('is a lint error, for every kind of import', async function () {
    this.timeout(60_000); // ESLint loads the whole project's types
    const eslint = new ESLint({ cwd: ROOT });
    const messagesOf = async (text: string): Promise<string[]> => {
      const [result] = await eslint.lintText(text, { filePath: join(ROOT, 'src', 'domain', 'posts.ts') });
      return (result?.messages ?? []).filter(message => message.ruleId === 'smp/import-law').map(message => message.message);
    };
    for (const line of [
      "import { openStore } from '../store/openStore.ts'; openStore;",
      "import type { Database } from '../store/database.ts'; export type Kept = Database;",
      "export { openStore } from '../store/openStore.ts';",
      "export const late = () => import('../store/openStore.ts');",
      "export type Kept = import('../store/database.ts').Database;",
    ]) {
      const messages = await messagesOf(line);
      assert.equal(messages.length, 1, line);
      assert.match(messages[0] ?? '', /domain may not import store.*pure/);
    }
    assert.match((await messagesOf("import { readFileSync } from 'node:fs'; readFileSync;"))[0] ?? '', /domain may not import node:fs.*pure/);
    assert.deepEqual(await messagesOf("export const one = 1;"), []);
  });

  it('keeps clocks and unseeded chance out of domain', async function () {
    this.timeout(60_000);
    const eslint = new ESLint({ cwd: ROOT });
    for (const call of ['Date.now()', 'new Date()', 'Math.random()', 'performance.now()', 'process.cwd()', 'globalThis.crypto', "fetch('x')"]) {
      const [result] = await eslint.lintText(`export const value = ${call};`, { filePath: join(ROOT, 'src', 'domain', 'posts.ts') });
      assert.equal(result?.messages.length, 1, `${call}: ${JSON.stringify(result?.messages)}`);
    }
  });
});

// The import law: each room's rule, its reason, and that ESLint really stops a file that breaks it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { importFault } from '../../../scripts/importLaw.ts';
import { ROOT } from '../../../scripts/paths.ts';

const BREACHES: readonly (readonly [from: string, to: string, reason: RegExp])[] = [
  ['src/domain/metrics.ts', 'src/protocol/report.ts', /pure/],
  ['src/protocol/run.ts', 'src/store/posts.ts', /contracts/],
  ['src/pipeline.ts', 'src/stages/samplePosts.ts', /looked up by the roots/],
  ['src/sources/smpd2022.ts', 'src/store/posts.ts', /joins readers and store/],
  ['src/store/posts.ts', 'src/sources/smpd2022.ts', /all SQL/],
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
  ['src/stages/samplePosts.ts', 'vscode', /in a worker/],
  ['src/worker.ts', 'vscode', /in a worker/],
  ['src/domain/metrics.ts', 'test/unit/fixtures.ts', /what ships/],
  ['src/helpers/dates.ts', 'src/domain/posts.ts', /no room/],
];
const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ['src/domain/metrics.ts', 'src/domain/posts.ts'],
  ['src/hosts/local/localHost.ts', 'src/domain/errors.ts'],
  ['src/stages/samplePosts.ts', 'src/store/posts.ts'],
  ['src/editor/hoverCard.ts', 'src/protocol/postCard.ts'],
  ['src/editor/hoverCard.ts', 'vscode'],
  ['src/extension.ts', 'vscode'],
  ['src/extension.ts', 'src/store/openStore.ts'],
  ['src/domain/instructions.ts', 'resources/trainer/multismp/clauses.json'],
  ['test/unit/settings.test.ts', 'src/protocol/settings.ts'],
];

describe('the import law', () => {
  for (const [from, to, reason] of BREACHES) {
    it(`forbids ${from} → ${to} and says why`, () => assert.match(importFault(from, to) ?? 'allowed', reason));
  }
  for (const [from, to] of ALLOWED) {
    it(`allows ${from} → ${to}`, () => assert.equal(importFault(from, to), null));
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
    assert.deepEqual(await messagesOf("export const one = 1;"), []);
  });
});

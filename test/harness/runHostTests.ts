// Runs test/editor/host/*.test.ts inside VS Code's extension host, against the installed VSIX, and prints mocha's totals.
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { ROOT, TEST_OUTPUT } from '../../scripts/paths.ts';
import { launchBrowser } from './browser.ts';
import { startServer } from './editorSession.ts';

const LIMIT_MS = 10 * 60_000;

interface ResultLine {
  readonly state: 'passed' | 'failed' | 'skipped' | 'ended';
  readonly title?: string;
  readonly error?: string;
}

const output = join(TEST_OUTPUT, 'host');
const results = join(output, 'results.jsonl');
const workspace = mkdtempSync(join(tmpdir(), 'smp-host-'));
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
await bundleSpecs();

// The smoke test driver lets the page say which extension is developed; it also hides toasts, so other tests go without.
const { server, profile } = await startServer({
  serverOptions: ['--vscode-option', 'enable-smoke-test-driver'],
  environment: { SMP_HOST_RESULTS: results },
});
const browser = await launchBrowser();
try {
  const page = await browser.newPage();
  const exit = new Promise<void>((resolve, reject) => {
    void page.exposeFunction('codeAutomationExit', () => resolve());
    setTimeout(() => reject(new Error(`The extension host did not end within ${LIMIT_MS / 60_000} minutes.`)), LIMIT_MS).unref();
  });
  await page.exposeFunction('codeAutomationLog', () => undefined);
  const authority = new URL(server.address).host;
  const remote = (path: string): string => `vscode-remote://${authority}${path}`;
  const payload = [
    ['extensionDevelopmentPath', remote(join(ROOT, 'test', 'harness', 'helper'))],
    ['extensionTestsPath', remote(join(output, 'index.cjs'))],
    ['skipWelcome', 'true'], ['skipReleaseNotes', 'true'],
  ];
  await page.goto(`${server.address}/?folder=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
  await exit.catch(async (error: unknown) => {
    await page.screenshot({ path: join(output, 'not-ended.png') });
    throw error;
  });
} finally {
  await browser.close();
  await server.stop();
  for (const folder of [profile, workspace]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = report();

async function bundleSpecs(): Promise<void> {
  await build({
    entryPoints: [
      { in: join(ROOT, 'test', 'harness', 'hostEntry.ts'), out: 'index' },
      ...globSync('test/editor/host/*.test.ts', { cwd: ROOT }).map(path => ({ in: join(ROOT, path), out: join('specs', basename(path, '.ts')) })),
    ],
    outdir: output, outExtension: { '.js': '.cjs' }, bundle: true, platform: 'node', format: 'cjs', target: 'node22',
    external: ['vscode', 'mocha'], sourcemap: 'inline', logLevel: 'warning',
  });
}

/** Prints the results in the words of mocha's spec reporter; returns the exit status. */
function report(): number {
  const lines = existsSync(results) ? readFileSync(results, 'utf8').trim().split('\n').map(line => JSON.parse(line) as ResultLine) : [];
  const of = (state: ResultLine['state']): ResultLine[] => lines.filter(line => line.state === state);
  for (const line of of('passed')) process.stdout.write(`  ✔ ${line.title}\n`);
  for (const line of of('failed')) process.stdout.write(`  ✘ ${line.title}\n${line.error}\n`);
  if (of('ended').length === 0) return 1; // without an end there are no totals
  process.stdout.write(`\n  ${of('passed').length} passing\n`);
  if (of('skipped').length > 0) process.stdout.write(`  ${of('skipped').length} pending\n`);
  if (of('failed').length > 0) process.stdout.write(`  ${of('failed').length} failing\n`);
  return of('failed').length === 0 ? 0 : 1;
}

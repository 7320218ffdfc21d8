// How long the extension host's event loop stalls while 305,613 posts are indexed: in code-server, with the packaged VSIX, by a
// meter that runs in the same host (hostMeter/). Make the VSIX first: npm run package.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser } from '../harness/browser.ts';
import { startServer } from '../harness/editorSession.ts';
import { Workbench } from '../harness/workbench.ts';
import { BENCH_FOLDER, fullSizeData } from './fullSizeData.ts';
import { machineLine, percentile } from './machine.ts';

const LIMIT = 180_000; // milliseconds

export async function bench(print: (line: string) => void): Promise<void> {
  const folder = await fullSizeData(false);
  const measures = join(BENCH_FOLDER, 'host-meter.jsonl');
  const clean = (): void => [join(folder, '.smp'), measures].forEach((path) => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  clean();
  const { server, profile } = await startServer({ serverOptions: ['--vscode-option', 'enable-smoke-test-driver'], environment: { SMP_HOST_METER: measures } });
  const browser = await launchBrowser();
  try {
    // The smoke test driver lets the page say which extension is developed.
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    const payload = JSON.stringify([['extensionDevelopmentPath', `vscode-remote://${new URL(server.address).host}${join(import.meta.dirname, 'hostMeter')}`]]);
    await page.goto(`${server.address}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(payload)}`);
    const workbench = new Workbench(page);
    await workbench.runCommand('View: Show SMP Curator', { timeout: LIMIT });
    await page.getByText('Index them').click({ timeout: LIMIT });
    const button = page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Index' }).first();
    await button.waitFor({ timeout: LIMIT });
    const began = Date.now();
    await button.click();
    await page.locator('.part.sidebar .monaco-list-row', { hasText: '305,613 posts' }).first().waitFor({ timeout: LIMIT });
    const ended = Date.now();
    const stalls = readFileSync(measures, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { time: number; longest: number })
      .filter(({ time }) => time >= began && time <= ended).map(({ longest }) => longest);
    if (stalls.length === 0) throw new Error('The meter wrote nothing: it did not run in the extension host.');
    print(`index of 305,613 posts in the editor: ${((ended - began) / 1000).toFixed(1)} s from the click to the tree; ${machineLine()}`);
    print(`event loop of the extension host, of every 200 ms the longest stall: p50 ${percentile(stalls, 0.5).toFixed(0)} ms, p95 ${percentile(stalls, 0.95).toFixed(0)} ms, longest ${Math.max(...stalls).toFixed(0)} ms (aim 50; the meter sees 5 ms at rest)`);
  } finally {
    await browser.close();
    await server.stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    clean();
  }
}

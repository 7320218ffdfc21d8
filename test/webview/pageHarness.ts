// A page of webview/ in a real browser, with the real script under the policy that the editor gives it. Only the editor in
// between is missing: its end of the wire is answered by handlers over a real store in this process.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { buildWebviews } from '../../scripts/build.ts';
import { serveRequests, type Contract, type Handlers } from '../../src/protocol/requestChannel.ts';
import { launchBrowser } from '../harness/browser.ts';

const ORIGIN = 'http://page.test';
const PAGE = `<!DOCTYPE html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-test'; style-src ${ORIGIN} 'nonce-test'; img-src ${ORIGIN};">
<meta property="csp-nonce" content="test">
<link rel="stylesheet" href="${ORIGIN}/NAME-style.css"></head><body><script type="module" nonce="test" src="${ORIGIN}/NAME.js"></script></body></html>`;

export class PageHarness {
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  static async start(): Promise<PageHarness> {
    const folder = mkdtempSync(join(tmpdir(), 'smp-webview-'));
    await buildWebviews({ minify: false }, folder);
    return new PageHarness(await launchBrowser(), folder);
  }

  /** Opens the page of a name; `kept` is what it had kept before a reload. */
  async open<C extends Contract>(name: string, contract: C, handlers: Handlers<C>, options: { kept?: unknown; size?: { width: number; height: number } } = {}): Promise<OpenPage> {
    const context = await this.#browser.newContext({ viewport: options.size ?? { width: 1280, height: 800 } });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    const opened: OpenPage = { page, faults, kept: options.kept ?? null, notify: (notice) => page.evaluate(`window.postMessage(${JSON.stringify(notice)}, '*')`).then(() => undefined), close: () => context.close() };
    await page.route(`${ORIGIN}/**`, (route) => {
      const file = new URL(route.request().url()).pathname.slice(1);
      return file === '' ? route.fulfill({ contentType: 'text/html', body: PAGE.replaceAll('NAME', name) })
        : route.fulfill({ contentType: file.endsWith('.css') ? 'text/css' : 'text/javascript', body: readFileSync(join(this.#folder, file)) });
    });
    const listeners: ((message: unknown) => void)[] = [];
    await page.exposeFunction('sendToEditor', (message: unknown) => listeners.forEach((listener) => listener(message)));
    await page.exposeFunction('keepInEditor', (state: unknown) => {
      opened.kept = state;
    });
    await page.addInitScript(`window.acquireVsCodeApi = () => ({ postMessage: (message) => window.sendToEditor(message), setState: (state) => window.keepInEditor(state), getState: () => (${JSON.stringify(options.kept ?? null)}) });`);
    serveRequests({ postMessage: (message) => void opened.notify(message).catch(() => undefined), on: (_event, listener) => listeners.push(listener) }, contract, handlers);
    await page.goto(`${ORIGIN}/`);
    return opened;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface OpenPage {
  readonly page: Page;
  readonly faults: string[]; // errors of the page, violations of its policy among them
  kept: unknown; // what the page wants to find after a reload
  /** A message that nobody asked for. */
  notify(notice: unknown): Promise<void>;
  close(): Promise<void>;
}

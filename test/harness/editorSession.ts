// One isolated editor for a test file or a screenshot: a profile of its own with the VSIX installed, a server on a free
// port, a browser, a page. Whoever opens a session closes it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { installCodeServer, installExtension, type RunningServer, startCodeServer } from '../../scripts/codeServer.ts';
import { vsixPath } from '../../scripts/package.ts';
import { launchBrowser } from './browser.ts';
import { Workbench } from './workbench.ts';

export interface SessionOptions {
  readonly folder?: string; // opened in the editor; none shows an empty window
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly serverOptions?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly size?: { readonly width: number; readonly height: number };
}

export class EditorSession {
  readonly workbench: Workbench;
  readonly server: RunningServer;
  readonly profile: string;
  private readonly browser: Browser;

  private constructor(workbench: Workbench, server: RunningServer, profile: string, browser: Browser) {
    this.workbench = workbench;
    this.server = server;
    this.profile = profile;
    this.browser = browser;
  }

  /** Starts everything and opens the folder. About five seconds. */
  static async start(options: SessionOptions = {}): Promise<EditorSession> {
    const { server, profile } = await startServer(options);
    const browser = await launchBrowser().catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    const context = await browser.newContext({ viewport: options.size ?? { width: 1280, height: 800 } });
    const workbench = new Workbench(await context.newPage());
    await workbench.open(server.address, options.folder);
    return new EditorSession(workbench, server, profile, browser);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A server on a fresh profile with the packaged VSIX. The profile has a short path: sockets lie in it. */
export async function startServer(options: SessionOptions): Promise<{ server: RunningServer; profile: string }> {
  installCodeServer();
  const profile = mkdtempSync(join(tmpdir(), 'smp-editor-'));
  installExtension(profile, vsixPath());
  const server = await startCodeServer({
    profile,
    settings: { 'editor.hover.delay': 100, 'workbench.reduceMotion': 'on', ...options.settings }, // no picture of half a fade
    ...(options.serverOptions === undefined ? {} : { options: options.serverOptions }),
    environment: { XDG_DATA_HOME: join(profile, 'data'), ...options.environment }, // nothing of this machine's user is read or written
  });
  return { server, profile };
}

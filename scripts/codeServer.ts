// VS Code's workbench and extension host as an npm package (code-server): what `npm start` opens where there is no
// desktop VS Code, and what the editor tests drive. Installed on first use; every server has a profile of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { StepFailed } from './execute.ts';
import { TOOLS } from './paths.ts';
import { childEnvironment, runNpm } from './setUp.mjs';

const VERSION = '4.139.1';
const FOLDER = join(TOOLS, 'code-server');
const PACKAGE = join(FOLDER, 'node_modules', 'code-server');
const ENTRY = join(PACKAGE, 'out', 'node', 'entry.js');
const READY_WITHIN_MS = 60_000;

/** A quiet workbench: nothing that looks anything up, suggests anything or asks anything. */
export const QUIET_SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': 'off',
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'npm.fetchOnlinePackageInfo': false,
  'json.schemaDownload.enable': false,
  'git.enabled': false,
  'files.simpleDialog.enable': true,
  'security.workspace.trust.enabled': false,
};

export interface ServerOptions {
  readonly profile: string; // folder of settings, extensions and logs; made when missing
  readonly settings?: Readonly<Record<string, unknown>>; // beside the quiet ones
  readonly port?: number; // a free one when left out
  readonly options?: readonly string[]; // more of code-server's own
  readonly environment?: NodeJS.ProcessEnv; // beside this process's
}

export interface RunningServer {
  readonly address: string; // 'http://127.0.0.1:PORT': loopback counts as a secure context, which webviews need
  readonly log: string; // path
  /** Resolves when the server has ended by itself or by stop(). */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Installs code-server from npm without a compiler unless it is there; returns whether it had to. */
export function installCodeServer(): boolean {
  const marker = join(FOLDER, `installed-${VERSION}`);
  if (existsSync(marker)) return false;
  const started = Date.now();
  process.stdout.write(`[set-up] installing code-server ${VERSION}\n`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  runNpm(['install', '--prefix', FOLDER, '--no-save', '--ignore-scripts', `code-server@${VERSION}`], FOLDER);
  for (const part of [['lib', 'vscode'], ['lib', 'vscode', 'extensions']]) {
    const folder = join(PACKAGE, ...part);
    runNpm(['install', '--prefix', folder, '--omit=dev', '--ignore-scripts'], folder);
  }
  writeFileSync(marker, '');
  process.stdout.write(`[set-up] code-server ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
  return true;
}

/** Installs a VSIX into a profile. Takes about a second. */
export function installExtension(profile: string, vsix: string): void {
  const done = spawnSync(process.execPath, [ENTRY, ...profileOptions(profile), '--install-extension', vsix, '--force'], {
    env: childEnvironment(process.execPath), encoding: 'utf8',
  });
  if (done.status !== 0) throw new StepFailed(`The VSIX could not be installed:\n${done.stdout}${done.stderr}`);
}

/** Starts a server on 127.0.0.1 and waits until it answers. Whoever starts it stops it. */
export async function startCodeServer(options: ServerOptions): Promise<RunningServer> {
  const port = options.port ?? await freePort();
  const settingsFolder = join(options.profile, 'user', 'User');
  mkdirSync(settingsFolder, { recursive: true });
  const settings = join(settingsFolder, 'settings.json');
  if (!existsSync(settings)) writeFileSync(settings, JSON.stringify({ ...QUIET_SETTINGS, ...options.settings }, null, 2));
  const log = join(options.profile, 'server.log');
  const output = openSync(log, 'w');
  const server = spawn(process.execPath, [
    ENTRY, ...profileOptions(options.profile), '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none',
    '--disable-telemetry', '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override',
    '--disable-proxy', '--ignore-last-opened', '--reconnection-grace-time', '5', ...(options.options ?? []),
  ], { env: { ...childEnvironment(process.execPath), ...options.environment }, stdio: ['ignore', output, output] });
  const address = `http://127.0.0.1:${port}`;
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()));
  await untilReady(server, `${address}/healthz`, log);
  return { address, log, ended, stop: () => stop(server, ended) };
}

function profileOptions(profile: string): string[] {
  mkdirSync(profile, { recursive: true });
  const configuration = join(profile, 'config.yaml'); // else code-server writes one into the person's home
  if (!existsSync(configuration)) writeFileSync(configuration, '');
  return ['--config', configuration, '--user-data-dir', join(profile, 'user'), '--extensions-dir', join(profile, 'extensions')];
}

async function untilReady(server: ChildProcess, url: string, log: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (server.exitCode === null && Date.now() < deadline) {
    try {
      if ((await fetch(url)).ok && server.exitCode === null) return; // another server may answer on a port that was taken
    } catch {
      // not listening yet
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  server.kill('SIGKILL');
  throw new StepFailed(`code-server did not start; its log is ${log}.`);
}

/** Asks the server to end, and insists after five seconds. It takes its extension hosts with it. */
async function stop(server: ChildProcess, ended: Promise<void>): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGTERM');
  const insist = setTimeout(() => server.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(insist);
}

/** A port that nothing listens on at this moment. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise<void>(resolve => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.');
  return address.port;
}

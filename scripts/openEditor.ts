// Opens VS Code on a workspace with the VSIX installed: the desktop's own where there is one, else code-server in the
// browser. Both with a profile of their own below .tools, so that nobody's VS Code is touched.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findDesktop, runDesktop } from './desktopEditor.ts';
import { installCodeServer, installExtension, QUIET_SETTINGS, startCodeServer } from './codeServer.ts';
import { StepFailed } from './execute.ts';
import { TOOLS, VENV_PYTHON } from './paths.ts';

const PROFILE = join(TOOLS, 'profile');

export interface OpenedWorkspace {
  readonly folder: string;
  readonly file: string | null; // shown first
}

export interface OpenEditor {
  readonly ended: Promise<void>; // of the server; a desktop editor counts as ended when it was handed over
}

/** Opens the editor and tells where it is. */
export async function openEditor(workspace: OpenedWorkspace, vsix: string, port: number | undefined): Promise<OpenEditor> {
  const desktop = findDesktop();
  if (desktop === null) return serveInBrowser(workspace, vsix, port);
  openDesktop(desktop, workspace, vsix);
  return { ended: Promise.resolve() };
}

function openDesktop(desktop: string, { folder, file }: OpenedWorkspace, vsix: string): void {
  const profile = ['--user-data-dir', join(PROFILE, 'desktop'), '--extensions-dir', join(PROFILE, 'desktop-extensions')];
  writeSettings(join(PROFILE, 'desktop', 'User', 'settings.json'));
  const installed = runDesktop(desktop, [...profile, '--install-extension', vsix, '--force']);
  if (installed.status !== 0) throw new StepFailed(`VS Code could not install the VSIX:\n${installed.stdout}${installed.stderr}`);
  const opened = runDesktop(desktop, [...profile, '--new-window', folder, ...(file === null ? [] : [file])]);
  if (opened.status !== 0) throw new StepFailed(`VS Code did not open:\n${opened.stdout}${opened.stderr}`);
  process.stdout.write(`VS Code opens on ${folder} with a profile of its own (${PROFILE}).\n`);
}

async function serveInBrowser({ folder, file }: OpenedWorkspace, vsix: string, port: number | undefined): Promise<OpenEditor> {
  installCodeServer();
  const profile = join(PROFILE, 'code-server');
  installExtension(profile, vsix);
  // A server reads settings of scope "machine", such as the trainer's Python, from a file of their own.
  writeSettings(join(profile, 'user', 'Machine', 'settings.json'));
  const server = await startCodeServer({ profile, ...(port === undefined ? {} : { port }) });
  const shown = file === null ? '' : `&payload=${encodeURIComponent(JSON.stringify([['openFile', `vscode-remote://${new URL(server.address).host}${file}`]]))}`;
  process.stdout.write(`\nOpen ${server.address}/?folder=${encodeURIComponent(folder)}${shown}\nand point at a post. Ctrl-C stops it.\n`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void server.stop());
  return { ended: server.ended };
}

/** The trainer's environment of this checkout, so that the editor trains without setting up a second one. Written again when the checkout has moved. */
function writeSettings(file: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8').includes(JSON.stringify(VENV_PYTHON))) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...QUIET_SETTINGS, 'smpCurator.python': VENV_PYTHON }, null, 2));
}

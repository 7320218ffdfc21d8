// Finds a browser that is installed already and starts it headless for the editor tests and the screenshots.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'microsoft-edge-stable', 'chrome.exe', 'msedge.exe'];
const MAC_APPLICATIONS = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(name => `/Applications/${name}.app/Contents/MacOS/${name}`);
const WINDOWS_PROGRAMS = [['Google', 'Chrome', 'Application', 'chrome.exe'], ['Microsoft', 'Edge', 'Application', 'msedge.exe']];
// No sandbox: tests run as root in containers. The rest keeps the browser from looking anything up.
const OPTIONS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Path of an installed Chromium, Chrome or Edge, else of playwright's own download; null without any. */
export function findBrowser(): string | null {
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap(folder => NAMES.map(name => join(folder, name)));
  const programs = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]
    .flatMap(folder => (folder === undefined ? [] : WINDOWS_PROGRAMS.map(parts => join(folder, ...parts))));
  return [...onPath, ...MAC_APPLICATIONS, ...programs, chromium.executablePath()].find(path => existsSync(path)) ?? null;
}

/** Why editor tests cannot run here, or null. */
export function browserMissing(): string | null {
  return findBrowser() === null ? 'No Chromium, Chrome or Edge was found. Install one, or run: npx playwright-core install chromium' : null;
}

export async function launchBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath === null) throw new Error(browserMissing() ?? '');
  return chromium.launch({ executablePath, headless: true, args: OPTIONS });
}

// Takes the pictures of README and docs from the packaged extension in a real editor, so that they show what ships:
// `npm run screenshots`. The same views in every theme and in a narrow window go below test/out/screenshots, to be looked at.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copySample, removeFolder } from '../test/editor/sampleWorkspace.ts';
import { EditorSession } from '../test/harness/editorSession.ts';
import { type Theme, themeSettings, type Workbench } from '../test/harness/workbench.ts';
import { packageVsix } from './package.ts';
import { ROOT } from './paths.ts';

const IMAGES = join(ROOT, 'docs', 'images');
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 560, height: 800 };
const POSTS = 'train_text.json';

interface Shot {
  readonly theme: Theme;
  readonly size: { readonly width: number; readonly height: number };
  readonly named: (view: string) => string;
}

/** The tree beside a hover, a post without a prediction, and the report. */
async function ofTheSample({ theme, size, named }: Shot): Promise<void> {
  const { folder, pid } = await copySample();
  const session = await EditorSession.start({ folder, size, settings: themeSettings(theme) });
  try {
    const { workbench } = session;
    await workbench.runCommand('View: Show SMP Curator');
    if (size === NARROW) await workbench.screenshot(named('tree'));
    await workbench.openFile(`${POSTS}:20`);
    if (size === NARROW) await workbench.runCommand('View: Close Primary Side Bar');
    await workbench.hover('Title');
    await settle(workbench);
    await workbench.screenshot(named('hover'));
    await workbench.page.keyboard.press('Escape');
    await workbench.runCommand('SMP Curator: Search Posts');
    await workbench.quickInput.fill(pid);
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: pid }).first().waitFor();
    await workbench.page.keyboard.press('Enter');
    await workbench.hover(`"${pid}"`);
    await settle(workbench);
    await workbench.screenshot(named('without-prediction'));
    await workbench.page.keyboard.press('Escape');
    await workbench.runCommand('SMP Curator: Show the Report');
    await workbench.webview.getByText('user mean').first().waitFor({ timeout: 30_000 });
    await workbench.screenshot(named('report'));
  } finally {
    await session.stop();
    removeFolder(folder);
  }
}

/** Every post with its details, some of them left out. */
async function ofThePostsView({ theme, size, named }: Shot): Promise<void> {
  const { folder } = await copySample();
  const session = await EditorSession.start({ folder, size, settings: themeSettings(theme) });
  try {
    const { workbench } = session;
    await workbench.runCommand('SMP Curator: Show Posts');
    await workbench.webview.locator('.row').first().waitFor();
    await workbench.runCommand('View: Close Primary Side Bar');
    const rows = workbench.webview.locator('.row');
    await rows.nth(2).click();
    await workbench.page.keyboard.press('x');
    await workbench.quickInput.waitFor();
    await workbench.quickInput.fill('Anna');
    await workbench.page.keyboard.press('Enter');
    await workbench.webview.locator('.row.excluded').first().waitFor();
    await rows.nth(4).click();
    await settle(workbench);
    await workbench.screenshot(named('posts'));
    await workbench.webview.locator('.search input').fill('nothing has these words');
    await workbench.webview.locator('.notice').waitFor();
    await settle(workbench);
    await workbench.screenshot(named('posts-no-match'));
  } finally {
    await session.stop();
    removeFolder(folder);
  }
}

/** The first look, in a folder without data. */
async function ofAnEmptyFolder({ theme, size, named }: Shot): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'my-posts-'));
  const session = await EditorSession.start({ folder, size, settings: themeSettings(theme) });
  try {
    await session.workbench.runCommand('View: Show SMP Curator');
    await session.workbench.page.locator('.part.sidebar').getByText('Run the Demo').first().waitFor();
    await session.workbench.screenshot(named('welcome'));
    await session.workbench.runCommand('SMP Curator: Open the Walkthrough');
    await session.workbench.page.getByText('Look at the finished sample').first().waitFor();
    await settle(session.workbench);
    await session.workbench.screenshot(named('walkthrough'));
  } finally {
    await session.stop();
    removeFolder(folder);
  }
}

/** Pictures and fonts arrive a moment after the text that the page waits for. */
function settle(workbench: Workbench): Promise<void> {
  return workbench.page.waitForTimeout(1000);
}

const inDocs = (view: string): string => join(IMAGES, `${view}.png`);
const toLookAt = (name: string) => (view: string): string => `${view}-${name}`;

await packageVsix();
await ofTheSample({ theme: 'dark', size: WIDE, named: inDocs });
await ofThePostsView({ theme: 'dark', size: WIDE, named: (view) => (view === 'posts' ? inDocs(view) : toLookAt('dark')(view)) });
await ofAnEmptyFolder({ theme: 'dark', size: WIDE, named: inDocs });
for (const theme of ['light', 'high contrast'] as const) {
  const shot = { theme, size: WIDE, named: toLookAt(theme.replace(' ', '-')) };
  await ofTheSample(shot);
  await ofThePostsView(shot);
  await ofAnEmptyFolder(shot);
}
await ofTheSample({ theme: 'dark', size: NARROW, named: toLookAt('narrow') });
await ofThePostsView({ theme: 'dark', size: NARROW, named: (view) => (view === 'posts' ? inDocs(`${view}-narrow`) : toLookAt('narrow')(view)) });

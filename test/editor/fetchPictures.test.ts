// Fetching pictures in the editor: suggested by the tree, started only after a yes, told with its dead pages.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EditorSession } from '../harness/editorSession.ts';
import { bytes, page as photoPage, startPictureServer, type PictureServer } from '../harness/pictureServer.ts';
import { PICTURES } from '../unit/sources/pictureBytes.ts';
import { removeFolder } from './sampleWorkspace.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

describe('fetching pictures', function () {
  this.timeout(240_000);
  let server: PictureServer;
  let folder: string;
  let session: EditorSession;

  before(async () => {
    server = await startPictureServer();
    folder = mkdtempSync(join(tmpdir(), 'smp-pictures-'));
    const lines = ['id,user,time,title,score,image_url'];
    for (let i = 0; i < 12; i++) {
      lines.push(`p${i},u${i % 3},2020-01-${10 + i} 10:00:00,Title ${i},5.25,${server.base}/photos/${i}`);
      if (i === 4) continue; // a dead page
      server.answers.set(`/photos/${i}`, photoPage(`/${i}.jpg`)).set(`/${i}.jpg`, bytes(PICTURES.jpeg));
    }
    writeFileSync(join(folder, 'posts.csv'), `${lines.join('\n')}\n`);
    execFileSync(process.execPath, [CLI, 'index', 'posts.csv'], { cwd: folder });
    session = await EditorSession.start({ folder, settings: { 'smpCurator.pictures.requestsPerSecond': 2 } });
    // What a workspace must not set, the machine's own settings do.
    mkdirSync(join(session.profile, 'user', 'Machine'), { recursive: true });
    writeFileSync(join(session.profile, 'user', 'Machine', 'settings.json'), JSON.stringify({ 'smpCurator.pictures.allowHost': server.host }));
    await session.workbench.runCommand('View: Show SMP Curator');
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-fetchPictures');
  });
  after(async () => {
    await session.stop();
    await server.close();
    removeFolder(folder);
  });
  const page = () => session.workbench.page;
  const dialog = () => page().locator('.monaco-dialog-box');

  it('says what it would mean, and asks no server before a yes', async () => {
    await session.workbench.runCommand('SMP Curator: Fetch Pictures');
    await dialog().getByText('Fetch 12 pictures of posts?').waitFor();
    await session.workbench.screenshot('fetch-pictures-question');
    const text = await dialog().innerText();
    assert.ok(text.includes(`From ${server.host} (12).`), text);
    assert.match(text, /belong to their authors/);
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(server.asked, []);
  });

  it('fetches, tells the result and lists the dead pages', async () => {
    await session.workbench.runCommand('SMP Curator: Fetch Pictures');
    await dialog().locator('.monaco-button', { hasText: 'Fetch' }).first().click();
    await session.workbench.notification('Fetching pictures of posts').waitFor();
    await session.workbench.screenshot('fetch-pictures-progress');
    const result = session.workbench.notification('11 pictures fetched');
    await result.waitFor({ timeout: 60_000 });
    assert.match(await result.innerText(), /1 address dead/);
    await session.workbench.screenshot('fetch-pictures-result');
    await result.locator('.monaco-button', { hasText: 'Show Dead Pages' }).click();
    await session.workbench.quickInput.waitFor();
    await page().locator('.quick-input-widget').getByText('post p4').first().waitFor();
    await session.workbench.screenshot('fetch-pictures-dead');
    await page().keyboard.press('Enter');
    await page().locator('.monaco-editor .view-line', { hasText: 'p4' }).first().waitFor();
  });
});

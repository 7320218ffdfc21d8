// A person's own table in the editor: found, shown with its mapping, indexed only after a yes, hovered, excluded, changed.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { EditorSession } from '../harness/editorSession.ts';
import { removeFolder, tableWorkspace } from './sampleWorkspace.ts';

describe('own table', function () {
  this.timeout(240_000);
  let folder: string;
  let session: EditorSession;

  before(async () => {
    folder = tableWorkspace(5);
    session = await EditorSession.start({ folder });
    await session.workbench.runCommand('View: Show SMP Curator');
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-ownTable');
  });
  after(async () => {
    await session.stop();
    removeFolder(folder);
  });
  const page = () => session.workbench.page;
  const dialog = () => page().locator('.monaco-dialog-box');
  const row = (text: string) => page().locator('.part.sidebar .monaco-list-row', { hasText: text }).first();

  it('is found, and its mapping is shown before anything starts', async () => {
    await page().getByText('Index it').click();
    const text = await dialog().innerText();
    assert.match(text, /pid ← id, uid ← author, time ← created_at, popularity ← points, title ← title/);
    assert.match(text, /never in a prompt: comments/);
    await dialog().getByText('Cancel').click();
    assert.equal(existsSync(join(folder, '.smp', 'curation.sqlite')), false);
  });

  it('opens the mapping as JSON to be edited', async () => {
    await page().getByText('Index it').click();
    await dialog().getByText('Edit Mapping').click();
    await page().locator('.monaco-editor .view-line', { hasText: 'popularityScale' }).first().waitFor();
    await session.workbench.notification('Edit the mapping').locator('.monaco-button', { hasText: 'Index with This Mapping' }).click();
    await dialog().locator('.monaco-button', { hasText: 'Index' }).first().click();
    await row('15 posts, 5 users').waitFor();
  });

  it('answers a hover on a line, and keeps a hostile title text', async () => {
    await session.workbench.openFile('posts.csv');
    const said = await session.workbench.hover('p0x0');
    assert.match(said, /<\/b><img src=x> \[a\]\(command:x\) \$\(flame\)/);
    assert.match(said, /not predicted yet/);
    assert.equal(await session.workbench.hoverCard.locator('.codicon-flame').count(), 0);
    await page().keyboard.press('Escape');
  });

  it('says at once what is missing when a post cannot be predicted', async () => {
    await session.workbench.runCommand('SMP Curator: Predict This Post');
    await session.workbench.notification('Run the Whole Plan').or(session.workbench.quickInput).first().waitFor();
    await page().keyboard.press('Escape');
  });

  it('leaves a post out and takes it back, without touching the file', async () => {
    await page().locator('.monaco-editor .view-line span', { hasText: 'p1x1' }).last().click();
    await session.workbench.runCommand('SMP Curator: Exclude a Post');
    await page().getByText('Exclude post p1x1').waitFor();
    await session.workbench.quickInput.fill('an advertisement');
    await page().keyboard.press('Enter');
    await page().getByText('Who decides?').waitFor();
    await session.workbench.quickInput.fill('Tester');
    await page().keyboard.press('Enter');
    await session.workbench.notification('Post p1x1 is left out').waitFor();
    assert.match(await session.workbench.hover('p1x1'), /You excluded this post/);
    await page().keyboard.press('Escape');

    await session.workbench.runCommand('SMP Curator: Put Back an Excluded Post');
    await page().locator('.quick-input-list .monaco-list-row', { hasText: 'an advertisement' }).waitFor();
    await page().keyboard.press('Enter');
    await session.workbench.notification('Post p1x1 is back').waitFor();
  });

  it('shows the index as stale when the file changes', async () => {
    appendFileSync(join(folder, 'posts.csv'), 'p9x9,user9,2019-04-11 10:00:00,New,4,0\n');
    await row('stale').waitFor();
  });

  it('is indexed again from the same file with the same mapping', async () => {
    await row('Next: Index the posts again').click();
    await row('16 posts, 6 users').waitFor();
    assert.equal(await row('stale').count(), 0);
  });
});

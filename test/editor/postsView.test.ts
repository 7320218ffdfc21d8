// The Posts view in the installed extension: from the command to the store and back, over a reload of the window.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EditorSession } from '../harness/editorSession.ts';
import { copySample, removeFolder } from './sampleWorkspace.ts';

describe('Posts view', function () {
  this.timeout(240_000);
  let folder: string;
  let session: EditorSession;

  before(async () => {
    ({ folder } = await copySample());
    session = await EditorSession.start({ folder });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-postsView');
  });
  after(async () => {
    await session.stop();
    removeFolder(folder);
  });
  const view = () => session.workbench.webview;
  const rows = () => view().locator('.row');
  const count = (text: RegExp | string) => view().locator('.count', { hasText: text }).waitFor({ timeout: 30_000 });
  const press = (key: string) => session.workbench.page.keyboard.press(key);
  /** The lines of .smp/decisions, oldest first. */
  const decisions = () => readdirSync(join(folder, '.smp', 'decisions')).flatMap((name) => readFileSync(join(folder, '.smp', 'decisions', name), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { kind: string; pid: string }));

  it('opens with all posts of the store, their scores and the picture of the first', async () => {
    await session.workbench.runCommand('SMP Curator: Show Posts');
    await count(/^1–100 of [\d,]+ posts$/);
    assert.equal(await rows().count(), 100);
    assert.ok(await view().locator('.histogram rect.bar').count() > 10);
    await view().locator('.details img.picture').waitFor();
    const width = await view().locator('.details img.picture').evaluate(async (image) => {
      const picture = image as unknown as { decode(): Promise<void>; naturalWidth: number };
      await picture.decode();
      return picture.naturalWidth;
    });
    assert.ok(width > 0);
  });

  it('pages, searches and filters', async () => {
    await view().getByRole('button', { name: 'Next Page' }).click();
    await count(/^101–200 of/);
    await view().locator('.search input').fill('old');
    await count(/^1–\d+ of \d+ posts \([\d,]+ in all\)$/);
    const all = await view().locator('.count').innerText();
    await view().locator('vscode-dropdown').nth(2).click();
    await view().locator('vscode-option', { hasText: '1-2-3-shot' }).click();
    await view().locator('.count').filter({ hasNotText: all }).waitFor();
    assert.deepEqual([...new Set(await rows().locator('.cell.split').allInnerTexts())], ['1-2-3-shot']);
  });

  it('excludes a post, which is in the decisions file when the row shows it, and takes it back', async () => {
    await rows().first().click();
    const pid = await rows().first().locator('.cell.id').innerText();
    await press('x');
    await session.workbench.quickInput.waitFor(); // who decides is asked once
    await session.workbench.quickInput.fill('Anna');
    await press('Enter');
    await view().locator('.row.excluded .cell.id', { hasText: pid }).waitFor();
    assert.deepEqual(decisions().map(({ kind, pid: of }) => [kind, of]), [['post-excluded', pid]]);
    await rows().first().click();
    await press('u');
    await view().locator('.row.used .cell.id', { hasText: pid }).waitFor();
    assert.deepEqual(decisions().map(({ kind }) => kind), ['post-excluded', 'post-restored']);
  });

  it('comes back after a reload with its filter and row', async () => {
    await rows().nth(3).click();
    const pid = await rows().nth(3).locator('.cell.id').innerText();
    const before = await view().locator('.count').innerText();
    await session.workbench.runCommand('Developer: Reload Window'); // the editor's own way, on which it saves what pages keep
    await session.workbench.page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor({ timeout: 60_000 });
    await count(before);
    assert.equal(await view().locator('.search input').inputValue(), 'old');
    await view().locator('.row[aria-selected=true] .cell.id', { hasText: pid }).waitFor();
  });

  let found = ''; // how many posts the search has left
  it('opens the post at its line', async () => {
    found = await view().locator('.count').innerText();
    await rows().nth(1).click();
    const pid = await rows().nth(1).locator('.cell.id').innerText();
    await press('Enter');
    await session.workbench.page.locator('.monaco-editor .view-line', { hasText: pid }).first().waitFor();
  });

  it('shows the posts of the user under the cursor', async () => {
    await session.workbench.runCommand("SMP Curator: Show User's Posts");
    await view().locator('.count', { hasText: /^1–(\d+) of \1 posts \(/ }).filter({ hasNotText: found }).waitFor();
    assert.equal(new Set(await rows().locator('.cell.user').allInnerTexts()).size, 1);
  });
});

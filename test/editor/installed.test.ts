// The packaged VSIX in an empty profile of a real VS Code: it activates, shows the sample without any set-up, and its
// commands run from the palette.
import assert from 'node:assert/strict';
import { EditorSession } from '../harness/editorSession.ts';

describe('the installed extension in an empty window', () => {
  let session: EditorSession;

  before(async () => {
    session = await EditorSession.start();
  });
  after(() => session.stop());

  it('shows its icon, and its tree with the sample', async () => {
    const { page } = session.workbench;
    await page.locator('.activitybar .action-label[aria-label^="SMP Curator"]').click();
    await page.locator('.monaco-list-row', { hasText: 'sample' }).first().waitFor({ timeout: 30_000 });
  });

  it('opens the sample, and a hover over a post shows its prediction beside its true score', async () => {
    await session.workbench.runCommand('SMP Curator: Open the Sample');
    const { page } = session.workbench;
    await page.locator('.monaco-editor .view-line').first().waitFor({ timeout: 30_000 });
    const card = await session.workbench.hover('"Title"');
    await session.workbench.screenshot('sample-hover');
    assert.match(card, /predicted \d+\.\d\d/);
    assert.match(card, /true \d+\.\d\d/);
  });

  it('runs a command from the palette: the report opens', async () => {
    await session.workbench.runCommand('SMP Curator: Show the Report');
    await session.workbench.page.locator('.tab', { hasText: /report/i }).first().waitFor({ timeout: 30_000 });
    await session.workbench.screenshot('sample-report');
  });
});

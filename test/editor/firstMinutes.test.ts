// The first minutes with the installed extension, in an empty folder and without Python: the sample, hovers, search, the
// report, the walkthrough; then the demo, begun and cancelled.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EditorSession } from '../harness/editorSession.ts';
import { removeFolder } from './sampleWorkspace.ts';

describe('first minutes', function () {
  this.timeout(240_000);
  let folder: string;
  let session: EditorSession;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'smp-empty-'));
    session = await EditorSession.start({ folder, environment: { SMP_PYTHON: '' } });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-firstMinutes');
  });
  after(async () => {
    await session.stop();
    removeFolder(folder);
  });
  const inSidebar = (text: string) => session.workbench.page.locator('.part.sidebar').getByText(text).first();

  it('welcome with what to do, and make nothing in the folder', async () => {
    await session.workbench.runCommand('View: Show SMP Curator');
    await inSidebar('No data set is indexed in this folder yet.').waitFor();
    await inSidebar('Run the Demo').waitFor();
    await session.workbench.statusBarItem('SMP: no data set').waitFor();
    assert.equal(existsSync(join(folder, '.smp')), false);
  });

  it('open the finished sample, where a hover shows a prediction with its interval', async () => {
    await session.workbench.runCommand('SMP Curator: Open the Sample');
    await session.workbench.page.locator('.monaco-editor .view-line').first().waitFor();
    const said = await session.workbench.hover('Pid');
    assert.match(said, /predicted\s+\d+\.\d\d/);
    assert.match(said, /true\s+\d+\.\d\d/);
    assert.match(said, /80 % interval \d+\.\d – \d+\.\d/);
    assert.match(said, /above \d+ % of posts/);
    // The picture and the curve have arrived, not only their frames.
    const widths = await session.workbench.hoverCard.locator('img').evaluateAll((images) => images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth));
    assert.equal(widths.length, 2);
    assert.ok(widths.every((width) => width > 0), `widths ${widths.join(', ')}`);
    await session.workbench.screenshot('hover-sample');
    await session.workbench.page.keyboard.press('Escape');
  });

  it('show the pipeline of the sample and the honest line', async () => {
    await inSidebar('Evaluate').waitFor();
    await session.workbench.statusBarItem('best plain baseline').waitFor();
    await session.workbench.screenshot('tree-sample');
  });

  it('search posts and open one at its line', async () => {
    await session.workbench.runCommand('SMP Curator: Search Posts');
    await session.workbench.quickInput.fill('cat');
    const hit = session.workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'cat' }).first();
    await hit.waitFor();
    const pid = /(\d+) ·/.exec(await hit.innerText())![1]!;
    await session.workbench.page.keyboard.press('Enter');
    await session.workbench.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    // The cursor's line is the post's.
    await session.workbench.page.locator('.monaco-editor .view-line', { hasText: `"Pid":"${pid}"` }).first().waitFor();
  });

  it('show the report as a document', async () => {
    await session.workbench.runCommand('SMP Curator: Show the Report');
    await session.workbench.webview.getByText('3-shot MAE / SRC').first().waitFor({ timeout: 30_000 });
    assert.ok(await session.workbench.webview.getByText('user mean').count() > 0);
    await session.workbench.screenshot('report-sample');
  });

  it('begin the demo and cancel it: no half-made folder stays', async () => {
    await session.workbench.runCommand('SMP Curator: Run the Demo');
    await session.workbench.notification('Making the demo').waitFor();
    await session.workbench.runCommand('SMP Curator: Cancel What Is Running');
    await session.workbench.notification('Making the demo').waitFor({ state: 'detached' });
    assert.equal(existsSync(join(folder, 'demo')), false);
    assert.equal(await session.workbench.notification('fault of its own').count(), 0);
  });

  it('open a walkthrough of five steps', async () => {
    await session.workbench.runCommand('SMP Curator: Open the Walkthrough');
    for (const step of ['Look at the finished sample', 'Hover over a post', 'Index your data', 'Set up the trainer', 'Run the plan']) {
      await session.workbench.page.getByText(step).first().waitFor();
    }
    await session.workbench.page.getByText('Index your data').first().click();
    await session.workbench.page.locator('.monaco-button', { hasText: 'Index a Data Set…' }).first().waitFor();
  });
});

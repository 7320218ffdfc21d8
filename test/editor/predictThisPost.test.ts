// A post without a label and without a prediction, in a folder whose model is trained: the hover offers Predict This Post,
// which asks the model, stores the answer and shows it in the next hover.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { VENV_PYTHON } from '../../scripts/paths.ts';
import { EditorSession } from '../harness/editorSession.ts';
import { copySample, removeFolder, type SampleWorkspace } from './sampleWorkspace.ts';

describe('Predict This Post', function () {
  this.timeout(300_000);
  let sample: SampleWorkspace;
  let session: EditorSession;

  before(async () => {
    sample = await copySample();
    session = await EditorSession.start({ folder: sample.folder, environment: { SMP_PYTHON: VENV_PYTHON } });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-predictThisPost');
  });
  after(async () => {
    await session.stop();
    removeFolder(dirname(sample.folder));
  });

  it('asks the model, stores the answer and shows it', async () => {
    const { workbench } = session;
    await workbench.runCommand('SMP Curator: Search Posts');
    await workbench.quickInput.fill(sample.pid);
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: sample.pid }).first().waitFor();
    await workbench.page.keyboard.press('Enter');
    assert.match(await workbench.hover(`"${sample.pid}"`), /no true score\s+not predicted yet/);
    await workbench.hoverCard.getByText('Predict This Post').click();
    await workbench.notification(', 80 % interval').waitFor({ timeout: 200_000 });
    await workbench.page.keyboard.press('Escape');
    await workbench.page.mouse.move(5, 5);
    assert.match(await workbench.hover(`"${sample.pid}"`), /predicted\s+\d+\.\d\d\s+no true score/);
    await workbench.screenshot('predict-this-post');
  });
});

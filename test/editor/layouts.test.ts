// A data set in a layout of its own, in the editor: SMPD 2018 is found, described and indexed; hovers in its lines and lists.
import assert from 'node:assert/strict';
import { EditorSession } from '../harness/editorSession.ts';
import { files2018, layoutPosts } from '../unit/sources/layoutFixture.ts';
import { removeFolders, temporaryFolder, writeFiles } from '../unit/sources/sourceFixture.ts';

describe('layouts of data sets', function () {
  this.timeout(240_000);
  let folder: string;
  let session: EditorSession;

  before(async () => {
    folder = temporaryFolder();
    writeFiles(folder, {
      ...files2018([{ uid: '9@N75', pid: '775', title: 'Glam "night"', time: 1446016778 }, ...layoutPosts(5)], layoutPosts(4, 100)),
    });
    session = await EditorSession.start({ folder });
    await session.workbench.runCommand('View: Show SMP Curator');
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-layouts');
  });
  after(async () => {
    await session.stop();
    removeFolders();
  });
  const page = () => session.workbench.page;
  const dialog = () => page().locator('.monaco-dialog-box');
  const row = (text: string) => page().locator('.part.sidebar .monaco-list-row', { hasText: text }).first();
  const hover = async (file: string, text: string): Promise<string> => {
    await session.workbench.openFile(file);
    const said = await session.workbench.hover(text);
    await page().keyboard.press('Escape');
    return said;
  };

  it('are found, and what is there is said before anything starts', async () => {
    await page().getByText('Index them').click();
    const text = await dialog().innerText();
    assert.match(text, /layout of 2018.*about 6 train posts, about 4 test posts/);
    assert.match(text, /The test posts have no labels: they can be predicted, not trained on/);
    assert.match(text, /Of pictures there are only addresses/);
    await session.workbench.screenshot('index-smpd-2018');
    await dialog().locator('.monaco-button', { hasText: 'Index' }).first().click();
    await row('10 posts').waitFor();
  });

  it('answer hovers in the lines of 2018, train and test, and in their lists', async () => {
    assert.match(await hover('t2_train_data.txt', '775'), /Glam "night"/);
    assert.match(await hover('t2_metadata1.txt', '103'), /Title of 103/);
    assert.match(await hover('t2_train_img.txt', '775'), /Glam "night"/);
  });
});

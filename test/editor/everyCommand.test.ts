// Every command of the manifest, run as a person runs it in the installed extension, to its visible end: what the editor
// says, what the store holds, what lies on the disk. A table of effects and a list of what is left out must name them all.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT, VENV_PYTHON } from '../../scripts/paths.ts';
import { openStore } from '../../src/store/openStore.ts';
import { EditorSession } from '../harness/editorSession.ts';
import { copySample, removeFolder, type SampleWorkspace } from './sampleWorkspace.ts';

/** Commands of the manifest that no test of this file runs, each with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'smpCurator.runDemo': 'takes minutes to its end; firstMinutes.test.ts begins and cancels it, the pipeline test runs the same plan from the command line',
  'smpCurator.doctor': 'is run by storeFaults.test.ts, on stores with something to find',
  'smpCurator.backUpStore': 'is run by storeFaults.test.ts',
  'smpCurator.restoreBackup': 'is run by storeFaults.test.ts',
  'smpCurator.showPosts': 'is run by postsView.test.ts',
  'smpCurator.showPostsOfUser': 'is run by postsView.test.ts',
  'smpCurator.nextPage': 'is a button above a page of a file of more than 50 MB; filePages.test.ts turns pages',
  'smpCurator.previousPage': 'is a button above a page of a file of more than 50 MB; filePages.test.ts turns pages',
  'smpCurator.indexFound': 'is no command of the palette but a link of the welcome view; ownTable.test.ts clicks it',
};

/** Few steps, one thread, another draw than the shipped one: every stage has work to do, and little of it. */
const SETTINGS = {
  'smpCurator.captions': 'any', 'smpCurator.threads': 1, 'smpCurator.train.poolSteps': 60, 'smpCurator.train.sftSteps': 4, 'smpCurator.align.epochs': 1,
};
const LEFT_RUN = 'train-0000000000000000'; // as if it had been left by an editor that was killed
const STAGE = 120_000; // milliseconds for a stage that runs Python on a busy machine

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { contributes: { commands: { command: string; title: string; category: string }[] } };
const names = JSON.parse(readFileSync(join(ROOT, 'package.nls.json'), 'utf8')) as Record<string, string>;
const commands = manifest.contributes.commands;
const titleOf = (id: string): string => {
  const { category, title } = commands.find(({ command }) => command === id)!;
  return `${category}: ${names[title.slice(1, -1)]!}`;
};

describe('every command', function () {
  this.timeout(240_000);
  let sample: SampleWorkspace;
  let session: EditorSession;

  before(async () => {
    sample = await copySample();
    await leaveRun(sample.folder);
    writeSettings({});
    session = await EditorSession.start({ folder: sample.folder, environment: { SMP_PYTHON: VENV_PYTHON }, size: { width: 1400, height: 1000 } });
    await session.workbench.runCommand('View: Show SMP Curator');
    await treeRow('Evaluate').waitFor();
  });
  beforeEach(() => session.workbench.runCommand('Notifications: Clear All Notifications'));
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-everyCommand');
    assert.equal(await page().locator('.notification-list-item .codicon-error').count(), 0, 'an error is shown');
  });
  after(async () => {
    await session.stop();
    removeFolder(dirname(sample.folder));
  });

  const page = () => session.workbench.page;
  const treeRow = (text: string | RegExp) => page().locator('.part.sidebar .monaco-list-row', { hasText: text }).first();
  const dialog = () => page().locator('.monaco-dialog-box');
  const said = (text: string, timeout = 30_000) => session.workbench.notification(text).waitFor({ timeout });
  const gone = (text: string) => session.workbench.notification(text).waitFor({ state: 'detached' });

  /** Settings of the folder, as a person edits its settings.json. */
  function writeSettings(changes: Readonly<Record<string, unknown>>): void {
    mkdirSync(join(sample.folder, '.vscode'), { recursive: true });
    writeFileSync(join(sample.folder, '.vscode', 'settings.json'), JSON.stringify({ ...SETTINGS, ...changes }, null, 2));
  }

  /** Runs the command by its row in the palette, whose whole title must be the manifest's. */
  const invoke = (id: string): Promise<void> => session.workbench.runCommand(titleOf(id), { isWhole: true });

  /** Chooses a row of a quick pick that a command shows. */
  async function pick(text: string): Promise<void> {
    await page().locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
  }

  /** Waits until an output channel is shown. Its text is not seen here: this server lacks the native module that writes it. */
  async function shownOutput(channel: string): Promise<void> {
    const chosen = page().locator('.part.panel select');
    const name = () => chosen.evaluateAll((boxes) => boxes.map((box) => { const { options, selectedIndex } = box as unknown as { options: { text: string }[]; selectedIndex: number }; return options[selectedIndex]?.text; }));
    for (const deadline = Date.now() + 20_000; !(await name()).includes(channel); await new Promise((resolve) => setTimeout(resolve, 100))) {
      assert.ok(Date.now() < deadline, `${channel} is not shown, but ${(await name()).join(', ')}`);
    }
  }

  async function search(pid: string): Promise<void> {
    await session.workbench.quickInput.fill(pid);
    await pick(`${pid} ·`);
  }

  async function rows<Row>(sql: string, ...parameters: string[]): Promise<Row[]> {
    const store = await openStore(join(sample.folder, '.smp', 'curation.sqlite'), { readOnly: true });
    try {
      return store.prepare<Row>(sql).all(...parameters);
    } finally {
      store.close();
    }
  }
  const count = async (sql: string, ...parameters: string[]): Promise<number> => (await rows<{ count: number }>(`SELECT count(*) AS count ${sql}`, ...parameters))[0]!.count;
  /** Models of the draw that this file makes. */
  const models = (role: string) => count('FROM models m JOIN draws d ON d.id = m.draw_id WHERE d.seed = 1 AND m.role = ?', role);
  const newestRun = async (stage: string) => (await rows<{ id: string; state: string }>('SELECT id, state FROM runs WHERE stage = ? ORDER BY started_at DESC LIMIT 1', stage))[0]!;
  const eventsOf = (run: string) => {
    const path = join(sample.folder, '.smp', 'runs', run, 'events.jsonl');
    const whole = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
    return whole.map((line) => JSON.parse(line) as { event: string; step?: number; resumed_at?: number | null });
  };

  /** In this order; what a command needs was made by those before it. */
  const EFFECTS: readonly (readonly [id: string, effect: string, check: (id: string) => Promise<void>])[] = [
    ['smpCurator.openWalkthrough', 'opens the five steps', async (id) => {
      await invoke(id);
      await page().getByText('Look at the finished sample').first().waitFor();
    }],
    ['smpCurator.openSettings', 'opens the settings at ours', async (id) => {
      await invoke(id);
      await page().locator('.settings-editor .setting-item', { hasText: 'Data Seed' }).first().waitFor();
    }],
    ['smpCurator.showLog', 'shows the log', async (id) => {
      await invoke(id);
      await shownOutput('SMP Curator');
    }],
    ['smpCurator.refresh', 'reads anew what nothing tells of', async (id) => {
      await treeRow('train 000000').getByText('failed').waitFor();
      const status = JSON.parse(readFileSync(join(sample.folder, '.smp', 'runs', (await newestSampleRun()), 'status'), 'utf8')) as object;
      mkdirSync(join(sample.folder, '.smp', 'runs', LEFT_RUN));
      writeFileSync(join(sample.folder, '.smp', 'runs', LEFT_RUN, 'status'), JSON.stringify({ ...status, state: 'cancelled' }));
      await invoke(id);
      await treeRow('train 000000').getByText('cancelled').waitFor();
    }],
    ['smpCurator.showJobLog', 'shows the chosen job', async (id) => {
      await invoke(id);
      await pick('align-');
      await shownOutput('SMP Curator Job');
      await session.workbench.runCommand('View: Toggle Panel Visibility');
    }],
    ['smpCurator.index', 'finds the folder indexed already', async (id) => {
      await invoke(id);
      await pick('Folder…');
      await page().locator('.quick-input-widget', { hasText: 'Index a Data Set' }).getByText('OK', { exact: true }).click();
      await dialog().getByText('Index sample?').waitFor();
      await dialog().locator('.monaco-button', { hasText: 'Index' }).first().click();
      await said('posts of 120 users');
      assert.equal(await count("FROM generations WHERE state = 'live'"), 1);
    }],
    ['smpCurator.showSkippedRows', 'says that there is none', async (id) => {
      await invoke(id);
      await said('No row of sample was skipped and no post was dropped.');
    }],
    ['smpCurator.fetchPictures', 'says that nothing is to be fetched', async (id) => {
      await invoke(id);
      await said('No post of sample needs its picture fetched');
    }],
    ['smpCurator.showDeadPictures', 'says that no page is dead', async (id) => {
      await invoke(id);
      await said('No address of a picture of sample was found dead.');
    }],
    ['smpCurator.searchPosts', 'opens the post at its line', async (id) => {
      await invoke(id);
      await search(sample.pid);
      await page().locator('.monaco-editor .view-line', { hasText: `"Pid":"${sample.pid}"` }).first().waitFor();
    }],
    ['smpCurator.excludePost', 'leaves out the post under the cursor', async (id) => {
      await invoke(id);
      await page().getByText(`Exclude post ${sample.pid}`).first().waitFor();
      await session.workbench.quickInput.fill('an advertisement');
      await page().keyboard.press('Enter');
      await page().getByText('Who decides?').first().waitFor();
      await session.workbench.quickInput.fill('Tester');
      await page().keyboard.press('Enter');
      await said(`Post ${sample.pid} is left out`);
      assert.deepEqual(await rows('SELECT pid, author FROM excluded_posts'), [{ pid: sample.pid, author: 'Tester' }]);
    }],
    ['smpCurator.restorePost', 'puts it back', async (id) => {
      await invoke(id);
      await pick('an advertisement');
      await said(`Post ${sample.pid} is back.`);
      assert.equal(await count('FROM excluded_posts'), 0);
      assert.equal(await count('FROM decisions'), 2);
    }],
    ['smpCurator.caption', 'imports the captions beside the posts', async (id) => {
      const line = { source: 'sample', pid: sample.pid, caption: 'a caption that a test wrote', by: 'person:tester' };
      writeFileSync(join(sample.folder, 'captions.jsonl'), `${JSON.stringify(line)}\n`);
      await invoke(id);
      await pick('captions.jsonl');
      await said('caption');
      await gone('Import captions: sample');
      assert.deepEqual(await rows('SELECT text, made_by FROM current_captions WHERE pid = ?', sample.pid), [{ text: line.caption, made_by: 'person:tester' }]);
    }],
    ['smpCurator.sample', 'draws users with the seed of the settings', async (id) => {
      writeSettings({ 'smpCurator.dataSeed': 1 });
      await session.workbench.statusBarItem('no report yet').waitFor(); // of this seed: the setting has arrived
      await invoke(id);
      await said('Users by set:');
      assert.equal(await count('FROM draws WHERE seed = 1'), 1);
    }],
    ['smpCurator.instruct', 'writes the instructions of the draw', async (id) => {
      await invoke(id);
      await said('Instructions:');
      assert.ok(await count('FROM instructions i JOIN draws d ON d.id = i.draw_id WHERE d.seed = 1') > 0);
    }],
    ['smpCurator.cancelStage', 'ends a training in the middle', async (id) => {
      await invoke('smpCurator.train');
      await said('Train: sample');
      const deadline = Date.now() + STAGE;
      while ((await newestRun('train')).id === LEFT_RUN || !eventsOf((await newestRun('train')).id).some(({ event }) => event === 'step')) {
        assert.ok(Date.now() < deadline, 'the training did not begin');
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await invoke(id);
      await session.workbench.notification('Train: sample').waitFor({ state: 'detached', timeout: STAGE });
      assert.equal((await newestRun('train')).state, 'cancelled');
      assert.equal(await models('sft'), 0);
      await treeRow(/^train .*cancelled/).waitFor();
    }],
    ['smpCurator.train', 'goes on with the cancelled training, to its end', async (id) => {
      const before = await newestRun('train');
      await invoke(id);
      await said('Trained from the tiny base', STAGE);
      assert.deepEqual(await newestRun('train'), { id: before.id, state: 'succeeded' });
      const starts = eventsOf(before.id).filter(({ event }) => event === 'started');
      assert.equal(starts.length, 2);
      assert.ok((starts[1]!.resumed_at ?? 0) > 0, 'the second start began anew');
      assert.equal(await models('sft'), 1);
    }],
    ['smpCurator.predict', 'answers the alignment set', async (id) => {
      await invoke(id);
      await pick('Alignment set');
      await said('answers to', STAGE);
      assert.ok(await count("FROM predictions p JOIN models m ON m.id = p.model_id JOIN draws d ON d.id = m.draw_id WHERE d.seed = 1 AND p.decoder = 'sample'") > 0);
    }],
    ['smpCurator.pair', 'makes pairs of the answers', async (id) => {
      await invoke(id);
      await said('pairs:');
      assert.ok(await count('FROM pairs p JOIN draws d ON d.id = p.draw_id WHERE d.seed = 1') > 0);
    }],
    ['smpCurator.align', 'trains on the pairs', async (id) => {
      await invoke(id);
      await said('Aligned by idpop', STAGE);
      assert.equal(await models('aligned'), 1);
    }],
    ['smpCurator.predict', 'answers the test sets', async (id) => {
      await invoke(id);
      await pick('Test sets');
      await said('answers to', STAGE);
      assert.ok(await count("FROM predictions p JOIN models m ON m.id = p.model_id JOIN draws d ON d.id = m.draw_id WHERE d.seed = 1 AND m.role = 'aligned' AND p.decoder = 'median'") > 0);
    }],
    ['smpCurator.score', 'tells how sure each model is of the pairs', async (id) => {
      await invoke(id);
      await said('the chosen answer is the likelier one in', STAGE);
      assert.equal(await count("FROM runs WHERE stage = 'score' AND state = 'succeeded'"), 3); // base, sft, aligned
    }],
    ['smpCurator.runEntry', 'runs what the tree names next: the evaluation', async () => {
      await session.workbench.runCommand('View: Show SMP Curator');
      await treeRow(/Next: .*valuat/).click();
      await said('best plain baseline');
      await session.workbench.statusBarItem('best plain baseline').waitFor();
      assert.equal(await count('FROM evaluations e JOIN draws d ON d.id = e.draw_id WHERE d.seed = 1'), 1);
    }],
    ['smpCurator.evaluate', 'has the report already, and makes no second one', async (id) => {
      await invoke(id);
      await said('best plain baseline');
      assert.equal(await count('FROM evaluations e JOIN draws d ON d.id = e.draw_id WHERE d.seed = 1'), 1);
    }],
    ['smpCurator.showReport', 'opens the report', async (id) => {
      await invoke(id);
      await session.workbench.webview.getByText('3-shot MAE / SRC').first().waitFor();
    }],
    ['smpCurator.runPlan', 'finds nothing left to do', async (id) => {
      const before = await count('FROM runs');
      await invoke(id);
      await said('best plain baseline', STAGE);
      assert.equal(await count('FROM runs'), before);
    }],
    ['smpCurator.predictThisPost', 'tells the answer with its interval', async (id) => {
      await session.workbench.runCommand('View: Close All Editors');
      await invoke(id);
      await search(sample.pid);
      await said(', 80 % interval', STAGE);
      assert.ok(await count('FROM predictions WHERE pid = ?', sample.pid) > 0);
    }],
    ['smpCurator.export', 'writes a folder for another trainer', async (id) => {
      await invoke(id);
      await pick('Preference pairs');
      await pick('LLaMA-Factory');
      await said('rows for LLaMA-Factory');
      const folder = join(sample.folder, 'exports', 'sample-llama-factory-preference');
      const files = readdirSync(folder, { recursive: true }) as string[];
      for (const file of ['README.md', 'manifest.json', 'dataset_info.json']) assert.ok(files.includes(file), `${file} in ${files.join(', ')}`);
      const made = files.filter((file) => file.endsWith('.jsonl') || (file.endsWith('.json') && file !== 'manifest.json' && file !== 'dataset_info.json'));
      assert.ok(made.length > 0 && made.every((file) => readFileSync(join(folder, file), 'utf8').includes('chosen')), made.join(', '));
      assert.deepEqual(await rows('SELECT folder FROM exports e JOIN draws d ON d.id = e.draw_id WHERE d.seed = 1'), [{ folder }]);
      await session.workbench.notification('rows for LLaMA-Factory').locator('.monaco-button', { hasText: 'Show Folder' }).click(); // the next one's way in
    }],
    ['smpCurator.revealExport', 'has shown the folder in the explorer, from the button', async () => {
      await page().locator('.explorer-folders-view .monaco-list-row', { hasText: 'sample-llama-factory-preference' }).first().waitFor();
      await session.workbench.runCommand('View: Show SMP Curator');
    }],
    ['smpCurator.setUpTrainer', 'begins, and is cancelled in its notification', async (id) => {
      await invoke(id);
      await said('Setting up the trainer: Making an environment');
      await session.workbench.notification('Setting up the trainer').locator('.monaco-button', { hasText: 'Cancel' }).click();
      await gone('Setting up the trainer');
      // The notification goes at once, the work a moment later: pip is ended, the lock given back.
      const trainer = join(session.profile, 'data', 'smp-curator', 'trainer');
      for (const deadline = Date.now() + 30_000; readdirSync(trainer).some((name) => name.endsWith('.lock')); await new Promise((resolve) => setTimeout(resolve, 100))) {
        assert.ok(Date.now() < deadline, 'the set-up goes on');
      }
      assert.equal(await session.workbench.notification('The trainer is set up').count(), 0);
    }],
    ['smpCurator.removeSource', 'takes the source out, and no file', async (id) => {
      await invoke(id);
      await dialog().getByText('Remove sample from the store?').waitFor();
      await dialog().locator('.monaco-button', { hasText: 'Remove' }).first().click();
      await said('was removed; its files are untouched.');
      for (const table of ['sources', 'posts', 'models', 'predictions', 'pairs']) assert.equal(await count(`FROM ${table}`), 0, table);
      assert.equal(existsSync(join(sample.folder, 'train_allmetadata_json')), true);
      await page().locator('.part.sidebar').getByText('Found here: files of a data set').waitFor(); // offered again, though a store is there
    }],
    ['smpCurator.openSample', 'opens the shipped posts with their hovers', async (id) => {
      await invoke(id);
      assert.match(await session.workbench.hover('Pid'), /predicted\s+\d+\.\d\d/);
    }],
  ];

  const newestSampleRun = async (): Promise<string> => (await rows<{ id: string }>("SELECT id FROM runs WHERE state = 'succeeded' LIMIT 1"))[0]!.id;

  it('is in the table of effects or left out with a reason, and never both', () => {
    const known = [...new Set(EFFECTS.map(([id]) => id)), ...Object.keys(LEFT_OUT)].sort();
    assert.deepEqual(known, commands.map(({ command }) => command).sort());
  });
  for (const [id, effect, check] of EFFECTS) it(`${id.replace('smpCurator.', '')} ${effect}`, () => check(id));
});

/** A job that the store still has without an end, whose folder is gone. */
async function leaveRun(folder: string): Promise<void> {
  const store = await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: false });
  store.prepare("INSERT INTO runs (id, stage, host, input_hash, state, request, started_at) VALUES (?, 'train', 'local', '', 'failed', '{}', ?)").run(LEFT_RUN, Date.now() / 1000);
  store.close();
}

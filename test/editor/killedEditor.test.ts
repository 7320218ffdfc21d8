// The editor's whole server is killed with SIGKILL in the middle of work, as when the machine runs out of memory, and
// started again on the same folder: the store stays whole, nothing half made is seen, and the work goes on.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { type RunningServer, startCodeServer } from '../../scripts/codeServer.ts';
import { smpQuietly } from '../../scripts/execute.ts';
import { VENV_PYTHON } from '../../scripts/paths.ts';
import { openStore } from '../../src/store/openStore.ts';
import { launchBrowser } from '../harness/browser.ts';
import { startServer } from '../harness/editorSession.ts';
import { Workbench } from '../harness/workbench.ts';
import { copySample, removeFolder } from './sampleWorkspace.ts';

const USERS = 3000; // some seconds of indexing
const LONG = 800; // steps of a training that outlasts the kill and the new start
const SHORT = 150; // steps of one that ends while no editor is open
const WAIT = 120_000; // milliseconds, on a busy machine

/** The fields of /proc/PID/stat after the name, which may hold anything: state, parent, group, session. */
function processes(): { pid: number; parent: number; session: number }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(name), parent: Number(parent), session: Number(session) }];
    } catch {
      return []; // it has ended since
    }
  });
}

/** Kills the server that this process started on a profile, with all below it. A job in a session of its own is not the editor's. */
async function killServer(server: RunningServer, profile: string): Promise<void> {
  const all = processes();
  const root = all.find(({ pid, parent }) => parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(profile));
  assert.ok(root !== undefined, 'the server does not run');
  const tree = [root];
  for (const { pid } of tree) tree.push(...all.filter((child) => child.parent === pid && child.session === root.session));
  assert.ok(tree.length > 2, 'the server has no extension host'); // itself, the workbench's server, the host
  for (const { pid } of tree) process.kill(pid, 'SIGKILL');
  await server.ended;
}

describe('killed editor', function () {
  this.timeout(240_000);
  let server: RunningServer;
  let profile: string;
  let browser: Browser;
  let workbench: Workbench;
  let folder: string;
  const environment = (): NodeJS.ProcessEnv => ({ XDG_DATA_HOME: join(profile, 'data'), SMP_PYTHON: VENV_PYTHON });

  async function openWorkbench(): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    workbench = new Workbench(await context.newPage());
    await workbench.open(server.address, folder);
  }
  async function start(): Promise<void> {
    ({ server, profile } = await startServer({ environment: { SMP_PYTHON: VENV_PYTHON } }));
    browser = await launchBrowser();
    await openWorkbench();
  }
  async function startAgain(): Promise<void> {
    await workbench.page.close();
    server = await startCodeServer({ profile, environment: environment() });
    await openWorkbench();
  }

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot('failed-killedEditor');
    await browser.close();
    await server.stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    removeFolder(dirname(folder));
  });

  const dialog = () => workbench.page.locator('.monaco-dialog-box');
  const storeFile = () => join(folder, '.smp', 'curation.sqlite');
  async function rows<Row>(sql: string): Promise<Row[]> {
    const store = await openStore(storeFile(), { readOnly: true });
    try {
      return store.prepare<Row>(sql).all();
    } finally {
      store.close();
    }
  }
  const count = async (from: string): Promise<number> => (await rows<{ count: number }>(`SELECT count(*) AS count FROM ${from}`))[0]!.count;
  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + WAIT; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 20))) {
      assert.ok(Date.now() < deadline, `not in time: ${what}`);
    }
  }
  async function assertWhole(): Promise<void> {
    assert.deepEqual(await rows('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    assert.deepEqual(await rows('PRAGMA foreign_key_check'), []);
  }
  /** Indexes the folder by the palette, up to where it begins. */
  async function index(): Promise<void> {
    await workbench.runCommand('SMP Curator: Index a Data Set');
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Folder…' }).first().click();
    await workbench.page.locator('.quick-input-widget').getByText('OK', { exact: true }).click();
    await dialog().locator('.monaco-button', { hasText: 'Index' }).first().click();
  }

  it('in the middle of an import: no half of it is seen, and the next import makes all of it', async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'smp-killed-')), 'posts');
    smpQuietly('demo', '--users', String(USERS), '--no-pictures', '--out', folder);
    await start();
    await index();
    await until('posts in an import that is not finished', async () => existsSync(storeFile())
      && await rows<{ some: number }>("SELECT count(*) > 500 AS some FROM posts JOIN generations g ON g.id = generation_id AND g.state = 'building'").then(([row]) => row?.some === 1, () => false));
    await killServer(server, profile);

    await assertWhole();
    assert.equal(await count('generations'), 1);
    assert.equal(await count("generations WHERE state = 'building'"), 1);
    assert.equal(await count('live_posts'), 0);

    await startAgain();
    await workbench.runCommand('View: Show SMP Curator');
    await workbench.statusBarItem('SMP: no data set').waitFor({ timeout: WAIT });
    await workbench.page.locator('.part.sidebar').getByText('No data set is indexed in this folder yet.').first().waitFor();
    await index();
    await workbench.notification(`posts of ${USERS.toLocaleString('en')} users`).waitFor({ timeout: WAIT });
    assert.deepEqual(await rows('SELECT state FROM generations'), [{ state: 'live' }]);
    assert.equal(await count('posts'), await count('live_posts'));
    assert.equal(await count('posts WHERE user_order IS NULL'), 0);
    assert.equal(await count('posts_search'), await count('posts'));
    await assertWhole();
  });

  /** Trains on the sample, and kills the server at a training's first steps. */
  async function killWhileTraining(steps: number): Promise<string> {
    ({ folder } = await copySample());
    const settings = { 'smpCurator.captions': 'any', 'smpCurator.train.sftSteps': steps, 'smpCurator.train.batchSize': 16 };
    writeFileSync(join(folder, '.vscode', 'settings.json'), JSON.stringify(settings));
    await start();
    await workbench.runCommand('SMP Curator: Train: Tune the Model');
    const running = () => rows<{ id: string }>("SELECT id FROM runs WHERE stage = 'train' AND ended_at IS NULL");
    await until('a step of the training', async () => (await running()).some(({ id }) => jobFile(id, 'events.jsonl').includes('"step"')));
    const [{ id }] = await running() as [{ id: string }];
    await killServer(server, profile);
    await assertWhole();
    assert.deepEqual(await running(), [{ id }]);
    return id;
  }
  function jobFile(id: string, name: string): string {
    const path = join(folder, '.smp', 'runs', id, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
  /** The model is in the store, made by the one job, which was started once. */
  async function assertTrained(id: string): Promise<void> {
    await workbench.notification('Trained from the tiny base').waitFor({ timeout: WAIT });
    assert.deepEqual(await rows(`SELECT state FROM runs WHERE id = '${id}'`), [{ state: 'succeeded' }]);
    assert.deepEqual(await rows("SELECT run_id FROM models WHERE role = 'sft'"), [{ run_id: id }]);
    assert.equal(jobFile(id, 'events.jsonl').split('\n').filter((line) => line.includes('"started"')).length, 1);
    await assertWhole();
  }

  it('in the middle of a training: it goes on, is offered, followed, and its model stored', async () => {
    const id = await killWhileTraining(LONG);
    await startAgain();
    const offer = workbench.notification('A job from before is still running: train.');
    await offer.waitFor({ timeout: WAIT });
    await offer.locator('.monaco-button', { hasText: 'Follow It' }).click();
    await assertTrained(id);
  });

  it('in the middle of a training that ends before the next start: its result is offered and taken', async () => {
    const id = await killWhileTraining(SHORT);
    await until('the end of the job', async () => jobFile(id, 'status').includes('"succeeded"'));
    await startAgain();
    const offer = workbench.notification('A job from before has finished since: train.');
    await offer.waitFor({ timeout: WAIT });
    await offer.locator('.monaco-button', { hasText: 'Take Its Result' }).click();
    await assertTrained(id);
  });
});

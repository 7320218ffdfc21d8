// The store's faults as a person meets them: two windows on one folder, a store of a newer version, a damaged one, one that is
// deleted while the window is open, and its check with what can be cleaned.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { VENV_PYTHON } from '../../scripts/paths.ts';
import { backUpStore } from '../../src/stages/backUpStore.ts';
import { restoreStore } from '../../src/stages/restoreStore.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { openStore } from '../../src/store/openStore.ts';
import { EditorSession } from '../harness/editorSession.ts';
import { Workbench } from '../harness/workbench.ts';
import { copySample, removeFolder, type SampleWorkspace } from './sampleWorkspace.ts';

const WAIT = 60_000; // milliseconds, on a busy machine
const never = new AbortController().signal;

describe('faults of the store', function () {
  this.timeout(240_000);
  let sample: SampleWorkspace;
  let session: EditorSession;

  beforeEach(async () => {
    sample = await copySample();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await session.workbench.screenshot('failed-storeFaults');
    await session.stop();
    removeFolder(dirname(sample.folder));
  });

  const start = async (): Promise<void> => {
    session = await EditorSession.start({ folder: sample.folder, environment: { SMP_PYTHON: VENV_PYTHON }, size: { width: 1400, height: 1000 } });
    await session.workbench.runCommand('View: Show SMP Curator');
  };
  const storeFolder = (): string => join(sample.folder, '.smp');
  const storeFile = (): string => join(storeFolder(), 'curation.sqlite');
  const row = (page: Page, text: string | RegExp) => page.locator('.part.sidebar .monaco-list-row', { hasText: text }).first();
  const dialog = () => session.workbench.page.locator('.monaco-dialog-box');
  async function drained<Result>(work: AsyncGenerator<unknown, Result, void>): Promise<Result> {
    for (;;) {
      const step = await work.next();
      if (step.done) return step.value;
    }
  }

  it('two windows: what is decided or restored in one is seen in the other, and one imports at a time', async () => {
    await start();
    const page = await session.workbench.page.context().newPage();
    const other = new Workbench(page);
    await other.open(session.server.address, sample.folder);
    await other.runCommand('View: Show SMP Curator');
    await row(page, /^Sample/).waitFor({ timeout: WAIT });
    const backup = join(dirname(sample.folder), 'backup.sqlite');
    const place = { storeFile: storeFile(), storeFolder: storeFolder(), productVersion: '0.0.0-test' };
    await drained(backUpStore(place, { file: backup, overwrite: false }, Date.now() / 1000, never));

    await session.workbench.page.bringToFront();
    await session.workbench.runCommand('SMP Curator: Exclude a Post');
    await session.workbench.quickInput.fill(sample.pid);
    await session.workbench.page.locator('.quick-input-list .monaco-list-row').first().click();
    await session.workbench.page.getByText(`Exclude post ${sample.pid}`).first().waitFor({ timeout: WAIT });
    await session.workbench.quickInput.fill('blurred');
    await session.workbench.page.keyboard.press('Enter');
    await session.workbench.page.getByText('Who decides?').first().waitFor();
    await session.workbench.quickInput.fill('Anna');
    await session.workbench.page.keyboard.press('Enter');
    await session.workbench.notification(`Post ${sample.pid} is left out`).waitFor({ timeout: WAIT });

    await page.bringToFront();
    await other.runCommand('SMP Curator: Put Back an Excluded Post');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'blurred' }).first().waitFor({ timeout: WAIT });
    await page.keyboard.press('Escape');

    // An import elsewhere holds the lock; a second one is refused in words.
    const importing = await openStore(storeFile(), { readOnly: false });
    const lock = importing.tryImportLock()!;
    writeFileSync(join(sample.folder, 'more.csv'), `id,user,time,title,popularity\n${Array.from({ length: 40 }, (_, at) => `m${at},u${at % 8},2019-01-${String(1 + at % 28).padStart(2, '0')} 10:00:00,Title ${at},${at % 9}.50`).join('\n')}\n`);
    await other.runCommand('SMP Curator: Index a Data Set');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'File…' }).first().click();
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'more.csv' }).first().click({ timeout: WAIT });
    await page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Index' }).first().click();
    await other.notification('is writing to this store').waitFor({ timeout: WAIT });
    await other.screenshot('store-two-windows-import');
    lock.release();
    importing.close();

    const { kept } = await drained(restoreStore(place, backup, Date.now() / 1000, never)); // as `smp restore-backup` does
    assert.ok(existsSync(kept!));
    await other.notification('was replaced by a backup').waitFor({ timeout: WAIT });
    await other.screenshot('store-restored-elsewhere');
    await other.runCommand('SMP Curator: Put Back an Excluded Post');
    await page.getByText('No post is excluded').first().waitFor({ timeout: WAIT });
  });

  it('a newer store: hovers work, what would change it is refused', async () => {
    (await openStore(storeFile(), { readOnly: false, migrations: [...MIGRATIONS, { name: '9999-later', sql: 'CREATE TABLE later (x)' }] })).close();
    await start();
    await session.workbench.notification('was made by a newer version of SMP Curator').waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-newer');
    await session.workbench.runCommand('SMP Curator: Sample: Draw Users into Sets');
    await session.workbench.notification('can only be read').waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-newer-refused');
    const labels = readdirSync(sample.folder, { recursive: true, encoding: 'utf8' }).find((name) => /label\.txt$/.test(name))!;
    await session.workbench.openFile(`${labels.split('/').at(-1)!}:3`);
    assert.match(await session.workbench.hover('.'), /\d/);
  });

  it('a damaged store is named, not taken for an empty folder; a deleted one is noticed', async () => {
    await start();
    await row(session.workbench.page, /^Sample/).waitFor({ timeout: WAIT });
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(`${storeFile()}${suffix}`)) renameSync(`${storeFile()}${suffix}`, join(dirname(sample.folder), `away${suffix}`));
    await session.workbench.notification('is gone: its file was deleted or moved').waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-gone');
    writeFileSync(storeFile(), 'gone wrong '.repeat(5000));
    const damaged = session.workbench.notification('is not a store, or is damaged');
    await damaged.waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-damaged');
    await damaged.locator('.monaco-button', { hasText: 'Check the Store' }).click();
    await session.workbench.runCommand('Notifications: Show Notifications');
    await session.workbench.page.locator('.notification-list-item', { hasText: 'is not a store, or is damaged' }).locator('.monaco-button', { hasText: 'Restore a Backup' }).first().waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-damaged-checked');
  });

  it('a backup is made, and put in the place of the store, from the palette', async () => {
    await start();
    const page = session.workbench.page;
    const ok = page.locator('.quick-input-widget').getByText('OK', { exact: true });
    const file = join(sample.folder, `smp-backup-${new Date().toISOString().slice(0, 10)}.sqlite`); // the name that is offered
    await session.workbench.runCommand('SMP Curator: Back Up the Store');
    await ok.or(page.locator('.quick-input-widget').getByText('Back Up', { exact: true })).first().waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-back-up');
    await page.keyboard.press('Enter');
    await session.workbench.notification('Backed up to').waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-backed-up');
    assert.ok(existsSync(file));
    const store = await openStore(storeFile(), { readOnly: false });
    const count = (): number => store.prepare<{ n: number }>('SELECT count(*) AS n FROM captions').get()!.n;
    const captions = count();
    store.prepare('DELETE FROM captions').run();
    assert.ok(captions > 0);

    await session.workbench.runCommand('SMP Curator: Restore the Store from a Backup');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: basename(file) }).first().click({ timeout: WAIT }); // what is typed while the dialog is being made is lost
    await dialog().waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-restore-confirm');
    await dialog().locator('.monaco-button', { hasText: 'Restore' }).first().click();
    await session.workbench.notification('Restored the backup of').waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-restored');
    assert.equal(count(), captions);
    store.close();
  });

  it('its check says what can be cleaned, and cleans what is picked', async () => {
    mkdirSync(join(storeFolder(), 'runs', 'train-unknown', 'out'), { recursive: true });
    writeFileSync(join(storeFolder(), 'runs', 'train-unknown', 'status'), '');
    writeFileSync(join(storeFolder(), 'runs', 'train-unknown', 'out', 'model'), 'x'.repeat(2_000_000));
    mkdirSync(join(storeFolder(), 'runs', '.new-999999999-dead'));
    writeFileSync(join(storeFolder(), 'runs', '.new-999999999-dead', 'rows'), 'x'.repeat(50_000));
    await start();
    await session.workbench.runCommand('SMP Curator: Check the Store');
    const checked = session.workbench.notification('The store is whole.');
    await checked.waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-checked');
    await checked.locator('.monaco-button', { hasText: 'Clean' }).click();
    const item = (text: string) => session.workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
    await item('Jobs that this store does not know').waitFor();
    await session.workbench.screenshot('store-clean-what');
    assert.equal(await item('Folders of jobs that were never put together').locator('input[type=checkbox], .monaco-checkbox.checked').count() > 0, true);
    await session.workbench.page.keyboard.press('Enter');
    await dialog().waitFor();
    await session.workbench.screenshot('store-clean-confirm');
    await dialog().locator('.monaco-button', { hasText: 'Clean' }).first().click();
    await session.workbench.notification('50 kB are free again').waitFor({ timeout: WAIT });
    assert.ok(!existsSync(join(storeFolder(), 'runs', '.new-999999999-dead')));
    assert.ok(existsSync(join(storeFolder(), 'runs', 'train-unknown')), 'what costs a computation has to be picked');

    await session.workbench.runCommand('SMP Curator: Check the Store');
    const again = session.workbench.notification('The store is whole.');
    await again.waitFor({ timeout: WAIT });
    await again.locator('.monaco-button', { hasText: 'Show Details' }).click();
    await session.workbench.page.locator('.monaco-editor .view-line', { hasText: 'Can be cleaned' }).first().waitFor({ timeout: WAIT });
    await session.workbench.screenshot('store-details');
    rmSync(join(storeFolder(), 'runs', 'train-unknown'), { recursive: true });
  });
});

// The store's own verbs and its faults from outside: real processes, exit codes, and messages that say what to do.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { MIGRATIONS } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/openStore.ts';

const cli = join(import.meta.dirname, '..', '..', '..', 'src', 'cli.ts');
const NOBODY = 65534; // the user that owns nothing

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function smp(folder: string, words: readonly string[], options: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...options, env: { ...process.env, ...options.env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

function table(folder: string, users: number): void {
  const rows = Array.from({ length: users * 5 }, (_, at) => `${1000 + at},u${Math.floor(at / 5)},${1_500_000_000 + at * 86_400},Title ${at},${1 + (at % 6)}.00`);
  writeFileSync(join(folder, 'posts.csv'), ['id,user,time,title,popularity', ...rows, ''].join('\n'));
}

describe('smp and the store itself', function () {
  this.timeout(60_000);
  let indexed: string; // copied by each test
  const folders: string[] = [];
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'smp-store-verbs-'));
    folders.push(folder);
    return folder;
  };
  const copy = (): string => {
    const folder = newFolder();
    cpSync(indexed, folder, { recursive: true });
    return folder;
  };

  before(async () => {
    indexed = newFolder();
    table(indexed, 60);
    assert.equal((await smp(indexed, ['index', 'posts.csv'])).code, 0);
  });
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('checks, backs up and restores; a problem has an exit code of its own', async () => {
    const folder = copy();
    const whole = await smp(folder, ['doctor']);
    assert.equal(whole.code, 0, whole.stderr);
    assert.match(whole.stdout, /^The store is whole\./);
    const asJson = await smp(folder, ['doctor', '--json']);
    assert.deepEqual((JSON.parse(asJson.stdout) as { problems: unknown[] }).problems, []);
    assert.match((await smp(folder, ['backup', 'safe.sqlite'])).stdout, /^Backed up to .*safe\.sqlite/);
    const again = await smp(folder, ['backup', 'safe.sqlite']);
    assert.deepEqual([again.code, again.stdout], [2, '']);
    assert.match(again.stderr, /is there already\. Name another file, or say that it may be replaced \(--overwrite\)/);

    writeFileSync(join(folder, '.smp', 'curation.sqlite'), 'overwritten '.repeat(2000));
    const status = await smp(folder, ['status']);
    assert.equal(status.code, 2);
    assert.match(status.stderr, /is not a store, or is damaged .*smp doctor\) says what is damaged\. Restore a backup \(smp restore-backup FILE\), or move the file away and index again: decisions are read again/);
    const broken = await smp(folder, ['doctor', '--clean']);
    assert.equal(broken.code, 3);
    assert.match(broken.stdout, /Problem: The file .* is not a store, or is damaged/);
    assert.match((await smp(folder, ['restore-backup', 'safe.sqlite'])).stdout, /^Restored the backup of .* The store of before is kept in/);
    assert.match((await smp(folder, ['search', '1007'])).stdout, /Title 7/);
    const cleaned = await smp(folder, ['doctor', '--clean', 'kept-stores']);
    assert.equal(cleaned.code, 0);
    assert.match(cleaned.stdout, /^\d+ kB are free again\./);
    assert.deepEqual(readdirSync(join(folder, '.smp')).filter((name) => name.includes('before')), []);
    const unknown = await smp(folder, ['doctor', '--clean', 'everything']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /“everything” cannot be cleaned\. Choose of imports, /);
  });

  it('makes a store anew from the sources and the files of decisions', async () => {
    const folder = copy();
    assert.equal((await smp(folder, ['exclude', '1007', '--author', 'anna'])).code, 0);
    for (const name of readdirSync(join(folder, '.smp'))) if (name.startsWith('curation.sqlite')) rmSync(join(folder, '.smp', name));
    assert.equal((await smp(folder, ['doctor'])).stdout.split('\n')[0], 'There is no store here yet.');
    assert.equal((await smp(folder, ['index', 'posts.csv'])).code, 0);
    const store = await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: true });
    assert.deepEqual(store.prepare('SELECT pid FROM excluded_posts').all(), [{ pid: '1007' }]);
    store.close();
  });

  it('reads a store of a newer version, and every verb that would change it says the same', async () => {
    const folder = copy();
    (await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: false, migrations: [...MIGRATIONS, { name: '9999-later', sql: 'CREATE TABLE later (x)' }] })).close();
    table(folder, 61);
    const writing = [['index', 'posts.csv'], ['sample'], ['train'], ['exclude', '1007'], ['remove'], ['export'], ['doctor', '--clean']];
    const ended = await Promise.all(writing.map((words) => smp(folder, words)));
    for (const [at, { code, stdout, stderr }] of ended.entries()) {
      const words = writing[at]!.join(' ');
      assert.equal(code, words.startsWith('doctor') ? 3 : 2, `${words}: ${stderr}`);
      assert.match(words.startsWith('doctor') ? stdout : stderr, /made by a newer version of SMP Curator and can only be read\.\s+Update SMP Curator to change it\./, words);
      assert.doesNotMatch(stderr, /^\s+at /m, words);
    }
    assert.match((await smp(folder, ['search', '1007'])).stdout, /Title 7/);
    assert.match((await smp(folder, ['status'])).stdout, /300 posts of 60 users/);
    assert.match((await smp(folder, ['backup', 'safe.sqlite'])).stdout, /^Backed up/);
  });

  it('works in a folder that cannot be written: the store lies elsewhere, and that is said', async () => {
    const folder = newFolder();
    table(folder, 60);
    const storage = newFolder();
    chmodSync(folder, 0o555);
    // The superuser may write anywhere, so the test works as somebody who may not.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chmodSync(storage, 0o777);
    const options = { ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}), env: { SMP_STORAGE: storage, HOME: storage } };
    try {
      const made = await smp(folder, ['index', 'posts.csv'], options);
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stderr, /Warning: The store lies in .* on this machine, with everything that belongs to it, because .* cannot be written\./);
      assert.ok(!existsSync(join(folder, '.smp')));
      assert.equal((await smp(folder, ['exclude', '1007', '--author', 'anna'], options)).code, 0);
      const checked = await smp(folder, ['doctor'], options);
      assert.equal(checked.code, 0, checked.stderr);
      assert.match(checked.stdout, /because .* cannot be written\./);
      const [name] = readdirSync(join(storage, 'stores'));
      assert.ok(existsSync(join(storage, 'stores', name!, 'decisions', 'anna.jsonl')));
      const exported = await smp(folder, ['backup', 'here.sqlite'], options);
      assert.equal(exported.code, 2, exported.stderr);
      assert.match(exported.stderr, /cannot be written .* Name a file in another folder\./);
    } finally {
      chmodSync(folder, 0o755);
    }
  });

  it('says what to do when only the store itself cannot be written', async () => {
    const folder = copy();
    const isRoot = process.getuid?.() === 0;
    mkdirSync(join(folder, 'home'));
    chmodSync(folder, 0o777);
    chmodSync(join(folder, '.smp'), 0o777);
    for (const name of readdirSync(join(folder, '.smp'))) if (name.startsWith('curation.sqlite')) chmodSync(join(folder, '.smp', name), 0o444);
    const refused = await smp(folder, ['exclude', '1007'], isRoot ? { uid: NOBODY, gid: NOBODY, env: { HOME: join(folder, 'home') } } : {});
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /cannot be written\. Make its folder and its files writable, or work in another folder\./);
  });
});

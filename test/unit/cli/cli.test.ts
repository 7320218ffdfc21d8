// The command line from outside: exit codes, what stands on which stream, and help.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PIPELINE } from '../../../src/pipeline.ts';
import { openStore } from '../../../src/store/openStore.ts';

const cli = join(import.meta.dirname, '..', '..', '..', 'src', 'cli.ts');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `interruptAt`: Ctrl-C as soon as stderr matches. */
function smp(folder: string, words: readonly string[], interruptAt?: RegExp): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, interrupted] = ['', '', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (interrupted || !interruptAt?.test(stderr)) return;
    interrupted = true;
    child.kill('SIGINT');
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'smp-cli-'));

/** 60 users with 5 posts of the score 1.0x to 6.0x, as a CSV. */
function tableOfPosts(folder: string, name = 'posts.csv'): string {
  const rows = Array.from({ length: 300 }, (_, at) => `${1000 + at},u${Math.floor(at / 5)},${1_500_000_000 + at * 86_400},Title ${at},${1 + (Math.floor(at / 5) % 6)}.0${at % 5}`);
  const path = join(folder, name);
  writeFileSync(path, ['id,user,time,title,popularity', ...rows, ''].join('\n'));
  return path;
}

async function indexedFolder(): Promise<string> {
  const folder = newFolder();
  tableOfPosts(folder);
  assert.equal((await smp(folder, ['index', 'posts.csv'])).code, 0);
  return folder;
}

describe('smp', () => {
  it('lists every verb in its help, and exits with 0', async () => {
    const { code, stdout } = await smp(newFolder(), ['--help']);
    assert.equal(code, 0);
    for (const verb of [...PIPELINE.map((entry) => entry.verb), 'remove', 'run', 'status', 'search', 'posts', 'exclude', 'restore', 'demo']) assert.match(stdout, new RegExp(`^  ${verb}\\b`, 'm'), verb);
  });

  for (const [what, words, says] of [
    ['no verb', [], /Usage: smp/], ['an unknown verb', ['tarin'], /unknown command 'tarin'/], ['an unknown option', ['sample', '--sed', '1'], /unknown option/],
    ['a value outside its bounds', ['sample', '--data-seed=-1'], /--data-seed/], ['a choice that is none', ['train', '--plan', 'mine'], /Allowed choices are ours, paper/],
    ['an empty store', ['sample'], /There are no posts in this store yet\. Index some first/], ['a path that is not there', ['index', 'nowhere.csv'], /nowhere\.csv/],
  ] as const) {
    it(`exits with 2 on ${what}, and says what is wrong on stderr`, async () => {
      const { code, stdout, stderr } = await smp(newFolder(), words);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack for what a person can mend');
    });
  }

  for (const [code, words] of [['usage', ['sample', '--sed', '1', '--json']], ['usage', ['--json']], ['usage', ['sample', '--data-seed=-1', '--json']], ['store-missing', ['sample', '--json']]] as const) {
    it(`prints one JSON object for “smp ${words.join(' ')}” too`, async () => {
      const { code: exit, stdout } = await smp(newFolder(), words);
      assert.equal(exit, 2);
      assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, code);
    });
  }

  it('starts no Python for what runs no job', async () => {
    const folder = newFolder();
    tableOfPosts(folder);
    const python = join(folder, 'python');
    writeFileSync(python, `#!/bin/sh\ntouch '${join(folder, 'was started')}'\nexit 1\n`, { mode: 0o755 });
    for (const words of [['index', 'posts.csv'], ['sample'], ['instruct'], ['status'], ['export', '--content', 'sft']]) {
      const ended = await smp(folder, [...words, '--python', python]);
      assert.equal(ended.code, 0, ended.stderr);
    }
    assert.equal(existsSync(join(folder, 'was started')), false);
    assert.equal((await smp(folder, ['train', '--python', python])).code, 2);
    assert.equal(existsSync(join(folder, 'was started')), true);
  });

  it('indexes, draws and renders in the folder it is in; the result is on stdout, the way there on stderr', async () => {
    const folder = newFolder();
    tableOfPosts(folder);
    const indexed = await smp(folder, ['index', 'posts.csv']);
    assert.equal(indexed.stdout, 'posts: 300 posts of 60 users\n');
    assert.match(indexed.stderr, /Its mapping is guessed: pid = id, uid = user/);
    assert.ok(existsSync(join(folder, '.smp', 'curation.sqlite')));
    assert.match((await smp(folder, ['sample'])).stdout, /^Users by set: validation 20, few-shot 20, alignment 20; answers/);
    assert.match((await smp(folder, ['sample'])).stdout, /Nothing to do\.\n$/);
    assert.match((await smp(folder, ['instruct'])).stdout, /few-shot train 60/);
    const status = await smp(folder, ['status']);
    assert.match(status.stdout, /Index\s+done\s+300 posts, 60 users\n {4}users: 60\n/);
    assert.match(status.stdout, /Instruct\s+done\s+60 train, 60 test, 60 align\n/);
    assert.match(status.stdout, /Next: Train the model \(smp train\)\n$/);
  });

  it('leaves a folder without a store as it is, unless posts are brought in', async () => {
    const folder = newFolder();
    const status = await smp(folder, ['status']);
    assert.deepEqual([status.code, status.stdout], [0, 'No posts are indexed here yet. Next: smp index FOLDER_OR_FILE, or smp demo --out FOLDER.\n']);
    for (const words of [['search', 'anything'], ['sample'], ['exclude', '1']]) {
      const { code, stderr } = await smp(folder, words);
      assert.equal(code, 2, words[0]);
      assert.match(stderr, /There are no posts in this store yet\. Index some first/);
    }
    assert.deepEqual(readdirSync(folder), []);
    assert.equal((await smp(folder, ['index', 'nowhere.csv'])).code, 2);
    assert.deepEqual(readdirSync(folder), [], 'an index that failed at once has made no store');
    tableOfPosts(folder);
    await smp(folder, ['index', 'posts.csv']);
    assert.ok(existsSync(join(folder, '.smp', '.gitignore')));
  });

  it('prints one JSON object with --json, also when it fails', async () => {
    const folder = await indexedFolder();
    const sampled = await smp(folder, ['sample', '--json']);
    const result = JSON.parse(sampled.stdout) as Record<string, unknown>;
    assert.deepEqual([result['verb'], result['unchanged'], (result['counts'] as Record<string, unknown>)['few-shot']], ['sample', false, 20]);
    for (const line of sampled.stderr.trimEnd().split('\n')) assert.equal(typeof JSON.parse(line), 'object');
    const failed = await smp(folder, ['sample', '--json', '--source', 'other']);
    assert.equal(failed.code, 2);
    assert.deepEqual(JSON.parse(failed.stdout), { error: { code: 'source-unknown', message: 'There is no source “other” in this store.', nextStep: 'Indexed are: “posts”.' } });
    const status = JSON.parse((await smp(folder, ['status', '--json'])).stdout) as { version: number; sources: { source: string }[] };
    assert.deepEqual([status.version, status.sources.map((source) => source.source)], [1, ['posts']]);
    assert.deepEqual((JSON.parse((await smp(folder, ['status', '--json', '--source', 'other'])).stdout) as { error: { code: string } }).error.code, 'source-unknown');
  });

  it('asks which source is meant where there are several, and finds posts of all', async () => {
    const folder = await indexedFolder();
    tableOfPosts(folder, 'others.csv');
    writeFileSync(join(folder, 'others.csv'), readFileSync(join(folder, 'others.csv'), 'utf8').replaceAll('Title', 'Heading'));
    assert.equal((await smp(folder, ['index', 'others.csv'])).code, 0);
    const ambiguous = await smp(folder, ['sample']);
    assert.equal(ambiguous.code, 2);
    assert.match(ambiguous.stderr, /“posts”, “others”\. Name one with --source/);
    const found = JSON.parse((await smp(folder, ['search', 'heading', '7', '--json'])).stdout) as { posts: { source: string; pid: string }[] };
    assert.ok(found.posts.some((post) => post.pid === '1007'));
    assert.ok(found.posts.every((post) => post.source === 'others'));
  });

  it('leaves a post out and takes it back', async () => {
    const folder = await indexedFolder();
    const draw = async (): Promise<string> => (await smp(folder, ['sample'])).stderr + (await smp(folder, ['status'])).stdout;
    assert.match((await smp(folder, ['exclude', '1004', '--author', 'anna', '--reason', 'spam'])).stdout, /^Post 1004 of “posts” is left out/);
    assert.match(await draw(), /Only 59 users/);
    assert.equal((await smp(folder, ['restore', '1004', '--author', 'anna'])).code, 0);
    assert.match(await draw(), /20 few-shot users/);
    assert.equal(readFileSync(join(folder, '.smp', 'decisions', 'anna.jsonl'), 'utf8').trimEnd().split('\n').length, 2);
  });

  it('exports for a trainer into the workspace', async () => {
    const folder = await indexedFolder();
    for (const verb of ['sample', 'instruct']) assert.equal((await smp(folder, [verb])).code, 0);
    const { code, stdout } = await smp(folder, ['export', '--format', 'llama-factory', '--content', 'sft']);
    assert.equal(code, 0);
    assert.match(stdout, /^120 rows for LLaMA-Factory \(SFT\) in /);
    assert.deepEqual(readdirSync(join(folder, 'exports', 'posts-llama-factory-sft')).sort(), ['README.md', 'dataset_info.json', 'manifest.json', 'train.jsonl', 'validation.jsonl']);
  });

  it('exits with 1 and the stack on a fault of ours', async () => {
    const folder = await indexedFolder();
    const store = await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: false });
    store.exec('DROP TABLE draw_users');
    store.close();
    const { code, stdout, stderr } = await smp(folder, ['sample', '--json']);
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'bug');
    assert.match(stderr, /fault of SMP Curator/);
    assert.match(stderr, /^\s+at /m);
  });

  it('ends in good order on Ctrl-C, with 130', async () => {
    const folder = newFolder();
    const { code, stdout, stderr } = await smp(folder, ['demo', '--out', 'made', '--users', '200000', '--no-pictures'], /Making the demo/);
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /Cancelled\./);
    assert.deepEqual(readdirSync(folder), [], 'nothing half done is left');
    const told = await smp(folder, ['demo', '--out', 'made', '--users', '200000', '--no-pictures', '--json'], /Making the demo/);
    assert.deepEqual([told.code, (JSON.parse(told.stdout) as { error: { code: string } }).error.code], [130, 'cancelled']);
  });
});

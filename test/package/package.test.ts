// What is in the VSIX of this platform: everything that an installed extension needs, nothing else, and the parts run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { thisTarget, vsixPath } from '../../scripts/package.ts';
import { ROOT } from '../../scripts/paths.ts';
import { readZip, type ZipEntry } from './zipFile.ts';

const LARGEST_MEGABYTES = 8; // database 1.2, base up to 2, sample up to 2, and room
const NEEDED = [
  'package.json', 'package.nls.json', 'package.nls.zh-cn.json', 'readme.md', 'changelog.md', 'LICENSE.txt', 'ThirdPartyNotices.txt',
  'dist/extension.cjs', 'dist/worker.cjs', 'dist/reader.cjs', 'dist/cli.cjs', 'dist/bin/smp', 'dist/bin/smp.cmd',
  'resources/trainer/requirements.txt', 'resources/trainer/supervisor.py', 'resources/trainer/multismp/__main__.py', 'resources/trainer/multismp/clauses.json',
  'resources/base/model.safetensors', 'resources/base/tokenizer.json', 'resources/sample/.smp/curation.sqlite',
  'node_modules/better-sqlite3/lib/index.js', 'node_modules/better-sqlite3/package.json',
];
const ALLOWED = [
  /^package(\.nls.*)?\.json$/, /^(readme|changelog)\.md$/, /^(LICENSE|ThirdPartyNotices)\.txt$/, /^l10n\//, /^media\//, /^dist\/(extension|worker|reader|cli)\.cjs$/, /^dist\/webview\/[\w-]+\.(js|css)$/, /^dist\/bin\/smp(\.cmd)?$/,
  /^resources\/trainer\/([\w/]+\.(py|json|txt)|multismp\/py\.typed)$/, /^resources\/(base|sample|prompts)\//, /^node_modules\/better-sqlite3\/(LICENSE|package\.json|lib\/.+\.js)$/,
];

describe('the VSIX', () => {
  let entries: ZipEntry[];
  let paths: string[];

  before(() => {
    entries = readZip(vsixPath()).filter(entry => entry.path.startsWith('extension/'));
    paths = entries.map(entry => entry.path.replace(/^extension\//, ''));
  });

  it('has everything that an installed extension needs', () => {
    assert.deepEqual(NEEDED.filter(path => !paths.includes(path)), []);
  });

  it("has this platform's database binary and no other", () => {
    const binaries = paths.filter(path => path.endsWith('.node'));
    assert.deepEqual(binaries, [`node_modules/better-sqlite3/prebuilds/${thisTarget().replace('alpine', 'linuxmusl')}.node`]);
  });

  it('has nothing else', () => {
    assert.deepEqual(paths.filter(path => !path.endsWith('.node') && !ALLOWED.some(pattern => pattern.test(path))), []);
  });

  it('says under which licences others let it use their work', () => {
    const notices = entries.find(entry => entry.path === 'extension/ThirdPartyNotices.txt')!.read().toString('utf8');
    // Two that are bundled, one that ships as it is; each with the text that its licence wants to be kept.
    for (const name of ['zod', 'htmlparser2', 'better-sqlite3']) assert.match(notices, new RegExp(`^=+\\n${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)\\n=+\\n[^=]*Copyright[^=]*WITHOUT WARRANTY OF ANY KIND`, 'm'));
  });

  it("has no picture and no link in its README that VS Code's page of the extension cannot show", () => {
    const readme = entries.find(entry => entry.path === 'extension/readme.md')!.read().toString('utf8');
    assert.match(readme, /^# SMP Curator\n/);
    assert.deepEqual([...readme.matchAll(/\]\(([^)]+)/g)].map(([, target]) => target!).filter(target => !/^(https:|#)/.test(target)), []);
  });

  it(`is smaller than ${LARGEST_MEGABYTES} MB`, () => {
    assert.ok(statSync(vsixPath()).size < LARGEST_MEGABYTES * 2 ** 20);
  });

  it('does not know where it was built', () => {
    const telling = entries.filter(entry => entry.read().includes(ROOT)).map(entry => entry.path);
    assert.deepEqual(telling, []);
  });

  it('has a command line that runs from where it is unpacked', () => {
    const folder = mkdtempSync(join(tmpdir(), 'smp-vsix-'));
    try {
      for (const entry of entries) {
        const file = join(folder, entry.path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, entry.read(), { mode: entry.mode });
      }
      const windows = process.platform === 'win32';
      const smp = (...options: string[]) => spawnSync(join(folder, 'extension', 'dist', 'bin', windows ? 'smp.cmd' : 'smp'), options, {
        encoding: 'utf8', shell: windows, env: { ...process.env, SMP_NODE: process.execPath },
      });
      const help = smp('--help');
      assert.equal(help.status, 0, help.stderr);
      assert.match(help.stdout, /predict/);
      // The sample's store opens with the packaged binary.
      const status = smp('status', '--json', '--workspace', join(folder, 'extension', 'resources', 'sample'));
      assert.equal(status.status, 0, status.stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

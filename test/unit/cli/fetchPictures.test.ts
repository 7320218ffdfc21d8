// `smp fetch-pictures` as a person runs it: the plan first, nothing without --yes, and a start after kill -9 that asks for
// no picture twice.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { bytes, page, startPictureServer, status, type PictureServer } from '../../harness/pictureServer.ts';
import { PICTURES } from '../sources/pictureBytes.ts';
import { csvTable, removeFolders, temporaryFolder, writeFiles } from '../sources/sourceFixture.ts';

const CLI = join(import.meta.dirname, '..', '..', '..', 'src', 'cli.ts');
const POSTS = 120;

describe('smp fetch-pictures', function () {
  this.timeout(120_000);
  let server: PictureServer;
  let folder: string;
  before(async () => {
    server = await startPictureServer();
    folder = temporaryFolder();
    const rows = Array.from({ length: POSTS }, (_, i) => [`p${i}`, `u${i % 9}`, `2020-01-${String(1 + (i % 28)).padStart(2, '0')} 10:00:00`, `Title ${i}`, '5.25', `${server.base}${i % 2 === 0 ? `/photos/${i}` : `/${i}.jpg`}`]);
    writeFiles(folder, { 'posts.csv': csvTable(rows, 'id,user,time,title,score,image_url') });
    for (let i = 0; i < POSTS; i++) {
      if (i % 2 === 0) server.answers.set(`/photos/${i}`, page(`/${i}.jpg`));
      server.answers.set(`/${i}.jpg`, bytes(PICTURES.jpeg));
    }
    server.answers.set('/7.jpg', status(404));
    await smp('index', 'posts.csv');
  });
  after(async () => {
    await server.close();
    removeFolders();
  });

  const smp = async (...words: string[]): Promise<string> => (await promisify(execFile)(process.execPath, [CLI, ...words], { cwd: folder })).stdout;
  const pictures = (): number => {
    const place = join(folder, '.smp', 'pictures', 'posts');
    return existsSync(place) ? readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.jpg')).length : 0;
  };

  it('says how many, from where and how long, and asks no server without --yes', async () => {
    const said = await smp('fetch-pictures');
    assert.match(said, /120 posts name the address/);
    assert.ok(said.includes(`Servers: ${server.host} (120).`));
    assert.match(said, /at least 2 minutes/);
    assert.match(said, /belong to their authors/);
    assert.match(said, /Nothing was fetched: start with --yes\./);
    assert.deepEqual(server.asked, []);
  });

  it('goes on after kill -9 and fetches no picture twice', async () => {
    const words = ['fetch-pictures', '--yes', '--requests-per-second', '20', '--allow-host', server.host];
    const killed = spawn(process.execPath, [CLI, ...words], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise((resolve) => killed.once('exit', (_code, signal) => resolve(signal)));
    while (server.asked.length < 60) await new Promise((resolve) => setTimeout(resolve, 10));
    killed.kill('SIGKILL');
    assert.equal(await ended, 'SIGKILL');
    const before = pictures();
    assert.ok(before > 0 && before < POSTS - 1, `${before} pictures`);
    const answered = [...server.asked].filter((path) => path.endsWith('.jpg'));
    const result = JSON.parse(await smp(...words, '--json')) as { counts: Record<string, number> };
    assert.equal(pictures(), POSTS - 1);
    assert.equal(result.counts['dead'], server.asked.filter((path) => path === '/7.jpg').length > 1 ? 1 : 0);
    const twice = server.asked.filter((path, index) => path.endsWith('.jpg') && server.asked.indexOf(path) !== index);
    assert.ok(twice.length <= answered.length - before, `asked twice: ${twice.join(', ')}`); // those that were on their way when it was killed
    server.asked.length = 0;
    assert.match(await smp(...words), /no picture is to be fetched.*Nothing to do/);
    assert.deepEqual(server.asked, []);
    assert.match(await smp('fetch-pictures'), /Addresses known to be dead: 1; --retry-dead/);
  });
});

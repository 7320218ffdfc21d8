// The local host: the contract, and what only it promises.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalHost } from '../../src/hosts/local/localHost.ts';
import { hostContract } from './contract.ts';

const root = join(import.meta.dirname, '../..');
const python = join(root, '.venv/bin/python');
const supervisor = join(root, 'resources/trainer/supervisor.py');

hostContract('this machine', {
  python,
  connect: (jobsFolder) => new LocalHost({ jobsFolder, python: () => Promise.resolve(python), supervisor }),
});

describe('the local host', function () {
  this.timeout(30_000);
  let jobsFolder: string;

  beforeEach(async () => {
    jobsFolder = await mkdtemp(join(tmpdir(), 'smp-local-'));
  });
  afterEach(() => rm(jobsFolder, { recursive: true, force: true }));

  it('says what to do when Python is not there', async () => {
    const job = { version: 1 as const, id: 'job', argv: ['true'], env: {}, grace_seconds: 1 };
    const without = new LocalHost({ jobsFolder, python: () => Promise.resolve(null), supervisor });
    await without.prepare(job);
    await assert.rejects(without.start('job'), { code: 'trainer-not-set-up' });
    const wrong = new LocalHost({ jobsFolder, python: () => Promise.resolve(join(jobsFolder, 'no-python')), supervisor });
    await assert.rejects(wrong.start('job'), { code: 'python-not-startable' });
  });

  it('lets a job go on when the process that started it is killed', async () => {
    const program = `
      import { LocalHost } from ${JSON.stringify(join(root, 'src/hosts/local/localHost.ts'))};
      const host = new LocalHost({ ...${JSON.stringify({ jobsFolder, supervisor })}, python: () => Promise.resolve(${JSON.stringify(python)}) });
      await host.prepare({ version: 1, id: 'survivor', argv: [${JSON.stringify(python)}, '-c', 'import time; time.sleep(1); print("done")'], env: {}, grace_seconds: 1 });
      await host.start('survivor');
      console.log('started');
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', program], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => starter.stdout.once('data', resolve));
    process.kill(-starter.pid!, 'SIGKILL'); // its whole group, as a closing terminal does
    const host = new LocalHost({ jobsFolder, python: () => Promise.resolve(python), supervisor });
    for (let state = ''; state !== 'succeeded'; await sleep(50)) {
      state = (await host.status('survivor'))?.state ?? '';
      assert.ok(state === 'running' || state === 'succeeded', state);
    }
    assert.equal(await readFile(join(jobsFolder, 'survivor/log'), 'utf8'), 'done\n');
  });
});

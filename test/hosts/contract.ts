// What every host must do, tried with real processes. A driver's test file calls `hostContract` with a way to make one.
// Jobs are written in Python, which every host has: the supervisor itself needs it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../src/domain/errors.ts';
import { followLines } from '../../src/hosts/followLines.ts';
import { hasEnded, type Host } from '../../src/hosts/host.ts';
import { jobStatusSchema, type JobStatus } from '../../src/protocol/job.ts';

export interface HostUnderTest {
  readonly python: string; // an interpreter on the host
  /** A host whose jobs lie below `jobsFolder`; that folder must be readable and writable by the tests. */
  connect(jobsFolder: string): Host;
}

const never = new AbortController().signal;

export function hostContract(name: string, underTest: HostUnderTest): void {
  describe(`${name} as a host`, function () {
    this.timeout(60_000);
    let jobsFolder: string;
    let host: Host;
    let bystander: number; // a process of ours that no job may touch

    before(() => {
      bystander = spawn(underTest.python, ['-c', 'import time; time.sleep(600)'], { stdio: 'ignore' }).pid!;
    });
    after(() => {
      process.kill(bystander, 'SIGKILL');
    });
    beforeEach(async () => {
      jobsFolder = await mkdtemp(join(tmpdir(), 'smp-host-'));
      host = underTest.connect(jobsFolder);
    });
    afterEach(async () => {
      for (const id of await host.list()) await host.cancel(id);
      for (const pid of processesBelow(jobsFolder)) process.kill(pid, 'SIGKILL'); // of a test that failed half-way
      await rm(jobsFolder, { recursive: true, force: true });
    });

    const file = (id: string, path: string): string => join(host.folderOf(id), path);
    const statusFile = (id: string): JobStatus => jobStatusSchema.parse(JSON.parse(readFileSync(file(id, 'status'), 'utf8')));

    /** Prepares a job that runs a Python program; the program may write below its working folder. */
    async function prepare(id: string, program: string, graceSeconds = 5): Promise<void> {
      await host.prepare({ version: 1, id, argv: [underTest.python, '-u', '-c', program], env: { GREETING: 'hello' }, grace_seconds: graceSeconds });
    }

    async function ended(id: string): Promise<JobStatus> {
      for (;;) {
        const status = await host.status(id);
        assert.ok(status, `${id} has a status`);
        if (hasEnded(status.state)) return status;
        await sleep(50);
      }
    }

    async function appears(id: string, path: string): Promise<void> {
      while (!existsSync(file(id, path))) await sleep(20);
    }

    it('runs a command in the job folder with its environment, keeps the log and the exit code 0', async () => {
      await prepare('good', 'import os, sys; print(os.environ["GREETING"], os.path.basename(os.getcwd())); print("to stderr", file=sys.stderr)');
      assert.equal(await host.status('good'), null);
      assert.equal((await host.start('good')).state, 'running');
      const status = await ended('good');
      assert.equal(status.state, 'succeeded');
      assert.equal(status.exit_code, 0);
      assert.equal(readFileSync(file('good', 'log'), 'utf8'), 'hello good\nto stderr\n');
      assert.deepEqual(await host.list(), ['good']);
    });

    it('tells a failure with its exit code', async () => {
      await prepare('bad', 'import sys; print("no luck"); sys.exit(42)');
      await host.start('bad');
      const status = await ended('bad');
      assert.deepEqual([status.state, status.exit_code, status.reason], ['failed', 42, null]);
      assert.equal(readFileSync(file('bad', 'exit_code'), 'utf8'), '42');
    });

    it('tells a command that was killed by a signal, as shells number it', async () => {
      await prepare('killed', 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)');
      await host.start('killed');
      const status = await ended('killed');
      assert.deepEqual([status.state, status.exit_code], ['failed', 137]);
    });

    it('tells a command that does not exist, in the log', async () => {
      await host.prepare({ version: 1, id: 'absent', argv: [join(jobsFolder, 'no-such-program')], env: {}, grace_seconds: 1 });
      await host.start('absent');
      const status = await ended('absent');
      assert.deepEqual([status.state, status.exit_code], ['failed', 127]);
      assert.match(readFileSync(file('absent', 'log'), 'utf8'), /could not be started/);
    });

    it('refuses a second start: of a running job, of one that ended, and when two start at once', async () => {
      await prepare('twice', 'open("runs", "a").write("x"); import time; time.sleep(1)');
      const starts = await Promise.allSettled([host.start('twice'), host.start('twice'), host.start('twice')]);
      const refusals = starts.filter((start) => start.status === 'rejected').map((start) => start.reason as unknown);
      assert.equal(refusals.length, 2);
      for (const refusal of refusals) assert.ok(refusal instanceof UserError && refusal.code === 'job-refused', String(refusal));
      await assert.rejects(host.start('twice', { again: true }), { code: 'job-refused' });
      await ended('twice');
      await assert.rejects(host.start('twice'), { code: 'job-refused' });
      await assert.rejects(host.start('twice', { again: true }), { code: 'job-refused' }, 'a job that succeeded is not run again');
      assert.equal(readFileSync(file('twice', 'runs'), 'utf8'), 'x');
    });

    it('starts a failed job again in its folder, where it finds what it left; the log goes on', async () => {
      await prepare('again', 'import os, sys\nfirst = not os.path.exists("left")\nopen("left", "w").close()\nprint("first" if first else "second")\nsys.exit(1 if first else 0)');
      await host.start('again');
      assert.equal((await ended('again')).state, 'failed');
      writeFileSync(file('again', 'events.jsonl'), '{"event":"half'); // as a killed writer leaves it
      await host.start('again', { again: true });
      const status = await ended('again');
      assert.deepEqual([status.state, status.exit_code], ['succeeded', 0]);
      assert.equal(readFileSync(file('again', 'log'), 'utf8'), 'first\nsecond\n');
      assert.equal(readFileSync(file('again', 'events.jsonl'), 'utf8'), '{"event":"half\n', 'the torn line is closed');
    });

    it('cancels a command that saves its work on TERM', async () => {
      await prepare('polite', `
import signal, sys, time
def save(*_):
    time.sleep(0.5)
    print("checkpoint saved")
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
open("ready", "w").close()
time.sleep(600)`);
      await host.start('polite');
      await appears('polite', 'ready');
      const status = await host.cancel('polite');
      assert.deepEqual([status?.state, status?.exit_code], ['cancelled', 143]);
      assert.equal(readFileSync(file('polite', 'log'), 'utf8'), 'checkpoint saved\n');
      assert.deepEqual(processesBelow(jobsFolder), []);
    });

    it('cancels a command that ignores TERM and has a grandchild that left the group and ignores it too', async () => {
      await prepare('stubborn', `
import os, signal, subprocess, sys, time
stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('ready', 'w').write(str(os.getpid())); time.sleep(600)"
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)
time.sleep(600)`, 0.5);
      await host.start('stubborn');
      await appears('stubborn', 'ready');
      assert.ok(processesBelow(jobsFolder).length >= 3, 'runner, command and grandchild');
      const status = await host.cancel('stubborn');
      assert.equal(status?.state, 'cancelled');
      assert.deepEqual(processesBelow(jobsFolder), []);
      assert.ok(existsSync(file('stubborn', 'log')), 'the log stays');
    });

    it('gives a grandchild outside the group the grace time too', async () => {
      await prepare('slow-save', `
import subprocess, sys, time
slow = "import time; open('ready', 'w').close(); time.sleep(2); open('saved', 'w').close()"
subprocess.Popen([sys.executable, "-c", slow], start_new_session=True)
time.sleep(600)`, 20);
      await host.start('slow-save');
      await appears('slow-save', 'ready');
      assert.equal((await host.cancel('slow-save'))?.state, 'cancelled');
      assert.ok(existsSync(file('slow-save', 'saved')));
    });

    it('cancels nothing when the job has ended or was never started', async () => {
      await prepare('over', 'pass');
      assert.equal(await host.cancel('over'), null);
      await host.start('over');
      await ended('over');
      assert.equal((await host.cancel('over'))?.state, 'succeeded');
      assert.ok(!existsSync(file('over', 'cancel')));
    });

    it('lets a job go on whose supervisor was killed, and recovers the exit code', async () => {
      await prepare('orphan', 'import os, sys, time\nwhile not os.path.exists("go"): time.sleep(0.05)\nsys.exit(5)');
      const { supervisor_pid } = await host.start('orphan');
      process.kill(supervisor_pid, 'SIGKILL');
      await gone(supervisor_pid);
      const now = await host.status('orphan');
      assert.deepEqual([now?.state, now?.reason], ['running', 'unsupervised']);
      await assert.rejects(host.start('orphan', { again: true }), { code: 'job-refused' });
      writeFileSync(file('orphan', 'go'), '');
      const status = await ended('orphan');
      assert.deepEqual([status.state, status.exit_code], ['failed', 5]);
    });

    it('cancels a job whose supervisor was killed', async () => {
      await prepare('orphan', 'import time; time.sleep(600)');
      const { supervisor_pid } = await host.start('orphan');
      process.kill(supervisor_pid, 'SIGKILL');
      await gone(supervisor_pid);
      assert.equal((await host.cancel('orphan'))?.state, 'cancelled');
      assert.deepEqual(processesBelow(jobsFolder), []);
    });

    it('tells a job that was killed with everything as lost, and starts it again', async () => {
      await prepare('lost', 'import os, time\nif not os.path.exists("ready"):\n    open("ready", "w").close()\n    time.sleep(600)');
      const { supervisor_pid } = await host.start('lost');
      await appears('lost', 'ready');
      for (const pid of [supervisor_pid, ...processesBelow(jobsFolder)]) process.kill(pid, 'SIGKILL');
      await gone(supervisor_pid);
      const status = await ended('lost');
      assert.deepEqual([status.state, status.exit_code, status.reason], ['lost', null, 'runner_gone']);
      await host.start('lost', { again: true });
      assert.equal((await ended('lost')).state, 'succeeded');
    });

    it('tells a job of an earlier boot as lost, whoever has its pids now', async () => {
      await prepare('rebooted', 'pass');
      await host.start('rebooted');
      await ended('rebooted');
      claimRunning('rebooted', { boot_id: '00000000-0000-0000-0000-000000000000' });
      const status = await host.status('rebooted');
      assert.deepEqual([status?.state, status?.reason], ['lost', 'host_rebooted']);
    });

    it('takes a reused pid for what it is: the job is lost, and its new owner is not touched', async () => {
      await prepare('reused', 'pass');
      await host.start('reused');
      await ended('reused');
      claimRunning('reused', { supervisor_pid: bystander, child_pid: bystander });
      assert.deepEqual([(await host.cancel('reused'))?.state, statusFile('reused').reason], ['lost', 'runner_gone']);
      assert.ok(process.kill(bystander, 0));
    });

    it('never shows half a status to a reader', async () => {
      await prepare('read', 'pass');
      for (let round = 0; round < 5; round++) {
        await host.start('read');
        let reads = 0;
        for (let state = ''; state !== 'succeeded'; reads++) {
          state = statusFile('read').state; // throws on half a file
          await sleep(1);
        }
        assert.ok(reads > 5);
        claimFailed('read');
        await rm(file('read', 'status'));
      }
    });

    it('refuses ids that could leave the folder or reach a shell', async () => {
      for (const id of ['../outside', 'a/b', '', 'x;touch y', 'x y', '.hidden', 'é', 'a'.repeat(65)]) {
        await assert.rejects(prepare(id, 'pass'), (error) => error instanceof UserError || (error as Error).name === 'ZodError', `prepare ${id}`);
        await assert.rejects(host.start(id), { code: 'job-bad-id' }, `start ${id}`);
        await assert.rejects(host.status(id), { code: 'job-bad-id' }, `status ${id}`);
        await assert.rejects(host.cancel(id), { code: 'job-bad-id' }, `cancel ${id}`);
      }
      assert.deepEqual(await host.list(), []);
    });

    it('follows a file to its end over pauses, cuts and half characters, losing and doubling nothing', async () => {
      await prepare('writer', `
import random, sys, time
random.seed(1)
with open("events.jsonl", "ab", buffering=0) as events:
    for number in range(1500):
        line = f'{{"number": {number}, "text": "{"αß😀" * random.randint(0, 9)}"}}\\n'.encode()
        cut = random.randint(0, len(line))
        events.write(line[:cut])
        if number % 97 == 0:
            time.sleep(0.25)
        events.write(line[cut:])`);
      await host.start('writer');
      const lines: string[] = [];
      let offset = 0;
      let followers = 0;
      do {
        // A follower that stops after a while, as a closed window does; the next one goes on at its offset.
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), 700);
        for await (const part of followLines(host, 'writer', 'events.jsonl', offset, stop.signal)) {
          lines.push(...part.lines);
          offset = part.offset;
        }
        clearTimeout(timer);
        followers++;
        if (!stop.signal.aborted) break;
      } while (followers < 100);
      assert.ok(followers > 1, 'the following was cut at least once');
      assert.equal(lines.map((line) => line + '\n').join(''), readFileSync(file('writer', 'events.jsonl'), 'utf8'));
      assert.deepEqual(lines.map((line) => (JSON.parse(line) as { number: number }).number), Array.from({ length: 1500 }, (_, number) => number));
    });

    it('ends the following of a job that is killed with everything, without its half line', async () => {
      await prepare('torn', 'import time\nwith open("events.jsonl", "w") as events:\n    events.write("whole\\nhalf")\n    events.flush()\n    time.sleep(600)');
      const { supervisor_pid } = await host.start('torn');
      await appears('torn', 'events.jsonl');
      const lines: string[] = [];
      for await (const part of followLines(host, 'torn', 'events.jsonl', 0, never)) {
        lines.push(...part.lines);
        for (const pid of [supervisor_pid, ...processesBelow(jobsFolder)]) process.kill(pid, 'SIGKILL');
      }
      assert.deepEqual(lines, ['whole']);
      assert.equal((await host.status('torn'))?.state, 'lost');
    });

    /** Makes an ended job look as if a machine had died under it. */
    function claimRunning(id: string, changes: Partial<JobStatus>): void {
      writeFileSync(file(id, 'status'), JSON.stringify({ ...statusFile(id), state: 'running', exit_code: null, ...changes }));
      spawnSync('rm', [file(id, 'exit_code')]);
    }

    function claimFailed(id: string): void {
      writeFileSync(file(id, 'status'), JSON.stringify({ ...statusFile(id), state: 'failed' }));
    }
  });
}

/** Every living process whose environment says that it belongs to a job below the folder. */
function processesBelow(jobsFolder: string): number[] {
  const listing = spawnSync('sh', ['-c', 'grep -lzsF "SMP_JOB_FOLDER=$1" /proc/[0-9]*/environ', 'sh', jobsFolder], { encoding: 'utf8' });
  return listing.stdout.split('\n').filter((line) => line !== '').map((line) => Number(line.split('/')[2]));
}

/** Waits until a killed process is gone, or a zombie that nobody reaped. */
async function gone(pid: number): Promise<void> {
  const state = (): string | undefined => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
    } catch {
      return undefined;
    }
  };
  for (let now = state(); now !== undefined && now !== 'Z'; now = state()) await sleep(10);
}

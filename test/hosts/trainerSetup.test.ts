// Setting up the trainer's environment, with a real Python and a real pip, from wheels made here: nothing is downloaded.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../src/domain/errors.ts';
import { findPython, findTrainerPython, setUpTrainer, type TrainerSetupOptions } from '../../src/hosts/local/trainerSetup.ts';
import type { Log } from '../../src/protocol/progress.ts';

// The interpreter behind the checkout's environment, without its packages.
const python = spawnSync(join(import.meta.dirname, '../../.venv/bin/python'), ['-c', 'import sys; print(sys._base_executable)'], { encoding: 'utf8' }).stdout.trim();
const never = new AbortController().signal;

describe('setting up the trainer', function () {
  this.timeout(120_000);
  let folder: string;
  let logged: string[];
  let options: TrainerSetupOptions;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smp-setup-'));
    logged = [];
    const log: Log = { info: (message) => logged.push(message), warn: (message) => logged.push(message), error: (message) => logged.push(message) };
    options = { python, requirements: join(folder, 'requirements.txt'), folder: join(folder, 'environments'), log };
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function setUp(signal: AbortSignal = never): Promise<{ interpreter: string; messages: string[] }> {
    const work = setUpTrainer(options, signal);
    const messages: string[] = [];
    for (;;) {
      const step = await work.next();
      if (step.done) return { interpreter: step.value, messages };
      messages.push(step.value.message);
    }
  }

  /** A wheel with one module, as pip installs it without a network. */
  function makeWheel(): string {
    const path = join(folder, 'tinything-1.0-py3-none-any.whl');
    const program = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("tinything.py", "answer = 42\\n")
    wheel.writestr("tinything-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tinything\\nVersion: 1.0\\n")
    wheel.writestr("tinything-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("tinything-1.0.dist-info/RECORD", "")`;
    assert.equal(spawnSync(python, ['-c', program, path]).status, 0);
    return `tinything @ ${pathToFileURL(path).href}`;
  }

  it('makes an environment with the requirements, tells what it does, and finds it finished the next time', async () => {
    await writeFile(options.requirements, `# a comment\n${makeWheel()}\n`);
    assert.equal(await findTrainerPython(options), null);
    const first = await setUp();
    assert.equal(spawnSync(first.interpreter, ['-c', 'import tinything; print(tinything.answer)'], { encoding: 'utf8' }).stdout, '42\n');
    assert.ok(first.messages.some((message) => /Successfully installed tinything/.test(message)), first.messages.join('\n'));
    assert.deepEqual((await readdir(options.folder)).filter((name) => name.endsWith('.lock')), []);

    const second = await setUp();
    assert.deepEqual(second, { interpreter: first.interpreter, messages: ['Looking for Python'] });
    assert.equal(await findTrainerPython(options), first.interpreter);
    await writeFile(options.requirements, 'tinything==2.0\n');
    assert.equal(await findTrainerPython(options), null, 'other requirements are another environment');
  });

  /** An interpreter of its own: an environment without anything, or with packages that pip would call installed. */
  async function bareInterpreter(name: string, packages: Readonly<Record<string, string>>): Promise<string> {
    const environment = join(folder, name);
    assert.equal(spawnSync(python, ['-m', 'venv', '--without-pip', environment]).status, 0);
    const interpreter = join(environment, 'bin', 'python');
    const place = spawnSync(interpreter, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' }).stdout.trim();
    for (const [name, version] of Object.entries(packages)) {
      await mkdir(join(place, `${name}-${version}.dist-info`));
      await writeFile(join(place, `${name}-${version}.dist-info`, 'METADATA'), `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
    }
    return interpreter;
  }

  it('uses the setting\'s Python itself where it has every package, and what was built on it before that', async () => {
    await writeFile(options.requirements, '# what it needs\ntorch==2.13.0\npeft==0.21.2\n');
    const withoutAdapters = await bareInterpreter('without', { torch: '2.13.0' });
    assert.equal(await findTrainerPython({ ...options, python: withoutAdapters }), null);
    assert.match(logged.at(-1)!, /without.*peft is missing/);
    const old = await bareInterpreter('old', { torch: '1.13.1', peft: '0.21.2' });
    assert.equal(await findTrainerPython({ ...options, python: old }), null);
    assert.match(logged.at(-1)!, /torch is 1\.13\.1, not 2\.13\.0/);
    assert.equal(await findTrainerPython({ ...options, python: join(folder, 'nothing') }), null);
    const complete = await bareInterpreter('complete', { torch: '2.9.0+cpu', peft: '0.20.0' });
    assert.equal(await findTrainerPython({ ...options, python: complete }), complete);

    await writeFile(options.requirements, '# nothing\n');
    options = { ...options, python: complete };
    const { interpreter } = await setUp();
    assert.notEqual(interpreter, complete);
    assert.equal(await findTrainerPython(options), interpreter);
  });

  it("says what pip said when it fails", async () => {
    await writeFile(options.requirements, `no-such-thing @ ${pathToFileURL(join(folder, 'no-such-thing-1.0-py3-none-any.whl')).href}\n`);
    await assert.rejects(setUp(), (error) => error instanceof UserError && error.code === 'trainer-setup-failed' && /no-such-thing/.test(error.message));
    assert.equal(await findTrainerPython(options), null);
  });

  it('ends at once when cancelled, leaves nothing that counts as finished, and can be done again', async () => {
    await writeFile(options.requirements, `${makeWheel()}\n`);
    const stop = new AbortController();
    const work = setUpTrainer(options, stop.signal);
    await work.next();
    await work.next(); // the environment is about to be made
    const rest = work.next();
    setTimeout(() => stop.abort(), 200);
    await assert.rejects(rest, { name: 'AbortError' });
    assert.equal(await findTrainerPython(options), null);
    assert.ok((await setUp()).interpreter);
  });

  it('lets one window work at a time, and takes over the lock of one that was killed', async () => {
    await writeFile(options.requirements, '# nothing\n');
    const work = setUpTrainer(options, never);
    await work.next();
    await work.next(); // holds the lock now
    await assert.rejects(setUp(), { code: 'trainer-setup-running' });
    const [lock] = await readdir(options.folder);
    await work.return('');
    assert.deepEqual(await readdir(options.folder), []);
    const killed = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(join(options.folder, lock!), String(killed));
    assert.ok((await setUp()).interpreter);
  });

  it('names the setting when its Python cannot be run, and a Python that is too old', async () => {
    await assert.rejects(findPython(join(folder, 'python')), (error) => error instanceof UserError && error.code === 'python-missing' && /smpCurator\.python/.test(error.message));
    const old = join(folder, 'old-python');
    await writeFile(old, '#!/bin/sh\necho \'["/usr/bin/python3.9", "3.9.2"]\'\n');
    await chmod(old, 0o755);
    await assert.rejects(findPython(old), (error) => error instanceof UserError && error.code === 'python-too-old' && /3\.9\.2.*3\.11/.test(error.message));
  });
});

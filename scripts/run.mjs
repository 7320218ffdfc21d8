// Starts one of this folder's scripts: sets up what it needs, then runs it under Node 24, whatever Node npm runs on.
// `node scripts/run.mjs <name> [options]`; package.json's scripts are one line each because of it.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, ROOT, setUp, SetUpError } from './setUp.mjs';

/** The parts each script needs before it can start, and where its code is. */
export const SCRIPTS = {
  start: { parts: ['packages', 'trainer'], file: 'scripts/start.ts' },
  test: { parts: ['packages', 'tests'], file: 'scripts/test.ts' },
  build: { parts: ['packages'], file: 'scripts/build.ts' },
  package: { parts: ['packages', 'trainer'], file: 'scripts/package.ts' },
  bench: { parts: ['packages'], file: 'scripts/bench.ts' },
  docs: { parts: ['packages'], file: 'scripts/generateDocs.ts' },
  screenshots: { parts: ['packages', 'trainer'], file: 'scripts/screenshots.ts' },
  smp: { parts: ['packages', 'trainer'], file: 'src/cli.ts' },
  lint: { parts: ['packages'], file: 'node_modules/eslint/bin/eslint.js', options: ['.'] },
};

const [name = '', ...options] = process.argv.slice(2);
const script = SCRIPTS[name];
try {
  if (script === undefined) throw new SetUpError(`There is no script "${name}". Scripts: ${Object.keys(SCRIPTS).join(', ')}.`);
  const ready = setUp(script.parts);
  const child = spawn(ready.node, [join(ROOT, script.file), ...(script.options ?? []), ...options], {
    // npm moved to the checkout; a command line's relative paths mean the folder it was typed in.
    cwd: name === 'smp' ? process.env.INIT_CWD ?? ROOT : ROOT,
    env: { ...childEnvironment(ready.node), SMP_DOWNLOAD_SECONDS: ready.downloads.toFixed(1), SMP_SET_UP_SECONDS: ready.setUp.toFixed(1) },
    stdio: 'inherit',
  });
  // A signal from the terminal reaches the child as well: this process only has to outlive it.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => { process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0); });
  child.on('error', (error) => {
    process.stderr.write(`${script.file} could not be started: ${error.message}\n`);
    process.exitCode = 1;
  });
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

// Every check of the repository, in the order of how fast each finds a mistake: `npm test`, or some of them:
// `npm test -- --only lint,types,unit`. All run, whatever fails; the closing line is the sum.
import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TEST_OUTPUT, VENV_PYTHON } from './paths.ts';
import { runCheck, runMocha, runPytest, type Totals } from './testRunners.ts';
import { packageVsix } from './package.ts';
import { browserMissing } from '../test/harness/browser.ts';

const MODULES = join(ROOT, 'node_modules');
const MOCHA = join(MODULES, 'mocha', 'bin', 'mocha.js');
const TRAINER_PROJECT = join('resources', 'trainer', 'pyproject.toml'); // the settings of ruff, mypy and pytest
const node = (name: string, ...options: string[]) => ({ name, program: process.execPath, options });
const python = (name: string, ...options: string[]) => ({ name, program: VENV_PYTHON, options: ['-m', ...options] });

/** What can be chosen with --only, in order. */
const RUNNERS: Readonly<Record<string, () => Promise<Totals>>> = {
  lint: () => runCheck(node('lint', join(MODULES, 'eslint', 'bin', 'eslint.js'), '.')),
  types: () => runCheck(node('types', join(MODULES, 'typescript', 'bin', 'tsc'), '-p', '.')),
  'webview-types': () => runCheck(node('webview-types', join(MODULES, 'typescript', 'bin', 'tsc'), '-p', 'webview')),
  'python-lint': () => runCheck(python('python-lint', 'ruff', 'check', '--config', TRAINER_PROJECT, 'resources/trainer', 'test/trainer')),
  'python-types': () => runCheck(python('python-types', 'mypy', '--config-file', TRAINER_PROJECT, 'resources/trainer', 'test/trainer')),
  unit: () => runMocha(node('unit', MOCHA, 'test/{unit,hosts}/**/*.test.ts')),
  webview: () => inBrowser(() => runMocha(node('webview', MOCHA, '--timeout', '60000', 'test/webview/**/*.test.ts')), false),
  kills: () => runMocha(node('kills', MOCHA, 'test/kills/*.test.ts')),
  trainer: () => runPytest(python('trainer', 'pytest', '-c', TRAINER_PROJECT, 'test/trainer')),
  pipeline: () => runMocha(node('pipeline', MOCHA, 'test/pipeline/**/*.test.ts')),
  package: async () => {
    await packageVsix();
    return runMocha(node('package', MOCHA, 'test/package/**/*.test.ts'));
  },
  editor: async () => inBrowser(() => runMocha(node('editor', MOCHA, '--timeout', '120000', 'test/editor/*.test.ts'))),
  host: async () => inBrowser(() => runMocha(node('host', join(ROOT, 'test', 'harness', 'runHostTests.ts')))),
};

/** Runs tests that need a browser, those of the editor after packaging, or tells loudly that there is no browser; only a desktop may go without. */
async function inBrowser(run: () => Promise<Totals>, isPackaged = true): Promise<Totals> {
  const missing = browserMissing();
  if (missing !== null) {
    process.stdout.write(`\n*** ${missing}\n*** The editor tests did not run.\n\n`);
    return process.env.CI === undefined || process.env.CI === '' ? { passed: 0, failed: 0, skipped: 1 } : { passed: 0, failed: 1, skipped: 0 };
  }
  if (isPackaged) await packageVsix();
  return run();
}

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const chosen = values.only?.split(',') ?? Object.keys(RUNNERS);
const results: { name: string; totals: Totals; seconds: number }[] = [];
for (const name of chosen) {
  const run = RUNNERS[name];
  if (run === undefined) {
    process.stderr.write(`There is no runner "${name}". Runners: ${Object.keys(RUNNERS).join(', ')}.\n`);
    process.exit(2);
  }
  process.stdout.write(`\n── ${name}\n`);
  const started = Date.now();
  let totals: Totals;
  try {
    totals = await run();
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    totals = { passed: 0, failed: 1, skipped: 0 };
  }
  results.push({ name, totals, seconds: (Date.now() - started) / 1000 });
}

process.stdout.write('\n');
for (const { name, totals, seconds } of results) {
  process.stdout.write(`${name.padEnd(14)} ${String(totals.passed).padStart(5)} ok ${String(totals.failed).padStart(4)} not ok ${String(totals.skipped).padStart(3)} left out ${seconds.toFixed(0).padStart(5)} s\n`);
}
const sum = (key: keyof Totals): number => results.reduce((total, result) => total + result.totals[key], 0);
if (sum('skipped') > 0) process.stdout.write(`\n${sum('skipped')} left out\n`);
const closingLine = `${sum('passed')} passed, ${sum('failed')} failed`;
writeFileSync(join(TEST_OUTPUT, 'totals'), closingLine); // tells a caller that there are totals
process.stdout.write(`\n${closingLine}\n`);
process.exitCode = sum('failed') > 0 ? 1 : 0;

// Runs one tool of `npm test` and reads its totals. A tool that ends without totals, or with none run, counts as failed:
// silence must never look like success.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { ROOT, TEST_OUTPUT } from './paths.ts';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Invocation {
  readonly name: string; // names the log, test/out/<name>.log
  readonly program: string;
  readonly options: readonly string[];
  readonly environment?: NodeJS.ProcessEnv; // beside this process's
  readonly limitMinutes?: number;
}

export interface Ended {
  readonly code: number; // 124 after the time limit
  readonly output: string; // the last part of what was printed
}

const SHOWN_LINES = 1500; // of a tool; the rest is in its log
const KEPT_CHARACTERS = 200_000;
const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a tool with its output shown and kept. Never throws for a tool that fails. */
export async function runTool(invocation: Invocation): Promise<Ended> {
  mkdirSync(TEST_OUTPUT, { recursive: true });
  const log = createWriteStream(join(TEST_OUTPUT, `${invocation.name}.log`));
  let output = '';
  let lines = 0;
  const child = spawn(invocation.program, invocation.options, {
    cwd: ROOT, env: { ...process.env, ...invocation.environment }, stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a group of its own, so that the limit ends what it started as well
  });
  const show = (printed: string): void => {
    const line = stripVTControlCharacters(printed); // colours that somebody's environment forces would hide the totals
    log.write(`${line}\n`);
    output = `${output}${line}\n`.slice(-KEPT_CHARACTERS);
    lines += 1;
    if (lines <= SHOWN_LINES) process.stdout.write(`${line.slice(0, 2000)}\n`);
    if (lines === SHOWN_LINES) process.stdout.write(`… more in test/out/${invocation.name}.log\n`);
  };
  createInterface({ input: child.stdout }).on('line', show);
  createInterface({ input: child.stderr }).on('line', show);
  let timedOut = false;
  const end = (): void => {
    if (child.pid !== undefined) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  };
  const interrupt = (): void => {
    end(); // in a group of its own the tool hears no Ctrl-C
    process.exit(130);
  };
  for (const signal of INTERRUPTS) process.once(signal, interrupt);
  const minutes = invocation.limitMinutes ?? 20;
  const limit = setTimeout(() => {
    timedOut = true;
    show(`${invocation.name} was ended after ${minutes} minutes`);
    end();
  }, minutes * 60_000);
  const code = await new Promise<number>(resolve => {
    child.once('error', error => { show(`${invocation.program} could not be started: ${error.message}`); resolve(127); });
    child.once('close', status => resolve(status ?? 1));
  });
  clearTimeout(limit);
  for (const signal of INTERRUPTS) process.off(signal, interrupt);
  log.end();
  return { code: timedOut ? 124 : code, output };
}

/** A check that passes or fails as a whole: a type check, a linter of few files. */
export async function runCheck(invocation: Invocation): Promise<Totals> {
  const ended = await runTool(invocation);
  return ended.code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Mocha with its `spec` reporter: the totals are its closing lines. */
export async function runMocha(invocation: Invocation): Promise<Totals> {
  const ended = await runTool(invocation);
  return judge(invocation.name, ended, mochaTotals(ended.output));
}

/** pytest: the totals are those of its junit file. */
export async function runPytest(invocation: Invocation): Promise<Totals> {
  const file = join(TEST_OUTPUT, `${invocation.name}.xml`);
  rmSync(file, { force: true });
  const ended = await runTool({ ...invocation, options: [...invocation.options, `--junitxml=${file}`] });
  return judge(invocation.name, ended, existsSync(file) ? junitTotals(readFileSync(file, 'utf8')) : null);
}

/** Totals of mocha's closing lines ('  12 passing (3s)', '  1 pending', '  2 failing'), or null without them. */
export function mochaTotals(output: string): Totals | null {
  const last = (word: string): number | null => {
    const found = [...output.matchAll(new RegExp(`^ +(\\d+) ${word}\\b`, 'gm'))].at(-1);
    return found === undefined ? null : Number(found[1]);
  };
  const passed = last('passing');
  return passed === null ? null : { passed, failed: last('failing') ?? 0, skipped: last('pending') ?? 0 };
}

/** Totals of the test suites in a junit file, or null when it holds none. */
export function junitTotals(xml: string): Totals | null {
  const suites = [...xml.matchAll(/<testsuite\s([^>]*)>/g)].map(([, attributes = '']) => {
    const count = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    return { tests: count('tests'), failed: count('failures') + count('errors'), skipped: count('skipped') };
  });
  if (suites.length === 0) return null;
  const sum = (pick: (suite: (typeof suites)[number]) => number): number => suites.reduce((total, suite) => total + pick(suite), 0);
  return { passed: sum(suite => Math.max(0, suite.tests - suite.failed - suite.skipped)), failed: sum(suite => suite.failed), skipped: sum(suite => suite.skipped) };
}

/** Totals that count: at least one failure when the tool failed, told nothing, or ran nothing. */
export function judge(name: string, ended: Ended, totals: Totals | null): Totals {
  if (totals === null) {
    process.stdout.write(`${name} ended without totals (exit status ${ended.code})\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  if (totals.passed + totals.failed === 0) {
    process.stdout.write(`${name} ran no test\n`);
    return { ...totals, failed: 1 };
  }
  if (totals.failed === 0 && ended.code !== 0) {
    process.stdout.write(`${name} passed its tests but ended with exit status ${ended.code}\n`);
    return { ...totals, failed: 1 };
  }
  return totals;
}

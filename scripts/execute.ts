// Runs other programs for a script, and says plainly when one failed.
import { spawn, spawnSync } from 'node:child_process';
import { ROOT } from './paths.ts';

/** A step that failed for a reason that its own output, already printed, explains; scripts end with the message alone. */
export class StepFailed extends Error {}

const COMMAND_LINE = `${ROOT}/src/cli.ts`;
const CANCELLED = 130; // exit status after Ctrl-C

/** Runs `program` with its output shown. Throws StepFailed unless it exits with 0. */
export function execute(program: string, options: readonly string[], folder: string = ROOT): void {
  const done = spawnSync(program, options, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error !== undefined) throw new StepFailed(`${program} could not be started: ${done.error.message}`);
  if (done.status !== 0) throw new StepFailed(`${program} ${options.slice(0, 3).join(' ')} ended with ${done.status ?? done.signal}.`);
}

/** The product's own command line, as it is in the checkout, with its output shown. */
export function smp(...options: string[]): void {
  execute(process.execPath, [COMMAND_LINE, ...options]);
}

/** The same with its output shown only when it failed. */
export function smpQuietly(...options: string[]): void {
  const done = spawnSync(process.execPath, [COMMAND_LINE, ...options], { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout}${done.stderr}`);
  throw new StepFailed(`smp ${options.slice(0, 3).join(' ')} ended with ${done.status ?? done.signal}.`);
}

/** The same while this process goes on. Resolves to whether it ended by itself, rather than by Ctrl-C. */
export async function smpMeanwhile(...options: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [COMMAND_LINE, ...options], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (code !== 0 && code !== CANCELLED) throw new StepFailed(`smp ${options[0]} ended with ${code}.`);
  return code === 0;
}

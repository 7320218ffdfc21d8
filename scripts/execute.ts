// Runs another program for a script and says plainly when it failed.
import { spawnSync } from 'node:child_process';
import { ROOT } from './paths.ts';

/** A step that failed for a reason that its own output, already printed, explains; scripts end with the message alone. */
export class StepFailed extends Error {}

/** Runs `program` in the checkout with its output shown. Throws StepFailed unless it exits with 0. */
export function execute(program: string, options: readonly string[], environment: NodeJS.ProcessEnv = process.env): void {
  const done = spawnSync(program, options, { cwd: ROOT, env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error !== undefined) throw new StepFailed(`${program} could not be started: ${done.error.message}`);
  if (done.status !== 0) throw new StepFailed(`${program} ${options.slice(0, 3).join(' ')} ended with ${done.status ?? done.signal}.`);
}

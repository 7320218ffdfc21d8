// How a command that failed ends: its exit code, what stands on stderr, and the one object that --json promises.
import { CommanderError } from 'commander';
import { UserError } from '../domain/errors.ts';
import { isCancellation } from '../protocol/requestChannel.ts';

export const EXIT = { done: 0, bug: 1, mendable: 2, cancelled: 130 } as const;

export interface Failure {
  readonly exitCode: number;
  readonly said: string; // for stderr; '' where commander has printed it
  readonly error: { readonly code: string; readonly message: string; readonly nextStep: string } | null; // null: only help or the version were asked for
}

/** @param cancelled whether Ctrl-C was pressed */
export function failureOf(error: unknown, cancelled: boolean, version: string): Failure {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { exitCode: EXIT.done, said: '', error: null };
    const message = error.code === 'commander.help' ? 'No verb was named.' : error.message.replace(/^error: /, '');
    return { exitCode: EXIT.mendable, said: '', error: { code: 'usage', message, nextStep: 'smp --help lists the verbs, smp VERB --help their options.' } };
  }
  if (cancelled || isCancellation(error)) {
    const [message, nextStep] = ['Cancelled.', 'What was finished is kept; the same command goes on from there.'];
    return { exitCode: EXIT.cancelled, said: `\n${message} ${nextStep}\n`, error: { code: 'cancelled', message, nextStep } };
  }
  if (error instanceof UserError) {
    return { exitCode: EXIT.mendable, said: `${error.message}\n`, error: { code: error.code, message: error.whatHappened, nextStep: error.nextStep } };
  }
  const message = `This is a fault of SMP Curator (${version}), not yours`;
  const [stack, summary] = error instanceof Error ? [error.stack ?? error.message, error.message] : [String(error), String(error)];
  return { exitCode: EXIT.bug, said: `${message}:\n${stack}\n`, error: { code: 'bug', message: `${message}: ${summary}`, nextStep: 'Please report it with what stands on stderr.' } };
}

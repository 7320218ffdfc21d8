// Composition root of the command line: `smp <verb>`. In the checkout it runs as src/cli.ts, in the VSIX as dist/cli.cjs.
// Exit codes: 0 done, 1 a fault of ours, 2 something to mend (usage, data, set-up), 3 the check of a store found a problem, 130 cancelled by Ctrl-C.
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Command } from 'commander';
import { EXIT, failureOf } from './cli/failures.ts';
import { addStoreVerbs } from './cli/storeVerbs.ts';
import { addVerbs, type Invocation } from './cli/verbs.ts';

const root = join(import.meta.dirname, '..');
const cancelling = new AbortController();
let outcome: number = EXIT.done;

/** The first Ctrl-C ends the work in good order, the second ends the process. */
process.on('SIGINT', () => {
  if (cancelling.signal.aborted) process.exit(EXIT.cancelled);
  cancelling.abort();
});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done); // the reader (head, less) has seen enough
  throw error;
});

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const program = new Command('smp');
program.description('SMP Curator: from social media posts to predictions of their popularity.').version(version)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(smp --help lists the verbs, smp VERB --help their options)')
  .exitOverride();
const invocation: Invocation = {
  surroundings: { root, readerScript: join(import.meta.dirname, `reader${extname(import.meta.filename)}`), workingFolder: process.cwd(), environment: process.env }, stdout: process.stdout, stderr: process.stderr, signal: cancelling.signal,
  exitWith: (code) => {
    outcome = code;
  },
};
addVerbs(program, invocation);
addStoreVerbs(program, invocation);
for (const command of program.commands) command.exitOverride();

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

async function run(words: string[]): Promise<number> {
  try {
    await program.parseAsync(words, { from: 'user' });
    return outcome;
  } catch (thrown) {
    const { exitCode, said, error } = failureOf(thrown, cancelling.signal.aborted, version);
    if (error !== null && words.includes('--json')) process.stdout.write(`${JSON.stringify({ error })}\n`);
    process.stderr.write(said);
    return exitCode;
  }
}

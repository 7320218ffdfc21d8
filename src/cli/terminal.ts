// What the command line prints, and where: the result on stdout, everything on the way on stderr. With --json stdout holds
// one JSON object and stderr a JSON line for each step. Text from data sets is stripped of control characters.
import type { Log, Progress } from '../protocol/progress.ts';

const SPARSE = 3000; // milliseconds between two lines of the same work where stderr is no terminal
const REWRITE = 100; // milliseconds between two states of the rewriting line

/** A stream as far as it is written to here. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly json: boolean;
  readonly verbose: boolean; // the stages' log too
}

export class Terminal {
  readonly #options: TerminalOptions;
  #lastWork = '';
  #lastTime = -Infinity;
  #lineShown = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
  }

  get json(): boolean {
    return this.#options.json;
  }

  progress(progress: Progress): void {
    const { stderr, json } = this.#options;
    if (json) {
      stderr.write(`${JSON.stringify({ progress })}\n`);
      return;
    }
    if (progress.stays) {
      this.note(progress.message);
      return;
    }
    const now = performance.now();
    const work = progress.message.split(':')[0]!;
    const isNew = work !== this.#lastWork;
    if (!isNew && now - this.#lastTime < (stderr.isTTY ? REWRITE : SPARSE)) return;
    this.#lastWork = work;
    this.#lastTime = now;
    const line = printable(progressText(progress));
    if (stderr.isTTY) {
      stderr.write(`\r\u001b[K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
      this.#lineShown = true;
    } else {
      stderr.write(`${line}\n`);
    }
  }

  /** A line that stays, on stderr. */
  note(text: string): void {
    this.#clearLine();
    if (this.#options.json) this.#options.stderr.write(`${JSON.stringify({ note: text })}\n`);
    else this.#options.stderr.write(`${printable(text)}\n`);
  }

  /** The result: the object with --json, else the text. */
  result(object: object, text: string): void {
    this.#clearLine();
    this.#options.stdout.write(this.#options.json ? `${JSON.stringify(object)}\n` : `${printable(text)}\n`);
  }

  readonly log: Log = {
    info: (message) => {
      if (this.#options.verbose) this.note(message);
    },
    warn: (message) => this.note(`Warning: ${message}`),
    error: (message, error) => this.note(`Error: ${message}${error instanceof Error && this.#options.verbose ? `\n${error.stack ?? error.message}` : ''}`),
  };

  #clearLine(): void {
    if (this.#lineShown) this.#options.stderr.write('\r\u001b[K');
    this.#lineShown = false;
  }
}

/** 'Training (pool): step 40 of 400, loss 1.203 · 10 % · 1 min 20 s left' */
export function progressText({ message, done, total, unit, secondsLeft }: Progress): string {
  const parts = [message];
  if (done !== undefined && total !== undefined && total > 0) parts.push(`${Math.floor((100 * done) / total)} %`);
  else if (done !== undefined) parts.push(`${done.toLocaleString('en')}${unit ? ` ${unit}` : ''}`);
  if (secondsLeft !== undefined) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(' · ');
}

/** '4.2 s', '1 min 20 s' */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Control characters would let a post's title move the cursor or recolour the terminal. */
export function printable(text: string): string {
  return [...text].map((character) => (/\p{Cc}/u.test(character) && character !== '\n' ? ' ' : character)).join('');
}

// Follows a job in an output channel: what the trainer tells and what it prints, the end of it first, then what is appended
// while the job runs.
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import * as vscode from 'vscode';
import { EventLines } from './eventLines.ts';

const TAIL = 256 * 1024; // bytes of each file that are shown of what is there already
const INTERVAL = 500; // milliseconds between looks

/** A file that grows, read as text from where the last look ended. */
class GrowingFile {
  readonly #path: string;
  readonly #decoder = new StringDecoder('utf8'); // a character may be cut between two looks
  #offset = -1;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<string> {
    const { bytes, start, end } = await readFrom(this.#path, this.#offset);
    const isTail = this.#offset < 0 && start > 0;
    this.#offset = end;
    const text = this.#decoder.write(bytes);
    return isTail ? text.slice(text.indexOf('\n') + 1) : text; // a tail begins with the first whole line
  }
}

export class JobLog implements vscode.Disposable {
  #channel: vscode.OutputChannel | undefined;
  #timer: NodeJS.Timeout | undefined;
  #following = 0; // counts the jobs that were shown: of two loops the older one stops

  /** @param isRunning asked before each look; false ends the following */
  async show(jobFolder: string, isRunning: () => boolean): Promise<void> {
    const turn = ++this.#following;
    clearTimeout(this.#timer);
    this.#channel ??= vscode.window.createOutputChannel('SMP Curator Job', 'log');
    const channel = this.#channel;
    channel.replace(`${vscode.l10n.t('Log of job {0}', basename(jobFolder))}\n`);
    channel.show(true);
    const events = new GrowingFile(join(jobFolder, 'events.jsonl'));
    const printed = new GrowingFile(join(jobFolder, 'log'));
    const lines = new EventLines();
    const look = async (): Promise<void> => {
      const goesOn = isRunning(); // asked before reading: what was written before the end is read below
      const text = lines.read(await events.read()).map((line) => `${line}\n`).join('') + (await printed.read());
      if (turn !== this.#following) return; // another job is shown meanwhile
      if (text !== '') channel.append(text);
      if (goesOn) this.#timer = setTimeout(() => void look().catch((error: unknown) => turn === this.#following && channel.appendLine(vscode.l10n.t('The log cannot be read any further: {0}', error instanceof Error ? error.message : String(error)))), INTERVAL);
      else channel.appendLine(vscode.l10n.t('End of the log.'));
    };
    await look();
  }

  dispose(): void {
    this.#following++;
    clearTimeout(this.#timer);
    this.#channel?.dispose();
  }
}

/** Bytes from `offset` (negative: the last part) to the end as it is now. A file that is not there yet is empty. */
async function readFrom(file: string, offset: number): Promise<{ bytes: Buffer; start: number; end: number }> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return { bytes: Buffer.alloc(0), start: 0, end: offset };
  try {
    const { size } = await handle.stat();
    const start = offset < 0 || offset > size ? Math.max(0, size - TAIL) : offset;
    const bytes = Buffer.alloc(Math.min(size - start, TAIL));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, bytesRead), start, end: start + bytesRead };
  } finally {
    await handle.close();
  }
}

// Follows a job's log in an output channel: its end first, then what is appended while the job runs.
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import * as vscode from 'vscode';

const TAIL = 256 * 1024; // bytes shown of what is there already
const INTERVAL = 500; // milliseconds between looks

export class JobLog implements vscode.Disposable {
  #channel: vscode.OutputChannel | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param isRunning asked after each look; false ends the following */
  async show(jobFolder: string, isRunning: () => boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#channel ??= vscode.window.createOutputChannel('SMP Curator Job', 'log');
    const channel = this.#channel;
    channel.clear();
    channel.appendLine(vscode.l10n.t('Log of job {0}', basename(jobFolder)));
    channel.show(true);
    const decoder = new StringDecoder('utf8'); // a character may be cut between two looks
    let offset = -1;
    const look = async (): Promise<void> => {
      const goesOn = isRunning(); // asked before reading: what was written before the end is read below
      const read = await readFrom(join(jobFolder, 'log'), offset);
      offset = read.end;
      if (read.bytes.length > 0) channel.append(decoder.write(read.bytes));
      if (goesOn) this.#timer = setTimeout(() => void look(), INTERVAL);
      else channel.appendLine(vscode.l10n.t('End of the log.'));
    };
    await look();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#channel?.dispose();
  }
}

/** Bytes from `offset` (negative: the last part) to the end as it is now. A file that is not there yet is empty. */
async function readFrom(file: string, offset: number): Promise<{ bytes: Buffer; end: number }> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (handle === null) return { bytes: Buffer.alloc(0), end: offset };
  try {
    const { size } = await handle.stat();
    const start = offset < 0 || offset > size ? Math.max(0, size - TAIL) : offset;
    const bytes = Buffer.alloc(Math.min(size - start, TAIL));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, bytesRead), end: start + bytesRead };
  } finally {
    await handle.close();
  }
}

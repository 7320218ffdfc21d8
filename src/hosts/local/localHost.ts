// Jobs on this machine. Node starts a detached supervisor in Python (resources/trainer/supervisor.py), which alone knows
// how to tell a living process from a reused pid; this side reads what it writes and asks it to judge.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../domain/errors.ts';
import { jobIdSchema, jobSchema, jobStatusSchema, type Job, type JobStatus } from '../../protocol/job.ts';
import { hasEnded, type FollowedFile, type Host, type StartOptions } from '../host.ts';
import { pidExists } from '../processes.ts';

const FOLLOW_INTERVAL = 100; // milliseconds between looks at a followed file
const JUDGE_INTERVAL = 5000; // milliseconds between judgements while the supervisor's pid seems to be there
const CHUNK = 64 * 1024; // bytes read at a time
const REFUSED = 75; // the supervisor's exit code, see supervisor.py

export interface LocalHostOptions {
  readonly jobsFolder: string; // absolute; a folder per job inside
  /** Interpreter of the supervisor, any Python ≥ 3.9; null: not set up yet. Asked when a process is needed. */
  python(): Promise<string | null>;
  readonly supervisor: string; // absolute path of supervisor.py
}

export class LocalHost implements Host {
  readonly name = 'local';
  readonly #options: LocalHostOptions;

  constructor(options: LocalHostOptions) {
    this.#options = options;
  }

  folderOf(id: string): string {
    if (!jobIdSchema.safeParse(id).success) {
      throw new UserError('job-bad-id', `“${id.slice(0, 80)}” is not the id of a job.`, 'Ids consist of up to 64 letters, digits, “-” and “_”.');
    }
    return join(this.#options.jobsFolder, id);
  }

  async prepare(job: Job): Promise<void> {
    const folder = this.folderOf(job.id);
    await mkdir(folder, { recursive: true });
    const temporary = join(folder, `.job.json.${process.pid}`);
    await writeFile(temporary, JSON.stringify(jobSchema.parse(job), null, 2));
    await rename(temporary, join(folder, 'job.json'));
  }

  async start(id: string, options: StartOptions = { again: false }): Promise<JobStatus> {
    const folder = this.folderOf(id);
    const log = await open(join(folder, 'supervisor.log'), 'a').catch((error: unknown) => {
      throw new UserError('job-not-startable', `The folder of job ${id} cannot be written.`, `Check that ${folder} exists and that you may write there.`, { cause: error });
    });
    try {
      const child = await this.#spawnSupervisor(['supervise', folder, ...(options.again ? ['--again'] : [])], log.fd);
      child.unref();
      const { line, code } = await firstLine(child);
      if (code === REFUSED) throw new UserError('job-refused', `Job ${id} was not started: ${line || 'it is running'}.`, 'Look at its state first; a job that failed, was cancelled or got lost can be started again.');
      const status = await this.#readStatus(id);
      if (line !== 'running' || status === null) {
        throw new UserError('job-not-startable', `Job ${id} could not be started.`, `See ${join(folder, 'supervisor.log')}.`);
      }
      return status;
    } finally {
      await log.close();
    }
  }

  async status(id: string): Promise<JobStatus | null> {
    const status = await this.#readStatus(id);
    if (status === null || hasEnded(status.state)) return status;
    return this.#ask('status', id);
  }

  async *follow(id: string, file: FollowedFile, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const path = join(this.folderOf(id), file);
    let position = offset;
    let judgedAt = 0;
    while (!signal.aborted) {
      // The state is read before the file: what the job wrote before it ended is then read below.
      let status = await this.#readStatus(id);
      if (status !== null && !hasEnded(status.state) && (!pidExists(status.supervisor_pid) || performance.now() - judgedAt > JUDGE_INTERVAL)) {
        status = await this.#ask('status', id);
        judgedAt = performance.now();
      }
      for await (const chunk of bytesFrom(path, position)) {
        position += chunk.length;
        yield chunk;
        if (signal.aborted) return;
      }
      if (status === null || hasEnded(status.state)) return;
      await sleep(FOLLOW_INTERVAL, undefined, { signal }).catch(() => undefined);
    }
  }

  async cancel(id: string): Promise<JobStatus | null> {
    const status = await this.#readStatus(id);
    if (status === null || hasEnded(status.state)) return status;
    return this.#ask('cancel', id);
  }

  async list(): Promise<string[]> {
    const entries = await readdir(this.#options.jobsFolder, { withFileTypes: true }).catch(nothingWhereMissing);
    const ids: string[] = [];
    for (const entry of entries ?? []) {
      if (!entry.isDirectory() || !jobIdSchema.safeParse(entry.name).success) continue;
      if ((await stat(join(this.#options.jobsFolder, entry.name, 'job.json')).catch(nothingWhereMissing)) !== null) ids.push(entry.name);
    }
    return ids;
  }

  /** What the status file says, which may be out of date when the supervisor was killed. */
  async #readStatus(id: string): Promise<JobStatus | null> {
    const text = await readFile(join(this.folderOf(id), 'status'), 'utf8').catch(nothingWhereMissing);
    return text === null ? null : jobStatusSchema.parse(JSON.parse(text));
  }

  async #ask(verb: 'status' | 'cancel', id: string): Promise<JobStatus | null> {
    const child = await this.#spawnSupervisor([verb, this.folderOf(id)], 'ignore');
    const { line, code } = await firstLine(child);
    if (code !== 0) throw new UserError('job-unreadable', `The state of job ${id} could not be read.`, `Look at ${this.folderOf(id)}.`);
    return jobStatusSchema.nullable().parse(JSON.parse(line));
  }

  async #spawnSupervisor(parameters: string[], errors: number | 'ignore'): Promise<ChildProcess> {
    const python = await this.#options.python();
    if (python === null) {
      throw new UserError('trainer-not-set-up', 'The trainer has no Python environment yet.', 'Set up the trainer first.');
    }
    // Detached: the job, and a cancel that has begun, go on when this process ends. -I -S: neither the user's site packages nor PYTHON… variables can change what the supervisor is.
    return spawn(python, ['-I', '-S', this.#options.supervisor, ...parameters], { detached: true, windowsHide: true, stdio: ['ignore', 'pipe', errors] });
  }
}

/** The first line the child prints and its exit code; resolves early, with the code null, when the line says that the job runs. */
function firstLine(child: ChildProcess): Promise<{ line: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    let text = '';
    const output = child.stdout!;
    output.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text === 'running\n') {
        output.destroy(); // nothing more will come, and an open pipe would keep this process alive
        resolve({ line: 'running', code: null });
      }
    });
    child.on('error', (error) => {
      reject(new UserError('python-not-startable', `Python could not be started (${error.message}).`, 'Set up the trainer again, or correct the setting for Python.', { cause: error }));
    });
    child.on('close', (code) => resolve({ line: text.split('\n', 1)[0]!, code: code ?? 1 })); // null: killed by a signal
  });
}

/** From `position` to what is the file's end now. A file that is not there yet is empty; one that shrank breaks the contract. */
async function* bytesFrom(path: string, position: number): AsyncGenerator<Buffer, void, void> {
  const handle = await open(path, 'r').catch(nothingWhereMissing);
  if (handle === null) return;
  try {
    const { size } = await handle.stat();
    if (size < position) throw new Error(`${path} is shorter than what was read of it before`);
    for (let at = position; ; ) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}


function nothingWhereMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

// Carries out one trainer job for a stage, whatever happened before: freezes its inputs, starts it, follows it, and tells
// how it ended. A job's id is the hash of everything that decides its outcome, so the same work is found again: finished
// (nothing to do), still running (followed further) or broken off (started again in its folder, where the trainer goes on
// from its checkpoint).
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { plainText } from '../protocol/plainText.ts';
import { followLines } from '../hosts/followLines.ts';
import { hasEnded, type Host } from '../hosts/host.ts';
import { pidExists } from '../hosts/processes.ts';
import { JOB_VERSION, type JobStatus } from '../protocol/job.ts';
import type { LongWork } from '../protocol/progress.ts';
import { runSchema, type Run } from '../protocol/run.ts';
import { requireFreeBytes } from '../store/freeSpace.ts';
import { findRun, recordRunEnd, recordRunStart } from '../store/runs.ts';
import { freezeRows, type DataFile, type FrozenFile } from './freezeRows.ts';
import { bytesToRun } from './spaceNeeded.ts';
import type { StageContext } from './stageContext.ts';
import { TrainerEvents } from './trainerEvents.ts';

const GRACE_SECONDS = 30; // for the trainer to save a checkpoint when it is cancelled
const LOG_LINES = 8; // shown with a failure; the whole log stays in the job folder
const LOG_TAIL = 16 * 1024; // bytes read from its end
const LONGEST_LINE = 300; // characters

export interface JobOrder {
  readonly stage: 'train' | 'predict' | 'align' | 'score';
  readonly title: string; // begins every message: 'Training'
  readonly request: Readonly<Record<string, unknown>>; // the stage's request, kept with the run
  readonly run: Run;
  readonly weights: string; // names the weights that run.model points to, wherever they lie
  readonly offline: boolean; // nothing has to be fetched from a hub
  readonly data: readonly DataFile[];
  readonly summary?: Readonly<Record<string, unknown>>; // what the stage wants kept with the run beside how it ended
}

export interface FinishedJob {
  readonly id: string;
  readonly folder: string; // absolute
  readonly output: string; // absolute path of run.output
  readonly chosen: string; // which state the trainer kept; '' where it keeps none
  readonly warnings: readonly string[];
  readonly unchanged: boolean; // it had finished before
  readonly rows: Readonly<Record<string, number>>; // of each data file
}

/**
 * Runs the job to its end. An abort cancels the job and throws the signal's reason; the next call goes on.
 * @throws {UserError} `trainer-not-set-up`, `trainer-failed`, `trainer-lost`, `trainer-cancelled` (by somebody else).
 */
export async function* runJob(context: StageContext, order: JobOrder, signal: AbortSignal): LongWork<FinishedJob> {
  const { host } = context;
  const python = await context.trainer.python();
  if (python === null) throw new UserError('trainer-not-set-up', 'The trainer has no Python environment yet.', 'Set up the trainer first.');
  const building = await newFolder(host);
  try {
    const frozen = yield* freezeRows(building, order.data, signal);
    await writeFile(join(building, 'run.json'), JSON.stringify(runSchema.parse(order.run), null, 2));
    const inputHash = await hashOfInputs(order, frozen, context.trainer.package);
    const id = `${order.stage}-${inputHash.slice(0, 16)}`;
    const folder = host.folderOf(id);
    const output = join(folder, order.run.output);
    const events = new TrainerEvents(order.title, phasesOf(order.run));
    const finish = (unchanged: boolean): FinishedJob => {
      recordRunEnd(context.store, id, 'succeeded', { ...order.summary, chosen: events.chosen, validationMae: events.keptMae, warnings: events.warnings }, context.now());
      return { id, folder, output, chosen: events.chosen ?? '', warnings: events.warnings, unchanged, rows: Object.fromEntries(frozen.map((file) => [file.path, file.rows])) };
    };
    const record = (startedAt: number): void =>
      recordRunStart(context.store, { id, stage: order.stage, host: host.name, inputHash, request: order.request, startedAt });
    signal.throwIfAborted();

    let status = await host.status(id);
    if (status?.state === 'succeeded' && (await exists(output))) {
      events.read((await readFile(join(folder, 'events.jsonl'), 'utf8')).split('\n'));
      context.log.info(`${order.title}: ${id} has done this before.`);
      if (findRun(context.store, id)?.state === 'succeeded') return finish(true);
      record(status.started); // the process that started it was killed before it could record the end
      return finish(false);
    }
    if (status?.state === 'succeeded') await rm(folder, { recursive: true, force: true }); // somebody cleared its output away
    await moveIntoPlace(building, folder);
    const running = status === null || hasEnded(status.state) ? null : status;
    if (running !== null) {
      record(running.started);
      context.log.info(`${order.title}: ${id} is running; following it.`);
    } else {
      record(context.now());
      await startJob(context, order, id, status !== null && status.state !== 'succeeded');
    }
    yield* followJob(context, id, events, running === null ? null : `${order.title}: already running, following it`, signal);
    status = await host.status(id);
    for (const warning of events.warnings) context.log.warn(`${order.title}: ${warning}`);
    if (status?.state === 'succeeded' && (await exists(output))) {
      return finish(false);
    }
    const failure = await failureOf(order, folder, status, events);
    recordRunEnd(context.store, id, status?.state ?? 'lost', { code: failure.code, message: failure.message }, context.now());
    throw failure;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * Reads a job's events to its end, or cancels it where the signal says so. The job goes on by itself, so it is ended here
 * however a cancel was noticed: by the end of following, by a reader that stops reading after an abort, or by an error.
 * Without an abort it stays: the next call follows it further.
 */
async function* followJob(context: StageContext, id: string, events: TrainerEvents, begins: string | null, signal: AbortSignal): LongWork<void> {
  let followed = false;
  try {
    if (begins !== null) yield { message: begins };
    for await (const { lines } of followLines(context.host, id, 'events.jsonl', 0, signal)) {
      const progress = events.read(lines);
      if (progress !== null) yield progress;
    }
    followed = !signal.aborted;
  } finally {
    if (!followed && signal.aborted) {
      const ended = await context.host.cancel(id);
      recordRunEnd(context.store, id, ended?.state ?? 'cancelled', {}, context.now());
    }
  }
  signal.throwIfAborted();
}

/** Starts a job, or finds that another process was faster. */
async function startJob(context: StageContext, order: JobOrder, id: string, again: boolean): Promise<void> {
  const { host, trainer } = context;
  requireFreeBytes(host.folderOf(id), await bytesToRun(order.run), order.title);
  await pointToModel(host.folderOf(id), order.run);
  await host.prepare({
    version: JOB_VERSION, id, grace_seconds: GRACE_SECONDS,
    // -P keeps the job folder, which is the working directory, off Python's search path.
    argv: [(await trainer.python())!, '-P', '-m', 'multismp', order.run.verb, 'run.json'],
    env: {
      PYTHONPATH: trainer.package, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1', TOKENIZERS_PARALLELISM: 'false',
      ...(trainer.threads === null ? {} : { OMP_NUM_THREADS: String(trainer.threads) }),
      ...(order.offline ? { HF_HUB_OFFLINE: '1' } : {}),
    },
  });
  context.log.info(`${order.title}: ${again ? 'going on with' : 'starting'} ${id} in ${host.folderOf(id)}`);
  try {
    await host.start(id, { again });
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'job-refused')) throw error;
  }
}

/**
 * A job that is started again keeps its run.json, of which the trainer's checkpoint is a part, but for one thing: the
 * model may lie elsewhere by now (the product was updated, the workspace moved).
 */
async function pointToModel(folder: string, run: Run): Promise<void> {
  const path = join(folder, 'run.json');
  const written = runSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  if (written.model.base === run.model.base && written.model.adapter === run.model.adapter) return;
  await writeFile(path, JSON.stringify({ ...written, model: run.model }, null, 2));
}

/** Everything that decides the outcome. Not the number of threads, and not where the model lies: its weights count. */
async function hashOfInputs(order: JobOrder, frozen: readonly FrozenFile[], trainerPackage: string): Promise<string> {
  const identity = {
    run: { ...runSchema.parse(order.run), threads: null, model: order.weights },
    data: frozen.map((file) => [file.path, file.sha256]),
    trainer: await hashOfTrainer(join(trainerPackage, 'multismp')),
  };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

async function hashOfTrainer(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(py|json)$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const file of files) hash.update(`${relative(folder, file).split(sep).join('/')}\0`).update(await readFile(file)).update('\0');
  return hash.digest('hex');
}

const BUILDING = /^\.new-(\d+)-/;

/** A folder beside the jobs' own, and the end of those that killed processes left. */
async function newFolder(host: Host): Promise<string> {
  const jobs = dirname(host.folderOf('any'));
  await mkdir(jobs, { recursive: true });
  for (const name of await readdir(jobs)) {
    const owner = BUILDING.exec(name)?.[1];
    if (owner !== undefined && !pidExists(Number(owner))) await rm(join(jobs, name), { recursive: true, force: true });
  }
  const folder = join(jobs, `.new-${process.pid}-${randomUUID()}`);
  await mkdir(folder);
  return folder;
}

/** A job folder appears whole or not at all; one that is there already holds the same inputs. */
async function moveIntoPlace(building: string, folder: string): Promise<void> {
  await rename(building, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'EPERM') throw error; // EPERM: Windows
  });
}

async function failureOf(order: JobOrder, folder: string, status: JobStatus | null, events: TrainerEvents): Promise<UserError> {
  const log = join(folder, 'log');
  const where = `Its whole log: ${log}`;
  if (status?.state === 'lost') {
    const why = status.reason === 'host_rebooted' ? 'the machine was restarted' : 'it was killed from outside';
    return new UserError('trainer-lost', `${order.title} did not end in good order: ${why}.`, `Start it again: it goes on from its last checkpoint. ${where}`);
  }
  if (status?.state === 'cancelled') return new UserError('trainer-cancelled', `${order.title} was cancelled by another window or process.`, 'Start it again: it goes on from its last checkpoint.');
  const lines = await lastLines(log);
  const happened = events.failure?.message ?? (status?.state === 'succeeded' ? `its output ${order.run.output} is missing` : `the trainer ended with exit code ${status?.exit_code ?? 'unknown'}`);
  const shown = lines.length === 0 ? '' : `\nThe last lines of its log:\n${lines.join('\n')}`;
  return new UserError('trainer-failed', `${order.title} failed: ${plainText(happened, LONGEST_LINE)}${shown}`, `${plainText(events.failure?.hint ?? 'Look at the log.', LONGEST_LINE)} ${where}`);
}

/** The end of a log, bounded and without control characters: it is shown to people and may hold anything. */
async function lastLines(path: string): Promise<string[]> {
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return [];
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - LOG_TAIL);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LOG_TAIL), 0, LOG_TAIL, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split(/[\r\n]+/).map((line) => plainText(line, LONGEST_LINE)).filter((line) => line !== '');
    return lines.slice(-LOG_LINES);
  } finally {
    await handle.close();
  }
}

function phasesOf(run: Run): { name: string; steps: number }[] {
  return run.verb === 'train' ? run.phases.map((phase) => ({ name: phase.name, steps: phase.steps })) : [];
}

function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}

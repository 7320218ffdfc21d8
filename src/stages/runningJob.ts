// A trainer job as it is now, read from its folder: its state, and the tail of its events. Nothing is started for it.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isSupervisorAlive } from '../hosts/processes.ts';
import { eventSchema } from '../protocol/events.ts';
import { jobStatusSchema, type JobState } from '../protocol/job.ts';
import type { RunningWork, RunStatus } from '../protocol/pipelineStatus.ts';
import type { StageName } from '../protocol/stages.ts';

const TAIL_BYTES = 16 * 1024; // of events.jsonl: some hundred steps

/** The state in the job's folder. A job that says it runs, but whose supervisor is gone, is lost: the host's next look settles it. */
export function runStateNow(jobFolder: string, recorded: JobState): JobState {
  let status;
  try {
    status = jobStatusSchema.parse(JSON.parse(readFileSync(join(jobFolder, 'status'), 'utf8')));
  } catch {
    return recorded; // not written yet, or on another machine
  }
  const works = status.state === 'running' || status.state === 'starting';
  return works && !isSupervisorAlive(status) ? 'lost' : status.state;
}

export function readRunningJob(run: RunStatus, stage: StageName): RunningWork {
  const lines = tailLines(join(run.jobFolder, 'events.jsonl'));
  let message = `${stage} on ${run.host}`;
  let place = null as { done: number; total: number; unit: string; key: string } | null;
  let loss: number | null = null;
  let first = null as { time: number; done: number; key: string } | null;
  let secondsLeft: number | null = null;
  for (const line of lines) {
    const event = parseEvent(line);
    if (event?.event === 'step') {
      place = { done: event.step, total: event.steps, unit: 'steps', key: event.phase };
      loss = event.loss;
      message = `${event.phase}: step ${event.step} of ${event.steps}`;
    } else if (event?.event === 'progress') {
      place = { done: event.done, total: event.total, unit: '', key: event.what };
      message = event.what;
    } else continue;
    if (first?.key !== place.key || place.done < first.done) first = { time: event.time, done: place.done, key: place.key };
    const rate = (place.done - first.done) / (event.time - first.time);
    secondsLeft = Number.isFinite(rate) && rate > 0 ? (place.total - place.done) / rate : null;
  }
  return {
    source: run.source, stage, message, done: place?.done ?? null, total: place?.total ?? null, unit: place?.unit || null, secondsLeft, loss,
    startedAt: run.startedAt, jobFolder: run.jobFolder,
  };
}

/** Whole lines at the end of a file; none when it is not there. */
function tailLines(path: string): string[] {
  let file;
  try {
    file = openSync(path, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const read = readSync(file, bytes, 0, bytes.length, start);
    const lines = bytes.toString('utf8', 0, read).split('\n');
    return start > 0 ? lines.slice(1) : lines;
  } finally {
    closeSync(file);
  }
}

function parseEvent(line: string) {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch {
    return null; // a line that is not finished, or of a newer trainer
  }
}

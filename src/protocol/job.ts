// The job-folder contract between a host driver and whatever runs on the host. A job is a folder:
//   job.json     this file's `Job`, written before the start and never changed
//   run.json     the trainer's orders (run.ts)
//   data/, out/  inputs and outputs of the run
//   log          stdout and stderr of the command, appended
//   events.jsonl what the trainer tells (events.ts)
//   status       `JobStatus`, always replaced whole (temporary file and rename)
//   exit_code    the command's exit code, written once, also when the supervisor was killed
//   cancel       present from the moment somebody asked for the end
// Alive means: pid, start time and boot id all agree. A status is read, never guessed.
import { z } from 'zod';

export const JOB_VERSION = 1;
export const jobIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

export const jobSchema = z.object({
  version: z.literal(JOB_VERSION),
  id: jobIdSchema,
  argv: z.array(z.string()).min(1), // the command, never through a shell
  env: z.record(z.string(), z.string()),
  grace_seconds: z.number().positive(), // between TERM and KILL
});

export const JOB_STATES = ['starting', 'running', 'succeeded', 'failed', 'cancelled', 'lost'] as const;

export const jobStatusSchema = z.object({
  version: z.literal(JOB_VERSION),
  state: z.enum(JOB_STATES),
  boot_id: z.string(),
  supervisor_pid: z.int(), supervisor_start: z.string(), // start time as the system prints it: tells a reused pid apart
  child_pid: z.int().nullable(), child_start: z.string().nullable(),
  started: z.number(), updated: z.number(), // unix seconds
  exit_code: z.int().nullable(),
  reason: z.string().nullable(), // lost: runner_gone, host_rebooted
});
export type Job = z.infer<typeof jobSchema>;
export type JobStatus = z.infer<typeof jobStatusSchema>;
export type JobState = (typeof JOB_STATES)[number];

// One way to run a job on a machine, whichever machine it is. A job is a folder (see protocol/job.ts); a host starts it,
// tells its true state, hands on what it writes, and ends it. Every host passes test/hosts/contract.ts.
import type { Job, JobState, JobStatus } from '../protocol/job.ts';

/** Files of a job folder that can be followed while the job writes them. */
export type FollowedFile = 'events.jsonl' | 'log';

export interface StartOptions {
  /** Start a job once more that failed, was cancelled or got lost; its folder stays as it is, so that it can go on where it was. */
  readonly again: boolean;
}

export interface Host {
  readonly name: string; // as kept in the store's runs: 'local', …

  /**
   * Makes the host ready to start the job whose inputs lie in the job's folder on this machine (`folderOf`): writes
   * job.json, and brings the folder to the host where the host is elsewhere. Prepared again, it replaces job.json.
   */
  prepare(job: Job): Promise<void>;

  /** The job's folder on this machine. @throws {UserError} `job-bad-id`. */
  folderOf(id: string): string;

  /**
   * Starts a prepared job; it goes on when the process that started it ends.
   * @throws {UserError} `job-refused` when it runs, or has been started before and `again` is not set, or has succeeded;
   * `job-not-startable` when nothing could be started at all.
   */
  start(id: string, options?: StartOptions): Promise<JobStatus>;

  /** The judged state: read and checked, never guessed. Null: never started. */
  status(id: string): Promise<JobStatus | null>;

  /**
   * The bytes of a file from a byte offset on, until the job has ended and everything is read. Chunks end anywhere, also
   * inside a character: keep the offset in bytes. Nothing is lost or doubled over pauses of the writer or a new start of
   * the follower. Aborting ends the following, not the job.
   */
  follow(id: string, file: FollowedFile, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /** Asks every process of the job to end, gives them the job's grace time, ends them. Resolves when none is left. */
  cancel(id: string): Promise<JobStatus | null>;

  /** Ids of all jobs that were prepared here, in no particular order. */
  list(): Promise<string[]>;
}

export function hasEnded(state: JobState): boolean {
  return state !== 'starting' && state !== 'running';
}

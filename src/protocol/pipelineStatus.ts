// The one read model of the pipeline: the command line's `status`, the editor's tree and its status bar are drawn from
// exactly this, so that no two of them can disagree. Read from the store by src/stages/pipelineStatus.ts.
import type { StageName } from './stages.ts';

/**
 * done: up to date; partial: something is there and something is missing; waiting: nothing yet; stale: made from something
 * that has changed since (`reason` says what); failed: the last attempt ended in an error (`reason` is its message).
 */
export type EntryState = 'done' | 'running' | 'partial' | 'waiting' | 'stale' | 'failed';

/** One line below an entry of the tree, such as "few-shot" "200 users". */
export interface StatusDetail {
  readonly label: string;
  readonly description: string;
  readonly opens?: 'skipped-rows' | 'export' | 'fetch-pictures' | 'dead-pictures'; // what a click shows; an export's description is its folder
}

/** An entry of the pipeline table (src/pipeline.ts) for one source. */
export interface EntryStatus {
  readonly id: string; // of the pipeline table
  readonly stage: StageName;
  readonly title: string;
  readonly optional: boolean;
  readonly state: EntryState;
  readonly description: string; // short, behind the title: "1,400 users, 12,620 posts"; '' where nothing is known yet
  readonly reason: string | null; // why stale, why failed, what is missing
  readonly details: readonly StatusDetail[];
}

/** What a person would do next: a button in the editor, a line of the terminal. */
export interface NextAction {
  readonly entry: string; // id of the pipeline table
  readonly title: string; // "Draw users into sets"
  readonly verb: string; // `smp <verb>`
  readonly command: string; // palette command
}

export interface SourceStatus {
  readonly source: string; // its name
  readonly kind: string; // 'smpd-2022', 'table'
  readonly root: string; // absolute folder
  readonly posts: number;
  readonly users: number;
  readonly entries: readonly EntryStatus[];
  readonly next: NextAction | null; // null: everything is up to date
  readonly headline: string | null; // of the newest evaluation: '3-shot MAE 0.87 ± .06 · best plain baseline 1.09'
}

/** Work that goes on now, in this process or (trainer jobs) in any other that shares the store. */
export interface RunningWork {
  readonly source: string | null; // null: an index that has no source yet
  readonly stage: StageName;
  readonly message: string;
  readonly done: number | null;
  readonly total: number | null;
  readonly unit: string | null;
  readonly secondsLeft: number | null;
  readonly loss: number | null; // of a training step
  readonly startedAt: number; // unix seconds
  readonly jobFolder: string | null; // absolute; holds `log` and `events.jsonl` of a trainer job
}

/** A trainer job, newest first. */
export interface RunStatus {
  readonly id: string;
  readonly source: string | null;
  readonly stage: string;
  readonly host: string;
  readonly state: string; // protocol/job.ts
  readonly description: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly jobFolder: string; // absolute
}

export interface ExportStatus {
  readonly source: string;
  readonly format: string;
  readonly content: string;
  readonly folder: string; // absolute
  readonly rows: number;
  readonly stale: boolean; // an export made now would have another fingerprint
  readonly exportedAt: number;
}

export interface PipelineStatus {
  readonly version: 1;
  readonly sources: readonly SourceStatus[]; // by name
  readonly running: RunningWork | null;
  readonly runs: readonly RunStatus[]; // at most 20
  readonly exports: readonly ExportStatus[]; // the newest of each folder, at most 20
}

/** Which experiment the status is about: the settings that tell one from another. */
export interface Experiment {
  readonly dataSeed: number;
  readonly trainingSeed: number;
  readonly plan: 'ours' | 'paper';
  readonly base: string;
  readonly loss?: string | undefined; // align.loss: of several aligned models the one whose answers are shown
}

// What every stage is given beside its request: where things are, and nothing that a person can set (that is in the request).
import type { Host } from '../hosts/host.ts';
import type { Log, LongWork } from '../protocol/progress.ts';
import type { StageName, StageRequest, StageResult } from '../protocol/stages.ts';
import type { Database } from '../store/database.ts';

/** Where the trainer is on the machine that runs it. */
export interface TrainerEnvironment {
  /** Absolute path of an interpreter that has the trainer's packages; null: not set up. Looking for it starts Python, so only what runs a job asks. */
  python(): Promise<string | null>;
  readonly package: string; // absolute folder that holds the package `multismp` (goes on PYTHONPATH)
  readonly threads: number | null; // null: the trainer decides
}

export interface StageContext {
  readonly store: Database;
  readonly log: Log;
  readonly folder: string; // the workspace folder, absolute
  readonly storeFolder: string; // `.smp` of the workspace folder, absolute: runs/, models/, mappings/
  readonly resources: string; // what ships with the product: trainer/, base/, prompts/
  readonly productVersion: string;
  readonly host: Host;
  readonly trainer: TrainerEnvironment;
  /** Script of the thread that reads large data sets (reader.ts); without it they are read in this one. */
  readonly readerScript?: string;
  /** Unix seconds. */
  now(): number;
}

/**
 * A stage: tells its progress, obeys the signal, does only what changed, and answers with a line and counts.
 * It throws a UserError for what a person can mend. Stages never import each other: they meet in the store.
 */
export type Stage<Name extends StageName> = (context: StageContext, request: StageRequest<Name>, signal: AbortSignal) => LongWork<StageResult>;

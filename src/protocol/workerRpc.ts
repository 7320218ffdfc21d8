// What the editor asks of its two database workers. `live` answers at once (decisions, lists, search, status); `bulk` does
// the long work (stages, imports, set-up), one piece at a time, so that a decision never waits for an import.
import { z } from 'zod';
import type { Hundredths, PostKey } from '../domain/posts.ts';
import type { DeadPictureHit, PictureFetchPlan } from './pictureFetch.ts';
import type { PipelineStatus } from './pipelineStatus.ts';
import { postsRequests, type ChangedPost, type PostDetails, type PostsOverview, type PostsPage } from './postsView.ts';
import type { EvaluationReport } from './report.ts';
import { method } from './requestChannel.ts';
import { settingsSchema } from './settings.ts';
import { runRequestSchema } from './stageRequests.ts';
import { leftoverKindSchema, type StoreCheck } from './storeCheck.ts';
import { mappingSchema, PLANS, stageRequestSchemas, type Mapping, type StageName, type StageResult } from './stages.ts';

/** What a worker is started with (worker_threads' workerData): where things are. All paths absolute. */
export const workerDataSchema = z.object({
  role: z.enum(['live', 'bulk']),
  folder: z.string(), // the workspace folder
  storeFile: z.string(),
  storeFolder: z.string(), // `.smp`: runs/, models/, mappings/
  resources: z.string(), // what ships with the product
  storage: z.string(), // the extension's own folder: the trainer's environment
  productVersion: z.string(),
});
export type WorkerData = z.infer<typeof workerDataSchema>;

/** What only this machine knows and a person may set; it travels with each piece of work, since it can change between two. */
const machine = { python: z.string().nullable(), threads: z.int().positive().nullable() };

const experiment = { dataSeed: z.int(), trainingSeed: z.int(), plan: z.enum(PLANS), base: z.string(), loss: z.string().optional() };
const source = z.string().min(1);

/** A post as a list shows it. */
export interface PostHit extends PostKey {
  readonly uid: string;
  readonly title: string;
  readonly snippet: string; // why it is in the list: of the field that was found, or why it was excluded
  readonly file: string; // absolute
  readonly row: number; // counted from 1
}

export interface SkippedRowHit {
  readonly file: string; // absolute
  readonly row: number;
  readonly reason: string;
  readonly detail: string;
}

/** A post that was left out of every set, mostly for its picture. */
export interface DroppedPostHit {
  readonly id: number; // the next page goes on after it
  readonly pid: string;
  readonly reason: string;
  readonly title: string; // its first 200 characters
  readonly imagePath: string; // its first 300 characters
  readonly file: string; // absolute
  readonly row: number;
}

export const LIVE_METHODS = {
  /** With `settings`, what other settings made is told as stale. */
  status: method<PipelineStatus>()(z.object({ ...experiment, settings: settingsSchema.optional() })),
  /** Folders of the sources, absolute. */
  sourceRoots: method<string[]>()(z.object({})),
  /** Full-text search over title, tags and caption; posts whose id begins with the text come first. */
  searchPosts: method<PostHit[]>()(z.object({ text: z.string().max(200), limit: z.int().positive().max(200) })),
  excludedPosts: method<PostHit[]>()(z.object({ limit: z.int().positive().max(1000) })),
  decideOnPost: method<void>()(z.object({ kind: z.enum(['post-excluded', 'post-restored']), source, pid: z.string(), reason: z.string().max(500), author: z.string().max(200) })),
  /** The Posts view (postsView.ts). While posts are read into memory for the first time these tell how far it is. */
  postsPage: method<PostsPage>()(postsRequests.page),
  postsOverview: method<PostsOverview>()(postsRequests.overview),
  postDetails: method<PostDetails | null>()(postsRequests.details),
  decideOnPosts: method<ChangedPost[]>()(postsRequests.decide),
  skippedRows: method<SkippedRowHit[]>()(z.object({ source, limit: z.int().positive().max(5000) })),
  /** Posts that the import dropped, a page after the post `after` (begin with 0). */
  droppedPosts: method<DroppedPostHit[]>()(z.object({ source, after: z.int().min(0), limit: z.int().positive().max(5000) })),
  /** Addresses of pictures that were found dead. */
  deadPictures: method<DeadPictureHit[]>()(z.object({ source, limit: z.int().positive().max(5000) })),
  /** How many posts of a source have each score, ascending: what percentiles are read from. */
  scoreCounts: method<[Hundredths, number][]>()(z.object({ source })),
  report: method<EvaluationReport | null>()(z.object({ source, ...experiment })),
  /** Where a source was indexed from, with the mapping that is kept for it. */
  indexedPlace: method<{ path: string; name: string; mapping: Mapping | null }>()(z.object({ source })),
  /** Keeps a table's mapping for the import of that name, and says in which file. */
  keepMapping: method<{ file: string }>()(z.object({ source, mapping: mappingSchema })),
  /** What a trainer job was asked for, as its stage was asked; null for a job that the store does not know. */
  jobRequest: method<{ stage: string; request: Readonly<Record<string, unknown>> } | null>()(z.object({ id: z.string() })),
  /** What a person should know about the store itself. */
  storeNotice: method<StoreNotice>()(z.object({})),
  /** Makes the paths of a copied store point to `folder`, and closes it: the copy may then be moved there. */
  relocateStore: method<void>()(z.object({ folder: z.string().min(1) })),
  /** Closes this worker's connection, for work that needs the store to itself; the next request opens it again. */
  releaseStore: method<void>()(z.object({})),
  /** The interpreter that trainer jobs would run with; null: none is set up. Looking for it starts Python. */
  trainerPython: method<string | null>()(z.object({ python: z.string().nullable() })),
  /** Ends a trainer job, whoever started it. False when it had ended before. */
  cancelJob: method<boolean>()(z.object({ id: z.string(), ...machine })),
} as const;

export interface StoreNotice {
  readonly newer: readonly string[]; // migrations that this version does not know: the store can only be read
  readonly place: string | null; // a sentence, where the store lies elsewhere than in its folder
  readonly revision: number; // changes when a backup takes the store's place
}

/** What lies at a path, found without reading more than the heads of files. */
export interface FoundData {
  readonly path: string; // what was asked about
  readonly kind: string; // 'smpd-2022', 'table'
  readonly name: string;
  readonly findings: readonly string[]; // sentences for a person
  readonly files: readonly string[]; // relative
  readonly approximateRows: number;
  readonly mapping: Mapping | null;
}

export const BULK_METHODS = {
  /** `quick`: for a look that nobody asked for; the scale of a table's scores is then guessed from its first rows only. */
  detect: method<FoundData>()(z.object({ path: z.string(), quick: z.boolean().optional() })),
  /** What fetching pictures would mean. Asks no server. */
  planPictureFetch: method<PictureFetchPlan>()(z.object({ source, retryDead: z.boolean(), requestsPerSecond: z.number().positive() })),
  runStage: method<StageResult>()(z.object({ stage: z.enum(Object.keys(stageRequestSchemas) as [StageName, ...StageName[]]), request: z.unknown(), ...machine })),
  runPlan: method<StageResult>()(z.object({ request: runRequestSchema, ...machine })),
  /** Makes the trainer's Python environment in the extension's storage; `python` null: one is looked for. */
  setUpTrainer: method<{ python: string }>()(z.object({ python: z.string().nullable() })),
  /** Where the store lies, whether it is whole, what can be cleaned. Changes nothing. */
  checkStore: method<StoreCheck>()(z.object({ python: z.string().nullable() })),
  cleanStore: method<{ summary: string; bytes: number }>()(z.object({ kinds: z.array(leftoverKindSchema) })),
  backUpStore: method<{ summary: string; file: string }>()(z.object({ file: z.string().min(1), overwrite: z.boolean() })),
  restoreStore: method<{ summary: string; kept: string | null }>()(z.object({ file: z.string().min(1) })),
  /** Writes the demo's posts and pictures into `folder`. */
  makeDemo: method<{ folder: string; captions: string }>()(z.object({ folder: z.string() })),
} as const;

export type LiveMethods = typeof LIVE_METHODS;
export type BulkMethods = typeof BULK_METHODS;
export type MachineSettings = z.infer<z.ZodObject<typeof machine>>;

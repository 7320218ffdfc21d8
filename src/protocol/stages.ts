// What each stage is asked and what it answers. The command line, the palette and `run` all send these; a database worker
// or the command line's own process carries them out. Defaults live in the manifest (package.json → settings.ts), so no
// field that a person can set has a default here.
import { z } from 'zod';
import { CONTROL_NAMES, LOSS_NAMES } from './run.ts';

export const SET_NAMES = ['validation', 'few-shot', 'alignment', 'extra-1', 'extra-2', 'pool'] as const;
/** Sets that models are tested on. */
export const TEST_SETS = ['few-shot', 'extra-1', 'extra-2'] as const;
export type SetName = (typeof SET_NAMES)[number];
export const MODEL_ROLES = ['base', 'sft', 'aligned'] as const;
export type ModelRole = (typeof MODEL_ROLES)[number];
export const PLANS = ['ours', 'paper'] as const;
export type Plan = (typeof PLANS)[number];

const source = z.string().min(1); // a source's name; the store's only source when a client leaves it out is the client's doing
const seed = z.int().min(0).max(2 ** 31 - 1);
const planned = { source, dataSeed: seed, plan: z.enum(PLANS) };

/** Columns of a table by role; see sources/mapping.ts for how it is guessed. Kept in .smp/mappings/<source>.json. */
export const mappingSchema = z.object({
  version: z.literal(1),
  format: z.enum(['csv', 'tsv', 'jsonl', 'parquet']),
  delimiter: z.string().nullable(),
  columns: z.object({
    pid: z.string(), uid: z.string(), time: z.string(), popularity: z.string(),
    title: z.string().nullable(), tags: z.string().nullable(), category: z.string().nullable(), subcategory: z.string().nullable(),
    concept: z.string().nullable(), image: z.string().nullable(), latitude: z.string().nullable(), longitude: z.string().nullable(),
  }),
  popularityScale: z.enum(['as-is', 'log2-count-plus-1']),
  timeFormat: z.enum(['unix-seconds', 'unix-milliseconds', 'iso', 'day']),
  extra: z.array(z.string()), // columns that become clauses: off until chosen
  outcome: z.array(z.string()), // known only after posting: never in a prompt unless also listed in allowOutcome
  allowOutcome: z.array(z.string()),
});
export type Mapping = z.infer<typeof mappingSchema>;

export const stageRequestSchemas = {
  index: z.object({ path: z.string(), name: z.string().nullable(), mapping: mappingSchema.nullable(), allowSkips: z.boolean() }),
  sample: z.object({ source, dataSeed: seed }),
  caption: z.object({ source, import: z.string() }),
  instruct: z.object({ source, dataSeed: seed, captions: z.enum(['approved', 'any']) }),
  train: z.object({
    ...planned, trainingSeed: seed, base: z.string(), tuning: z.enum(['full', 'lora']),
    poolSteps: z.int().min(0), poolLearningRate: z.number().positive(), sftSteps: z.int().positive(), sftLearningRate: z.number().positive(), batchSize: z.int().positive(),
  }),
  predict: z.object({
    ...planned, trainingSeed: seed, base: z.string(), roles: z.array(z.enum(MODEL_ROLES)).min(1),
    // alignment: two samples; test: exact median and free greedy; every: all posts with an earlier post; unlabelled: those of them without a score; posts: these pids
    scope: z.union([z.enum(['alignment', 'test', 'every', 'unlabelled']), z.object({ pids: z.array(z.string()).min(1) })]),
    batchSize: z.int().positive(),
  }),
  pair: z.object({ ...planned, trainingSeed: seed, base: z.string() }),
  align: z.object({
    ...planned, trainingSeed: seed, base: z.string(), loss: z.enum([...LOSS_NAMES, ...CONTROL_NAMES]), beta: z.number().positive(), alpha: z.number().positive(), lambda: z.number().min(0),
    delta: z.number().positive(), cap: z.number().positive(), margin: z.number().min(0), epochs: z.int().positive(), learningRate: z.number().positive(), batchSize: z.int().positive(),
  }),
  score: z.object({ ...planned, trainingSeed: seed, base: z.string(), batchSize: z.int().positive() }),
  evaluate: z.object({ ...planned, trainingSeed: seed, base: z.string() }),
  // folder: absolute; margin: smallest difference of the two errors of an exported pair, in scores (not in the paper's plan)
  export: z.object({
    ...planned, trainingSeed: seed, base: z.string(), format: z.enum(['trl', 'llama-factory', 'submission']), content: z.enum(['sft', 'preference', 'predictions']), folder: z.string(), margin: z.number().min(0),
    // of a submission: whose predictions (null: the most tuned model's; variant: which aligned one), for which part of the source
    // (null: all posts without a score), and what external data it names (null: the base, unless it is the tiny one)
    submission: z.object({ role: z.enum(MODEL_ROLES).nullable(), variant: z.string(), part: z.string().nullable(), externalData: z.string().nullable() }),
  }),
  remove: z.object({ source }),
  // allowHost: 'host:port' of private networks that may be asked, separated by commas; limit: pictures of this start, null: all
  fetchPictures: z.object({ source, retryDead: z.boolean(), requestsPerSecond: z.number().positive(), allowHost: z.string(), limit: z.int().positive().nullable() }),
} as const;

export type StageName = keyof typeof stageRequestSchemas;
export type StageRequest<Name extends StageName> = z.infer<(typeof stageRequestSchemas)[Name]>;

/** What a stage answers: a line for a person, counts for the tree, and whether there was nothing to do. */
export interface StageResult {
  readonly summary: string;
  readonly counts: Readonly<Record<string, number | string>>;
  readonly unchanged: boolean;
  readonly source?: string; // of `index`, also when nothing had changed: the source's name
}

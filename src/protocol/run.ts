// run.json: what the trainer (`python -m multismp <verb> run.json`) is told to do. Written by a stage, read by the
// trainer on whichever machine it runs. Every path is relative to the job folder, or absolute on that machine.
// Scores in these files are integer hundredths ("7.52" is 752) wherever the name ends in `hundredths`.
import { z } from 'zod';
import { LARGEST_SCORE } from '../domain/posts.ts';

export const RUN_VERSION = 1;
/** Rank of the adapter where LoRA learns. */
export const LORA_RANK = 8;
/** Tokens of a free greedy answer, at most (method.md, section 7). */
export const GREEDY_TOKENS = 16;

/** The answers a data set allows, in integer hundredths, both ends included (method.md, section 3). */
export const answerRangeSchema = z.object({ min_hundredths: z.int().min(0).max(LARGEST_SCORE), max_hundredths: z.int().min(0).max(LARGEST_SCORE) });

/** A causal language model: a folder, a `.gguf` file or a Hugging Face id; `adapter` is a PEFT folder put on top. */
export const modelReferenceSchema = z.object({ base: z.string(), adapter: z.string().nullable().default(null) });

export const tuningSchema = z.object({
  method: z.enum(['full', 'lora']),
  lora_rank: z.int().positive().default(LORA_RANK),
});

/** One stretch of supervised training. Budgets are optimizer steps, never seconds. */
export const phaseSchema = z.object({
  name: z.enum(['pool', 'sft']),
  data: z.string(), // instruction rows, see instructionRowSchema
  steps: z.int().positive(),
  batch_size: z.int().positive(),
  learning_rate: z.number().positive(),
  history_score_weight: z.number().min(0), // × loss on the history's score tokens; 0 everywhere but the tiny base
  validate_every: z.int().positive(), // steps between looks at the validation rows; each look is a checkpoint
});

const common = { version: z.literal(RUN_VERSION), seed: z.int().min(0), threads: z.int().positive().nullable() };

/** `train`: the phases in order; the state with the smallest validation MAE goes on, the base as it is included. */
export const trainRunSchema = z.object({
  ...common,
  verb: z.literal('train'),
  model: modelReferenceSchema,
  tuning: tuningSchema,
  phases: z.array(phaseSchema).min(1),
  validation: z.object({ data: z.string(), range: answerRangeSchema }).nullable(), // null: the last state is kept
  output: z.string(), // folder; loads with stock transformers / PEFT
});

/** `median` and `sample` read the exact distribution over the range's answers where affordable (see the trainer). */
export const decoderSchema = z.discriminatedUnion('name', [
  z.object({ name: z.literal('median') }),
  z.object({ name: z.literal('greedy'), max_new_tokens: z.int().positive().default(GREEDY_TOKENS) }),
  z.object({ name: z.literal('sample'), draws: z.int().positive().default(2) }),
]);

export const predictRunSchema = z.object({
  ...common,
  verb: z.literal('predict'),
  model: modelReferenceSchema,
  data: z.string(), // prompt rows
  range: answerRangeSchema,
  decoders: z.array(decoderSchema).min(1),
  batch_size: z.int().positive(),
  output: z.string(), // file of predictionRowSchema lines
});

/** `score`: log-probability of every token of a given answer (and its end token). */
export const scoreRunSchema = z.object({
  ...common,
  verb: z.literal('score'),
  model: modelReferenceSchema,
  data: z.string(), // instruction rows
  batch_size: z.int().positive(),
  output: z.string(), // {id, tokens: string[], logps: number[], sum: number} a line
});

export const LOSS_NAMES = ['dpo', 'dpop', 'dpop-outside', 'idpop'] as const;
export const CONTROL_NAMES = ['sft-continued', 'sft-chosen'] as const;

export const alignRunSchema = z.object({
  ...common,
  verb: z.literal('align'),
  model: modelReferenceSchema, // policy as loaded; also the reference
  tuning: tuningSchema,
  loss: z.object({
    name: z.enum([...LOSS_NAMES, ...CONTROL_NAMES]),
    beta: z.number().positive(),
    lambda: z.number().min(0), // dpop and dpop-outside only; idpop takes mu from the rows
  }),
  data: z.string(), // pair rows
  epochs: z.int().positive(),
  batch_size: z.int().positive(),
  learning_rate: z.number().positive(),
  clip: z.number().positive(),
  merge_sft: z.boolean().default(false), // adapters only: merge, fresh adapter, reference recomputed
  checkpoint_every: z.int().positive(),
  validation: z.object({ data: z.string(), range: answerRangeSchema }).nullable(), // held-out MAE in events, never chooses
  output: z.string(),
});

export const runSchema = z.discriminatedUnion('verb', [trainRunSchema, predictRunSchema, scoreRunSchema, alignRunSchema]);
export type Run = z.infer<typeof runSchema>;
export type ModelReference = z.infer<typeof modelReferenceSchema>;
export type TrainRun = z.infer<typeof trainRunSchema>;
export type PredictRun = z.infer<typeof predictRunSchema>;
export type ScoreRun = z.infer<typeof scoreRunSchema>;
export type AlignRun = z.infer<typeof alignRunSchema>;
export type AnswerRange = z.infer<typeof answerRangeSchema>;
export type Decoder = z.infer<typeof decoderSchema>;

/** A prompt in pieces: `t` template text, `v` a value of a post (encoded apart, special tokens off), `s` a score. Joined, they are the prompt. */
export const pieceSchema = z.tuple([z.enum(['t', 'v', 's']), z.string()]);
export const promptRowSchema = z.object({ id: z.string(), pieces: z.array(pieceSchema) });
export const instructionRowSchema = promptRowSchema.extend({ answer: z.string() }); // canonical "%.2f"
export const pairRowSchema = promptRowSchema.extend({
  chosen: z.string(),
  rejected: z.string(),
  mu: z.number().min(0),
  label: z.string(), // true score, for the control `sft-continued`
});

/** Quantiles are hundredths of the renormalised distribution (lower ones); `mass` is what the valid answers held before. */
export const predictionRowSchema = z.object({
  id: z.string(),
  decoder: z.enum(['median', 'greedy', 'sample']),
  draw: z.int().min(0), // 0 but for samples
  text: z.string(), // what the model said, at most 200 characters
  value_hundredths: z.int().nullable(), // null: no number, or outside the range
  quantiles_hundredths: z.record(z.enum(['2.5', '10', '25', '50', '75', '90', '97.5']), z.int()).nullable(), // median only
  mass: z.number().min(0).max(1.001).nullable(),
  sampled_from: z.enum(['trie', 'mask', 'free']).nullable(),
});
export type Piece = z.infer<typeof pieceSchema>;
export type PromptRow = z.infer<typeof promptRowSchema>;
export type InstructionRow = z.infer<typeof instructionRowSchema>;
export type PairRow = z.infer<typeof pairRowSchema>;
export type PredictionRow = z.infer<typeof predictionRowSchema>;

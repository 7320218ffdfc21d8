// events.jsonl: what the trainer tells while it works, one JSON object a line, appended and flushed. Readers follow the
// file by byte offset; a line they do not know is kept and ignored. `time` is unix seconds with fractions.
import { z } from 'zod';

const at = { time: z.number() };

export const eventSchema = z.discriminatedUnion('event', [
  z.object({ ...at, event: z.literal('started'), verb: z.string(), device: z.string(), dtype: z.string(), parameters: z.int(), trainable: z.int(), resumed_at: z.int().nullable() }),
  z.object({ ...at, event: z.literal('progress'), what: z.string(), done: z.int(), total: z.int() }), // loading, reference, predicting, …
  z.object({
    ...at, event: z.literal('step'), phase: z.string(), step: z.int(), steps: z.int(), loss: z.number().nullable(), // null: not finite
    learning_rate: z.number(), gradient_norm: z.number().nullable(), tokens_per_second: z.number(),
    // preference losses only:
    reward_chosen: z.number().optional(), reward_rejected: z.number().optional(), logps_chosen: z.number().optional(), logps_rejected: z.number().optional(),
    penalty_share: z.number().optional(),
  }),
  z.object({ ...at, event: z.literal('validation'), phase: z.string(), step: z.int(), mae: z.number(), valid_mass: z.number(), entropy: z.number(), best: z.boolean() }),
  z.object({ ...at, event: z.literal('epoch'), epoch: z.int(), pairs: z.array(z.object({ id: z.string(), logps_chosen: z.number(), logps_rejected: z.number() })) }),
  z.object({ ...at, event: z.literal('warning'), message: z.string() }),
  z.object({ ...at, event: z.literal('saved'), path: z.string(), chosen: z.string() }), // chosen: "base", "pool 400", "sft 40", …
  z.object({ ...at, event: z.literal('finished'), seconds: z.number(), peak_memory_bytes: z.int() }),
  z.object({ ...at, event: z.literal('failed'), message: z.string(), hint: z.string() }),
]);
export type TrainerEvent = z.infer<typeof eventSchema>;

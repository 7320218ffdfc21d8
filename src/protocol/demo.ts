// What the demo's generator is asked. It is no stage of the pipeline: it writes files, and `index` reads them.
import { z } from 'zod';
import { DOCUMENTED_SPREADS, type Spreads } from '../domain/inventedPosts.ts';

/** The file in a demo's folder that says what made it. */
export const DEMO_DESCRIPTION = 'demo.json';

const spread = z.number().min(0).max(10);
const share = z.number().min(0).max(1);

export const demoRequestSchema = z.object({
  folder: z.string().min(1), // made by the generator; must not exist, or be empty, or hold the same demo
  users: z.int().min(1).max(1_000_000),
  seed: z.int().min(0).max(2 ** 31 - 1),
  format: z.enum(['smpd-2022', 'csv']),
  pictures: z.boolean(),
  source: z.string().min(1).nullable(), // the name that captions.jsonl gives the source; null: as `index` will name it
  smallUsers: share, // share of users with 2 to 4 posts
  faults: share, // share of broken posts
  spreads: z.strictObject({ user: spread, category: spread, subcategory: spread, picture: spread, hour: spread, noise: spread }),
});
export type DemoRequest = z.infer<typeof demoRequestSchema>;

/** The demo that `npm start` makes: enough users for validation, the four sets and a pool of 400. */
export const DEMO_USERS = 1400;

/** The documented demo in `folder`; a caller replaces what a person asked for. */
export function demoRequest(folder: string, changes: Partial<Omit<DemoRequest, 'folder' | 'spreads'>> & { readonly spreads?: Partial<Spreads> } = {}): DemoRequest {
  return {
    folder, users: DEMO_USERS, seed: 0, format: 'smpd-2022', pictures: true, source: null, smallUsers: 0, faults: 0,
    ...changes,
    spreads: { ...DOCUMENTED_SPREADS, ...changes.spreads },
  };
}

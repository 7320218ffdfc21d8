// What the demo's generator is asked. It is no stage of the pipeline: it writes files, and `index` reads them.
import { z } from 'zod';
import { DOCUMENTED_SPREADS, type Spreads } from '../domain/inventedPosts.ts';

/** The file in a demo's folder that says what made it. */
export const DEMO_DESCRIPTION = 'demo.json';

export const DEMO_FORMATS = ['smpd-2018', 'smpd-2020', 'smpd-2022', 'smpd-mixed', 'tpic-2017', 'csv', 'jsonl', 'parquet'] as const;
export type DemoFormat = (typeof DEMO_FORMATS)[number];
/** Formats whose files name pictures of the demo's folder. The others name pages, if anything. */
export const FORMATS_WITH_PICTURES: readonly DemoFormat[] = ['smpd-2022', 'smpd-mixed', 'csv', 'jsonl', 'parquet'];
/** Formats with a file about users, which may hold vectors. */
const FORMATS_WITH_USER_FILES: readonly DemoFormat[] = ['smpd-2020', 'smpd-2022', 'smpd-mixed'];

const spread = z.number().min(0).max(10);
const share = z.number().min(0).max(1);

export const demoRequestSchema = z.object({
  folder: z.string().min(1), // made by the generator; must not exist, or be empty, or hold the same demo
  users: z.int().min(1).max(1_000_000),
  posts: z.int().min(1).max(10_000_000).nullable(), // exactly so many, of as many users as that takes; null: all posts of `users`
  testShare: share, // share of posts without scores, the newest
  vectors: z.boolean(), // user files hold the vectors of the releases until 2020 instead of words: 4 kB a post
  seed: z.int().min(0).max(2 ** 31 - 1),
  format: z.enum(DEMO_FORMATS),
  pictures: z.boolean(),
  source: z.string().min(1).nullable(), // the name that captions.jsonl gives the source; null: as `index` will name it
  smallUsers: share, // share of users with 2 to 4 posts
  faults: share, // share of broken posts
  spreads: z.strictObject({ user: spread, category: spread, subcategory: spread, picture: spread, hour: spread, noise: spread }),
}).superRefine(({ format, vectors, testShare, faults }, context) => {
  const refuse = (option: string, message: string): void => context.addIssue({ code: 'custom', path: [option], message });
  if (vectors && !FORMATS_WITH_USER_FILES.includes(format)) refuse('vectors', `the layout ${format} has no file about users`);
  if (format === 'tpic-2017' && testShare > 0) refuse('testShare', 'every post of TPIC2017 has a score');
  if (format === 'tpic-2017' && faults > 0) refuse('faults', 'every post of TPIC2017 has a score, and none a picture');
});
export type DemoRequest = z.infer<typeof demoRequestSchema>;

/** The demo that `npm start` makes: enough users for validation, the four sets and a pool of 400. */
export const DEMO_USERS = 1400;

/** The documented demo in `folder`; a caller replaces what a person asked for. */
export function demoRequest(folder: string, changes: Partial<Omit<DemoRequest, 'folder' | 'spreads'>> & { readonly spreads?: Partial<Spreads> } = {}): DemoRequest {
  return {
    folder, users: DEMO_USERS, posts: null, testShare: 0, vectors: false, seed: 0, format: 'smpd-2022', pictures: true, source: null, smallUsers: 0, faults: 0,
    ...changes,
    spreads: { ...DOCUMENTED_SPREADS, ...changes.spreads },
  };
}

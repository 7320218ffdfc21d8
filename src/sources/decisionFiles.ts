// The decisions folder: what people decided, a file an author and a JSON object a line. The store can be rebuilt from it, and
// people merge their work through it with git. So the lines may come from anybody: they are checked and bounded.
import { closeSync, existsSync, fstatSync, fsyncSync, mkdirSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { MAX_ID } from './postSource.ts';

const lineSchema = z.object({
  source: z.string().min(1).max(200),
  id: z.uuid(),
  pid: z.string().min(1).max(MAX_ID),
  kind: z.enum(['post-excluded', 'post-restored']),
  reason: z.string().max(500),
  contentHash: z.string().max(128), // of the post as it was when decided
  author: z.string().min(1).max(200),
  decidedAt: z.number().nonnegative(), // unix seconds
});
export type DecisionLine = z.infer<typeof lineSchema>;

/** Larger files are no files of decisions: a decision takes some 250 bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** After so many bad lines the rest of a file is not looked at. */
const MAX_BAD_LINES = 1000;
const MAX_FILES = 1000;
const MAX_DECISIONS = 1_000_000;
/** Bad lines that are named; the others are counted. */
const NAMED_FAULTS = 5;
/** Lines between two pauses in which others get their turn. */
const LINES_AT_ONCE = 2000;
/** Clocks differ; a decision dated later than this many seconds from now would stand above everything decided until then. */
const CLOCK_DIFFERENCE = 86_400;

export interface ReadDecisions {
  readonly decisions: readonly DecisionLine[]; // of the source, in the order in which they were made
  readonly bad: number; // lines (or whole files) that could not be used
  readonly faults: readonly string[]; // the first of them: 'anna.jsonl, line 3: no JSON'
}

/**
 * All decisions on posts of a source in `<store folder>/decisions`. Bad lines are left out and counted; nothing throws.
 * @param now unix seconds
 */
export async function readDecisions(storeFolder: string, source: string, now: number): Promise<ReadDecisions> {
  const folder = join(storeFolder, 'decisions');
  const decisions: DecisionLine[] = [];
  const faults: string[] = [];
  let bad = 0;
  const refuse = (fault: string): void => {
    bad++;
    if (faults.length < NAMED_FAULTS) faults.push(fault);
  };
  // Links are left out: a file of this folder is what git brought, not something elsewhere on the machine.
  const names = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl')).map((entry) => entry.name).sort() : [];
  if (names.length > MAX_FILES) refuse(`${names.length - MAX_FILES} files beyond the first ${MAX_FILES}`);
  for (const name of names.slice(0, MAX_FILES)) {
    const before = bad;
    const lines = await linesOf(join(folder, name));
    if (typeof lines === 'string') refuse(`${name}: ${lines}`);
    else for (const [index, line] of lines.entries()) {
      if (index % LINES_AT_ONCE === LINES_AT_ONCE - 1) await setImmediate();
      if (line.trim() === '') continue;
      const read = readLine(line, now);
      if (typeof read === 'string') refuse(`${name}, line ${index + 1}: ${read}`);
      else if (read.source === source && decisions.length < MAX_DECISIONS) decisions.push(read);
      if (bad - before < MAX_BAD_LINES) continue;
      refuse(`${name}: what follows line ${index + 1} was not read`);
      break;
    }
  }
  decisions.sort((a, b) => a.decidedAt - b.decidedAt);
  return { decisions, bad, faults };
}

/** The lines, or why there are none. */
async function linesOf(path: string): Promise<string[] | string> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return `the file is larger than ${MAX_FILE_BYTES / 1024 / 1024} MB`;
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').split('\n');
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  }
}

/** The decision, or what is wrong with the line. */
function readLine(line: string, now: number): DecisionLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'no JSON';
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) return `${parsed.error.issues[0]!.path.join('.') || 'the line'} is not as expected`;
  return parsed.data.decidedAt > now + CLOCK_DIFFERENCE ? 'dated in the future' : parsed.data;
}

/**
 * Appends a decision to its author's file and waits until it is on the disk.
 * @throws {UserError} `decision-malformed` when it could not be read back: a reason of more than 500 characters, …
 */
export function appendDecision(storeFolder: string, decision: DecisionLine): void {
  const checked = lineSchema.safeParse(decision);
  if (!checked.success) {
    const issue = checked.error.issues[0]!;
    throw new UserError('decision-malformed', `The decision cannot be kept: ${issue.path.join('.')}: ${issue.message}.`, 'Correct it and decide again.');
  }
  const folder = join(storeFolder, 'decisions');
  mkdirSync(folder, { recursive: true });
  const name = decision.author.normalize('NFC').replace(/[^\p{L}\p{N}._-]+/gu, '_').slice(0, 60) || 'somebody';
  const descriptor = openSync(join(folder, `${name}.jsonl`), 'a+');
  try {
    const { size } = fstatSync(descriptor);
    const last = Buffer.alloc(1);
    // A line that a crash or a merge left without its end must not swallow this one.
    const torn = size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
    writeSync(descriptor, `${torn ? '\n' : ''}${JSON.stringify(checked.data)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

// Rows of the trainer's data files from the store's instructions, and from windows of posts that are rendered on the way.
import { setImmediate } from 'node:timers/promises';
import { poolWindows, type Window } from '../domain/draws.ts';
import { UserError } from '../domain/errors.ts';
import { buildInstruction, type Piece } from '../domain/instructions.ts';
import { formatHundredths } from '../domain/posts.ts';
import { RandomStream } from '../domain/randomStream.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { InstructionRow } from '../protocol/run.ts';
import type { CaptionPolicy } from '../store/captions.ts';
import type { Database } from '../store/database.ts';
import type { StoredDraw } from '../store/draws.ts';
import { instructionInputVersion, listInstructions, windowRequest, type StoredInstruction } from '../store/instructions.ts';
import { postByPid, postsOfUser, type StoredPost } from '../store/posts.ts';
import type { Source } from '../store/sources.ts';
import { drawScope, readStageState } from '../store/stageStates.ts';
import type { PromptFitter } from './promptFitter.ts';

const USERS_AT_ONCE = 20; // rendered before other work of this thread gets its turn
const THINNING_STREAM = 7301; // of the seed's random streams; any number that no other use has

/**
 * Which captions the instructions of a draw were rendered with, certain that they fit the posts and captions as they are.
 * @throws {UserError} `not-instructed`, `instructions-stale`
 */
export function requireFreshInstructions(store: Database, source: Source, draw: StoredDraw): CaptionPolicy {
  const state = readStageState(store, source.id, 'instruct', drawScope({ dataSeed: draw.seed }));
  const first = listInstructions(store, draw.id, 'few-shot', 'test', 1)[0];
  if (state === undefined || first === undefined) throw new UserError('not-instructed', 'There are no instructions of this draw yet.', 'Run “instruct” first.');
  if (state.inputHash === instructionInputVersion(store, source, draw.inputHash, first.captions)) return first.captions;
  throw new UserError('instructions-stale', 'Posts or captions have changed since the instructions were rendered.', 'Run “instruct” again.');
}

/** Unique within a file that holds one form: a question occurs once for each length of history. */
export function rowId(k: number, pid: string): string {
  return `${k}:${pid}`;
}

/** Where prompts are rendered from, and the model whose context they must fit into. */
export interface Rendering {
  readonly store: Database;
  readonly source: Source;
  readonly captions: CaptionPolicy;
  readonly fitter: PromptFitter;
}

/** Instructions with a known answer, as rows to learn from or to check against. */
export function toInstructionRows(rendering: Rendering, instructions: readonly StoredInstruction[]): InstructionRow[] {
  return instructions.flatMap((instruction) => {
    const pieces = instruction.answer === null ? null : fitted(rendering, instruction);
    return pieces === null ? [] : [{ id: rowId(instruction.k, instruction.pid), pieces: [...pieces], answer: formatHundredths(instruction.answer!) }];
  });
}

/** The prompt of a stored instruction as the model is given it; null where it does not fit. */
export function fitted({ store, source, captions, fitter }: Rendering, instruction: Pick<StoredInstruction, 'pieces' | 'history' | 'pid'>): readonly Piece[] | null {
  const post = (pid: string): StoredPost => postByPid(store, source.id, pid)!; // fresh instructions have posts
  return fitter.fit(instruction.pieces, () => windowRequest(store, source, captions, { history: instruction.history.map(post), question: post(instruction.pid) }));
}

/** Renders the prompt of a window of stored posts with the captions that the policy allows. */
export function renderWindow(store: Database, source: Source, captions: CaptionPolicy, window: Window<StoredPost>): Piece[] {
  return buildInstruction(windowRequest(store, source, captions, window)).pieces;
}

/** The windows of the pool that a training run uses. */
export interface PoolChoice {
  readonly windows: number; // of all pool users, before any choice
  of(uid: string, at: number): Window<StoredPost>[]; // those chosen of the user at a place of the pool
}

/**
 * Every window of the pool's users (1 … 4 posts, asked about the next). Where there are more than `limit`, a seeded random
 * choice of about as many: training would never see the others. The same seed chooses the same windows again.
 */
export async function* choosePool(store: Database, source: Source, uids: readonly string[], limit: number, seed: number, signal: AbortSignal): LongWork<PoolChoice> {
  const windowsOf = (uid: string): Window<StoredPost>[] => poolWindows(postsOfUser(store, source.id, uid));
  let windows = 0;
  for (const [at, uid] of uids.entries()) {
    windows += windowsOf(uid).length;
    if (at % USERS_AT_ONCE !== 0) continue;
    yield { message: 'Reading the pool', done: at, total: uids.length, unit: 'users' };
    await setImmediate();
    signal.throwIfAborted();
  }
  return {
    windows,
    of: (uid, at) => {
      if (windows <= limit) return windowsOf(uid);
      const random = new RandomStream(seed, THINNING_STREAM, at);
      return windowsOf(uid).filter(() => random.chance(limit / windows));
    },
  };
}

export interface PoolRows {
  readonly rows: AsyncIterable<InstructionRow>;
  /** What stands in the rows that were rendered so far: users, and posts whose score can be seen. */
  seen(): { readonly users: number; readonly labels: number };
}

/** Rows of the pool, rendered on the way: they are not kept in the store. */
export function poolRows({ store, source, captions, fitter }: Rendering, uids: readonly string[], choice: PoolChoice): PoolRows {
  const users = new Set<string>();
  const pids = new Set<string>();
  async function* rows(): AsyncGenerator<InstructionRow> {
    for (const [at, uid] of uids.entries()) {
      if (at % USERS_AT_ONCE === 0) await setImmediate();
      for (const window of choice.of(uid, at)) {
        const pieces = fitter.fit(renderWindow(store, source, captions, window), () => windowRequest(store, source, captions, window));
        if (pieces === null) continue;
        users.add(uid);
        for (const post of [...window.history, window.question]) pids.add(post.pid);
        yield { id: rowId(window.history.length, window.question.pid), pieces: [...pieces], answer: formatHundredths(window.question.label!) };
      }
    }
  }
  return { rows: rows(), seen: () => ({ users: users.size, labels: pids.size }) };
}

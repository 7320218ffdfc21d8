// Instructions as they were rendered: the prompt of every question of every set but the pool's, whose windows are rendered
// when a training set is frozen.
import { createHash } from 'node:crypto';
import type { Window } from '../domain/draws.ts';
import type { InstructionRequest, Piece, PromptPost, TemplateName } from '../domain/instructions.ts';
import type { Hundredths } from '../domain/posts.ts';
import type { SetName } from '../protocol/stages.ts';
import type { Database } from './database.ts';
import type { StoredPost } from './posts.ts';
import { captionsVersion, captionText, type CaptionPolicy } from './captions.ts';
import type { Source } from './sources.ts';

export interface StoredInstruction {
  readonly set: SetName;
  readonly form: 'train' | 'test';
  readonly k: number; // of k-shot: train has k history posts, test k + 1
  readonly pid: string; // the question
  readonly uid: string;
  readonly history: readonly string[]; // pids, oldest first
  readonly pieces: readonly Piece[];
  readonly answer: Hundredths | null;
  readonly promptHash: string;
  readonly captions: CaptionPolicy;
  readonly album: boolean; // the question lies within an hour of a history post or shares its title
}

interface InstructionRow {
  set_name: SetName; form: 'train' | 'test'; k: number; pid: string; uid: string; history: string; pieces: string; answer: number | null;
  prompt_hash: string; caption_policy: CaptionPolicy; album: number;
}

const fromRow = (row: InstructionRow): StoredInstruction => ({
  set: row.set_name, form: row.form, k: row.k, pid: row.pid, uid: row.uid, history: JSON.parse(row.history) as string[],
  pieces: JSON.parse(row.pieces) as Piece[], answer: row.answer, promptHash: row.prompt_hash, captions: row.caption_policy, album: row.album === 1,
});

/** Identifies a prompt by its pieces: the same words cut differently would be encoded differently. */
export function promptHash(pieces: readonly Piece[]): string {
  return createHash('sha256').update(JSON.stringify(pieces)).digest('hex');
}

/** What instructions depend on: the draw (its users and posts), the posts' words, the captions and which of them are allowed. */
export function instructionInputVersion(store: Database, source: Source, drawInputHash: string, captions: CaptionPolicy): string {
  return `${drawInputHash} ${source.fingerprint} ${captions} ${captionsVersion(store, source.id)}`;
}

/** What an instruction may say of a stored post: outcome columns are not among `extra` unless the mapping allowed them. */
export function promptPost(post: StoredPost, caption: string, template: string): PromptPost {
  const { pid, title, category, subcategory, concept, label, extra } = post;
  if (template === 'tpic2017') { // names as its reader gives them (src/sources/tpic2017.ts)
    return {
      pid, title, category, subcategory, concept, caption, label, extra: [],
      titleLength: extra['title length'] ?? '', tagCount: extra['number of tags'] ?? '', releaseDate: extra['release date'] ?? '',
      ...(extra['score as printed'] === undefined ? {} : { printedScore: extra['score as printed'] }),
    };
  }
  return { pid, title, category, subcategory, concept, caption, extra: Object.entries(extra), label };
}

/** What the prompt of a window of stored posts is rendered from, with the captions that the policy allows. */
export function windowRequest(store: Database, source: Source, captions: CaptionPolicy, window: Window<StoredPost>): InstructionRequest {
  const shown = (post: StoredPost): PromptPost => promptPost(post, captionText(store, source.id, post.pid, captions), source.template);
  return { template: source.template as TemplateName, uid: window.question.uid, history: window.history.map(shown), question: shown(window.question) };
}

/** Which captions a draw's instructions were rendered with: all of them with the same. Undefined where there are none. */
export function captionPolicyOf(store: Database, drawId: number): CaptionPolicy | undefined {
  return store.prepare<{ caption_policy: CaptionPolicy }>('SELECT caption_policy FROM instructions WHERE draw_id = ? LIMIT 1').get(drawId)?.caption_policy;
}

/** Inserts or replaces; answers how many prompts are new or differ from what was there. One transaction. */
export function saveInstructions(store: Database, drawId: number, instructions: readonly StoredInstruction[]): number {
  const before = store.prepare<{ prompt_hash: string; answer: number | null }>(
    'SELECT prompt_hash, answer FROM instructions WHERE draw_id = ? AND set_name = ? AND form = ? AND k = ? AND pid = ?');
  const write = store.prepare(`INSERT INTO instructions (draw_id, set_name, form, k, pid, uid, history, pieces, answer, prompt_hash, caption_policy, album)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (draw_id, set_name, form, k, pid) DO UPDATE SET uid = excluded.uid, history = excluded.history, pieces = excluded.pieces, answer = excluded.answer,
      prompt_hash = excluded.prompt_hash, caption_policy = excluded.caption_policy, album = excluded.album`);
  return store.transaction(() => {
    let changed = 0;
    for (const row of instructions) {
      const old = before.get(drawId, row.set, row.form, row.k, row.pid);
      if (old?.prompt_hash !== row.promptHash || old.answer !== row.answer) changed += 1;
      write.run(drawId, row.set, row.form, row.k, row.pid, row.uid, JSON.stringify(row.history), JSON.stringify(row.pieces), row.answer,
        row.promptHash, row.captions, row.album ? 1 : 0);
    }
    return changed;
  });
}

/** Removes the instructions whose question is no longer asked in this draw: those not in `kept` (`instructionKey`). */
export function removeOtherInstructions(store: Database, drawId: number, kept: ReadonlySet<string>): number {
  const rows = store.prepare<{ id: number; set_name: SetName; form: 'train' | 'test'; k: number; pid: string }>(
    'SELECT id, set_name, form, k, pid FROM instructions WHERE draw_id = ?').all(drawId);
  const gone = rows.filter((row) => !kept.has(instructionKey({ set: row.set_name, form: row.form, k: row.k, pid: row.pid })));
  const remove = store.prepare('DELETE FROM instructions WHERE id = ?');
  store.transaction(() => { for (const row of gone) remove.run(row.id); });
  return gone.length;
}

export function instructionKey(instruction: Pick<StoredInstruction, 'set' | 'form' | 'k' | 'pid'>): string {
  return JSON.stringify([instruction.set, instruction.form, instruction.k, instruction.pid]);
}

/** Instructions of a set and form (all k unless one is given), in the order in which the users were drawn, k by k. */
export function listInstructions(store: Database, drawId: number, set: SetName, form: 'train' | 'test', k?: number): StoredInstruction[] {
  const rows = store.prepare<InstructionRow>(
    `SELECT i.* FROM instructions i LEFT JOIN draw_users u ON u.draw_id = i.draw_id AND u.uid = i.uid
     WHERE i.draw_id = ? AND i.set_name = ? AND i.form = ? AND (? IS NULL OR i.k = ?) ORDER BY i.k, u.position, i.pid`).all(drawId, set, form, k ?? null, k ?? null);
  return rows.map(fromRow);
}

/** How many instructions a draw has, by set and form: keys such as 'few-shot train'. */
export function countInstructions(store: Database, drawId: number): Record<string, number> {
  const rows = store.prepare<{ set_name: string; form: string; count: number }>(
    'SELECT set_name, form, count(*) AS count FROM instructions WHERE draw_id = ? GROUP BY set_name, form ORDER BY set_name, form').all(drawId);
  return Object.fromEntries(rows.map((row) => [`${row.set_name} ${row.form}`, row.count]));
}

/** Changes whenever a prompt or an answer changes. */
export function instructionsHash(store: Database, drawId: number): string {
  const hash = createHash('sha256');
  for (const row of store.prepare<{ text: string }>(
    `SELECT set_name || ' ' || form || ' ' || k || ' ' || pid || ' ' || prompt_hash || ' ' || ifnull(answer, '') AS text
     FROM instructions WHERE draw_id = ? ORDER BY set_name, form, k, pid`).iterate(drawId)) hash.update(row.text).update('\n');
  return hash.digest('hex');
}

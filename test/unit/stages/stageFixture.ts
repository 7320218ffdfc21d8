// A small store with posts in it, and a context for stages that work on it: test data for stages, exports and the pipeline's status.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../../src/hosts/host.ts';
import type { LongWork, Progress } from '../../../src/protocol/progress.ts';
import type { ModelRole, Plan } from '../../../src/protocol/stages.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import type { StageContext } from '../../../src/stages/stageContext.ts';
import type { Database } from '../../../src/store/database.ts';
import { findDraw, type StoredDraw } from '../../../src/store/draws.ts';
import type { StoredInstruction } from '../../../src/store/instructions.ts';
import type { TrainingLabels } from '../../../src/store/models.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { learnableContent } from '../../../src/store/stageStates.ts';

export interface FixturePost {
  readonly pid: string;
  readonly uid: string;
  readonly postedAt: number;
  readonly label: number | null; // hundredths
  readonly title?: string;
  readonly category?: string;
  readonly dropped?: string;
  readonly extra?: Record<string, string>;
}

/** Users with a usable, labelled post, by uid, with how many they have. */
export function usersWithPosts(store: Database, sourceId: number): { uid: string; posts: number }[] {
  return store.prepare<{ uid: string; posts: number }>('SELECT uid, count(*) AS posts FROM usable_posts WHERE source_id = ? AND label IS NOT NULL GROUP BY uid ORDER BY uid').all(sourceId);
}

export const openTestStore = (): Promise<Database> => openStore(':memory:', { readOnly: false });

/** Users named u000, u001, … with posts u000-0, u000-1, … a day apart; the score says which user and post it is: 2.00 + user % 10 + post / 100. */
export function regularPosts(users: number, postsEach: number): FixturePost[] {
  const posts: FixturePost[] = [];
  for (let user = 0; user < users; user++) {
    const uid = `u${String(user).padStart(3, '0')}`;
    for (let post = 0; post < postsEach; post++) {
      posts.push({ uid, pid: `${uid}-${post}`, postedAt: 1_500_000_000 + post * 86_400 + user, label: 200 + (user % 10) * 100 + post, title: `Title ${user} ${post}`, category: 'Fashion' });
    }
  }
  return posts;
}

/** Adds a source, or gives it a new live generation. Posts of a user are ordered as they come. */
export function fillSource(store: Database, name: string, posts: readonly FixturePost[], options: { kind?: string; fingerprint?: string } = {}): number {
  return store.transaction(() => {
    store.prepare("INSERT INTO sources (name, kind, root, template, created_at) VALUES (?, ?, '/data', 'smpd', 0) ON CONFLICT (name) DO NOTHING").run(name, options.kind ?? 'table');
    const sourceId = store.prepare<{ id: number }>('SELECT id FROM sources WHERE name = ?').get(name)!.id;
    const generation = Number(store.prepare("INSERT INTO generations (source_id, state, fingerprint, started_at) VALUES (?, 'live', ?, 0)")
      .run(sourceId, options.fingerprint ?? `fingerprint of ${posts.length}`).lastInsertRowid);
    const insert = store.prepare(`INSERT INTO posts (generation_id, pid, uid, posted_at, user_order, title, category, subcategory, concept, tags, image_path, extra, label, file, row, dropped)
      VALUES (?, ?, ?, ?, ?, ?, ?, '', '', '', '', ?, ?, 'posts.csv', ?, ?)`);
    const orders = new Map<string, number>();
    posts.forEach((post, index) => {
      const order = orders.get(post.uid) ?? 0;
      orders.set(post.uid, order + 1);
      insert.run(generation, post.pid, post.uid, post.postedAt, order, post.title ?? '', post.category ?? '', JSON.stringify(post.extra ?? {}), post.label, index + 2, post.dropped ?? null);
    });
    store.prepare('UPDATE sources SET live_generation = ? WHERE id = ?').run(generation, sourceId);
    return sourceId;
  });
}

/** A source “posts” of 60 users with 5 posts each, drawn with seed 0 (20 validation, 20 few-shot, 20 alignment users) and instructed. */
export async function instructedStore(posts: readonly FixturePost[] = regularPosts(60, 5)): Promise<{ store: Database; context: StageContext; sourceId: number; draw: StoredDraw }> {
  const store = await openTestStore();
  const sourceId = fillSource(store, 'posts', posts);
  const context = testContext(store);
  await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted));
  await drain(buildInstructions(context, { source: 'posts', dataSeed: 0, captions: 'any' }, neverAborted));
  return { store, context, sourceId, draw: findDraw(store, sourceId, 0)! };
}

/** The experiment that the models below belong to. */
export const experiment = { source: 'posts', dataSeed: 0, plan: 'ours', trainingSeed: 0, base: 'tiny' } as const;

export function addModel(store: Database, draw: StoredDraw, role: ModelRole, changes: { plan?: Plan; k?: number; variant?: string; labels?: Partial<TrainingLabels>; weightsHash?: string } = {}): number {
  return Number(store.prepare(`INSERT INTO models (draw_id, role, plan, k, variant, training_seed, base, path, weights_hash, chosen, training_labels, range_min, range_max, made_at)
    VALUES (?, ?, ?, ?, ?, 0, 'tiny', 'models/x', ?, 'sft 40', ?, ?, ?, 0)`).run(draw.id, role, changes.plan ?? 'ours', changes.k ?? null, changes.variant ?? (role === 'aligned' ? 'idpop' : ''),
    changes.weightsHash ?? `weights of ${role}`, JSON.stringify({ sets: ['few-shot'], poolUsers: 0, labels: 180, learnable: learnableContent(store, draw.sourceId, draw.seed), ...changes.labels }), draw.rangeMin, draw.rangeMax).lastInsertRowid);
}

export function addPrediction(store: Database, modelId: number, asked: StoredInstruction, decoder: 'median' | 'greedy' | 'sample', draw: number, text: string, value: number | null): void {
  const sourceId = store.prepare<{ source_id: number }>('SELECT d.source_id FROM models m JOIN draws d ON d.id = m.draw_id WHERE m.id = ?').get(modelId)!.source_id;
  store.prepare(`INSERT OR REPLACE INTO predictions (model_id, source_id, pid, k, decoder, draw, text, value, sampled_from, prompt_hash, history, predicted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`)
    .run(modelId, sourceId, asked.pid, asked.k, decoder, draw, text, value, decoder === 'sample' ? 'trie' : null, asked.promptHash, JSON.stringify(asked.history));
}

export function excludePost(store: Database, sourceId: number, pid: string): void {
  store.prepare("INSERT INTO decisions (id, source_id, pid, kind, author, decided_at) VALUES (?, ?, ?, 'post-excluded', 'tester', 1)").run(`exclude ${pid}`, sourceId, pid);
}

/** A context whose clock stands still and whose host refuses everything: stages that train are not for it. */
export function testContext(store: Database): StageContext {
  const folder = mkdtempSync(join(tmpdir(), 'smp-stages-'));
  const silent = (): void => undefined;
  return {
    store, folder, storeFolder: join(folder, '.smp'), resources: join(import.meta.dirname, '..', '..', '..', 'resources'), productVersion: '0.0.0-test',
    log: { info: silent, warn: silent, error: silent }, host: {} as Host, trainer: { python: () => Promise.resolve(null), package: '', threads: 1 }, now: () => 1_700_000_000,
  };
}

export const neverAborted = new AbortController().signal;

/** Runs long work to its end; hands its progress on. */
export async function drain<Result>(work: LongWork<Result>, onProgress: (progress: Progress) => void = () => undefined): Promise<Result> {
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
    onProgress(step.value);
  }
}

// Point look-ups for hovers: one post with its newest prediction and what came before it.
import { isAbsolute, join, relative, sep } from 'node:path';
import { buildInstruction } from '../domain/instructions.ts';
import type { Hundredths, PostKey } from '../domain/posts.ts';
import type { Experiment } from '../protocol/pipelineStatus.ts';
import { SMPD_PID_KEYS, type CardPrediction, type PostCard, type PostCards, type PostFile, type StaleReason } from '../protocol/postCard.ts';
import type { ModelRole, SetName } from '../protocol/stages.ts';
import { storeRevision } from './backupContent.ts';
import { captionTouchedSince } from './captions.ts';
import type { Database } from './database.ts';
import { pictureOf } from './fetchedPictures.ts';
import { indexedFiles } from './generations.ts';
import { captionPolicyOf, promptHash, windowRequest } from './instructions.ts';
import { earlierPosts, postAt, postByPid, type StoredPost } from './posts.ts';
import { sourceByName, type Source } from './sources.ts';

/** How many earlier scores the card's curve shows; more than any prompt's history. */
const EARLIER_SHOWN = 8;
/** The column of an exported row that the trainers ignore. */
const TRACE_KEYS = ['post_id'];

interface PredictionRow {
  value: Hundredths | null; text: string; quantiles: string | null; decoder: 'median' | 'greedy'; k: number; history: string; run_id: string | null; predicted_at: number; prompt_hash: string;
  role: ModelRole; plan: string; variant: string; base: string; draw_id: number | null; model_id: number;
}

/**
 * The answer a person would want goes first: of the experiment that the settings name, of its most tuned model (of aligned ones
 * that of the loss that is set), of the newest run; of that run exact before greedy and the longest history. Predictions are p, models m, draws d, runs r.
 */
export const PREDICTION_PREFERENCE = `
  (ifnull(d.seed, :dataSeed) = :dataSeed AND m.plan = :plan AND m.training_seed = :trainingSeed AND m.base = :base) DESC,
  CASE m.role WHEN 'aligned' THEN 0 WHEN 'sft' THEN 1 ELSE 2 END, (m.role = 'aligned' AND m.variant = :loss) DESC, ifnull(r.started_at, p.predicted_at) DESC, p.decoder = 'median' DESC, p.k DESC, p.predicted_at DESC`;

const NEWEST_PREDICTION = `
  SELECT p.value, p.text, p.quantiles, p.decoder, p.k, p.history, p.run_id, p.predicted_at, p.prompt_hash,
         m.role, m.plan, m.variant, m.base, m.draw_id, m.id AS model_id
  FROM predictions p JOIN models m ON m.id = p.model_id LEFT JOIN draws d ON d.id = m.draw_id LEFT JOIN runs r ON r.id = p.run_id
  WHERE p.source_id = :source AND p.pid = :pid AND p.decoder IN ('median','greedy') AND (:role IS NULL OR m.role = :role)
  ORDER BY ${PREDICTION_PREFERENCE} LIMIT 1`;

/**
 * @param experimentNow the experiment that the settings name at the moment; its predictions go first
 * @param pictures folder of fetched pictures; null: none are shown
 */
export function createPostCards(store: Database, experimentNow: () => Experiment, pictures: string | null = null): PostCards {
  const byKey = (key: PostKey, role: ModelRole | null = null): PostCard | null => {
    const source = sourceByName(store, key.source);
    const post = source === null ? null : postByPid(store, source.id, key.pid);
    return source === null || post === null ? null : toCard(store, pictures, source, post, experimentNow(), role);
  };
  return {
    fileOf: (path) => fileOfSource(store, path) ?? fileOfExport(store, path),
    byKey,
    byPid: (file, pid) => byKey({ source: file.source, pid }),
    atRow(path, row) {
      const post = postAt(store, path, row);
      const source = post === null ? null : sourceByName(store, post.source);
      return source === null || post === null ? null : toCard(store, pictures, source, post, experimentNow(), null);
    },
    filesOf(name) {
      const source = sourceByName(store, name);
      return source === null ? [] : indexedFiles(store, source.id).map((file) => join(source.root, file.path));
    },
    generationOf(name) {
      const source = sourceByName(store, name);
      return source === null ? null : JSON.stringify([storeRevision(store), source.id, source.liveGeneration, source.indexedAt]); // numbers alone come again after a removal
    },
    close: () => store.close(),
  };
}

/** The path below the folder with forward slashes, or null when it lies elsewhere. */
function below(folder: string, path: string): string | null {
  const inside = relative(folder, path);
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? null : inside.split(sep).join('/');
}

function fileOfSource(store: Database, path: string): PostFile | null {
  const sources = store.prepare<{ name: string; kind: string; root: string; live_generation: number; mapping: string | null }>(
    'SELECT name, kind, root, live_generation, mapping FROM sources WHERE live_generation IS NOT NULL').all();
  for (const source of sources) {
    const inside = below(source.root, path);
    if (inside === null) continue;
    const found = store.prepare<{ role: string; size: number; modifiedAt: number; sha256: string }>(
      'SELECT role, size, modified_at AS modifiedAt, sha256 FROM files WHERE generation_id = ? AND path = ?').get(source.live_generation, inside);
    if (found === undefined) continue;
    const { role, ...indexed } = found;
    const mapping = source.mapping === null ? null : (JSON.parse(source.mapping) as { format: string; delimiter: string | null; columns: { pid: string } });
    const common = { source: source.name, indexed, delimiter: mapping?.delimiter ?? (mapping?.format === 'tsv' ? '\t' : null), pidColumn: null };
    if (mapping !== null) return { ...common, layout: mapping.format === 'jsonl' ? 'json' : 'lines', pidKeys: [mapping.columns.pid], rowAligned: false };
    if (/\.jsonl?$/i.test(inside)) return { ...common, layout: 'json', pidKeys: SMPD_PID_KEYS, rowAligned: role.endsWith('/user') };
    const pidColumn = source.kind.startsWith('tpic') ? 0 : role.endsWith('/post-lines') ? 1 : null; // "pid uid …" and "uid" "pid" …
    return { ...common, layout: 'lines', pidKeys: [], rowAligned: pidColumn === null, delimiter: pidColumn === null ? null : ' ', pidColumn };
  }
  return null;
}

function fileOfExport(store: Database, path: string): PostFile | null {
  const exports = store.prepare<{ folder: string; source: string }>(
    'SELECT e.folder, s.name AS source FROM exports e JOIN draws d ON d.id = e.draw_id JOIN sources s ON s.id = d.source_id ORDER BY e.id DESC').all();
  const match = exports.find((made) => below(made.folder, path) !== null);
  return match === undefined ? null : { source: match.source, layout: 'json', pidKeys: TRACE_KEYS, rowAligned: false, pidColumn: null, delimiter: null, indexed: null };
}

function toCard(store: Database, pictures: string | null, source: Source, post: StoredPost, experiment: Experiment, role: ModelRole | null): PostCard {
  const caption = store.prepare<{ text: string }>('SELECT text FROM captions WHERE source_id = ? AND pid = ? ORDER BY id DESC LIMIT 1').get(post.sourceId, post.pid);
  const earlier = earlierPosts(store, post, EARLIER_SHOWN);
  const excluded = store.prepare('SELECT 1 FROM excluded_posts WHERE source_id = ? AND pid = ?').get(post.sourceId, post.pid);
  return {
    source: source.name, sourceKind: source.kind, pid: post.pid, uid: post.uid, title: post.title, category: post.category, subcategory: post.subcategory,
    concept: post.concept, postedAt: post.postedAt, label: post.label, caption: caption?.text ?? null,
    ...pictureOf(store, pictures, source, post), dropped: post.dropped, excluded: excluded !== undefined,
    earlier: earlier.map(({ label }) => label!),
    prediction: newestPrediction(store, source, post, earlier, experiment, role), file: join(source.root, post.file), row: post.row,
  };
}

function newestPrediction(
  store: Database, source: Source, post: StoredPost, earlier: readonly StoredPost[], { dataSeed, plan, trainingSeed, base, loss = '' }: Experiment, role: ModelRole | null,
): CardPrediction | null {
  const row = store.prepare<PredictionRow>(NEWEST_PREDICTION).get({ source: post.sourceId, pid: post.pid, role, dataSeed, plan, trainingSeed, base, loss });
  if (row === undefined) return null;
  const quantiles = row.quantiles === null ? {} : (JSON.parse(row.quantiles) as Record<string, Hundredths | undefined>);
  const history = JSON.parse(row.history) as string[];
  return {
    value: row.value, text: row.text, low80: quantiles['10'] ?? null, high80: quantiles['90'] ?? null,
    model: modelName(row), role: row.role, decoder: row.decoder, history: history.length, run: row.run_id, predictedAt: row.predicted_at,
    userSet: store.prepare<{ set_name: SetName }>('SELECT set_name FROM draw_users WHERE draw_id = ? AND uid = ?').get(row.draw_id, post.uid)?.set_name ?? null,
    stale: staleReason(store, source, post, earlier, row, history),
  };
}

/** 'idpop, tiny'. */
export function modelName(model: Pick<PredictionRow, 'role' | 'variant' | 'base'>): string {
  const base = model.base.split(/[\\/]/).at(-1) ?? model.base; // a folder's own name; its place says nothing
  const tuned = model.role === 'aligned' ? model.variant || 'aligned' : model.role;
  return `${tuned}, ${base}`;
}

/** The prompt is rendered again from what the store holds now: a handful of look-ups by key and a hash, fit for the extension host. */
function staleReason(store: Database, source: Source, post: StoredPost, earlier: readonly StoredPost[], prediction: PredictionRow, then: readonly string[]): StaleReason | null {
  const history = earlier.slice(-then.length); // predictions are asked with the posts just before
  if (history.map(({ pid }) => pid).join('\n') !== then.join('\n')) return 'history-changed';
  const captions = (prediction.draw_id === null ? undefined : captionPolicyOf(store, prediction.draw_id)) ?? 'approved';
  const { pieces } = buildInstruction(windowRequest(store, source, captions, { history, question: post }));
  if (promptHash(pieces) !== prediction.prompt_hash) {
    return [post, ...history].some(({ pid }) => captionTouchedSince(store, post.sourceId, pid, prediction.predicted_at)) ? 'caption-changed' : 'prompt-changed';
  }
  const model = store.prepare<{ made_at: number }>('SELECT made_at FROM models WHERE id = ?').get(prediction.model_id);
  return model !== undefined && model.made_at > prediction.predicted_at ? 'newer-model' : null;
}

// The plan on the real Hacker News posts, where this machine has them (SMP_REAL_POSTS): everything before training on all of
// them, and the whole plan on the posts of 70 of their authors with as few steps as there can be.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { LocalHost } from '../../../src/hosts/local/localHost.ts';
import { DEFAULT_SETTINGS } from '../../../src/protocol/settings.ts';
import { indexRequest } from '../../../src/protocol/stageRequests.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { indexPosts } from '../../../src/stages/indexPosts.ts';
import { readPipelineStatus } from '../../../src/stages/pipelineStatus.ts';
import { runPlan } from '../../../src/stages/runPlan.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import type { StageContext } from '../../../src/stages/stageContext.ts';
import { findDraw } from '../../../src/store/draws.ts';
import { findEvaluation } from '../../../src/store/evaluations.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { drain, neverAborted } from './stageFixture.ts';

const path = process.env['SMP_REAL_POSTS'];
const root = join(import.meta.dirname, '..', '..', '..');
const python = join(root, '.venv', 'bin', 'python');
const settings = { ...DEFAULT_SETTINGS, 'train.poolSteps': 1, 'train.sftSteps': 1, 'align.epochs': 1 };

async function workplace(): Promise<StageContext> {
  const folder = mkdtempSync(join(tmpdir(), 'smp-real-'));
  const storeFolder = join(folder, '.smp');
  const silent = (): void => undefined;
  return {
    store: await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false }), folder, storeFolder, resources: join(root, 'resources'), productVersion: '0.0.0-test',
    log: { info: silent, warn: silent, error: silent }, now: () => Date.now() / 1000, trainer: { python: () => Promise.resolve(python), package: join(root, 'resources', 'trainer'), threads: 1 },
    host: new LocalHost({ jobsFolder: join(storeFolder, 'runs'), python: () => Promise.resolve(python), supervisor: join(root, 'resources', 'trainer', 'supervisor.py') }),
  };
}

/** The rows of the 70 first authors with at least 5 posts. */
function fewAuthors(target: string): string {
  const rows = parse(readFileSync(path!, 'utf8'), { columns: true }) as Record<string, string>[];
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row['author']!, (counts.get(row['author']!) ?? 0) + 1);
  const kept = new Set([...counts].filter(([, posts]) => posts >= 5).map(([author]) => author).sort().slice(0, 70));
  const columns = Object.keys(rows[0]!);
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  writeFileSync(target, [columns.join(','), ...rows.filter((row) => kept.has(row['author']!)).map((row) => columns.map((column) => cell(row[column]!)).join(',')), ''].join('\n'));
  return target;
}

describe('run on real posts', function () {
  this.timeout(600_000);

  it('guesses the mapping, keeps every outcome out of every prompt, and sizes the sets by the rule', async function () {
    if (!path) return this.skip();
    const context = await workplace();
    const { store } = context;
    await drain(indexPosts(context, indexRequest(path, null, settings), neverAborted));
    const source = requireSource(store, 'hn_2018_2019');
    assert.deepEqual([source.mapping!.columns.popularity, source.mapping!.columns.uid, source.mapping!.popularityScale], ['points', 'author', 'log2-count-plus-1']);
    assert.ok(source.mapping!.outcome.includes('comments') && source.mapping!.allowOutcome.length === 0);
    await drain(samplePosts(context, { source: source.name, dataSeed: 0 }, neverAborted));
    const draw = findDraw(store, source.id, 0)!;
    // 254 authors with 5 posts: ⌊254 / 10⌋ validate, the rest of 229 is halved, 1 is left for the pool
    assert.deepEqual([draw.details['eligible'], draw.sizes.validation, draw.sizes['few-shot'], draw.sizes.alignment, draw.sizes['extra-1'], draw.sizes['extra-2']], [254, 25, 114, 114, 0, 0]);
    await drain(buildInstructions(context, { source: source.name, dataSeed: 0, captions: 'any' }, neverAborted));

    const comments = new Map((parse(readFileSync(path, 'utf8'), { columns: true }) as Record<string, string>[]).map((row) => [row['id']!, row]));
    const rows = store.prepare<{ pid: string; history: string; pieces: string }>('SELECT pid, history, pieces FROM instructions WHERE draw_id = ?').all(draw.id);
    assert.ok(rows.length > 1000);
    for (const row of rows) {
      const pieces = JSON.parse(row.pieces) as [string, string][];
      // what a prompt holds of a post: its author, ids, titles and the history's scores; nothing else comes from the table
      const posts = [...(JSON.parse(row.history) as string[]), row.pid].map((pid) => comments.get(pid)!);
      const allowed = new Set([...posts.map((post) => post['id']!), ...posts.map((post) => post['author']!), ...posts.map((post) => [...post['title']!.replace(/\s+/g, ' ').trim()].slice(0, 300).join('').trimEnd())]);
      for (const [kind, text] of pieces) if (kind === 'v') assert.ok(allowed.has(text.trim()), `“${text}” in the prompt of ${row.pid}`);
      assert.ok(!pieces.some(([kind, text]) => kind === 't' && /comments|points|url/.test(text)));
    }
    store.close();
    rmSync(context.folder, { recursive: true, force: true });
  });

  it('goes through to a report, and does nothing the second time', async function () {
    if (!path) return this.skip();
    const context = await workplace();
    const request = { data: fewAuthors(join(context.folder, 'few.csv')), source: null, captionsFile: null, settings };
    const first = await drain(runPlan(context, request, neverAborted));
    assert.deepEqual(first.stages.map((stage) => [stage.title, stage.unchanged]), [
      ['Index', false], ['Sample', false], ['Instruct', false], ['Train', false], ['Predict (alignment set)', false], ['Pair', false], ['Align', false], ['Predict (test sets)', false], ['Evaluate', false],
    ]);
    const { report } = findEvaluation(context.store, first.evaluation)!;
    assert.deepEqual(report.tables.filter((table) => table.set === 'few-shot').map((table) => table.k), [1, 2, 3]);
    assert.deepEqual([...new Set(report.tables[0]!.rows.filter((row) => row.kind === 'model').map((row) => row.decoder))], ['median', 'greedy']);
    assert.ok(report.findings.some((finding) => finding.text.includes('global median')));
    const status = readPipelineStatus(context, { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' });
    assert.equal(status.sources[0]!.next, null);
    assert.ok(status.runs.length >= 4 && status.runs.every((run) => run.state === 'succeeded'));

    const second = await drain(runPlan(context, request, neverAborted));
    assert.ok(second.unchanged && second.stages.every((stage) => stage.unchanged));
    assert.equal(second.evaluation, first.evaluation);
    context.store.close();
    rmSync(context.folder, { recursive: true, force: true });
  });
});

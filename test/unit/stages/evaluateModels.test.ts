// Report numbers against cases worked by hand: a user's posts p1 … p5 have the scores l, l + .01, … l + .04, and p5 is asked.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import type { EvaluationRow } from '../../../src/protocol/report.ts';
import { evaluateModels } from '../../../src/stages/evaluateModels.ts';
import { findEvaluation } from '../../../src/store/evaluations.ts';
import { listInstructions, type StoredInstruction } from '../../../src/store/instructions.ts';
import { modelsOfExperiment } from '../../../src/store/models.ts';
import { usersOfSet } from '../../../src/store/draws.ts';
import { postsOfUser } from '../../../src/store/posts.ts';
import { addModel, addPrediction, drain, experiment, instructedStore, neverAborted, regularPosts, type FixturePost } from './stageFixture.ts';

/** sft: always .50 too high; base: 5.00 whatever is asked, and no number in 12 of 20 greedy answers. */
async function predicted(posts: readonly FixturePost[] = regularPosts(60, 5)) {
  const made = await instructedStore(posts);
  const { store, draw, context } = made;
  const sft = addModel(store, draw, 'sft', { labels: { sets: ['few-shot'], poolUsers: 0, labels: 80 } });
  const base = addModel(store, draw, 'base', { labels: { sets: [], poolUsers: 0, labels: 0 } });
  const asked = (['few-shot', 'extra-1', 'extra-2'] as const).flatMap((set) => listInstructions(store, draw.id, set, 'test'));
  const position = new Map<string, number>();
  for (const row of asked) {
    const at = position.get(`${row.set} ${row.k}`) ?? 0;
    position.set(`${row.set} ${row.k}`, at + 1);
    for (const decoder of ['median', 'greedy'] as const) addPrediction(store, sft, row, decoder, 0, 'x', row.answer! + 50);
    addPrediction(store, base, row, 'median', 0, 'x', 500);
    addPrediction(store, base, row, 'greedy', 0, 'x', at < 12 ? null : 500);
  }
  const evaluate = () => drain(evaluateModels(context, experiment, neverAborted));
  const report = async () => findEvaluation(store, (await evaluate()).counts['evaluation'] as number)!.report;
  return { ...made, sft, base, asked, evaluate, report };
}

const rowOf = (rows: readonly EvaluationRow[], name: string, decoder: string | null = null): EvaluationRow => rows.find((row) => row.name === name && row.decoder === decoder)!;
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

describe('stage evaluate', () => {
  it('has a table for each k with models by both decoders and all six plain baselines, whose numbers are those worked by hand', async () => {
    const { report } = await predicted();
    const { tables } = await report();
    assert.deepEqual(tables.map(({ set, k }) => [set, k]), [['few-shot', 1], ['few-shot', 2], ['few-shot', 3]]);
    for (const { k, rows } of tables) {
      assert.deepEqual(rows.map(({ name, decoder }) => [name, decoder]), [
        ['tiny base', 'median'], ['tiny base', 'greedy'], ['tiny base, SFT', 'median'], ['tiny base, SFT', 'greedy'],
        ['global median', null], ['user mean', null], ['user median', null], ['last score', null], ['shrunken user mean', null], ['ridge', null],
      ]);
      const sft = rowOf(rows, 'tiny base, SFT', 'median');
      assert.deepEqual([sft.mae, sft.users, sft.parsed].map((value) => value && JSON.parse(JSON.stringify(value))), [{ value: 0.5, low: 0.5, high: 0.5 }, 20, 20]);
      assert.ok(typeof sft.spearman === 'object' && rounded(sft.spearman!.value) === 1, 'the truth with a constant added keeps its ranks');
      assert.equal(rounded(rowOf(rows, 'last score').mae!.value), (4 - k) / 100); // p5 − p(k+1) = (4 − k) / 100
      // the mean of l, …, l + k/100 is l + k/200, rounded up to a hundredth: errors .03, .03, .02
      assert.equal(rounded(rowOf(rows, 'user mean').mae!.value), [0.03, 0.03, 0.02][k - 1]);
      assert.equal(rowOf(rows, 'global median').spearman, 'equal');
    }
  });

  it('tells equal answers, answers that are mostly no numbers, and filled failures apart', async () => {
    const { report, asked } = await predicted();
    const { rows } = (await report()).tables[0]!;
    assert.equal(rowOf(rows, 'tiny base', 'median').spearman, 'equal');
    const greedy = rowOf(rows, 'tiny base', 'greedy');
    assert.equal(greedy.spearman, 'unparsable');
    assert.equal(greedy.parsed, 8);
    const questions = asked.filter((row) => row.k === 1);
    const error = (value: number, row: StoredInstruction): number => Math.abs(value - row.answer!) / 100;
    assert.equal(rounded(greedy.mae!.value), rounded(questions.slice(12).reduce((sum, row) => sum + error(500, row), 0) / 8));
    // failures become the median of the training labels, which is what the global median predicts
    const median = rowOf(rows, 'global median').mae!.value * 20 * 100;
    const filled = greedy.maeFilled!.value * 20 - questions.slice(12).reduce((sum, row) => sum + error(500, row), 0);
    const candidates = [...new Set(questions.flatMap((row) => [row.answer! - 4, row.answer! - 3, row.answer! - 2, row.answer! - 1]))];
    const fallback = candidates.flatMap((a) => candidates.map((b) => Math.round((a + b) / 2))).find((value) => rounded(questions.reduce((sum, row) => sum + Math.abs(value - row.answer!), 0)) === rounded(median))!;
    assert.equal(rounded(filled), rounded(questions.slice(0, 12).reduce((sum, row) => sum + error(fallback, row), 0)));
  });

  it('compares by pairs against the best plain baseline, and says what follows', async () => {
    const { report } = await predicted();
    const { tables, headline, findings } = await report();
    const { rows } = tables[2]!;
    const baselines = rows.filter((row) => row.kind === 'baseline');
    const best = baselines.reduce((smallest, row) => (row.maeFilled!.value < smallest.maeFilled!.value ? row : smallest));
    const { difference } = rowOf(rows, 'tiny base, SFT', 'median');
    assert.equal(difference!.against, best.name);
    assert.equal(rounded(difference!.mae.value), rounded(0.5 - best.maeFilled!.value));
    assert.equal(best.difference, null);
    assert.match(headline, /^3-shot MAE 0\.50 ± \.00 · best plain baseline 0\.0\d$/);
    assert.ok(findings.some((finding) => /^3-shot, few-shot: tiny base, SFT \(median\) (is worse than|is not shown to beat) /.test(finding.text)));
  });

  it('pools sets, fits baselines on all that a model saw and on the few-shot labels alone, and names albums', async () => {
    // 50 validation, 200 few-shot, 200 alignment, 50 left for one extra set; users with 2 posts make a pool
    const few = regularPosts(30, 2).map((post) => ({ ...post, uid: `p${post.uid}`, pid: `p${post.pid}` }));
    const { store, draw, context, asked } = await predicted([...regularPosts(500, 5), ...few]);
    assert.deepEqual(draw.sizes, { validation: 50, 'few-shot': 200, alignment: 200, 'extra-1': 50, 'extra-2': 0, pool: 30 });
    const pairs = listInstructions(store, draw.id, 'alignment', 'test').map(({ k, pid }) => `${k}:${pid}`);
    const aligned = addModel(store, draw, 'aligned', { labels: { sets: ['few-shot', 'pool', 'alignment'], poolUsers: 0, poolWindows: 10_000, pairs } });
    for (const row of asked) for (const decoder of ['median', 'greedy'] as const) addPrediction(store, aligned, row, decoder, 0, 'x', row.answer);
    const result = await drain(evaluateModels(context, experiment, neverAborted));
    const { tables } = findEvaluation(store, result.counts['evaluation'] as number)!.report;
    assert.deepEqual([...new Set(tables.map(({ set }) => set))], ['few-shot', 'extra-1', 'pooled']);
    const pooled = tables.find(({ set, k }) => set === 'pooled' && k === 3)!;
    const fits = [...new Set(pooled.rows.filter((row) => row.kind === 'baseline').map((row) => row.fittedOn))];
    assert.deepEqual(fits, ['few-shot, pool and alignment labels', "the user's own history", 'few-shot labels']);
    assert.deepEqual(pooled.rows.filter((row) => row.fittedOn === 'few-shot labels').map((row) => row.name), ['global median', 'shrunken user mean', 'ridge']);
    const perfect = rowOf(pooled.rows, 'tiny base, SFT, IDPOP', 'median');
    assert.deepEqual([perfect.mae!.value, perfect.users], [0, 250]);
    assert.ok(perfect.difference!.mae.high <= 0, 'nothing is better than a perfect model');
  });

  it('fits baselines on what training really used, and fills the failures of each model with the median of its own labels', async () => {
    // pool users have scores that nobody else has: which of their posts were seen shows in the median
    const pool = regularPosts(30, 5).map((post) => ({ ...post, uid: `p${post.uid}`, pid: `p${post.pid}`, label: 3000 }));
    const { store, draw, context, sft, sourceId } = await predicted([...regularPosts(60, 5), ...pool.slice(0, 120).filter((post) => !post.pid.endsWith('-4'))]);
    assert.equal(draw.sizes.pool, 24);
    const alignment = listInstructions(store, draw.id, 'alignment', 'test', 1);
    const aligned = addModel(store, draw, 'aligned', { labels: { pairs: alignment.slice(0, 1).map(({ k, pid }) => `${k}:${pid}`) } });
    for (const row of listInstructions(store, draw.id, 'few-shot', 'test')) for (const decoder of ['median', 'greedy'] as const) addPrediction(store, aligned, row, decoder, 0, 'x', null);
    const medianRow = async () => {
      const result = await drain(evaluateModels(context, experiment, neverAborted));
      const { rows } = findEvaluation(store, result.counts['evaluation'] as number)!.report.tables[0]!;
      return { rows, fits: rows.filter((row) => row.name === 'global median').map((row) => row.fittedOn) };
    };
    const without = await medianRow();
    assert.deepEqual(without.fits, ['few-shot and alignment labels', 'few-shot labels'], 'there is a pool, but no model was trained on it');

    store.prepare('UPDATE models SET training_labels = ? WHERE id = ?').run(JSON.stringify({ ...modelsOfExperiment(store, draw.id, experiment, 'sft')[0]!.trainingLabels, poolWindows: 1_000_000 }), sft);
    const whole = await medianRow();
    assert.deepEqual(whole.fits, ['few-shot, pool and alignment labels', 'few-shot labels']);
    const fewShot = usersOfSet(store, draw.id, 'few-shot').flatMap((uid) => postsOfUser(store, sourceId, uid).slice(0, 4).map((post) => post.label!));
    const paired = postsOfUser(store, sourceId, alignment[0]!.uid).filter((post) => [...alignment[0]!.history, alignment[0]!.pid].includes(post.pid)).map((post) => post.label!);
    const median = (labels: number[]): number => {
      const sorted = labels.toSorted((a, b) => a - b);
      const middle = Math.floor(sorted.length / 2);
      return Math.round(sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2);
    };
    const truths = listInstructions(store, draw.id, 'few-shot', 'test', 1).map((row) => row.answer!);
    const errorOf = (value: number): number => rounded(truths.reduce((sum, truth) => sum + Math.abs(truth - value), 0) / truths.length / 100);
    const own = rowOf(whole.rows, 'tiny base, SFT, IDPOP', 'median');
    assert.equal(own.mae, null);
    assert.equal(rounded(own.maeFilled!.value), errorOf(median([...fewShot, ...paired])), 'the aligned model saw no pool');
    assert.equal(rounded(whole.rows.find((row) => row.name === 'global median')!.mae!.value), errorOf(median([...fewShot, ...paired, ...Array.from({ length: 96 }, () => 3000)])));

    store.prepare('UPDATE models SET training_labels = ? WHERE id = ?').run(JSON.stringify({ ...modelsOfExperiment(store, draw.id, experiment, 'sft')[0]!.trainingLabels, poolWindows: 1 }), sft);
    const thinned = (await medianRow()).rows.find((row) => row.name === 'global median')!;
    assert.ok(rounded(thinned.mae!.value) < errorOf(3000), 'about one window of the pool is no majority');
  });

  it('has the slice without albums where there are some', async () => {
    const posts = regularPosts(60, 5).map((post) => (/^u0[0-2]/.test(post.uid) ? { ...post, title: 'Holiday' } : post));
    const made = await instructedStore(posts);
    const { store, draw, context } = made;
    const sft = addModel(store, draw, 'sft');
    const asked = listInstructions(store, draw.id, 'few-shot', 'test');
    for (const row of asked) addPrediction(store, sft, row, 'greedy', 0, 'x', row.answer);
    const result = await drain(evaluateModels(context, experiment, neverAborted));
    const { tables } = findEvaluation(store, result.counts['evaluation'] as number)!.report;
    const albums = asked.filter((row) => row.k === 1 && /^u0[0-2]/.test(row.uid)).length;
    assert.ok(albums > 0 && tables.every((table) => rounded(table.albumShare) === rounded(albums / 20)));
    assert.ok(20 - albums < 20 && tables.every(({ set }) => set === 'few-shot'), 'fewer than 20 questions are left: no slice of its own');
  });

  it('measures each of the paper\'s models at its own k, against baselines fitted on the labels of that k', async () => {
    const { store, draw, context } = await instructedStore();
    for (const k of [1, 2, 3]) {
      const model = addModel(store, draw, 'sft', { plan: 'paper', k, labels: { sets: ['few-shot'], poolUsers: 0, labels: 20 * (k + 1) } });
      for (const row of listInstructions(store, draw.id, 'few-shot', 'test', k)) addPrediction(store, model, row, 'greedy', 0, 'x', row.answer! + 10 * k);
    }
    const result = await drain(evaluateModels(context, { ...experiment, plan: 'paper' }, neverAborted));
    const { tables } = findEvaluation(store, result.counts['evaluation'] as number)!.report;
    const medianOf = (values: number[]): number => Math.round((values.sort((a, b) => a - b)[values.length / 2 - 1]! + values[values.length / 2]!) / 2);
    for (const { k, rows } of tables) {
      const model = rowOf(rows, 'tiny base, SFT', 'greedy');
      assert.deepEqual([rounded(model.mae!.value), model.fittedOn], [k / 10, `${20 * (k + 1)} few-shot labels`]);
      const questions = listInstructions(store, draw.id, 'few-shot', 'test', k);
      // a user's labels are l … l + k/100 up to k-shot's training question; p5 is l + .04
      const median = medianOf(questions.flatMap((row) => Array.from({ length: k + 1 }, (_, post) => row.answer! - 4 + post)));
      const expected = questions.reduce((sum, row) => sum + Math.abs(median - row.answer!), 0) / questions.length / 100;
      assert.equal(rounded(rowOf(rows, 'global median').mae!.value), rounded(expected));
    }
  });

  it('names models by role and says what validation kept; the headline is never of a control', async () => {
    const { store, draw, report } = await predicted();
    const asked = listInstructions(store, draw.id, 'few-shot', 'test');
    for (const [variant, error] of [['idpop', 20], ['sft-chosen', 10]] as const) {
      const model = addModel(store, draw, 'aligned', { variant });
      for (const row of asked) for (const decoder of ['median', 'greedy'] as const) addPrediction(store, model, row, decoder, 0, 'x', row.answer! + error);
    }
    store.prepare("UPDATE models SET chosen = 'pool 100' WHERE role = 'sft'").run();
    const { tables, headline } = await report();
    assert.deepEqual([...new Set(tables[0]!.rows.filter((row) => row.kind === 'model').map((row) => row.name))], [
      'tiny base', 'tiny base, SFT (validation kept pool 100)', 'tiny base, SFT (validation kept pool 100), IDPOP', 'tiny base, SFT (validation kept pool 100), sft-chosen',
    ]);
    assert.match(headline, /^3-shot MAE 0\.20 /);
  });

  it('gives the models of the paper\'s plan one name at every k', async () => {
    const { store, draw, context } = await instructedStore();
    for (const k of [1, 2, 3]) {
      const model = addModel(store, draw, 'sft', { plan: 'paper', k });
      if (k === 2) store.prepare("UPDATE models SET chosen = 'base' WHERE id = ?").run(model);
      for (const row of listInstructions(store, draw.id, 'few-shot', 'test', k)) addPrediction(store, model, row, 'greedy', 0, 'x', row.answer);
    }
    const result = await drain(evaluateModels(context, { ...experiment, plan: 'paper' }, neverAborted));
    const { tables } = findEvaluation(store, result.counts['evaluation'] as number)!.report;
    assert.deepEqual(tables.map(({ rows }) => rows[0]!.name), Array.from({ length: 3 }, () => 'tiny base, SFT (validation kept the base at 2-shot)'));
  });

  it('shows the published rows beside SMPD alone, without intervals', async () => {
    const { store, sourceId, context, report } = await predicted();
    assert.ok((await report()).tables.every(({ rows }) => rows.every(({ kind }) => kind !== 'published')));
    store.prepare("UPDATE sources SET kind = 'smpd-2022' WHERE id = ?").run(sourceId);
    const { tables } = await report();
    const published = tables[2]!.rows.filter(({ kind }) => kind === 'published');
    const best = published.find(({ name }) => name === 'MultiSmpLLM (LoRA)')!;
    assert.deepEqual([best.mae, best.spearman, best.difference], [{ value: 1.02, low: 1.02, high: 1.02 }, { value: 0.89, low: 0.89, high: 0.89 }, null]);
    assert.deepEqual(published.find(({ name }) => name === 'GPT-4o (in context)')!.spearman, 'equal');
    writeFileSync(join(context.folder, 'demo.json'), '{}');
    store.prepare('UPDATE sources SET root = ? WHERE id = ?').run(context.folder, sourceId);
    assert.ok((await report()).tables.every(({ rows }) => rows.every(({ kind }) => kind !== 'published')), 'a demo in the layout of SMPD is not SMPD');
    assert.deepEqual([published.find(({ name }) => name === 'MultiSmpLLM (Prefix)')!.mae, published.find(({ name }) => name === 'MultiSmpLLM (Prefix)')!.spearman], [null, 'unparsable']);
  });

  it('does nothing when answers and labels are the same, and reads them anew when one has changed', async () => {
    const { store, sft, asked, evaluate } = await predicted();
    const first = await evaluate();
    const second = await evaluate();
    assert.deepEqual([first.unchanged, second.unchanged, second.counts['evaluation']], [false, true, first.counts['evaluation']]);
    addPrediction(store, sft, asked[0]!, 'median', 0, 'x', asked[0]!.answer! + 70);
    assert.equal((await evaluate()).unchanged, false);
  });

  it('refuses half-answered tests and says what to do', async () => {
    const { store, sft, evaluate } = await predicted();
    store.prepare("DELETE FROM predictions WHERE model_id = ? AND k = 2 AND decoder = 'greedy' AND pid = (SELECT min(pid) FROM predictions)").run(sft);
    await assert.rejects(evaluate(), (error) => error instanceof UserError && error.code === 'not-predicted');
    const { context } = await instructedStore();
    await assert.rejects(drain(evaluateModels(context, experiment, neverAborted)), (error) => error instanceof UserError && error.code === 'not-predicted');
  });
});

// The challenge's submission: which posts it answers, where each score comes from, and what it refuses.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import { submissionFile, type SubmissionOrigin } from '../../../src/exports/submission.ts';
import type { StageRequest } from '../../../src/protocol/stages.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { exportDataSet } from '../../../src/stages/exportDataSet.ts';
import { historyQuestion } from '../../../src/stages/historyQuestion.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import { findDraw } from '../../../src/store/draws.ts';
import { modelsOfExperiment } from '../../../src/store/models.ts';
import { postByPid } from '../../../src/store/posts.ts';
import { savePredictions } from '../../../src/store/predictions.ts';
import { requireSource } from '../../../src/store/sources.ts';
import { addModel, drain, excludePost, experiment, instructedStore, neverAborted, regularPosts, type FixturePost } from '../stages/stageFixture.ts';

interface Submission {
  readonly version: string;
  readonly result: readonly { readonly post_id: string; readonly popularity_score: number }[];
  readonly external_data: { readonly used: boolean; readonly details: string };
}

const LATER = 1_600_000_000;
/** Posts to be predicted: two of users with a history, one of a user without, one whose picture is missing, one left out. */
const OPEN: readonly FixturePost[] = [
  { pid: '9001', uid: 'u000', postedAt: LATER, label: null, title: 'First' }, { pid: '9002', uid: 'u001', postedAt: LATER, label: null, title: 'Second' },
  { pid: '9003', uid: 'stranger', postedAt: LATER, label: null, title: 'Third' }, { pid: '9004', uid: 'u002', postedAt: LATER, label: null, title: 'Fourth', dropped: 'picture missing' },
  { pid: '9005', uid: 'u003', postedAt: LATER, label: null, title: 'Fifth' },
];

async function openPosts(posts: readonly FixturePost[] = OPEN) {
  const regular = regularPosts(60, 5);
  const made = await instructedStore([...regular, ...posts].sort((a, b) => (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : a.postedAt - b.postedAt)));
  const { store, context, sourceId } = made;
  if (posts === OPEN) {
    excludePost(store, sourceId, '9005');
    await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted));
    await drain(buildInstructions(context, { source: 'posts', dataSeed: 0, captions: 'any' }, neverAborted));
  }
  const draw = findDraw(store, sourceId, 0)!;
  const sft = addModel(store, draw, 'sft'), aligned = addModel(store, draw, 'aligned'), control = addModel(store, draw, 'aligned', { variant: 'sft-chosen' });
  const source = requireSource(store, 'posts');
  const predict = (modelId: number, pid: string, value: number | null): void => {
    const question = historyQuestion(store, source, 'any', postByPid(store, sourceId, pid)!)!;
    savePredictions(store, [{ ...question, modelId, sourceId, decoder: 'median', draw: 0, text: '', value, quantiles: null, mass: null, sampledFrom: null, runId: null as unknown as string, predictedAt: 1 }]);
  };
  const folder = join(context.folder, 'exports', 'submission');
  const exporting = (submission: Partial<StageRequest<'export'>['submission']> = {}) => drain(exportDataSet(context, {
    ...experiment, format: 'submission', content: 'predictions', folder, margin: 0.1, submission: { role: null, variant: 'idpop', part: null, externalData: null, ...submission },
  }, neverAborted));
  const read = <Value>(name: string): Value => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Value;
  return { ...made, draw, sft, aligned, control, predict, exporting, folder, read };
}

const rejects = (code: string, says: RegExp, next = /./) => (error: unknown): boolean => {
  assert.ok(error instanceof UserError);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  assert.match(error.nextStep, next);
  return true;
};

describe('submissions', () => {
  it('answer every post without a score: by the model where it could be asked, else with the median, counted by reason', async () => {
    const { aligned, sft, control, predict, exporting, read, folder } = await openPosts();
    predict(aligned, '9001', 752);
    predict(aligned, '9002', 1005);
    predict(sft, '9001', 1);
    predict(control, '9001', 2);
    const result = await exporting();
    // 300 posts with scores 2.00 … 11.04: user % 10 and post number give each of 50 scores six times, so that the lower median is the 25th of them.
    const scores = Array.from({ length: 50 }, (_, at) => 200 + Math.floor(at / 5) * 100 + (at % 5));
    const median = scores[24]! / 100;
    const submission = read<Submission>('submission.json');
    assert.deepEqual(Object.keys(submission), ['version', 'result', 'external_data']);
    assert.deepEqual(Object.fromEntries(submission.result.map((row) => [row.post_id, row.popularity_score])), { post9001: 7.52, post9002: 10.05, post9003: median, post9004: median, post9005: median });
    assert.deepEqual(submission.external_data, { used: false, details: '' });
    assert.deepEqual(result.counts, { posts: 5, byModel: 2, byMedian: 3 });
    const manifest = read<{ posts: object; predicted_by: { role: string; variant: string }[]; decoder: string; files: { path: string; rows: number; sha256: string }[] }>('manifest.json');
    assert.deepEqual(manifest.posts, { part: null, submitted: 5, by_model: 2, by_median: { 'excluded by a person': 1, 'picture missing': 1, 'no earlier post with a score': 1 } });
    assert.deepEqual([manifest.predicted_by.map(({ role, variant }) => `${role} ${variant}`), manifest.decoder], [['aligned idpop'], 'median']);
    assert.deepEqual(manifest.files, [{ path: 'submission.json', rows: 5, sha256: createHash('sha256').update(readFileSync(join(folder, 'submission.json'))).digest('hex') }]);
    assert.match(readFileSync(join(folder, 'README.md'), 'utf8'), /median of all scores, .*1 \(no earlier post with a score\)/);
  });

  it('do nothing the second time, and change with the predictions', async () => {
    const { aligned, predict, exporting, folder } = await openPosts();
    predict(aligned, '9001', 752);
    predict(aligned, '9002', 1005);
    await exporting();
    const before = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    assert.equal((await exporting()).unchanged, true);
    predict(aligned, '9002', 1006);
    assert.equal((await exporting()).unchanged, false);
    assert.notDeepEqual(readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')), before);
  });

  it('take the named model, and name external data as they are told', async () => {
    const { sft, predict, exporting, read } = await openPosts();
    predict(sft, '9001', 300);
    predict(sft, '9002', null);
    await exporting({ role: 'sft', externalData: 'captions by a vision model' });
    const submission = read<Submission>('submission.json');
    assert.equal(submission.result.find((row) => row.post_id === 'post9001')!.popularity_score, 3);
    assert.deepEqual(submission.external_data, { used: true, details: 'captions by a vision model' });
    assert.equal(read<{ posts: { by_median: Record<string, number> } }>('manifest.json').posts.by_median['the answer is no number'], 1);
  });

  it('are refused as long as predictions are missing or older than their prompts, with the command that makes them', async () => {
    const { store, sourceId, aligned, predict, exporting, folder } = await openPosts();
    const missing = async (count: number): Promise<void> => {
      await assert.rejects(exporting(), rejects('not-predicted', new RegExp(`^${count} of 5 posts have no current prediction by the aligned model`), /smp predict --unlabelled --role aligned/));
    };
    predict(aligned, '9001', 752);
    await missing(1);
    predict(aligned, '9002', 752);
    store.prepare("UPDATE predictions SET prompt_hash = 'older' WHERE source_id = ?").run(sourceId);
    await missing(2);
    assert.throws(() => readdirSync(folder), { code: 'ENOENT' });
  });

  it('say which parts there are, and that nothing is without a score', async () => {
    const { exporting } = await openPosts([]);
    await assert.rejects(exporting({ part: 'validation' }), rejects('part-unknown', /has no part “validation”/));
    await assert.rejects(exporting(), rejects('nothing-to-export', /no post without a score/, /--part/));
  });

  it('need a model', async () => {
    const { store, draw, exporting } = await openPosts();
    store.prepare('DELETE FROM models').run();
    assert.deepEqual(modelsOfExperiment(store, draw.id, experiment), []);
    await assert.rejects(exporting(), rejects('not-trained', /no model of this experiment/));
    await assert.rejects(exporting({ role: 'sft' }), rejects('not-trained', /no sft model/));
  });

  it('hold one object a line, with ids as the challenge spells them', () => {
    const origin: SubmissionOrigin = {
      productVersion: '1', plan: 'ours', source: { name: 's', kind: 'smpd-2022', fingerprint: 'f', outcomeColumns: [], allowedOutcomeColumns: [] }, draw: { seed: 0, generator: 'g', inputHash: 'i' },
      part: null, models: [], decoder: 'median', captions: 'any', templateHash: 't', byModel: 2, median: 640, byMedian: {}, externalData: '',
    };
    const { text, rows } = submissionFile([{ pid: '775', score: 752 }, { pid: 'a"b', score: 1000 }], origin);
    assert.equal(rows, 2);
    assert.deepEqual((JSON.parse(text) as Submission).result, [{ post_id: 'post775', popularity_score: 7.52 }, { post_id: 'posta"b', popularity_score: 10 }]);
    assert.equal(text.split('\n')[1], '{"post_id":"post775","popularity_score":7.52},');
  });
});

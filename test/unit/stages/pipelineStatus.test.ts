import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import type { EntryStatus, Experiment, PipelineStatus } from '../../../src/protocol/pipelineStatus.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../src/protocol/settings.ts';
import { alignRequest, trainRequest } from '../../../src/protocol/stageRequests.ts';
import { evaluateModels } from '../../../src/stages/evaluateModels.ts';
import { exportDataSet } from '../../../src/stages/exportDataSet.ts';
import { pairAnswers } from '../../../src/stages/pairAnswers.ts';
import { newestReport, readPipelineStatus } from '../../../src/stages/pipelineStatus.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import { recordingFailures } from '../../../src/stages/stageScope.ts';
import { addCaptions, countCaptions } from '../../../src/store/captions.ts';
import { recordFetch } from '../../../src/store/fetchedPictures.ts';
import { usersOfSet } from '../../../src/store/draws.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { recordRunEnd, recordRunStart } from '../../../src/store/runs.ts';
import { experimentScope, recordStageSuccess } from '../../../src/store/stageStates.ts';
import { addModel, addPrediction, drain, excludePost, experiment, fillSource, instructedStore, neverAborted, openTestStore, regularPosts, testContext } from './stageFixture.ts';

const asked: Experiment = { dataSeed: 0, trainingSeed: 0, plan: 'ours', base: 'tiny' };
const entryOf = (status: PipelineStatus, id: string): EntryStatus => status.sources[0]!.entries.find((entry) => entry.id === id)!;
const states = (status: PipelineStatus): string => status.sources[0]!.entries.map((entry) => `${entry.id} ${entry.state}`).join(', ');
const score = (hundredths: number): string => (hundredths / 100).toFixed(2);

/** A store in which every stage has been done, models aside, whose rows are written as the trainer's stages write them. */
async function finishedStore() {
  const made = await instructedStore();
  const { store, context, draw, sourceId } = made;
  const [base, sft, aligned] = [addModel(store, draw, 'base'), addModel(store, draw, 'sft'), addModel(store, draw, 'aligned')];
  for (const row of listInstructions(store, draw.id, 'alignment', 'test')) {
    for (const [index, error] of [30, 10].entries()) addPrediction(store, sft, row, 'sample', index, score(row.answer! + error), row.answer! + error);
  }
  for (const row of listInstructions(store, draw.id, 'few-shot', 'test')) {
    for (const model of [base, sft, aligned]) for (const decoder of ['median', 'greedy'] as const) addPrediction(store, model, row, decoder, 0, 'x', row.answer! + 50);
  }
  for (const stage of ['train', 'align']) recordStageSuccess(store, sourceId, stage, experimentScope(asked), 'input', {}, context.now());
  await drain(pairAnswers(context, experiment, neverAborted));
  await drain(evaluateModels(context, experiment, neverAborted));
  return { ...made, sft, aligned, status: () => readPipelineStatus(context, asked) };
}

describe('status of the pipeline', () => {
  it('of an empty store has no source and nothing to do', async () => {
    const status = readPipelineStatus(testContext(await openTestStore()), asked);
    assert.deepEqual(status, { version: 1, runs: [], sources: [], running: null, exports: [] });
  });

  it('goes forward stage by stage and names the next action', async () => {
    const store = await openTestStore();
    fillSource(store, 'posts', regularPosts(60, 5));
    const context = testContext(store);
    const fresh = readPipelineStatus(context, asked);
    assert.match(states(fresh), /^index done, sample waiting, caption waiting, instruct waiting, train waiting/);
    assert.deepEqual(fresh.sources[0]!.next, { entry: 'sample', title: 'Draw users into sets', verb: 'sample', command: 'smpCurator.sample' });
    await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted));
    const sampled = readPipelineStatus(context, asked);
    assert.equal(entryOf(sampled, 'sample').description, '20 few-shot users, seed 0');
    assert.equal(sampled.sources[0]!.next!.entry, 'instruct');
    assert.equal(readPipelineStatus(context, { ...asked, dataSeed: 1 }).sources[0]!.next!.entry, 'sample', 'another seed is another draw');
  });

  it('of a finished experiment is done, with the headline of its report', async () => {
    const { status, store } = await finishedStore();
    const now = status();
    assert.equal(states(now), 'index done, sample done, caption waiting, instruct done, train done, predict done, pair done, align done, evaluate done, export waiting');
    assert.equal(now.sources[0]!.next, null, 'optional stages are not pressed on anybody');
    assert.match(now.sources[0]!.headline!, /^3-shot MAE 0\.50 ± \.00 · best plain baseline/);
    assert.equal(newestReport(store, 'posts', asked)!.headline, now.sources[0]!.headline);
    assert.equal(newestReport(store, 'posts', { ...asked, trainingSeed: 1 }), null);
    assert.equal(entryOf(now, 'predict').description, '300 answers'); // 60 × 2 samples, 60 × 3 models
    assert.equal(entryOf(now, 'pair').description, '60');
  });

  it('says what is stale, why, and that what follows is too', async () => {
    const { status, store, sourceId, draw } = await finishedStore();
    const uid = usersOfSet(store, draw.id, 'few-shot')[0]!;
    addCaptions(store, sourceId, [{ pid: `${uid}-4`, text: 'a red coat', madeBy: 'a', origin: {} }], 1);
    const captioned = status();
    assert.deepEqual([entryOf(captioned, 'instruct').state, entryOf(captioned, 'instruct').reason], ['stale', 'posts or captions have changed since']);
    assert.deepEqual([entryOf(captioned, 'train').state, entryOf(captioned, 'evaluate').state], ['stale', 'stale']);
    assert.equal(captioned.sources[0]!.next!.entry, 'instruct');
    excludePost(store, sourceId, `${uid}-3`);
    assert.equal(entryOf(status(), 'sample').reason, 'the posts have changed since users were drawn');
  });

  it('counts fetched pictures as pictures that can have captions', async () => {
    const { status, store, sourceId } = await finishedStore();
    assert.equal(entryOf(status(), 'caption').description, 'no pictures');
    const { pid } = store.prepare<{ pid: string }>("SELECT pid FROM live_posts WHERE source_id = ? AND image_path = '' ORDER BY id LIMIT 1").get(sourceId)!;
    store.prepare("UPDATE posts SET image_url = 'https://pictures.test/a' WHERE pid = ?").run(pid);
    const before = countCaptions(store, sourceId).pictures;
    recordFetch(store, sourceId, { pid, url: 'https://pictures.test/a', state: 'fetched', reason: '', status: null, file: 'posts/a.jpg', triedAt: 0 }, 0);
    assert.equal(entryOf(status(), 'caption').description, 'none: prompts hold text alone');
    assert.equal(countCaptions(store, sourceId).pictures, before + 1);
  });

  it('says what was made with other settings, where they are known', async () => {
    const { context, store, sft, aligned, status } = await finishedStore();
    const settings: Settings = { ...DEFAULT_SETTINGS, captions: 'any' };
    for (const [id, stage, model, request] of [['train-1', 'train', sft, trainRequest('posts', settings)], ['align-1', 'align', aligned, alignRequest('posts', settings)]] as const) {
      recordRunStart(store, { id, stage, host: 'local', inputHash: '', request, startedAt: 1 });
      recordRunEnd(store, id, 'succeeded', {}, 2);
      store.prepare('UPDATE models SET run_id = ? WHERE id = ?').run(id, model);
    }
    store.prepare("UPDATE models SET variant = 'idpop' WHERE id = ?").run(aligned);
    const reasons = (changes: Partial<Settings>): (string | null)[] => {
      const now = readPipelineStatus(context, asked, { ...settings, ...changes });
      return ['instruct', 'train', 'align'].map((id) => entryOf(now, id).reason);
    };
    assert.deepEqual(reasons({}), [null, null, null]);
    assert.equal(reasons({ captions: 'approved' })[0], 'made with captions: any, now approved');
    assert.deepEqual(reasons({ 'train.sftSteps': 7 })[1], 'made with train.sftSteps: 80, now 7');
    assert.deepEqual(reasons({ 'train.poolSteps': 7 })[1], null, 'nobody is in the pool of this draw');
    assert.deepEqual(reasons({ 'align.beta': 0.5 }), [null, null, 'made with align.beta: 0.1, now 0.5']);
    assert.deepEqual(reasons({ 'align.loss': 'dpo' }), [null, null, 'made with align.loss: idpop, now dpo']);
    assert.equal(entryOf(readPipelineStatus(context, asked, { ...settings, 'align.loss': 'dpo' }), 'evaluate').state, 'stale');
    assert.equal(states(status()), states(readPipelineStatus(context, asked, settings)), 'without settings nothing is stale by them');
  });

  it('tells answers that are missing, pairs that are older than their prompts and a report older than an answer', async () => {
    const { status, store, draw, sft, aligned } = await finishedStore();
    store.prepare("DELETE FROM predictions WHERE model_id = ? AND decoder = 'greedy' AND k = 3").run(aligned);
    assert.deepEqual([entryOf(status(), 'predict').state, entryOf(status(), 'predict').reason], ['partial', 'the test sets are not answered by every model']);
    store.prepare("DELETE FROM predictions WHERE model_id = ? AND decoder = 'sample'").run(sft);
    assert.equal(entryOf(status(), 'predict').reason, 'the alignment set is not answered');
    store.prepare("UPDATE instructions SET prompt_hash = 'other' WHERE draw_id = ? AND set_name = 'alignment' AND k = 2").run(draw.id);
    assert.deepEqual([entryOf(status(), 'pair').state, entryOf(status(), 'pair').reason], ['stale', '20 prompts have changed since']);
    store.prepare('UPDATE models SET made_at = 1800000000 WHERE id = ?').run(aligned);
    assert.equal(entryOf(status(), 'evaluate').reason, 'a model is newer');
  });

  it('shows a failure until an attempt succeeds', async () => {
    const { store, context } = await instructedStore();
    const pair = recordingFailures('pair', pairAnswers);
    await assert.rejects(drain(pair(context, experiment, neverAborted)));
    const failed = entryOf(readPipelineStatus(context, asked), 'pair');
    assert.deepEqual([failed.state, failed.reason], ['failed', 'There is no tuned model of this experiment yet. Run “train”, then “predict” for the alignment set.']);
    assert.notEqual(entryOf(readPipelineStatus(context, { ...asked, plan: 'paper' }), 'pair').state, 'failed', 'the other plan has not failed');
    assert.equal(store.prepare<{ count: number }>('SELECT count(*) AS count FROM stage_states WHERE error IS NOT NULL').get()!.count, 1);
    const works = recordingFailures('pair', async function* () {
      yield { message: 'nothing' };
      return { summary: '', counts: {}, unchanged: true };
    });
    await drain(works(context, experiment, neverAborted));
    assert.equal(entryOf(readPipelineStatus(context, asked), 'pair').state, 'waiting');
  });

  it('does not call the stage failed because a single post has no history, nor because a base of a longer name failed', async () => {
    const { context, store } = await instructedStore();
    const failing = recordingFailures('predict', async function* () {
      yield { message: 'asking' };
      throw new UserError('no-history', 'This post has no earlier post.', 'Choose another.');
    });
    const request = { ...experiment, roles: ['sft' as const], batchSize: 1 };
    await assert.rejects(drain(failing(context, { ...request, scope: { pids: ['u000-0'] } }, neverAborted)));
    await assert.rejects(drain(failing(context, { ...request, scope: 'test', base: 'tiny-other' }, neverAborted)));
    assert.equal(entryOf(readPipelineStatus(context, asked), 'predict').state, 'waiting');
    assert.equal(store.prepare<{ count: number }>('SELECT count(*) AS count FROM stage_states WHERE error IS NOT NULL').get()!.count, 1);
    await assert.rejects(drain(failing(context, { ...request, scope: 'test' }, neverAborted)));
    assert.equal(entryOf(readPipelineStatus(context, asked), 'predict').state, 'failed');
  });

  it('shows that a source could not be indexed again, found by its place', async () => {
    const { context } = await instructedStore();
    const index = recordingFailures('index', async function* () {
      yield { message: 'reading' };
      throw new UserError('smpd-count', 'train_label.txt is 1 line short.', 'Fetch it again.');
    });
    await assert.rejects(drain(index(context, { path: '/data', name: null, mapping: null, allowSkips: false }, neverAborted)));
    const status = readPipelineStatus(context, asked);
    assert.deepEqual([entryOf(status, 'index').state, entryOf(status, 'index').reason], ['failed', 'train_label.txt is 1 line short. Fetch it again.']);
    assert.equal(status.sources[0]!.next!.title, 'Index the posts again');
  });

  it('does not call a cancelled stage failed', async () => {
    const { context } = await instructedStore();
    const controller = new AbortController();
    const stage = recordingFailures('pair', async function* (_context, _request, signal) {
      yield { message: 'working' };
      signal.throwIfAborted();
      return { summary: '', counts: {}, unchanged: false };
    });
    await assert.rejects(drain(stage(context, experiment, controller.signal), () => controller.abort()), { name: 'AbortError' });
    assert.equal(entryOf(readPipelineStatus(context, asked), 'pair').state, 'waiting');
  });

  it('reads a running job from its folder, and knows when its supervisor is gone', async () => {
    const { store, context } = await instructedStore();
    recordRunStart(store, { id: 'train-1', stage: 'train', host: 'local', inputHash: 'x', request: { source: 'posts' }, startedAt: 1_699_999_000 });
    const folder = join(context.storeFolder, 'runs', 'train-1');
    mkdirSync(folder, { recursive: true });
    const onLinux = process.platform === 'linux'; // elsewhere the pid alone decides
    const boot = onLinux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';
    const stat = onLinux ? readFileSync(`/proc/${process.pid}/stat`, 'utf8') : '';
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const jobStatus = (changes: object): void => writeFileSync(join(folder, 'status'), JSON.stringify({
      version: 1, state: 'running', boot_id: boot, supervisor_pid: process.pid, supervisor_start: start, child_pid: null, child_start: null, started: 1, updated: 1, exit_code: null, reason: null, ...changes,
    }));
    const step = (at: number, loss: number) => JSON.stringify({ time: 100 + at, event: 'step', phase: 'pool', step: at, steps: 40, loss, learning_rate: 0.1, gradient_norm: 1, tokens_per_second: 1 });
    writeFileSync(join(folder, 'events.jsonl'), `${step(1, 3)}\n${step(5, 2.5)}\n{"half a li`);
    jobStatus({});
    const { running, runs } = readPipelineStatus(context, asked);
    assert.deepEqual(running, {
      source: 'posts', stage: 'train', message: 'pool: step 5 of 40', done: 5, total: 40, unit: 'steps', secondsLeft: 35, loss: 2.5, startedAt: 1_699_999_000, jobFolder: folder,
    });
    assert.deepEqual(runs.map((run) => [run.id, run.state]), [['train-1', 'running']]);
    for (const gone of [{ supervisor_pid: 2 ** 22 + 1 }, ...(onLinux ? [{ supervisor_start: '1' }, { boot_id: 'the boot before' }] : [])]) { // beyond every pid; a pid used again
      jobStatus(gone);
      const now = readPipelineStatus(context, asked);
      assert.deepEqual([now.running, now.runs[0]!.state], [null, 'lost'], JSON.stringify(gone));
    }
  });

  it('lists exports and marks those that would come out differently now', async () => {
    const { status, context, store } = await finishedStore();
    const folder = join(context.folder, 'exports', 'one');
    await drain(exportDataSet(context, { ...experiment, format: 'trl', content: 'preference', folder, margin: 0.1, submission: { role: null, variant: 'idpop', part: null, externalData: null } }, neverAborted));
    assert.deepEqual(status().exports, [{ source: 'posts', format: 'trl', content: 'preference', folder, exportedAt: context.now(), rows: 60, stale: false }]);
    store.prepare("UPDATE stage_states SET finished_at = finished_at + 5 WHERE stage = 'pair'").run();
    assert.equal(status().exports[0]!.stale, true);
  });
});

// The order of a plan's stages and what each is asked. The stages themselves are stand-ins here; runPlanReal.test.ts runs the real ones.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import type { Progress } from '../../../src/protocol/progress.ts';
import type { EvaluationReport, Finding } from '../../../src/protocol/report.ts';
import { DEFAULT_SETTINGS } from '../../../src/protocol/settings.ts';
import type { RunRequest } from '../../../src/protocol/stageRequests.ts';
import { stageRequestSchemas, type StageName } from '../../../src/protocol/stages.ts';
import { indexPosts } from '../../../src/stages/indexPosts.ts';
import { runPlan } from '../../../src/stages/runPlan.ts';
import { STAGES, type StageTable } from '../../../src/stages/stageTable.ts';
import { saveEvaluation } from '../../../src/store/evaluations.ts';
import { drain, fillSource, instructedStore, neverAborted, openTestStore, regularPosts, testContext } from './stageFixture.ts';

type Asked = [name: string, request: Readonly<Record<string, unknown>>];

/** Stages that note what they were asked, and do nothing but name an evaluation. */
function standIns(asked: Asked[], evaluation: number): StageTable {
  const names = Object.keys(STAGES) as StageName[];
  return Object.fromEntries(names.map((name) => [name, async function* (_context: unknown, request: Readonly<Record<string, unknown>>) {
    stageRequestSchemas[name].parse(request);
    asked.push([name, request]);
    yield { message: 'working' };
    return { summary: `${name} done`, counts: name === 'evaluate' ? { evaluation } : {}, unchanged: name === 'sample', ...(name === 'index' ? { source: 'posts' } : {}) };
  }])) as unknown as StageTable;
}

async function planned(changes: Partial<RunRequest> = {}, findings: Finding[] = []) {
  const { store, context, draw, sourceId } = await instructedStore();
  store.prepare('UPDATE sources SET root = ? WHERE id = ?').run(context.folder, sourceId);
  const report: EvaluationReport = { version: 1, source: 'posts', plan: 'ours', dataSeed: 0, trainingSeed: 0, split: '', sizes: {}, tables: [], headline: 'the headline', findings };
  const evaluation = saveEvaluation(store, draw.id, 'ours', 'input', report, 0);
  const asked: Asked[] = [];
  const told: Progress[] = [];
  const request: RunRequest = { data: null, source: null, captionsFile: null, settings: DEFAULT_SETTINGS, ...changes };
  const run = () => drain(runPlan(context, request, neverAborted, standIns(asked, evaluation)), (progress) => told.push(progress));
  return { context, asked, told, run };
}

describe('run', () => {
  it('walks the pipeline in order; predicts for pairs first and for the tests at the end', async () => {
    const { asked, run } = await planned();
    const result = await run();
    assert.deepEqual(asked.map(([name]) => name), ['sample', 'instruct', 'train', 'predict', 'pair', 'align', 'predict', 'evaluate']);
    const [first, second] = asked.filter(([name]) => name === 'predict').map(([, request]) => [request['scope'], request['roles']]);
    assert.deepEqual([first, second], [['alignment', ['sft']], ['test', ['base', 'sft', 'aligned']]]);
    assert.ok(asked.every(([, request]) => request['source'] === 'posts'));
    assert.deepEqual([result.source, result.summary, result.unchanged], ['posts', 'evaluate done', false]);
    assert.deepEqual(result.stages.map((stage) => [stage.title, stage.unchanged]).slice(0, 3), [['Sample', true], ['Instruct', false], ['Train', false]]);
  });

  it('indexes the data first, and names the plan and every setting to each stage', async () => {
    const { context, asked, run } = await planned({ settings: { ...DEFAULT_SETTINGS, plan: 'paper', dataSeed: 3, 'align.beta': 0.7 } });
    await run();
    assert.ok(asked.filter(([name]) => !['sample', 'instruct'].includes(name)).every(([, request]) => request['plan'] === 'paper'));
    assert.ok(asked.every(([, request]) => request['dataSeed'] === 3));
    assert.equal(asked.find(([name]) => name === 'align')![1]['beta'], 0.7);
    const withData = await planned({ data: context.folder, source: 'posts' });
    await withData.run();
    assert.deepEqual(withData.asked[0], ['index', { path: context.folder, name: 'posts', mapping: null, allowSkips: false }]);
  });

  it('goes on with the table that was named, also unchanged beside a newer one of the same folder', async () => {
    const { context, asked } = await planned();
    const table = (name: string, score: string): string => {
      const path = join(context.folder, name);
      writeFileSync(path, `id,user,time,title,popularity\n1,anna,1500000000,A title,${score}\n2,anna,1500086400,Another title,${score}\n`);
      return path;
    };
    const first = table('a.csv', '1.50');
    for (const path of [first, table('b.csv', '2.50')]) await drain(indexPosts(context, { path, name: null, mapping: null, allowSkips: false }, neverAborted));
    const result = await drain(runPlan(context, { data: first, source: null, captionsFile: null, settings: DEFAULT_SETTINGS }, neverAborted, { ...standIns(asked, 1), index: STAGES.index }));
    assert.equal(result.source, 'a');
    assert.ok(asked.length > 0 && asked.every(([, request]) => request['source'] === 'a'));
    assert.deepEqual(result.stages[0], { ...result.stages[0]!, title: 'Index', unchanged: true });
  });

  it('lets the aligned model predict every post at the end, when that was asked for', async () => {
    const { asked, run } = await planned({ everyPost: true });
    const result = await run();
    const [name, request] = asked.at(-1)!;
    assert.deepEqual([name, request['scope'], request['roles']], ['predict', 'every', ['aligned']]);
    assert.equal(result.summary, 'evaluate done');
  });

  it('imports the captions that were named, or those beside the data', async () => {
    const named = await planned({ captionsFile: '/elsewhere/mine.jsonl' });
    await named.run();
    assert.deepEqual(named.asked[1], ['caption', { source: 'posts', import: '/elsewhere/mine.jsonl' }]);
    const beside = await planned();
    writeFileSync(join(beside.context.folder, 'captions.jsonl'), '');
    await beside.run();
    assert.deepEqual(beside.asked[1], ['caption', { source: 'posts', import: join(beside.context.folder, 'captions.jsonl') }]);
  });

  it('tells each stage\'s end in a line that stays, and hints when the data has no user signal', async () => {
    const { told, run } = await planned({}, [
      { kind: 'history-says-little', k: 3, text: 'the user mean is worse' }, { kind: 'verdict', k: 3, text: 'other' },
    ]);
    const result = await run();
    const lines = told.filter((progress) => progress.stays).map((progress) => progress.message);
    assert.equal(lines[0], 'Sample: sample done (nothing to do)');
    assert.match(lines[2]!, /^Train: train done \(\d+\.\d s\)$/);
    assert.ok(told.some((progress) => progress.message === 'Train: working'));
    assert.deepEqual(result.hints, ['the user mean is worse']);
  });

  it('refuses an empty store and one of several sources', async () => {
    const store = await openTestStore();
    const context = testContext(store);
    const run = () => drain(runPlan(context, { data: null, source: null, captionsFile: null, settings: DEFAULT_SETTINGS }, neverAborted));
    await assert.rejects(run(), (error) => error instanceof UserError && error.code === 'no-source');
    for (const name of ['one', 'two']) fillSource(store, name, regularPosts(60, 5));
    await assert.rejects(run(), (error) => error instanceof UserError && error.code === 'source-ambiguous' && /“one”, “two”/.test(error.message));
  });

  it('ends the stage that is at work when its reader stops early', async () => {
    const { context } = await planned();
    let ended = false;
    const sample = async function* () {
      try {
        yield { message: 'holds a lock' };
        return { summary: '', counts: {}, unchanged: false };
      } finally {
        ended = true;
      }
    };
    const work = runPlan(context, { data: null, source: 'posts', captionsFile: null, settings: DEFAULT_SETTINGS }, neverAborted, { ...standIns([], 1), sample });
    for (let step = await work.next(); !step.done; step = await work.next()) if (step.value.message === 'Sample: holds a lock') break;
    assert.equal(ended, false);
    await work.return(undefined as never);
    assert.equal(ended, true);
  });

  it('stops between two stages when it is cancelled', async () => {
    const { context } = await planned();
    const asked: Asked[] = [];
    const controller = new AbortController();
    await assert.rejects(drain(runPlan(context, { data: null, source: 'posts', captionsFile: null, settings: DEFAULT_SETTINGS }, controller.signal, standIns(asked, 1)),
      (progress) => progress.message.startsWith('Instruct: instruct done') && controller.abort()), { name: 'AbortError' });
    assert.deepEqual(asked.map(([name]) => name), ['sample', 'instruct']);
  });
});

// Stage `train` with the real trainer on a small store: what it freezes, what it records, and what it does after every kind of end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../src/domain/errors.ts';
import type { Progress } from '../../../src/protocol/progress.ts';
import type { InstructionRow, TrainRun } from '../../../src/protocol/run.ts';
import type { StageRequest, StageResult } from '../../../src/protocol/stages.ts';
import { trainModel } from '../../../src/stages/trainModel.ts';
import { modelsOfExperiment } from '../../../src/store/models.ts';
import { findRun } from '../../../src/store/runs.ts';
import { learnableContent } from '../../../src/store/stageStates.ts';
import { drain, experiment, neverAborted } from './stageFixture.ts';
import { eventsOf, jobFile, jobIds, jobProcesses, makeWorkspace, openWorkspace, removeWorkspace, trainRequest, type TrainingWorkspace } from './trainingFixture.ts';

/** Long enough to be broken off in the middle, with looks (checkpoints) on the way. */
const longRequest: StageRequest<'train'> = { ...trainRequest, poolSteps: 40, sftSteps: 160 };

describe('stage train', function () {
  this.timeout(180_000);
  let workspace: TrainingWorkspace;

  beforeEach(async () => {
    workspace = await makeWorkspace();
  });
  afterEach(() => removeWorkspace(workspace));

  const train = (request: StageRequest<'train'> = trainRequest, signal = neverAborted, onProgress?: (progress: Progress) => void): Promise<StageResult> =>
    drain(trainModel(workspace.context, request, signal), onProgress);
  const rowsOf = (id: string, path: string): InstructionRow[] => jobFile(workspace, id, path).trimEnd().split('\n').map((line) => JSON.parse(line) as InstructionRow);
  const models = () => modelsOfExperiment(workspace.context.store, workspace.draw.id, experiment);

  it('freezes pool windows, few-shot and validation rows, trains, records models and run, and does nothing the second time', async () => {
    const seen: Progress[] = [];
    const result = await train(trainRequest, neverAborted, (progress) => seen.push(progress));
    assert.equal(result.unchanged, false);
    const [id] = jobIds(workspace) as [string];
    assert.match(id, /^train-[0-9a-f]{16}$/);

    const run = JSON.parse(jobFile(workspace, id, 'run.json')) as TrainRun;
    assert.deepEqual(run.phases.map(({ name, steps, history_score_weight }) => [name, steps, history_score_weight]), [['pool', 4, 0.3], ['sft', 4, 0.3]]);
    assert.deepEqual(run.validation?.range, { min_hundredths: workspace.draw.rangeMin, max_hundredths: workspace.draw.rangeMax });
    const pool = rowsOf(id, 'data/pool.jsonl');
    assert.equal(pool.length, 30); // of 3 posts: 1→2, 2→3, 1 and 2→3; 10 users
    const text = pool.find((row) => row.id === '2:pu004-2')!.pieces.map(([, piece]) => piece).join('');
    assert.ok(text.includes('The popularity score of post pu004-0 is 6.00. The popularity score of post pu004-1 is 6.01.'));
    assert.ok(text.includes('The target new post is pu004-2, the title is Title 4 2'));
    assert.equal(rowsOf(id, 'data/sft.jsonl').length, 60);
    assert.equal(rowsOf(id, 'data/validation.jsonl').length, 60);

    const [base, sft] = models();
    assert.deepEqual([base?.role, base?.chosen, base?.trainingLabels.labels], ['base', 'base', 0]);
    assert.deepEqual([sft?.role, sft?.path, sft?.runId, sft?.adapterOf], ['sft', `jobs/${id}/out/model`, id, null]);
    assert.deepEqual(sft?.trainingLabels, {
      sets: ['few-shot', 'pool'], poolUsers: 10, labels: 20 * 4 + 30, poolWindows: 4 * 8, pairs: [], learnable: learnableContent(workspace.context.store, workspace.sourceId, 0),
    });
    assert.match(sft!.chosen, /^(base|pool [1-4]|sft [1-4])$/);
    assert.ok(existsSync(join(workspace.context.storeFolder, sft!.path, 'model.safetensors')));
    assert.equal(findRun(workspace.context.store, id)?.state, 'succeeded');
    assert.ok(seen.some(({ message, done, total, unit }) => /^Training \(sft\): step \d of 4, loss \d/.test(message) && done! > 4 && total === 8 && unit === 'steps'), JSON.stringify(seen));

    const again = await train();
    assert.equal(again.unchanged, true);
    assert.equal(again.summary, result.summary);
    assert.deepEqual(jobIds(workspace), [id]);
    assert.equal(eventsOf(workspace, id).filter((event) => event.event === 'started').length, 1);

    workspace.context.store.close();
    const moved = `${workspace.folder}-moved`;
    renameSync(workspace.folder, moved);
    workspace = { ...workspace, ...(await openWorkspace(moved)) };
    assert.equal((await train()).unchanged, true, 'a workspace that was moved holds the same work');
    rmSync(join(workspace.context.storeFolder, 'jobs', id, 'out'), { recursive: true });
    assert.equal((await train()).unchanged, false, 'an output that was cleared away is made again');
    assert.deepEqual([jobIds(workspace), models()[1]?.id, models()[1]?.weightsHash], [[id], sft!.id, sft!.weightsHash]);
  });

  it("trains one model a k from the base in the paper's plan, without a pool; with LoRA each is an adapter on the base", async () => {
    const result = await train({ ...trainRequest, plan: 'paper', tuning: 'lora' });
    assert.equal(result.counts['models'], 3);
    const made = modelsOfExperiment(workspace.context.store, workspace.draw.id, { ...experiment, plan: 'paper' }, 'sft');
    assert.deepEqual(made.map((model) => [model.k, model.trainingLabels.sets, model.trainingLabels.labels]), [[1, ['few-shot'], 40], [2, ['few-shot'], 60], [3, ['few-shot'], 80]]);
    for (const model of made) {
      assert.equal(model.adapterOf, join(workspace.context.resources, 'base'));
      assert.ok(existsSync(join(workspace.context.storeFolder, model.path, 'adapter_config.json')));
    }
    for (const id of jobIds(workspace)) {
      assert.deepEqual((JSON.parse(jobFile(workspace, id, 'run.json')) as TrainRun).phases.map((phase) => phase.name), ['sft']);
      assert.equal(rowsOf(id, 'data/sft.jsonl').length, 20);
      assert.equal(rowsOf(id, 'data/validation.jsonl').length, 20);
    }
  });

  it('cancels the job when aborted, and goes on from its checkpoint the next time', async () => {
    const stop = new AbortController();
    await assert.rejects(train(longRequest, stop.signal, ({ message }) => {
      if (/\(sft\): step [5-9]\d of/.test(message)) stop.abort();
    }), { name: 'AbortError' });
    const [id] = jobIds(workspace) as [string];
    assert.deepEqual(jobProcesses(workspace), []);
    assert.equal(findRun(workspace.context.store, id)?.state, 'cancelled');
    assert.deepEqual(models(), []);

    await train(longRequest);
    const resumed = eventsOf(workspace, id).flatMap((event) => (event.event === 'started' ? [event.resumed_at] : []));
    assert.equal(resumed.length, 2);
    assert.ok(resumed[1]! >= 90, `went on after step ${resumed[1]}`); // 40 of the pool and at least 50
    assert.equal(findRun(workspace.context.store, id)?.state, 'succeeded');
    assert.equal(models().length, 2);
  });

  it('follows the job further when the process that started it was killed; killed with everything it goes on from its checkpoint, with the same losses', async () => {
    const child = trainInChild(longRequest);
    await untilStep(20);
    process.kill(child.pid!, 'SIGKILL');
    const [id] = jobIds(workspace).filter((name) => name.startsWith('train-')) as [string];
    assert.ok(jobProcesses(workspace).length > 0, 'the job goes on');
    const { supervisor_pid } = (await workspace.context.host.status(id))!;

    const seen: string[] = [];
    const following = train(longRequest, neverAborted, ({ message }) => {
      seen.push(message);
      if (/\(sft\): step [5-9]\d of/.test(message)) for (const pid of [supervisor_pid, ...jobProcesses(workspace)]) killIfThere(pid);
    });
    await assert.rejects(following, { code: 'trainer-lost' });
    assert.ok(seen.includes('Training: already running, following it'));
    assert.deepEqual([findRun(workspace.context.store, id)?.state, models().length], ['lost', 0]);

    await train(longRequest);
    const starts = eventsOf(workspace, id).flatMap((event) => (event.event === 'started' ? [event.resumed_at] : []));
    assert.deepEqual([starts.length, starts[0]], [2, null]);
    assert.ok(starts[1]! >= 80, `went on after step ${starts[1]}`); // 40 of the pool, 40 to the first look of sft
    const losses = new Map<number, Set<number | null>>();
    for (const event of eventsOf(workspace, id)) {
      if (event.event !== 'step' || event.phase !== 'sft') continue;
      losses.set(event.step, (losses.get(event.step) ?? new Set()).add(event.loss));
    }
    assert.equal(losses.size, 160);
    assert.ok([...losses.values()].every((values) => values.size === 1), 'a step that was done twice had the same loss');
    assert.equal(models().length, 2);
    assert.deepEqual(jobIds(workspace), [id], 'nothing half-written is left');
    assert.equal(workspace.context.store.prepare<{ integrity_check: string }>('PRAGMA integrity_check').get()!.integrity_check, 'ok');
  });

  it('says what the trainer said when it fails, with the end of its log and where the rest is', async () => {
    const broken = join(workspace.folder, 'broken-base');
    cpSync(join(workspace.context.resources, 'base'), broken, { recursive: true });
    writeFileSync(join(broken, 'tokenizer.json'), '{"no": "tokenizer"}');
    await assert.rejects(train({ ...trainRequest, base: broken }), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.equal(error.code, 'trainer-failed');
      const [id] = jobIds(workspace) as [string];
      assert.match(error.whatHappened, /^Training failed: .+\nThe last lines of its log:\n/);
      assert.ok(error.nextStep.endsWith(join(workspace.context.storeFolder, 'jobs', id, 'log')));
      assert.ok(error.message.length < 5000);
      assert.doesNotMatch(error.message, /[\u0000-\u0009\u000b-\u001f]/);
      assert.equal(findRun(workspace.context.store, id)?.state, 'failed');
      return true;
    });
    assert.deepEqual(models(), []);
  });

  it('refuses a base that is not there, and a trainer that is not set up, before anything is written', async () => {
    await assert.rejects(train({ ...trainRequest, base: '/no/such/model' }), { code: 'base-missing' });
    await assert.rejects(train({ ...trainRequest, base: 'what is this?' }), { code: 'base-unknown' });
    const without = { ...workspace.context, trainer: { ...workspace.context.trainer, python: () => Promise.resolve(null) } };
    await assert.rejects(drain(trainModel(without, trainRequest, neverAborted)), { code: 'trainer-not-set-up' });
    assert.ok(!existsSync(join(workspace.context.storeFolder, 'jobs')));
  });

  /** Runs the stage in another process, as an editor would. */
  function trainInChild(request: StageRequest<'train'>): ReturnType<typeof spawn> {
    const here = (file: string): string => JSON.stringify(join(import.meta.dirname, file));
    const program = `
      import { openWorkspace } from ${here('trainingFixture.ts')};
      import { trainModel } from ${here('../../../src/stages/trainModel.ts')};
      const { context } = await openWorkspace(${JSON.stringify(workspace.folder)});
      for await (const _ of trainModel(context, ${JSON.stringify(request)}, new AbortController().signal));`;
    return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** Waits until the job that runs in another process has done so many steps in all. */
  async function untilStep(steps: number): Promise<void> {
    for (;;) {
      await sleep(50);
      if (!existsSync(join(workspace.context.storeFolder, 'jobs'))) continue;
      const id = jobIds(workspace).find((name) => name.startsWith('train-'));
      if (id === undefined || !existsSync(join(workspace.context.storeFolder, 'jobs', id, 'events.jsonl'))) continue;
      const text = jobFile(workspace, id, 'events.jsonl');
      if ((text.match(/"event": ?"step"/g) ?? []).length >= steps) return;
    }
  }
});

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended together with another one.
  }
}

// A workspace whose stages really train: the tiny base that ships, the trainer of this checkout, jobs on this machine.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalHost } from '../../../src/hosts/local/localHost.ts';
import type { TrainerEvent } from '../../../src/protocol/events.ts';
import type { StageRequest } from '../../../src/protocol/stages.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { samplePosts } from '../../../src/stages/samplePosts.ts';
import type { StageContext } from '../../../src/stages/stageContext.ts';
import { findDraw, type StoredDraw } from '../../../src/store/draws.ts';
import { openStore } from '../../../src/store/openStore.ts';
import { drain, fillSource, neverAborted, regularPosts, type FixturePost } from './stageFixture.ts';

const root = join(import.meta.dirname, '../../..');
const python = join(root, '.venv/bin/python');

export interface Workspace {
  readonly folder: string;
  readonly context: StageContext;
  readonly logged: string[];
}

/** Opens the workspace in `folder` as a composition root does; a child process of a test does the same. */
export async function openWorkspace(folder: string): Promise<Workspace> {
  const storeFolder = join(folder, '.smp');
  const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: false });
  const logged: string[] = [];
  const log = { info: (message: string) => logged.push(message), warn: (message: string) => logged.push(message), error: (message: string) => logged.push(message) };
  const host = new LocalHost({ jobsFolder: join(storeFolder, 'jobs'), python: () => Promise.resolve(python), supervisor: join(root, 'resources/trainer/supervisor.py') });
  const context: StageContext = {
    store, folder, storeFolder, resources: join(root, 'resources'), productVersion: '0.0.0-test', log, host,
    trainer: { python: () => Promise.resolve(python), package: join(folder, 'trainer'), threads: 1 }, now: () => Date.now() / 1000,
  };
  return { folder, context, logged };
}

export interface TrainingWorkspace extends Workspace {
  readonly sourceId: number;
  readonly draw: StoredDraw;
}

/** 60 users with 5 posts (20 validation, 20 few-shot, 20 alignment), 10 with 3 (the pool) and 1 post whose score is to be predicted. */
export async function makeWorkspace(): Promise<TrainingWorkspace> {
  const folder = mkdtempSync(join(tmpdir(), 'smp-training-'));
  // A copy: an edit to the trainer while a test runs would be another trainer, and so another job.
  cpSync(join(root, 'resources/trainer/multismp'), join(folder, 'trainer/multismp'), { recursive: true, filter: (path) => !path.includes('__pycache__') });
  const workspace = await openWorkspace(folder);
  const { context } = workspace;
  const pool = regularPosts(10, 3).map((post): FixturePost => ({ ...post, pid: `p${post.pid}`, uid: `p${post.uid}` }));
  const newest: FixturePost = { pid: 'newest', uid: 'u000', postedAt: 1_600_000_000, label: null, title: 'What now' };
  const posts = regularPosts(60, 5);
  const sourceId = fillSource(context.store, 'posts', [...posts.slice(0, 5), newest, ...posts.slice(5), ...pool]);
  await drain(samplePosts(context, { source: 'posts', dataSeed: 0 }, neverAborted));
  await drain(buildInstructions(context, { source: 'posts', dataSeed: 0, captions: 'any' }, neverAborted));
  return { ...workspace, sourceId, draw: findDraw(context.store, sourceId, 0)! };
}

/** Ends whatever jobs a failed test left, and removes everything. */
export async function removeWorkspace({ context, folder }: Workspace): Promise<void> {
  for (const id of await context.host.list()) await context.host.cancel(id);
  context.store.close();
  rmSync(folder, { recursive: true, force: true });
}

export const trainRequest: StageRequest<'train'> = {
  source: 'posts', dataSeed: 0, plan: 'ours', trainingSeed: 0, base: 'tiny', tuning: 'full',
  poolSteps: 4, poolLearningRate: 1e-3, sftSteps: 4, sftLearningRate: 5e-4, batchSize: 8,
};

export const predictRequest = (scope: StageRequest<'predict'>['scope'], roles: StageRequest<'predict'>['roles'] = ['base', 'sft', 'aligned']): StageRequest<'predict'> =>
  ({ source: 'posts', dataSeed: 0, plan: 'ours', trainingSeed: 0, base: 'tiny', roles, scope, batchSize: 32 });

export const alignRequest: StageRequest<'align'> = {
  source: 'posts', dataSeed: 0, plan: 'ours', trainingSeed: 0, base: 'tiny', loss: 'idpop', beta: 0.1, alpha: 1, lambda: 1, delta: 0.01, cap: 10, margin: 0.1,
  epochs: 1, learningRate: 2e-4, batchSize: 16,
};

export function jobIds({ context }: Workspace): string[] {
  return readdirSync(join(context.storeFolder, 'jobs')).sort();
}

export function jobFile({ context }: Workspace, id: string, path: string): string {
  return readFileSync(join(context.storeFolder, 'jobs', id, path), 'utf8');
}

export function eventsOf(workspace: Workspace, id: string): TrainerEvent[] {
  return jobFile(workspace, id, 'events.jsonl').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as TrainerEvent);
}

/** Pids of living processes that belong to jobs of the workspace. */
export function jobProcesses({ folder }: Workspace): number[] {
  const listing = spawnSync('sh', ['-c', 'grep -lzsF "SMP_JOB_FOLDER=$1" /proc/[0-9]*/environ', 'sh', folder], { encoding: 'utf8' });
  return listing.stdout.split('\n').filter((line) => line !== '').map((line) => Number(line.split('/')[2]));
}

// Composition root of the database workers: `live` answers what the editor asks at once, `bulk` carries out the long work.
// The store is opened when it is first needed, so that looking at a folder makes no store in it.
import { extname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { demoRequest } from './protocol/demo.ts';
import type { Log, LongWork } from './protocol/progress.ts';
import { logOver, serveRequests, type Handlers } from './protocol/requestChannel.ts';
import { BULK_METHODS, LIVE_METHODS, workerDataSchema, type BulkMethods, type LiveMethods, type MachineSettings } from './protocol/workerRpc.ts';
import { findPython, findTrainerPython, setUpTrainer, type TrainerSetupOptions } from './hosts/local/trainerSetup.ts';
import { LocalHost } from './hosts/local/localHost.ts';
import { mappingPath, writeMapping } from './sources/mapping.ts';
import { backUpStore } from './stages/backUpStore.ts';
import { cancelJob } from './stages/cancelJob.ts';
import { checkStore } from './stages/checkStore.ts';
import { cleanStore } from './stages/cleanStore.ts';
import { decideOnPost, decideOnPosts } from './stages/decideOnPost.ts';
import { indexedPlace } from './stages/indexedPlace.ts';
import { detectPosts, QUICK_LOOK_ROWS } from './stages/indexPosts.ts';
import { makeDemo } from './stages/makeDemo.ts';
import { newestReport, readPipelineStatus } from './stages/pipelineStatus.ts';
import { restoreStore } from './stages/restoreStore.ts';
import { planPictureFetch } from './stages/planPictureFetch.ts';
import { runPlan } from './stages/runPlan.ts';
import type { StageContext } from './stages/stageContext.ts';
import { runStage } from './stages/stageTable.ts';
import { storeRevision } from './store/backupContent.ts';
import type { Database } from './store/database.ts';
import { listExcludedPosts } from './store/decisions.ts';
import { listDeadPictures, picturesFolder } from './store/fetchedPictures.ts';
import { listSkippedRows } from './store/generations.ts';
import { openStore } from './store/openStore.ts';
import { PostList } from './store/postList.ts';
import { pageOfDroppedPosts, scoreCounts } from './store/posts.ts';
import { findRun } from './store/runs.ts';
import { relocateStore } from './store/relocateStore.ts';
import { searchPosts } from './store/search.ts';
import { listSources, requireSource } from './store/sources.ts';
import { storeFault } from './store/storeFaults.ts';
import { describePlace, prepareStoreFolder } from './store/storeLocation.ts';


const port = parentPort!;
const data = workerDataSchema.parse(workerData);
const log: Log = logOver(port);
const now = (): number => Date.now() / 1000;

let opening: Promise<Database> | undefined;
let opened: Database | undefined;
function store(): Promise<Database> {
  if (opened?.isCurrent() === false) {
    opened.close(); // its file was deleted or replaced: what is written to it would be lost
    opened = opening = undefined;
  }
  if (opening === undefined) prepareStoreFolder(data);
  opening ??= openStore(data.storeFile, { readOnly: false, log }).then((database) => (opened = database)).catch((error: unknown) => {
    opening = undefined; // what stood in the way may be gone next time
    throw error;
  });
  return opening;
}

const lists = new WeakMap<Database, PostList>(); // a store's posts in memory go with its connection
async function postList(): Promise<PostList> {
  const database = await store();
  const list = lists.get(database) ?? new PostList(database, picturesFolder(data.storeFolder));
  lists.set(database, list);
  return list;
}

function release(): void {
  opened?.close();
  opened = opening = undefined;
}

const trainerPackage = join(data.resources, 'trainer');
function trainerSetup(python: string | null): TrainerSetupOptions {
  return { python: python ?? '', requirements: join(trainerPackage, 'requirements.txt'), folder: join(data.storage, 'trainer'), log };
}

const localHost = (python: () => Promise<string | null>): LocalHost => new LocalHost({ jobsFolder: join(data.storeFolder, 'runs'), python, supervisor: join(trainerPackage, 'supervisor.py') });

/**
 * The trainer's Python of a person's setting; else what was named for the whole process, as for the command line; else the
 * environment that was set up. Looked for when it is first asked for: in a workspace that nobody trusts, no stage that works without runs it.
 */
function trainerPython(python: string | null): () => Promise<string | null> {
  let found: Promise<string | null> | undefined;
  return () => (found ??= python === null && process.env['SMP_PYTHON'] ? Promise.resolve(process.env['SMP_PYTHON']) : findTrainerPython(trainerSetup(python)));
}

async function stageContext({ python: setting, threads }: MachineSettings): Promise<StageContext> {
  const python = trainerPython(setting);
  return {
    store: await store(), log, folder: data.folder, storeFolder: data.storeFolder, resources: data.resources, productVersion: data.productVersion, now,
    host: localHost(python),
    trainer: { python, package: trainerPackage, threads },
    readerScript: join(import.meta.dirname, `reader${extname(import.meta.filename)}`),
  };
}

const live: Handlers<LiveMethods> = {
  status: async ({ settings, ...experiment }) => readPipelineStatus({ store: await store(), storeFolder: data.storeFolder, now }, experiment, settings ?? null),
  sourceRoots: async () => listSources(await store()).map(({ root }) => root),
  searchPosts: async ({ text, limit }) => searchPosts(await store(), null, text, limit),
  excludedPosts: async ({ limit }) => listExcludedPosts(await store(), limit),
  decideOnPost: async (decision) => decideOnPost({ store: await store(), storeFolder: data.storeFolder, now }, decision),
  postsPage: async function* (request) {
    return yield* (await postList()).page(request);
  },
  postsOverview: async function* (request) {
    return yield* (await postList()).overview(request);
  },
  postDetails: async function* (request) {
    return yield* (await postList()).details(request);
  },
  decideOnPosts: async function* (request) {
    return yield* decideOnPosts({ store: await store(), storeFolder: data.storeFolder, now }, request);
  },
  skippedRows: async ({ source, limit }) => {
    const { id, root } = requireSource(await store(), source);
    return listSkippedRows(await store(), id, limit).map((row) => ({ ...row, file: join(root, row.file) }));
  },
  droppedPosts: async ({ source, after, limit }) => {
    const { id, root } = requireSource(await store(), source);
    return pageOfDroppedPosts(await store(), id, after, limit).map((dropped) => ({ ...dropped, file: join(root, dropped.file) }));
  },
  deadPictures: async ({ source, limit }) => {
    const { id, root } = requireSource(await store(), source);
    return listDeadPictures(await store(), id, limit).map((dead) => ({ ...dead, file: join(root, dead.file) }));
  },
  scoreCounts: async ({ source }) => scoreCounts(await store(), requireSource(await store(), source).id),
  report: async ({ source, ...experiment }) => newestReport(await store(), source, experiment),
  indexedPlace: async ({ source }) => indexedPlace({ store: await store(), storeFolder: data.storeFolder }, source),
  keepMapping: ({ source, mapping }) => {
    prepareStoreFolder(data);
    writeMapping(data.storeFolder, source, mapping);
    return { file: mappingPath(data.storeFolder, source) };
  },
  storeNotice: async () => {
    const { isUsual, sentence } = describePlace(data.folder, data);
    return { newer: (await store()).newerMigrations, place: isUsual ? null : sentence, revision: storeRevision(await store()) };
  },
  relocateStore: async ({ folder }) => {
    relocateStore(await store(), folder);
    release();
  },
  releaseStore: () => release(),
  jobRequest: async ({ id }) => {
    const run = findRun(await store(), id);
    return run === undefined ? null : { stage: run.stage, request: run.request };
  },
  trainerPython: ({ python }) => trainerPython(python)(),
  cancelJob: async ({ id, python }) => {
    const { command } = await findPython(python ?? ''); // any Python can end a job, also one without the trainer's packages
    return cancelJob({ store: await store(), host: localHost(() => Promise.resolve(command)), now }, id);
  },
};

const bulk: Handlers<BulkMethods> = {
  detect: async ({ path, quick }) => {
    const found = await detectPosts(data.storeFolder, path, null, null, quick ? QUICK_LOOK_ROWS : Infinity);
    return { path, kind: found.kind, name: found.name, findings: found.findings, files: found.files.map((file) => file.path), approximateRows: found.approximateRows, mapping: found.mapping };
  },
  planPictureFetch: async (request) => planPictureFetch({ store: await store(), storeFolder: data.storeFolder }, request),
  runStage: async function* ({ stage, request, ...machine }, signal) {
    return yield* runStage(await stageContext(machine), stage, request, signal);
  },
  runPlan: async function* ({ request, ...machine }, signal) {
    return yield* runPlan(await stageContext(machine), request, signal);
  },
  setUpTrainer: async function* ({ python }, signal): LongWork<{ python: string }> {
    return { python: yield* setUpTrainer(trainerSetup(python), signal) };
  },
  checkStore: async function* ({ python }, signal) {
    const interpreter = await findTrainerPython(trainerSetup(python));
    return yield* checkStore({ folder: data.folder, storeFile: data.storeFile, storeFolder: data.storeFolder, productVersion: data.productVersion, python: interpreter }, log, signal);
  },
  cleanStore: async function* ({ kinds }, signal) {
    return yield* cleanStore({ store: await store(), storeFolder: data.storeFolder }, kinds, signal);
  },
  backUpStore: ({ file, overwrite }, signal) => backUpStore(data, { file, overwrite }, now(), signal),
  restoreStore: ({ file }, signal) => {
    release(); // a store that cannot be opened any more is replaced only where nobody has it open
    return restoreStore(data, file, now(), signal);
  },
  makeDemo: async function* ({ folder }, signal) {
    yield* makeDemo(demoRequest(folder), signal);
    return { folder, captions: join(folder, 'captions.jsonl') };
  },
};

const explain = (error: unknown): unknown => storeFault(error, data.storeFile) ?? error;
if (data.role === 'live') serveRequests(port, LIVE_METHODS, live, explain);
else serveRequests(port, BULK_METHODS, bulk, explain);

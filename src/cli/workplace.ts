// Where the command line works: the workspace folder, its store, the product's resources and the trainer's Python.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { LocalHost } from '../hosts/local/localHost.ts';
import { findTrainerPython } from '../hosts/local/trainerSetup.ts';
import type { Log } from '../protocol/progress.ts';
import type { CheckedPlace } from '../stages/checkStore.ts';
import type { StageContext } from '../stages/stageContext.ts';
import type { Database } from '../store/database.ts';
import { openStore } from '../store/openStore.ts';
import { listSources } from '../store/sources.ts';
import { defaultStorage, describePlace, locateStore, prepareStoreFolder, type StoreLocation } from '../store/storeLocation.ts';

/** What surrounds the process. */
export interface Surroundings {
  readonly root: string; // folder of the product: package.json, resources/
  readonly readerScript: string; // of the thread that reads data sets
  readonly workingFolder: string; // relative paths are meant from here
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface WorkplaceOptions {
  readonly workspace: string | undefined;
  readonly python: string;
  readonly threads: number; // 0: all
  /** What to do where there is no store yet: make one (verbs that bring posts in), say so, or look at an empty one that is nowhere. */
  readonly missingStore: 'make' | 'refuse' | 'empty';
}

/**
 * Opens the store and finds what stages need. The caller closes the context's store.
 * @throws {UserError} `workspace-missing`, `store-missing`, and what opening a store throws
 */
export async function openWorkplace(surroundings: Surroundings, options: WorkplaceOptions, log: Log): Promise<StageContext> {
  const folder = workspaceFolder(surroundings, options.workspace);
  if (!existsSync(folder)) throw new UserError('workspace-missing', `There is no folder ${folder}.`, 'Name one that is there (--workspace).');
  const resources = join(surroundings.root, 'resources');
  const trainerPackage = join(resources, 'trainer');
  const location = locateStore(folder, storageFolder(surroundings));
  const path = storePath(location, options.missingStore);
  const { isUsual, sentence } = describePlace(folder, location);
  if (!isUsual) log.warn(sentence);
  const store = await openStore(path, { readOnly: false, log });
  let found: Promise<string | null> | undefined;
  const python = (): Promise<string | null> => (found ??= findPython(surroundings, options.python, trainerPackage, log));
  return {
    store, log, folder, storeFolder: location.storeFolder, resources, productVersion: versionOf(surroundings.root), now: () => Date.now() / 1000,
    host: new LocalHost({ jobsFolder: join(location.storeFolder, 'runs'), python, supervisor: join(trainerPackage, 'supervisor.py') }),
    trainer: { python, package: trainerPackage, threads: options.threads === 0 ? null : options.threads },
    readerScript: surroundings.readerScript,
  };
}

/** Where a folder's store lies, without opening or making it. @throws {UserError} `workspace-missing` */
export async function storePlace(surroundings: Surroundings, workspace: string | undefined, log: Log): Promise<CheckedPlace> {
  const folder = workspaceFolder(surroundings, workspace);
  if (!existsSync(folder)) throw new UserError('workspace-missing', `There is no folder ${folder}.`, 'Name one that is there (--workspace).');
  const { storeFile, storeFolder } = locateStore(folder, storageFolder(surroundings));
  const python = await findPython(surroundings, '', join(surroundings.root, 'resources', 'trainer'), log);
  return { folder, storeFile, storeFolder, productVersion: versionOf(surroundings.root), python };
}

/** The store's file, made ready where it may be made. */
function storePath(location: StoreLocation, missing: WorkplaceOptions['missingStore']): string {
  if (missing === 'make') prepareStoreFolder(location);
  else if (!existsSync(location.storeFile)) {
    if (missing === 'empty') return ':memory:';
    throw new UserError('store-missing', 'There are no posts in this store yet.', 'Index some first: smp index FOLDER_OR_FILE. If they are in another folder, name it (--workspace).');
  }
  return location.storeFile;
}

export function workspaceFolder(surroundings: Surroundings, workspace: string | undefined): string {
  return resolve(surroundings.workingFolder, workspace ?? '.');
}

/** The only source of a store, or the one that was named. */
export function chooseSource(store: Database, named: string | undefined): string {
  if (named !== undefined) return named; // whether it is there, the stage says
  const sources = listSources(store);
  if (sources.length === 1) return sources[0]!.name;
  if (sources.length === 0) throw new UserError('no-source', 'There are no posts in this store yet.', 'Index some first: smp index FOLDER_OR_FILE.');
  throw new UserError('source-ambiguous', `This store has several sources: ${sources.map((source) => `“${source.name}”`).join(', ')}.`, 'Name one with --source.');
}

/** The trainer's Python of what was named, else the checkout's environment, else the one that the extension set up. */
async function findPython(surroundings: Surroundings, named: string, trainerPackage: string, log: Log): Promise<string | null> {
  const setUp = (python: string): Promise<string | null> => findTrainerPython({ python, requirements: join(trainerPackage, 'requirements.txt'), folder: join(storageFolder(surroundings), 'trainer'), log });
  if (named !== '') return setUp(resolve(surroundings.workingFolder, named));
  const fromEnvironment = surroundings.environment['SMP_PYTHON'];
  if (fromEnvironment) return fromEnvironment;
  const ofCheckout = join(surroundings.root, '.venv', ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  if (existsSync(ofCheckout)) return ofCheckout;
  return setUp('');
}

/** The editor's storage, also outside of its terminals: stores and the trainer's environment are the same ones. */
export function storageFolder({ environment, workingFolder }: Pick<Surroundings, 'environment' | 'workingFolder'>): string {
  const named = environment['SMP_STORAGE'];
  return named ? resolve(workingFolder, named) : defaultStorage(environment);
}

function versionOf(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

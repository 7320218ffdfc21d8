// The finished store that ships, copied into the extension's storage on first use: the install folder may be read-only.
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { LiveMethods, WorkerData } from '../protocol/workerRpc.ts';
import type { DatabaseWorker } from './databaseWorker.ts';

const STORE_FOLDER = '.smp';
const STORE_FILE = 'curation.sqlite';
const POSTS_FILE = /(text|tags|category)[a-z_]*\.json$/i; // of SMPD's files the one that reads best

export interface SampleStoreOptions {
  readonly shipped: string; // absolute: resources/sample
  readonly storage: string; // absolute: the extension's storage
  /** The worker of a store: what writes it is never the extension host. */
  readonly startWorker: (place: Pick<WorkerData, 'folder' | 'storeFolder' | 'storeFile'>) => DatabaseWorker<LiveMethods>;
}

export class SampleStore {
  readonly #options: SampleStoreOptions;
  #installing: Promise<vscode.Uri> | undefined; // the start of the window and a command may ask at once

  constructor(options: SampleStoreOptions) {
    this.#options = options;
  }

  /** The copy's folder; made when this version's sample is not there yet. @throws {UserError} `sample-missing` */
  install(): Promise<vscode.Uri> {
    this.#installing ??= this.#install().finally(() => {
      this.#installing = undefined;
    });
    return this.#installing;
  }

  async #install(): Promise<vscode.Uri> {
    const { shipped, storage } = this.#options;
    if (!existsSync(join(shipped, STORE_FOLDER, STORE_FILE))) throw new UserError('sample-missing', vscode.l10n.t('This build ships without the sample.'), vscode.l10n.t('Run the demo instead.'));
    const version = (await readFile(join(shipped, '.inputs'), 'utf8').catch(() => 'unversioned')).trim().slice(0, 12);
    const folder = join(storage, 'sample', version);
    if (!existsSync(folder)) {
      const building = `${folder}.copying-${process.pid}`; // takes the folder's name only when it is complete
      await mkdir(join(storage, 'sample'), { recursive: true });
      await rm(building, { recursive: true, force: true });
      await cp(shipped, building, { recursive: true });
      await this.#relocate(building, folder);
      await rename(building, folder).catch(async (error: unknown) => {
        if (!existsSync(folder)) throw error;
        await rm(building, { recursive: true, force: true }); // another window was faster
      });
    }
    return vscode.Uri.file(folder);
  }

  /** Makes the paths of a copied store point to where it will lie. */
  async #relocate(building: string, folder: string): Promise<void> {
    const storeFolder = join(building, STORE_FOLDER);
    const worker = this.#options.startWorker({ folder: building, storeFolder, storeFile: join(storeFolder, STORE_FILE) });
    try {
      await worker.request('relocateStore', { folder });
    } finally {
      await worker.dispose();
    }
  }

  /** The file of the sample that opens. */
  async postsFile(folder: vscode.Uri): Promise<vscode.Uri> {
    for (const inside of [folder.fsPath, ...(await foldersIn(folder.fsPath))]) {
      const names = (await readdir(inside)).sort();
      const file = names.find((name) => POSTS_FILE.test(name) && /text|tags/i.test(name)) ?? names.find((name) => POSTS_FILE.test(name));
      if (file !== undefined) return vscode.Uri.file(join(inside, file));
    }
    throw new UserError('sample-missing', vscode.l10n.t('The sample holds no file of posts.'), vscode.l10n.t('Run the demo instead.'));
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => join(folder, entry.name));
}

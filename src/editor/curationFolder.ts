// One workspace folder with its store: the two workers that write it, the read-only connection of hovers, and a sign when
// the store has changed, whoever changed it.
import { statSync, unwatchFile, watchFile } from 'node:fs';
import * as vscode from 'vscode';
import type { Hundredths } from '../domain/posts.ts';
import type { PostCards } from '../protocol/postCard.ts';
import type { Log } from '../protocol/progress.ts';
import type { BulkMethods, LiveMethods, WorkerData } from '../protocol/workerRpc.ts';
import { DatabaseWorker, type StartThread } from './databaseWorker.ts';
import { percentileReader } from './percentiles.ts';

/** What the composition root hands in: it alone knows the store and where the bundles lie. */
export interface FolderServices {
  readonly openCards: (storeFile: string, storeFolder: string, folder: vscode.Uri) => Promise<PostCards>;
  readonly startThread: (data: WorkerData) => StartThread;
  readonly log: Log;
}

const STORE_POLL = 2000; // milliseconds between looks at the store's files; other processes write them too

interface OpenCards {
  readonly inode: number;
  readonly opened: Promise<PostCards | null>;
}

export class CurationFolder implements vscode.Disposable {
  readonly uri: vscode.Uri;
  readonly name: string;
  readonly storeFile: string;
  readonly storeFolder: string;
  readonly live: DatabaseWorker<LiveMethods>;
  readonly bulk: DatabaseWorker<BulkMethods>;
  readonly #services: FolderServices;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeStore = this.#changed.event;
  /** How often this window has put a backup in the store's place. */
  restores = 0;
  #cards: OpenCards | undefined;
  #disposed = false;
  readonly #percentiles = new Map<string, { readonly generation: string; readonly reader: Promise<(score: Hundredths) => number | null> }>();

  constructor(uri: vscode.Uri, name: string, data: Omit<WorkerData, 'role'>, services: FolderServices) {
    this.uri = uri;
    this.name = name;
    this.storeFile = data.storeFile;
    this.storeFolder = data.storeFolder;
    this.#services = services;
    this.live = new DatabaseWorker(services.startThread({ ...data, role: 'live' }), services.log);
    this.bulk = new DatabaseWorker(services.startThread({ ...data, role: 'bulk' }), services.log);
    for (const file of this.#watched()) watchFile(file, { interval: STORE_POLL, persistent: false }, () => this.#changed.fire());
  }

  /** The look-ups of hovers, or null as long as there is no store. Opened once, also when two hovers ask; again when the file was replaced. */
  async cards(): Promise<PostCards | null> {
    const inode = this.#disposed ? undefined : statSync(this.storeFile, { throwIfNoEntry: false })?.ino;
    if (inode !== this.#cards?.inode) this.#closeCards();
    if (inode === undefined) return null;
    this.#cards ??= this.#open(inode);
    return this.#cards.opened;
  }

  #open(inode: number): OpenCards {
    const cards: OpenCards = {
      inode,
      // A store that cannot be read (yet) gives no hovers; the next look tries again.
      opened: this.#services.openCards(this.storeFile, this.storeFolder, this.uri).catch((error: unknown) => {
        this.#services.log.warn(`Hovers cannot read the store: ${error instanceof Error ? error.message : String(error)}`);
        if (this.#cards === cards) this.#cards = undefined;
        return null;
      }),
    };
    return cards;
  }

  /** The share of a source's posts below a score, 0–100; read once for each import. */
  async percentileOf(source: string, cards: PostCards): Promise<(score: Hundredths) => number | null> {
    const generation = cards.generationOf(source) ?? '';
    let known = this.#percentiles.get(source);
    if (known?.generation !== generation) {
      known = { generation, reader: this.live.request('scoreCounts', { source }).then(percentileReader) };
      known.reader.catch(() => this.#percentiles.delete(source));
      this.#percentiles.set(source, known);
    }
    return known.reader;
  }

  /** Closes what this window has open of the store, for work that needs it to itself; whoever asks next opens it again. */
  async releaseStore(): Promise<void> {
    this.#closeCards();
    this.#percentiles.clear();
    await this.live.request('releaseStore', {});
  }

  #watched(): string[] {
    return [this.storeFile, `${this.storeFile}-wal`];
  }

  #closeCards(): void {
    void this.#cards?.opened.then((cards) => cards?.close());
    this.#cards = undefined;
  }

  dispose(): void {
    this.#disposed = true;
    for (const file of this.#watched()) unwatchFile(file);
    this.#changed.dispose();
    this.#closeCards();
    void this.live.dispose();
    void this.bulk.dispose();
  }
}

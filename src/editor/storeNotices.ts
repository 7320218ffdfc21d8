// What a person should hear about the store without asking: it is of a newer version, damaged, gone, replaced by a backup
// in another window, or it lies elsewhere than in its folder. Each is said once for a state, not at every look.
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { isCancellation } from '../protocol/requestChannel.ts';
import type { CurationFolder } from './curationFolder.ts';
import type { CurationFolders } from './curationFolders.ts';
import { tell } from './notify.ts';
import type { PipelineModel } from './pipelineModel.ts';
import { presentError } from './presentError.ts';

const PLACES_KEY = 'storePlacesTold'; // of the global memento: paths of folders

export interface StoreNoticesOptions {
  readonly model: PipelineModel;
  readonly folders: CurationFolders;
  readonly memory: vscode.Memento;
  readonly log: vscode.LogOutputChannel;
}

/** What this window has seen of a folder's store. */
interface Seen {
  wasThere: boolean;
  revision: number | null;
  restores: number; // of this window itself, when it last looked
  toldNewer: boolean;
}

export class StoreNotices implements vscode.Disposable {
  readonly #to: StoreNoticesOptions;
  readonly #seen = new WeakMap<CurationFolder, Seen>();
  readonly #subscriptions: readonly vscode.Disposable[];
  #toldFailure = '';

  constructor(options: StoreNoticesOptions) {
    this.#to = options;
    this.#subscriptions = [options.folders.onDidChange(() => void this.#look()), options.model.onDidChange(() => this.#tellFailure())];
    void this.#look();
  }

  /** The tree cannot show why it is empty. */
  #tellFailure(): void {
    const { failure } = this.#to.model;
    const said = failure === null ? '' : `${failure.code} ${this.#to.model.folder?.storeFile ?? ''}`;
    if (said === this.#toldFailure) return;
    this.#toldFailure = said;
    if (failure !== null) void presentError(failure, this.#to.log);
  }

  async #look(): Promise<void> {
    const folder = this.#to.folders.current;
    if (folder === undefined) return;
    const seen = this.#seen.get(folder) ?? { wasThere: false, revision: null, restores: folder.restores, toldNewer: false };
    this.#seen.set(folder, seen);
    const isThere = existsSync(folder.storeFile);
    if (seen.wasThere && !isThere) void this.#tellGone(folder);
    seen.wasThere = isThere;
    if (!isThere) return;
    try {
      const { newer, place, revision } = await folder.live.request('storeNotice', {});
      if (newer.length > 0 && !seen.toldNewer) {
        seen.toldNewer = true;
        void tell(vscode.l10n.t('The store of {0} was made by a newer version of SMP Curator. Hovers and reports work, but nothing can be changed. Update SMP Curator to change it.', folder.name));
      }
      const isOwn = folder.restores !== seen.restores;
      seen.restores = folder.restores;
      if (seen.revision !== null && revision !== seen.revision && !isOwn) void tell(vscode.l10n.t('The store of {0} was replaced by a backup. What is shown now is the restored state.', folder.name));
      seen.revision = revision;
      if (place !== null) await this.#tellPlace(folder, place);
    } catch (error) {
      if (!isCancellation(error)) this.#to.log.warn(String(error)); // the status says it too, and is shown
    }
  }

  async #tellGone(folder: CurationFolder): Promise<void> {
    const index = vscode.l10n.t('Index a Data Set…');
    const restore = vscode.l10n.t('Restore a Backup…');
    const chosen = await tell(vscode.l10n.t('The store of {0} is gone: its file was deleted or moved. Index again, which reads the decisions in .smp/decisions too, or restore a backup.', folder.name), index, restore);
    if (chosen === index) await vscode.commands.executeCommand('smpCurator.index');
    else if (chosen === restore) await vscode.commands.executeCommand('smpCurator.restoreBackup');
  }

  async #tellPlace(folder: CurationFolder, place: string): Promise<void> {
    const told = this.#to.memory.get<readonly string[]>(PLACES_KEY, []);
    if (told.includes(folder.uri.fsPath)) return;
    await this.#to.memory.update(PLACES_KEY, [...told, folder.uri.fsPath]);
    void tell(place);
  }

  dispose(): void {
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }
}

// Pictures that were fetched for posts without a usable picture of their own: an import takes such posts back.
import { existsSync } from 'node:fs';
import { PictureFolder } from '../sources/pictures.ts';
import type { ReadPost } from '../sources/postSource.ts';
import type { Database } from '../store/database.ts';
import { fetchedPicture, picturesFolder } from '../store/fetchedPictures.ts';

export class FetchedPictures {
  readonly #store: Database;
  readonly #sourceId: number;
  readonly #folder: PictureFolder | null; // null: nothing was ever fetched

  constructor(store: Database, storeFolder: string, sourceId: number) {
    const folder = picturesFolder(storeFolder);
    this.#store = store;
    this.#sourceId = sourceId;
    this.#folder = existsSync(folder) ? new PictureFolder(folder) : null;
  }

  /** The post as it was read, or not dropped any more where its picture was fetched and is whole. */
  takeBack(read: ReadPost): ReadPost {
    if (read.dropped === null || this.#folder === null) return read;
    const file = fetchedPicture(this.#store, this.#sourceId, read.post.pid, read.post.imageUrl);
    return file !== null && this.#folder.check(file).fault === null ? { ...read, dropped: null } : read;
  }

  /** Changes when a post's fetched picture comes, goes or changes; '' without one. */
  state(pid: string, url: string): string {
    const file = this.#folder === null ? null : fetchedPicture(this.#store, this.#sourceId, pid, url);
    return file === null ? '' : `${file}:${this.#folder!.state(file)}`;
  }
}

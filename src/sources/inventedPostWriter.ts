// What the writers of invented data have in common.
import type { InventedPost } from '../domain/inventedPosts.ts';

export interface InventedPostWriter {
  write(posts: readonly InventedPost[]): void;
  /** Ends every file, so that the data set is complete. */
  finish(): void;
  /** Closes what is open, also after a failure. */
  close(): void;
}

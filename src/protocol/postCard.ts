// What a hover knows about one post, and the point look-ups by key that find it. They are answered on the extension host
// through one read-only connection (src/store/postCards.ts), so each must stay a matter of a few index reads.
import type { Hundredths, PostKey } from '../domain/posts.ts';
import type { ModelRole, SetName } from './stages.ts';

export interface CardPrediction {
  readonly value: Hundredths | null; // null: the answer was no number or out of range
  readonly text: string; // what the model said, at most 200 characters
  readonly low80: Hundredths | null; // exact median only
  readonly high80: Hundredths | null;
  readonly model: string; // 'idpop, base tiny'
  readonly role: ModelRole;
  readonly decoder: 'median' | 'greedy';
  readonly history: number; // how many earlier posts the prompt held
  readonly run: string | null; // the job's id
  readonly predictedAt: number; // unix seconds
  readonly userSet: SetName | null; // set of the post's user in the draw that the model was trained on: whose scores it has seen; null: of no draw
  readonly stale: StaleReason | null;
}

/**
 * Why a prediction no longer answers the prompt of today: its history shows other posts now, a caption in it was changed,
 * anything else in it was, or the model is another one.
 */
export type StaleReason = 'history-changed' | 'caption-changed' | 'prompt-changed' | 'newer-model';

export interface PostCard extends PostKey {
  readonly sourceKind: string; // 'smpd-…': scores are log2 of views; 'table': no such meaning
  readonly uid: string;
  readonly title: string;
  readonly category: string;
  readonly subcategory: string;
  readonly concept: string;
  readonly postedAt: number; // unix seconds
  readonly label: Hundredths | null;
  readonly caption: string | null;
  readonly root: string; // the source's folder, absolute; pictures must lie inside
  readonly imagePath: string | null; // relative to root; null: the source has no pictures
  readonly dropped: string | null; // why the import does not use the post
  readonly excluded: boolean; // by a person
  readonly earlier: readonly Hundredths[]; // scores of the user's earlier posts, oldest first, at most 8
  readonly prediction: CardPrediction | null;
  readonly file: string; // absolute
  readonly row: number; // counted from 1
}

/** Keys that hold a post's id in SMPD's JSON files. */
export const SMPD_PID_KEYS = ['Pid', 'pid'] as const;

/** How the posts of a file are found in its text. */
export interface PostFile {
  readonly source: string;
  readonly layout: 'json' | 'lines'; // json: objects anywhere in the text; lines: one record a line
  readonly pidKeys: readonly string[]; // keys or columns that may hold a post's id
  readonly rowAligned: boolean; // line n, or row n of a file by column, is the post of row n, whatever else it says (labels, lists of pictures, users)
  readonly pidColumn: number | null; // place (from 0) of the id in a line of a delimited file without a header
  readonly delimiter: string | null; // of a delimited file
  readonly indexed: { readonly size: number; readonly modifiedAt: number; readonly sha256: string } | null; // bytes, milliseconds since 1970, '' where it was not read; null: of an export
}

export interface PostCards {
  /** Null when the file (absolute path) belongs to no source and no export of this store. */
  fileOf(path: string): PostFile | null;
  /** @param role shows what a model of this role predicted, and of no other */
  byKey(key: PostKey, role?: ModelRole): PostCard | null;
  /** The post that a record of `file` names. */
  byPid(file: PostFile, pid: string): PostCard | null;
  /** The post at a row (from 1) of a file of a source. */
  atRow(path: string, row: number): PostCard | null;
  /** Absolute paths of the files that a source was read from. */
  filesOf(source: string): readonly string[];
  /** Changes with every import that becomes visible, and with a restored backup: what was derived from the labels is then out of date. */
  generationOf(source: string): string | null;
  close(): void;
}

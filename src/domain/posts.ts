// A post as every source yields it, and the order and keys that all stages agree on.

/** A score in integer hundredths: 7.52 is 752. Rounded once, at import; errors are compared in this unit. */
export type Hundredths = number;

/** Scores run from 0 to this, 31.99 (method.md, section 3): no prompt and no answer holds a larger one. */
export const LARGEST_SCORE: Hundredths = 3199;

/** Stands for a post across sources: pids of different sources collide. */
export interface PostKey {
  readonly source: string; // the source's name, unique in a store
  readonly pid: string;
}

export interface Post {
  readonly pid: string;
  readonly uid: string;
  readonly postedAt: number; // unix seconds, UTC; sources with days only give midnight
  readonly title: string; // '' where there is none, like every text below
  readonly category: string;
  readonly subcategory: string;
  readonly concept: string;
  readonly tags: string;
  readonly imagePath: string; // relative to the source's root; '' where the source has none
  readonly imageUrl: string; // of the picture or of the page that shows it, http(s); '' where the source names none. Never part of a prompt
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly extra: Readonly<Record<string, string>>; // columns chosen in the mapping, each becomes a clause
  readonly label: Hundredths | null; // null: to be predicted, never trained on
}

/** Where a reader found a post: the file (relative to the source's root) and its row, counted from 1 as editors count lines or records. */
export interface PostPlace {
  readonly file: string;
  readonly row: number;
}

/** The part of a data set that a file's role names: 'test' of 'test/label', and of 'test.3/post-lines', which is a shard's. */
export function partOfRole(role: string): string {
  return role.split('/')[0]!.replace(/\.\d+$/, '');
}

/** Order of a user's posts: time, then pid; pids as numbers where all of a source's are numbers, else by code point (method.md, section 2). */
export function comparePosts(numericPids: boolean): (a: { postedAt: number; pid: string }, b: { postedAt: number; pid: string }) => number {
  return (a, b) => a.postedAt - b.postedAt || comparePids(a.pid, b.pid, numericPids);
}

function comparePids(a: string, b: string, numeric: boolean): number {
  if (numeric) {
    const difference = BigInt(a) - BigInt(b);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  return compareByCodePoint(a, b);
}

/** Order by Unicode code point. JavaScript's own `<` orders by UTF-16 unit, which differs beyond U+FFFF and would differ from Python and SQLite. */
export function compareByCodePoint(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** '7.52' for 752. The canonical form of a score in prompts, answers and tables. */
export function formatHundredths(value: Hundredths): string {
  return (value / 100).toFixed(2);
}

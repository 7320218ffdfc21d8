// Filtering, ordering and paging over every post of a store, held as columns of numbers: half a million posts take about
// 20 MB, and any filter in any order is answered in milliseconds without an index in the store. Pure.
//
// A position is a post's place in the columns, which are in the order of the import. An order lists all positions; those
// without a key (no score, no error) come last in both directions. Equal keys stay in the order of the import.

/** Stands for "none" in a column of hundredths; no score is that small. */
export const NO_VALUE = -(2 ** 31);
/** A prediction that is no number. */
export const NO_NUMBER = NO_VALUE + 1;

/** All of the same length. Texts are codes: places in lists that belong to the columns' owner. */
export interface PostColumns {
  readonly id: Float64Array; // ascending
  readonly source: Uint16Array;
  readonly postedAt: Float64Array; // unix seconds
  readonly label: Int32Array; // hundredths, or NO_VALUE
  readonly category: Uint32Array;
  readonly dropped: Uint8Array; // 1: by the import
  readonly isTest: Uint8Array; // 1: of a test part
  readonly excluded: Uint8Array; // 1: by a person
  readonly hasCaption: Uint8Array;
  readonly set: Uint8Array; // code of the set of its user, 0 for none
  readonly prediction: Int32Array; // hundredths, NO_VALUE or NO_NUMBER
}

/** Restrictions of a query as numbers; null restricts nothing. */
export interface ColumnFilter {
  readonly only: Uint8Array | null; // 1: found by words or of the user asked for
  readonly source: number | null;
  readonly category: number | null; // −1: a category that no post has
  readonly from: number | null; // unix seconds, included
  readonly until: number | null; // unix seconds, not included
  readonly split: number | 'test' | null; // code of a set
  readonly state: 'used' | 'excluded' | 'dropped' | null;
  readonly hasCaption: boolean | null;
  readonly hasPrediction: boolean | null;
  readonly hasScore: boolean | null;
  readonly scores: { readonly from: number; readonly to: number } | null; // hundredths, both included
}

/** Whether a post passes the filter. */
function passes(columns: PostColumns, filter: ColumnFilter, at: number): boolean {
  if (filter.only !== null && filter.only[at] === 0) return false;
  if (filter.source !== null && columns.source[at] !== filter.source) return false;
  if (filter.category !== null && columns.category[at] !== filter.category) return false;
  if (filter.from !== null && columns.postedAt[at]! < filter.from) return false;
  if (filter.until !== null && columns.postedAt[at]! >= filter.until) return false;
  if (filter.split !== null && (filter.split === 'test' ? columns.isTest[at] === 0 : columns.isTest[at] === 1 || columns.set[at] !== filter.split)) return false;
  if (filter.state !== null && stateOf(columns, at) !== filter.state) return false;
  if (filter.hasCaption !== null && (columns.hasCaption[at] === 1) !== filter.hasCaption) return false;
  if (filter.hasPrediction !== null && (columns.prediction[at] !== NO_VALUE) !== filter.hasPrediction) return false;
  const label = columns.label[at]!;
  if (filter.hasScore !== null && (label !== NO_VALUE) !== filter.hasScore) return false;
  return filter.scores === null || (label !== NO_VALUE && label >= filter.scores.from && label <= filter.scores.to);
}

/** A post that a person left out counts as excluded, also when the import had dropped it. */
function stateOf(columns: PostColumns, at: number): 'used' | 'excluded' | 'dropped' {
  if (columns.excluded[at] === 1) return 'excluded';
  return columns.dropped[at] === 1 ? 'dropped' : 'used';
}

/** All positions: those with a key in ascending order, then those without one. */
export interface PostOrder {
  readonly positions: Uint32Array;
  readonly keyed: number; // how many have a key
}

/** An order by whole-numbered keys; `NaN` has no key. */
export function orderByKey(count: number, keyOf: (at: number) => number): PostOrder {
  let least = Infinity;
  let most = -Infinity;
  let keyed = 0;
  for (let at = 0; at < count; at++) {
    const key = keyOf(at);
    if (Number.isNaN(key)) continue;
    keyed++;
    if (key < least) least = key;
    if (key > most) most = key;
  }
  const keys = new Float64Array(keyed);
  let positions = new Uint32Array(count);
  for (let at = 0, next = 0, without = keyed; at < count; at++) {
    const key = keyOf(at);
    if (Number.isNaN(key)) positions[without++] = at;
    else {
      keys[next] = key - least;
      positions[next++] = at;
    }
  }
  positions = sortByDigits(positions, keys, keyed, most - least);
  return { positions, keyed };
}

const DIGIT = 2 ** 16;

/** Sorts the first `keyed` positions by their keys (0 … most), digit by digit, so that equal keys keep their order. Much faster than comparing. */
function sortByDigits(positions: Uint32Array<ArrayBuffer>, keys: Float64Array<ArrayBuffer>, keyed: number, most: number): Uint32Array<ArrayBuffer> {
  let [from, to] = [positions, positions.slice()];
  let [keysFrom, keysTo] = [keys, new Float64Array(keyed)];
  for (let divisor = 1; most / divisor >= 1; divisor *= DIGIT) {
    const starts = new Uint32Array(DIGIT + 1);
    for (let at = 0; at < keyed; at++) starts[(Math.floor(keysFrom[at]! / divisor) % DIGIT) + 1]!++;
    for (let digit = 0; digit < DIGIT; digit++) starts[digit + 1]! += starts[digit]!;
    for (let at = 0; at < keyed; at++) {
      const place = starts[Math.floor(keysFrom[at]! / divisor) % DIGIT]!++;
      to[place] = from[at]!;
      keysTo[place] = keysFrom[at]!;
    }
    [from, to] = [to, from];
    [keysFrom, keysTo] = [keysTo, keysFrom];
  }
  return from;
}

/** The order as it is read: forwards, or with its keyed part turned round. Equal keys turn round with it. */
export function directed({ positions, keyed }: PostOrder, descending: boolean): Uint32Array {
  if (!descending) return positions;
  const turned = positions.slice();
  turned.subarray(0, keyed).reverse();
  return turned;
}

/** Where each position stands in a sequence. */
export function ranksOf(sequence: Uint32Array): Uint32Array {
  const ranks = new Uint32Array(sequence.length);
  for (let rank = 0; rank < sequence.length; rank++) ranks[sequence[rank]!] = rank;
  return ranks;
}

/** Positions that pass, in the sequence's order. */
export function matchesOf(columns: PostColumns, filter: ColumnFilter, sequence: Uint32Array): Uint32Array {
  const found = new Uint32Array(sequence.length);
  let count = 0;
  for (let rank = 0; rank < sequence.length; rank++) if (passes(columns, filter, sequence[rank]!)) found[count++] = sequence[rank]!;
  return found.slice(0, count);
}

/** How many matches stand before a rank of the whole sequence: where a post is, or would be if it passed. */
export function matchesBefore(matches: Uint32Array, ranks: Uint32Array, rank: number): number {
  let low = 0;
  let high = matches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranks[matches[middle]!]! < rank) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place in ascending order (of `length` items) at which `isBefore` is false. */
export function firstNotBefore(length: number, isBefore: (place: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface ScoreHistogram {
  readonly from: number; // hundredths: least and greatest score of the source
  readonly to: number;
  readonly bins: number[]; // posts that pass, in equal parts of the axis
  readonly mean: number | null; // hundredths, of the posts that pass
}

/** Null when no post of the source has a score. The filter's own range of scores is left out of it: it is what a person draws on the picture. */
export function histogramOf(columns: PostColumns, filter: ColumnFilter, binCount: number): ScoreHistogram | null {
  let from = Infinity;
  let to = -Infinity;
  for (let at = 0; at < columns.label.length; at++) {
    const label = columns.label[at]!;
    if (label === NO_VALUE || (filter.source !== null && columns.source[at] !== filter.source)) continue;
    if (label < from) from = label;
    if (label > to) to = label;
  }
  if (from > to) return null;
  const bins = new Array<number>(binCount).fill(0);
  const open = { ...filter, scores: null };
  const width = (to - from + 1) / binCount;
  let sum = 0;
  let count = 0;
  for (let at = 0; at < columns.label.length; at++) {
    const label = columns.label[at]!;
    if (label === NO_VALUE || !passes(columns, open, at)) continue;
    bins[Math.min(binCount - 1, Math.floor((label - from) / width))]!++;
    sum += label;
    count++;
  }
  return { from, to, bins, mean: count === 0 ? null : sum / count };
}

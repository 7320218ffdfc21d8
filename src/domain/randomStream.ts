// Random numbers in many independent streams (a seed, a purpose, an index), so that a change in one kind of draw leaves the
// rest as it was: for invented data, and wherever a choice needs a stream of its own. Draws of users and intervals, whose
// generator is named in results, use seededGenerator.ts.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

export class RandomStream {
  readonly #generator;

  constructor(seed: number, stream: number, index = 0) {
    const mix = mixer([seed, stream, index]);
    this.#generator = xoroshiro128plusFromState([mix(), mix(), mix(), mix() | 1]); // the state is never all zero
  }

  /** In [0, 1). */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.integer(0, items.length - 1)]!;
  }

  /** `count` different items, in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffled(items).slice(0, count);
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [result[last], result[other]] = [result[other]!, result[last]!];
    }
    return result;
  }

  /** Normal with mean 0 (Box–Muller; its second value is left unused, so that every call takes two uniform draws). */
  normal(standardDeviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return standardDeviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Exponential with the given mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }
}

/** 32-bit words from whole numbers: each part goes through the finalizer of MurmurHash3, then splitmix32 counts on. */
function mixer(parts: readonly number[]): () => number {
  let state = 0x9e3779b9;
  for (const part of parts) state = scramble(state ^ scramble((part + 0x7f4a7c15) | 0));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return scramble(state);
  };
}

function scramble(word: number): number {
  let value = word ^ (word >>> 16);
  value = Math.imul(value, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

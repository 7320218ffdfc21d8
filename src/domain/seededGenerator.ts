// The one generator behind every draw and every interval: named, seeded, the same on every machine.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';

/** Written beside whatever was drawn: it can only be repeated with the same generator. */
export const GENERATOR_NAME = 'pure-rand 8 xoroshiro128plus, jumped once';

const LARGEST_SEED = 0x7fffffff;

/** A generator for `seed`, an integer from 0 to 2³¹ − 1; anything else is a bug of the caller and throws. */
export function seededGenerator(seed: number): JumpableRandomGenerator {
  if (!Number.isInteger(seed) || seed < 0 || seed > LARGEST_SEED) throw new Error(`A seed is an integer from 0 to ${LARGEST_SEED}, not ${seed}.`);
  const generator = xoroshiro128plus(seed);
  generator.jump(); // neighbouring seeds start with nearly the same state: without the jump their first draws run in step
  return generator;
}

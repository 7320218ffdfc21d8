// Streams of random numbers: repeatable, independent of each other, with the distributions they say.
import assert from 'node:assert/strict';
import { RandomStream } from '../../../src/domain/randomStream.ts';

const DRAWS = 20_000;
const numbers = (stream: RandomStream, draw: (stream: RandomStream) => number, count = DRAWS): number[] => Array.from({ length: count }, () => draw(stream));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a random stream', () => {
  it('gives the same numbers for the same seed, stream and index, and others when any of them differs', () => {
    const first = (seed: number, stream: number, index: number): number[] => numbers(new RandomStream(seed, stream, index), (random) => random.uniform(), 5);
    assert.deepEqual(first(1, 2, 3), first(1, 2, 3));
    const all = [first(1, 2, 3), first(0, 2, 3), first(1, 0, 3), first(1, 2, 0), first(2, 1, 3), first(3, 2, 1)].map((values) => values[0]);
    assert.equal(new Set(all).size, all.length);
  });

  it('has neighbouring streams that do not resemble each other', () => {
    // The correlation of independent pairs has a standard error of 1/√n; four of them for 20,000 pairs.
    const firstOf = (index: number): number => new RandomStream(7, 1, index).uniform() - 0.5;
    const products = Array.from({ length: DRAWS }, (_, index) => firstOf(index) * firstOf(index + 1) * 12);
    assert.ok(Math.abs(mean(products)) < 4 / Math.sqrt(DRAWS), `${mean(products)}`);
  });

  it('draws whole numbers evenly, both ends included', () => {
    const counts = new Map<number, number>();
    for (const value of numbers(new RandomStream(0, 1), (random) => random.integer(-1, 2))) counts.set(value, (counts.get(value) ?? 0) + 1);
    assert.deepEqual([...counts.keys()].sort((a, b) => a - b), [-1, 0, 1, 2]);
    for (const count of counts.values()) assert.ok(Math.abs(count - DRAWS / 4) < 4 * Math.sqrt(DRAWS * 0.25 * 0.75), `${count}`); // four binomial deviations
  });

  it('draws normal numbers with the asked spread', () => {
    const values = numbers(new RandomStream(0, 2), (random) => random.normal(3));
    assert.ok(Math.abs(mean(values)) < (4 * 3) / Math.sqrt(DRAWS));
    assert.ok(Math.abs(mean(values.map((value) => value * value)) - 9) < 4 * 9 * Math.sqrt(2 / DRAWS)); // the variance of a variance is 2σ⁴/n
    assert.deepEqual(numbers(new RandomStream(0, 2), (random) => random.normal(0), 3).map(Math.abs), [0, 0, 0]);
  });

  it('draws exponential numbers with the asked mean', () => {
    const values = numbers(new RandomStream(0, 3), (random) => random.exponential(5));
    assert.ok(values.every((value) => value >= 0));
    assert.ok(Math.abs(mean(values) - 5) < (4 * 5) / Math.sqrt(DRAWS)); // standard deviation = mean
  });

  it('samples different items and shuffles all of them', () => {
    const random = new RandomStream(0, 4);
    const items = [1, 2, 3, 4, 5];
    assert.equal(new Set(random.sample(items, 3)).size, 3);
    assert.deepEqual(random.shuffled(items).sort(), items);
    assert.ok(numbers(random, () => random.shuffled(items)[0]!, 200).some((first) => first !== 1));
    assert.ok(numbers(random, () => random.pick(items), 200).every((item) => items.includes(item)));
  });
});

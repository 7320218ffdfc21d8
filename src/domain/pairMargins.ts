// How sure a model is of pairs: the log-probability that it gives to the chosen answer against that of the rejected one.

export interface ScoredPair {
  readonly chosen: number; // log-probability of the whole answer with its end, nats
  readonly rejected: number;
}

export interface PairMargins {
  readonly pairs: number;
  readonly chosen: number; // mean log-probability of the chosen answers, nats
  readonly margin: number; // mean of chosen less rejected, nats; above 0: the chosen ones are the likelier
  readonly preferred: number; // share of pairs whose chosen answer is the likelier, 0–1
}

/** @throws {Error} without any pair */
export function pairMargins(scored: readonly ScoredPair[]): PairMargins {
  if (scored.length === 0) throw new Error('There is no pair to measure.');
  const mean = (of: (pair: ScoredPair) => number): number => scored.reduce((sum, pair) => sum + of(pair), 0) / scored.length;
  return {
    pairs: scored.length, chosen: mean((pair) => pair.chosen), margin: mean((pair) => pair.chosen - pair.rejected),
    preferred: mean((pair) => (pair.chosen > pair.rejected ? 1 : 0)),
  };
}

// Several pieces of long work at the same time.
import type { LongWork, Progress } from '../protocol/progress.ts';

/**
 * Runs the works, at most `atOnce` of them at a time, in their order, and hands on what any of them tells. When one fails
 * no further one begins, those that run go on to their ends, and then the first failure is thrown. A reader that stops
 * early ends every work that has begun.
 */
export async function* interleave<Result>(works: readonly LongWork<Result>[], atOnce: number): LongWork<Result[]> {
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  const steps = new Map<number, Promise<{ index: number; step: IteratorResult<Progress, Result> | null; error?: unknown }>>();
  const advance = (index: number): void => {
    steps.set(index, works[index]!.next().then((step) => ({ index, step }), (error: unknown) => ({ index, step: null, error })));
  };
  let begun = 0;
  const beginMore = (): void => {
    while (begun < works.length && steps.size < atOnce && failures.length === 0) advance(begun++);
  };
  try {
    for (beginMore(); steps.size > 0; beginMore()) {
      const { index, step, error } = await Promise.race(steps.values());
      steps.delete(index);
      if (step === null) {
        failures.push(error);
      } else if (step.done === true) {
        results.set(index, step.value);
      } else {
        advance(index); // before the yield: a reader that takes its time holds nobody up
        yield step.value;
      }
    }
  } finally {
    await Promise.all([...steps.keys()].map((index) => works[index]!.return(undefined as never).catch(() => undefined))); // queued behind the step each is in
  }
  if (failures.length > 0) throw failures[0];
  return works.map((_, index) => results.get(index)!);
}

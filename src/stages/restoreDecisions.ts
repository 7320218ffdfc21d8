// Puts what people decided back into the store: after it was deleted, a source was removed, or git brought a colleague's file.
import { setImmediate } from 'node:timers/promises';
import type { Progress } from '../protocol/progress.ts';
import { readDecisions } from '../sources/decisionFiles.ts';
import { replayDecisions } from '../store/decisions.ts';
import type { StageContext } from './stageContext.ts';

/** Answers how many decisions of the decisions folder were new to the store. Bad lines are told, and stop nothing. */
export async function* restoreDecisions(
  { store, storeFolder, log, now }: Pick<StageContext, 'store' | 'storeFolder' | 'log' | 'now'>, sourceId: number, source: string, signal: AbortSignal,
): AsyncGenerator<Progress, number, void> {
  const { decisions, bad, faults } = await readDecisions(storeFolder, source, now());
  let restored = 0;
  for (const added of replayDecisions(store, sourceId, decisions)) {
    restored = added;
    await setImmediate();
    signal.throwIfAborted();
  }
  if (bad > 0) {
    const message = `Decisions that cannot be used: ${bad} (${faults.join('; ')}${bad > faults.length ? '; …' : ''}).`;
    log.warn(message);
    yield { message, stays: true };
  }
  if (restored > 0) yield { message: `${restored} ${restored === 1 ? 'decision was' : 'decisions were'} restored from the folder decisions.`, stays: true };
  return restored;
}

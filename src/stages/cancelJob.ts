// Ends a trainer job that another process or an earlier session started: by its id, wherever it was started from.
import { hasEnded } from '../hosts/host.ts';
import { findRun, recordRunEnd } from '../store/runs.ts';
import type { StageContext } from './stageContext.ts';

/** Resolves when none of the job's processes is left: true when it was at work. Whoever follows the job is told that it was cancelled. */
export async function cancelJob({ store, host, now }: Pick<StageContext, 'store' | 'host' | 'now'>, id: string): Promise<boolean> {
  const before = await host.status(id);
  const status = await host.cancel(id);
  const run = findRun(store, id);
  if (run !== undefined && run.endedAt === null && status?.state === 'cancelled') recordRunEnd(store, id, 'cancelled', {}, now()); // how else it ended, its stage records with what it made
  return before !== null && !hasEnded(before.state);
}

// What goes on beside a full-size import: decisions that commit, a cancel that is obeyed.
import { openStore } from '../../src/store/openStore.ts';
import { openSync, readSync, writeSync, closeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fullSizeData } from './fullSizeData.ts';
import { buildWorkers, newWorkspace, removeWorkspace, runImport, storeFileOf } from './importRuns.ts';
import { machineLine, median, percentile } from './machine.ts';

const DECISIONS = 50;
/** Between two decisions, in milliseconds: fifty of them are spread over the reading of the posts. */
const PAUSE = 60;

/** Moments at which a cancel is tried: the message of progress, and milliseconds after it. */
const CANCELS = [
  { name: 'at the start', message: '', after: 20 },
  { name: 'in the beginning of reading', message: 'Reading posts', after: 300 },
  { name: 'in the middle of reading', message: 'Reading posts', after: 2500 },
  { name: 'while posts are ordered', message: 'Ordering posts', after: 0 },
  { name: 'while what was before is cleared', message: 'Clearing the posts of before', after: 300 },
] as const;

export async function bench(print: (line: string) => void): Promise<void> {
  await buildWorkers();
  const data = await fullSizeData(false);
  const workspace = newWorkspace();
  try {
    await runImport(workspace, data);
    changeFirstLabel(data);
    const { decisionMilliseconds, longestStall } = await runImport(workspace, data, { decisions: { source: basename(data), pids: await somePids(storeFileOf(workspace)), pause: PAUSE } });
    const [p50, p95, max] = [median(decisionMilliseconds), percentile(decisionMilliseconds, 0.95), Math.max(...decisionMilliseconds)].map((value) => value.toFixed(0));
    print(`${decisionMilliseconds.length} decisions during a full-size import: p50 ${p50} ms, p95 ${p95} ms, longest ${max} ms (at most 100); ${machineLine()}`);
    print(`longest stall of the thread that owns the workers: ${longestStall.toFixed(0)} ms (aim 50)`);
    for (const { name, ...cancel } of CANCELS) {
      changeFirstLabel(data);
      const { cancelMilliseconds, wallSeconds } = await runImport(workspace, data, { cancel });
      print(cancelMilliseconds === null ? `cancel ${name}: over after ${wallSeconds.toFixed(1)} s, before the cancel` : `cancel ${name}: obeyed after ${cancelMilliseconds.toFixed(0)} ms (at most 200); ${machineLine()}`);
    }
  } finally {
    removeWorkspace(workspace);
  }
}

/** Another score for the first post: the data set is a newer one, and is indexed again. */
function changeFirstLabel(data: string): void {
  const file = openSync(join(data, 'train_label.txt'), 'r+');
  try {
    const digit = Buffer.alloc(1);
    readSync(file, digit, 0, 1, 0);
    writeSync(file, String((Number(digit.toString()) % 9) + 1), 0); // never the score of the generation that is live
  } finally {
    closeSync(file);
  }
}

async function somePids(storeFile: string): Promise<string[]> {
  const store = await openStore(storeFile, { readOnly: true });
  try {
    return store.prepare<{ pid: string }>('SELECT pid FROM live_posts WHERE id % 5000 = 0 LIMIT ?').all(DECISIONS).map(({ pid }) => pid);
  } finally {
    store.close();
  }
}

// One full-size import as the editor does it: this process stands for the extension host and starts the packaged database
// workers. Its only argument is an ImportOrder as JSON; it prints what it measured as one JSON object.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseWorker, startThread } from '../../src/editor/databaseWorker.ts';
import { isCancellation } from '../../src/protocol/requestChannel.ts';
import type { BulkMethods, LiveMethods, WorkerData } from '../../src/protocol/workerRpc.ts';

export interface ImportOrder {
  readonly workerScript: string;
  readonly worker: Omit<WorkerData, 'role'>;
  readonly path: string; // of the data set
  /** Decisions made one after the other by the live worker while posts are read; needs the source to be there already. */
  readonly decisions: { readonly source: string; readonly pids: readonly string[]; readonly pause: number } | null; // pause in milliseconds
  /** Cancels so many milliseconds after the first message of progress that begins so; '' is the start. */
  readonly cancel: { readonly message: string; readonly after: number } | null;
}

export interface ImportMeasures {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly summary: string;
  readonly longestStall: number; // of this process's main thread, milliseconds
  readonly decisionMilliseconds: readonly number[];
  readonly cancelMilliseconds: number | null; // null: not cancelled, or over before
}

const order = JSON.parse(process.argv[2]!) as ImportOrder;
const say = (message: string, error?: unknown): void => void process.stderr.write(`${message} ${error instanceof Error ? error.stack : ''}\n`);
const log = { info: () => undefined, warn: say, error: say };
const bulk = new DatabaseWorker<BulkMethods>(startThread(order.workerScript, { ...order.worker, role: 'bulk' }), log);
const live = new DatabaseWorker<LiveMethods>(startThread(order.workerScript, { ...order.worker, role: 'live' }), log);
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const cancelling = new AbortController();
let cancelledAt = 0;
let cancelMilliseconds: number | null = null;
function cancelSoon(): void {
  setTimeout(() => {
    cancelledAt = performance.now();
    cancelling.abort();
  }, order.cancel!.after);
}

const decisionMilliseconds: number[] = [];
let importing = true;
async function decide({ source, pids, pause: between }: NonNullable<ImportOrder['decisions']>): Promise<void> {
  for (const pid of pids) {
    if (!importing) return;
    const began = performance.now();
    await live.request('decideOnPost', { kind: 'post-excluded', source, pid, reason: '', author: 'bench' });
    decisionMilliseconds.push(performance.now() - began);
    await pause(between);
  }
}

const delay = monitorEventLoopDelay({ resolution: 5 });
await bulk.request('detect', { path: order.path, quick: true }); // the editor has looked before it asks to start, so the thread is there
if (order.decisions !== null) await live.request('searchPosts', { text: 'x', limit: 1 }); // the connection is there before
delay.enable();
const began = performance.now();
let deciding: Promise<void> | undefined;
let armed = order.cancel !== null;
if (order.cancel?.message === '') {
  armed = false;
  cancelSoon();
}
let summary: string;
try {
  const request = { stage: 'index', request: { path: order.path, name: null, mapping: null, allowSkips: false }, python: null, threads: null } as const;
  ({ summary } = await bulk.request('runStage', request, {
    signal: cancelling.signal,
    onProgress: ({ message }) => {
      if (armed && message.startsWith(order.cancel!.message)) {
        armed = false;
        cancelSoon();
      }
      if (order.decisions !== null && message === 'Reading posts') deciding ??= decide(order.decisions);
    },
  }));
} catch (error) {
  if (!isCancellation(error)) throw error;
  cancelMilliseconds = performance.now() - cancelledAt;
  summary = 'cancelled';
}
const wallSeconds = (performance.now() - began) / 1000;
importing = false;
await deciding;
delay.disable();
const { user, system } = process.cpuUsage();
const measures: ImportMeasures = {
  wallSeconds, cpuSeconds: (user + system) / 1e6, peakMegabytes: process.resourceUsage().maxRSS / 1024, summary, longestStall: delay.max / 1e6, decisionMilliseconds, cancelMilliseconds,
};
process.stdout.write(`${JSON.stringify(measures)}\n`);
await bulk.dispose();
await live.dispose();

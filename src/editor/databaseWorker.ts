// One database worker: a thread that is started when first asked, and again after it has died.
import { Worker } from 'node:worker_threads';
import { UserError } from '../domain/errors.ts';
import type { Log } from '../protocol/progress.ts';
import { RequestClient, type Contract, type ParametersOf, type RequestOptions, type ResultOf } from '../protocol/requestChannel.ts';
import type { WorkerData } from '../protocol/workerRpc.ts';

/** The thread as far as this file needs it; tests stand in for it. */
export interface WorkerThread {
  postMessage(message: unknown): void;
  on(event: 'message' | 'error' | 'exit', listener: (value: unknown) => void): unknown;
  terminate(): Promise<number>;
}
export type StartThread = () => WorkerThread;

/** Of a worker's new objects, in MiB: an import makes millions of short-lived ones, and more room for them makes it no faster. */
const YOUNG_GENERATION = 16;

/** Starts dist/worker.cjs. */
export function startThread(script: string, workerData: WorkerData): StartThread {
  return () => new Worker(script, { workerData, name: `smp-curator-${workerData.role}`, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION } });
}

export class DatabaseWorker<C extends Contract> {
  readonly #start: StartThread;
  readonly #log: Log;
  #running: { readonly thread: WorkerThread; readonly client: RequestClient<C> } | undefined;
  #disposed = false;

  constructor(start: StartThread, log: Log) {
    this.#start = start;
    this.#log = log;
  }

  /** Sends a request; see RequestClient. When the thread dies, what waits is rejected with the UserError `worker-ended`. */
  request<Name extends keyof C & string>(name: Name, parameters: ParametersOf<C[Name]>, options?: RequestOptions): Promise<ResultOf<C[Name]>> {
    if (this.#disposed) return Promise.reject(new Error('The worker is disposed of.'));
    this.#running ??= this.#launch();
    return this.#running.client.request(name, parameters, options);
  }

  #launch(): { thread: WorkerThread; client: RequestClient<C> } {
    const thread = this.#start();
    const running = { thread, client: new RequestClient<C>(thread, this.#log) };
    thread.on('error', (error) => this.#log.error('A database worker failed.', error));
    thread.on('exit', () => {
      if (this.#running === running) this.#running = undefined;
      running.client.close(new UserError('worker-ended', 'The process that works on the store ended.', 'Try again: it is started anew. The log says why it ended.'));
    });
    return running;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#running?.thread.terminate();
  }
}

// The wire between the editor and its workers: results, failures of each kind, progress, cancelling, and a thread that dies.
import assert from 'node:assert/strict';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { UserError } from '../../../src/domain/errors.ts';
import { DatabaseWorker, type WorkerThread } from '../../../src/editor/databaseWorker.ts';
import type { Log, LongWork, Progress } from '../../../src/protocol/progress.ts';
import { isCancellation, logOver, method, RequestClient, serveRequests, type Handlers } from '../../../src/protocol/requestChannel.ts';

const METHODS = {
  double: method<number>()(z.object({ value: z.int() })),
  fail: method<never>()(z.object({ how: z.enum(['user', 'bug']) })),
  count: method<number>()(z.object({ upTo: z.int() })),
  wait: method<string>()(z.object({})),
} as const;

function silentLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (message: string): void => void lines.push(message);
  return { lines, info: write, warn: write, error: write };
}

describe('request channel', () => {
  let ports: { port1: MessagePort; port2: MessagePort };
  let client: RequestClient<typeof METHODS>;
  let cleanedUp: boolean;
  let log: ReturnType<typeof silentLog>;

  beforeEach(() => {
    cleanedUp = false;
    ports = new MessageChannel();
    log = silentLog();
    const handlers: Handlers<typeof METHODS> = {
      double: ({ value }) => value * 2,
      fail: ({ how }) => {
        throw how === 'user' ? new UserError('rows-differ', 'labels.txt is one line short.', 'Add it.') : new TypeError('no such thing');
      },
      count: async function* ({ upTo }, signal): LongWork<number> {
        try {
          for (let done = 1; done <= upTo && !signal.aborted; done++) yield { message: 'counting', done, total: upTo, unit: 'rows' };
          return upTo;
        } finally {
          cleanedUp = true;
        }
      },
      wait: (_parameters, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    };
    serveRequests(ports.port2, METHODS, handlers);
    client = new RequestClient(ports.port1, log);
  });
  afterEach(() => ports.port1.close());

  it('brings results back to whoever asked', async () => {
    assert.deepEqual(await Promise.all([1, 2, 3].map((value) => client.request('double', { value }))), [2, 4, 6]);
  });

  it('brings a UserError back whole', async () => {
    await assert.rejects(client.request('fail', { how: 'user' }), (error) => {
      assert.ok(error instanceof UserError);
      assert.deepEqual([error.code, error.whatHappened, error.nextStep], ['rows-differ', 'labels.txt is one line short.', 'Add it.']);
      return true;
    });
  });

  it('brings a bug back with the stack of the other thread', async () => {
    await assert.rejects(client.request('fail', { how: 'bug' }), (error: Error) => !(error instanceof UserError) && error.message === 'no such thing' && /requestChannel\.test/.test(error.stack ?? ''));
  });

  it('refuses parameters that break the contract, and methods it does not have', async () => {
    await assert.rejects(client.request('double', { value: 'two' as never }), /expected number/);
    await assert.rejects(client.request('toString' as never, {} as never), /No method is called 'toString'/);
  });

  it('passes progress on, in order', async () => {
    const seen: Progress[] = [];
    assert.equal(await client.request('count', { upTo: 3 }, { onProgress: (progress) => seen.push(progress) }), 3);
    assert.deepEqual(seen.map((progress) => progress.done), [1, 2, 3]);
    assert.deepEqual(seen[0], { message: 'counting', done: 1, total: 3, unit: 'rows' });
  });

  it('cancels long work between two steps and runs its clean-up', async () => {
    const controller = new AbortController();
    const work = client.request('count', { upTo: Number.MAX_SAFE_INTEGER }, { signal: controller.signal, onProgress: ({ done }) => done === 5 && controller.abort() });
    await assert.rejects(work, isCancellation);
    assert.ok(cleanedUp);
  });

  it('cancels a promise that listens to the signal, and never sends what is cancelled already', async () => {
    const controller = new AbortController();
    const work = client.request('wait', {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 1);
    await assert.rejects(work, isCancellation);
    await assert.rejects(client.request('double', { value: 1 }, { signal: controller.signal }), isCancellation);
  });

  it('rejects what waits, and what is asked later, once closed', async () => {
    const waiting = client.request('wait', {});
    const reason = new UserError('worker-ended', 'It ended.', 'Try again.');
    client.close(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(client.request('double', { value: 1 }), reason);
  });

  it('reports a message it does not understand instead of believing it', async () => {
    ports.port2.postMessage({ type: 'result', id: 'one' });
    assert.equal(await client.request('double', { value: 4 }), 8); // the channel lives on
    assert.match(log.lines[0]!, /not understood/);
  });

  it('carries log lines over', async () => {
    logOver(ports.port2).warn('an odd row');
    await client.request('double', { value: 1 });
    assert.deepEqual(log.lines, ['an odd row']);
  });
});

describe('database worker', () => {
  /** A thread made of a message channel; `die` is what a crash looks like from outside. */
  function pretendThread(): WorkerThread & { die(): void } {
    const { port1, port2 } = new MessageChannel();
    const listeners: ((value: unknown) => void)[] = [];
    serveRequests(port2, METHODS, { double: ({ value }) => value * 2, fail: () => { throw new Error(); }, count: () => 0, wait: () => new Promise<string>(() => undefined) });
    return {
      postMessage: (message) => port1.postMessage(message),
      on: (event, listener) => (event === 'message' ? port1.on('message', listener) : event === 'exit' ? listeners.push(listener) : undefined),
      terminate: () => Promise.resolve(0),
      die: () => {
        port1.close();
        for (const listener of listeners) listener(1);
      },
    };
  }

  it('rejects what waits when the thread dies, and starts another for the next request', async () => {
    const threads: ReturnType<typeof pretendThread>[] = [];
    const worker = new DatabaseWorker<typeof METHODS>(() => {
      const thread = pretendThread();
      threads.push(thread);
      return thread;
    }, silentLog());
    const waiting = worker.request('wait', {});
    threads[0]!.die();
    await assert.rejects(waiting, (error) => error instanceof UserError && error.code === 'worker-ended');
    assert.equal(await worker.request('double', { value: 21 }), 42);
    assert.equal(threads.length, 2);
    threads[1]!.die();
  });
});

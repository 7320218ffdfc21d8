// Both ends of a typed wire between two threads: requests with validated parameters, results, failures that travel back
// with their kind, progress, cancelling and log lines. What is asked over it is bound in a contract (workerRpc.ts).
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import type { Log, LongWork, Progress } from './progress.ts';

/** One method: a validator of its parameters, and the type of its result (never present at run time). */
export interface Method<Parameters, Result> {
  readonly parameters: z.ZodType<Parameters>;
  readonly result?: Result;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the widest method; each use below is narrowed by its contract
export type Contract = Readonly<Record<string, Method<any, any>>>;
export type ParametersOf<M> = M extends Method<infer Parameters, unknown> ? Parameters : never;
export type ResultOf<M> = M extends Method<never, infer Result> ? Result : M extends { readonly result?: infer Result } ? Result : never;

/** Binds a method: `method<Result>()(schema)`. */
export const method = <Result>() => <Parameters>(parameters: z.ZodType<Parameters>): Method<Parameters, Result> => ({ parameters });

/** What MessagePort, Worker and parentPort have in common. */
export interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

const id = z.int().positive();
const clientMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('request'), id, method: z.string(), parameters: z.unknown() }),
  z.object({ type: z.literal('cancel'), id }),
]);
const failureSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('user'), code: z.string(), whatHappened: z.string(), nextStep: z.string() }),
  z.object({ kind: z.literal('cancelled') }),
  z.object({ kind: z.literal('bug'), message: z.string(), stack: z.string() }),
]);
const progressSchema = z.object({
  message: z.string(), done: z.number().optional(), total: z.number().optional(), unit: z.string().optional(), secondsLeft: z.number().optional(),
});
const serverMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('result'), id, result: z.unknown() }),
  z.object({ type: z.literal('failure'), id, failure: failureSchema }),
  z.object({ type: z.literal('progress'), id, progress: progressSchema }),
  z.object({ type: z.literal('log'), level: z.enum(['info', 'warn', 'error']), message: z.string() }),
]);
export type Failure = z.infer<typeof failureSchema>;
type ServerMessage = z.infer<typeof serverMessageSchema>;

/** True for what an AbortSignal makes: the work ended because somebody asked for it. Not every host's DOMException is an Error. */
export function isCancellation(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}
export function cancellation(): Error {
  const error = new Error('Cancelled.');
  error.name = 'AbortError';
  return error;
}

/** An error as it crosses to another thread. */
export function failureOf(error: unknown, aborted: boolean): Failure {
  if (error instanceof UserError) return { kind: 'user', code: error.code, whatHappened: error.whatHappened, nextStep: error.nextStep };
  if (aborted || isCancellation(error)) return { kind: 'cancelled' };
  return error instanceof Error
    ? { kind: 'bug', message: error.message, stack: error.stack ?? error.message }
    : { kind: 'bug', message: String(error), stack: String(error) };
}
export function errorOf(failure: Failure): Error {
  switch (failure.kind) {
    case 'user': return new UserError(failure.code, failure.whatHappened, failure.nextStep);
    case 'cancelled': return cancellation();
    case 'bug': {
      const error = new Error(failure.message);
      error.stack = failure.stack; // of the other thread: that is where the fault is
      return error;
    }
  }
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
  onProgress: ((progress: Progress) => void) | undefined;
  release(): void;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** The asking end. Whoever owns the other thread calls `close` when it has ended, so that nothing waits for ever. */
export class RequestClient<C extends Contract> {
  readonly #port: Port;
  readonly #log: Log;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #closed: Error | undefined;

  constructor(port: Port, log: Log) {
    this.#port = port;
    this.#log = log;
    port.on('message', (message) => this.#receive(message));
  }

  /** Rejects with a UserError, an AbortError, or an Error that carries the other thread's stack. */
  request<Name extends keyof C & string>(name: Name, parameters: ParametersOf<C[Name]>, options: RequestOptions = {}): Promise<ResultOf<C[Name]>> {
    if (this.#closed) return Promise.reject(this.#closed);
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(cancellation());
    const requestId = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const cancel = (): void => this.#port.postMessage({ type: 'cancel', id: requestId });
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(requestId, {
        resolve: resolve as (result: unknown) => void, reject, onProgress: options.onProgress,
        release: () => signal?.removeEventListener('abort', cancel),
      });
      this.#port.postMessage({ type: 'request', id: requestId, method: name, parameters });
    });
  }

  /** Rejects everything that waits, and whatever is asked later. */
  close(reason: Error): void {
    this.#closed = reason;
    for (const requestId of [...this.#pending.keys()]) this.#settle(requestId)?.reject(reason);
  }

  #settle(requestId: number): Pending | undefined {
    const pending = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    pending?.release();
    return pending;
  }

  #receive(raw: unknown): void {
    const parsed = serverMessageSchema.safeParse(raw);
    if (!parsed.success) {
      this.#log.error('A message from a database worker was not understood.', parsed.error);
      return;
    }
    const message = parsed.data;
    switch (message.type) {
      case 'result': this.#settle(message.id)?.resolve(message.result); break;
      case 'failure': this.#settle(message.id)?.reject(errorOf(message.failure)); break;
      case 'progress': this.#pending.get(message.id)?.onProgress?.(withoutUndefined(message.progress)); break;
      case 'log': this.#log[message.level](message.message); break;
    }
  }
}

const withoutUndefined = (progress: z.infer<typeof progressSchema>): Progress =>
  Object.fromEntries(Object.entries(progress).filter(([, value]) => value !== undefined)) as unknown as Progress;

/** How each method of a contract is answered: at once, by a promise, or by long work whose progress is passed on. */
export type Handlers<C extends Contract> = {
  readonly [Name in keyof C]: (parameters: ParametersOf<C[Name]>, signal: AbortSignal) => ResultOf<C[Name]> | Promise<ResultOf<C[Name]>> | LongWork<ResultOf<C[Name]>>;
};

const isLongWork = (value: unknown): value is LongWork<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/**
 * The answering end. Between two steps of long work the event loop turns once, so that a cancel is heard.
 * @param explain turns an error that a person can mend into the UserError that says how; others it hands back.
 */
export function serveRequests<C extends Contract>(port: Port, contract: C, handlers: Handlers<C>, explain: (error: unknown) => unknown = (error) => error): void {
  const running = new Map<number, AbortController>();
  const send = (message: ServerMessage): void => port.postMessage(message);

  const answer = async (requestId: number, name: string, raw: unknown): Promise<void> => {
    const controller = new AbortController();
    running.set(requestId, controller);
    try {
      const bound = Object.hasOwn(contract, name) ? contract[name] : undefined;
      if (!bound) throw new Error(`No method is called '${name}'.`);
      const parameters: unknown = bound.parameters.parse(raw);
      const handler = handlers[name] as (parameters: unknown, signal: AbortSignal) => unknown;
      const answered = handler(parameters, controller.signal);
      const result = isLongWork(answered) ? await drain(answered, controller.signal, (progress) => send({ type: 'progress', id: requestId, progress })) : await answered;
      send({ type: 'result', id: requestId, result });
    } catch (error) {
      send({ type: 'failure', id: requestId, failure: failureOf(explain(error), controller.signal.aborted) });
    } finally {
      running.delete(requestId);
    }
  };

  port.on('message', (raw) => {
    const message = clientMessageSchema.parse(raw);
    if (message.type === 'cancel') running.get(message.id)?.abort(cancellation());
    else void answer(message.id, message.method, message.parameters);
  });
}

async function drain<Result>(work: LongWork<Result>, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Result> {
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
    onProgress(step.value);
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) {
      await work.return(undefined as never); // runs the work's own clean-up
      throw cancellation();
    }
  }
}

/** A log that ends up in the other thread's. */
export function logOver(port: Port): Log {
  const send = (level: 'info' | 'warn' | 'error', message: string): void => port.postMessage({ type: 'log', level, message } satisfies ServerMessage);
  return {
    info: (message) => send('info', message),
    warn: (message) => send('warn', message),
    error: (message, error) => send('error', error instanceof Error ? `${message} ${error.stack ?? error.message}` : error === undefined ? message : `${message} ${String(error)}`),
  };
}

// How fast each server is asked: one request at a time interval, a pause when it asks for one, and an end for this time when
// it does not answer any more.
import { setTimeout as sleep } from 'node:timers/promises';

/** Failures in a row after which a server is left alone until the next start. */
const FAILURES_IN_A_ROW = 5;
/** A server that wants to be left alone for longer is left alone until the next start, in seconds. */
const LONGEST_PAUSE = 600;

interface Host {
  freeAt: number; // milliseconds of the clock, when the next request may go out
  failures: number; // in a row
  givenUp: string | null; // why
}

export class HostPace {
  readonly #hosts = new Map<string, Host>();
  readonly #interval: number; // milliseconds

  constructor(requestsPerSecond: number) {
    this.#interval = 1000 / requestsPerSecond;
  }

  /** Waits until the host may be asked. Who comes first goes first, and a pause that began meanwhile holds for all. */
  async turn(name: string, signal: AbortSignal): Promise<void> {
    const host = this.#of(name);
    for (;;) {
      const wait = host.freeAt - performance.now();
      if (wait <= 0) break;
      await sleep(wait, undefined, { signal });
    }
    signal.throwIfAborted();
    host.freeAt = performance.now() + this.#interval;
  }

  /** Nobody asks the host for so many seconds. */
  pause(name: string, seconds: number): void {
    const host = this.#of(name);
    if (seconds > LONGEST_PAUSE) host.givenUp = `asks to be left alone for ${Math.ceil(seconds / 60)} minutes`;
    else host.freeAt = Math.max(host.freeAt, performance.now() + seconds * 1000);
  }

  succeeded(name: string): void {
    this.#of(name).failures = 0;
  }

  failed(name: string, reason: string): void {
    const host = this.#of(name);
    host.failures++;
    if (host.failures >= FAILURES_IN_A_ROW) host.givenUp = reason;
  }

  /** Why the host is not asked any more this time, or null. */
  givenUp(name: string): string | null {
    return this.#hosts.get(name)?.givenUp ?? null;
  }

  /** Hosts that were given up, with the reason. */
  get allGivenUp(): readonly { readonly host: string; readonly reason: string }[] {
    return [...this.#hosts].filter(([, host]) => host.givenUp !== null).map(([host, { givenUp }]) => ({ host, reason: givenUp! }));
  }

  #of(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) this.#hosts.set(name, (host = { freeAt: 0, failures: 0, givenUp: null }));
    return host;
  }
}

// How long work speaks: an async generator of progress that takes an AbortSignal and returns its result.

export interface Progress {
  readonly message: string; // one plain line, for a notification or a terminal
  readonly done?: number; // units of `unit`; with total, a fraction
  readonly total?: number;
  readonly unit?: string; // 'rows', 'steps', 'prompts', …
  readonly secondsLeft?: number;
  readonly stays?: boolean; // worth a line of its own: what was found, what a stage came to; others may be overwritten by the next
}

export type LongWork<Result> = AsyncGenerator<Progress, Result, void>;

/** Where a stage writes what a person may want to read later. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string, error?: unknown): void;
}

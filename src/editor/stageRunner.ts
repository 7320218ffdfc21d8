// Runs one piece of long work at a time for a person: progress in a notification that can be cancelled (unless it ends
// at once), the same progress for the tree and the status bar, and a plain refusal while something runs. Work that was
// cancelled takes a moment to end (a job is told, a process dies): what is asked meanwhile waits for that end instead of
// being refused.
import * as vscode from 'vscode';
import { UserError } from '../domain/errors.ts';
import type { Progress } from '../protocol/progress.ts';
import { cancellation } from '../protocol/requestChannel.ts';
import type { StageName } from '../protocol/stages.ts';
import type { CurationFolder } from './curationFolder.ts';
import { plainMessage } from './plainMessage.ts';

/**
 * Milliseconds before work is shown in a notification. What ends sooner only tells its result: a progress that flashes says
 * nothing, and VS Code keeps the fourth notification within 800 ms to itself, which would be the result of the next stage.
 */
const NOTIFICATION_DELAY = 500;

export interface RunningStage {
  readonly folder: CurationFolder;
  readonly stage: StageName | null; // null: no stage of the pipeline (set-up, demo, a whole plan)
  readonly source: string | null;
  readonly title: string;
  readonly startedAt: number; // unix seconds
  readonly progress: Progress | null;
}

export interface StageWork<Result> {
  readonly folder: CurationFolder;
  readonly stage: StageName | null;
  readonly source: string | null;
  readonly title: string;
  run(signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Result>;
}

export class StageRunner implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #running: RunningStage | null = null;
  #controller: AbortController | null = null;
  #ended: Promise<unknown> = Promise.resolve(); // of the work that was begun last; never rejects

  get running(): RunningStage | null {
    return this.#running;
  }

  /** @throws {UserError} `busy` while something else runs that nobody has cancelled; whatever the work throws. */
  async run<Result>(work: StageWork<Result>): Promise<Result> {
    await this.#untilCancelledEnds();
    if (this.#running !== null) throw new UserError('busy', vscode.l10n.t('{0} is still running.', this.#running.title), vscode.l10n.t('Wait for it, or cancel it.'));
    const result = this.#begin(work);
    this.#ended = result.catch(() => undefined);
    return result;
  }

  /** @throws {Error} the cancellation, when the waiting is cancelled */
  async #untilCancelledEnds(): Promise<void> {
    while (this.#running !== null && this.#controller?.signal.aborted === true) {
      const title = vscode.l10n.t('Waiting for the end of what was cancelled: {0}', this.#running.title);
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: plainMessage(title, 200), cancellable: true }, (_notification, token) =>
        new Promise<void>((resolve, reject) => {
          token.onCancellationRequested(() => reject(cancellation()));
          void this.#ended.then(() => resolve());
        }));
    }
  }

  async #begin<Result>(work: StageWork<Result>): Promise<Result> {
    const controller = new AbortController();
    this.#controller = controller;
    this.#show({ folder: work.folder, stage: work.stage, source: work.source, title: work.title, startedAt: Date.now() / 1000, progress: null });
    let notify = (_progress: Progress): void => undefined;
    try {
      const outcome = work.run(controller.signal, (progress) => {
        this.#show({ ...this.#running!, progress });
        notify(progress);
      });
      if (await endsWithin(NOTIFICATION_DELAY, outcome)) return await outcome;
      const options = { location: vscode.ProgressLocation.Notification, title: plainMessage(work.title, 200), cancellable: true };
      return await vscode.window.withProgress(options, async (notification, token) => {
        token.onCancellationRequested(() => controller.abort());
        let shown = 0; // percent
        notify = (progress) => {
          const percent = percentOf(progress);
          notification.report({ message: plainMessage(progressText(progress), 300), ...(percent === null ? {} : { increment: Math.max(0, percent - shown) }) });
          shown = Math.max(shown, percent ?? 0);
        };
        if (this.#running?.progress) notify(this.#running.progress);
        return outcome;
      });
    } finally {
      this.#controller = null;
      this.#show(null);
    }
  }

  cancel(): void {
    this.#controller?.abort();
  }

  #show(running: RunningStage | null): void {
    this.#running = running;
    this.#changed.fire();
  }

  dispose(): void {
    this.cancel();
    this.#changed.dispose();
  }
}

/** Whether it resolves or rejects within so many milliseconds. */
async function endsWithin(milliseconds: number, outcome: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  try {
    return await Promise.race([outcome.then(() => true, () => true), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function percentOf(progress: Progress): number | null {
  if (progress.done === undefined || progress.total === undefined || progress.total <= 0) return null;
  return Math.min(100, (100 * progress.done) / progress.total);
}

/** 'Tuning: 62 % of 400 steps, 2 min left' */
export function progressText(progress: Progress): string {
  const percent = percentOf(progress);
  const parts = [progress.message];
  if (percent !== null) parts.push(progress.unit === undefined ? `${Math.floor(percent)} %` : vscode.l10n.t('{0} of {1} {2}', count(progress.done!), count(progress.total!), progress.unit));
  if (progress.secondsLeft !== undefined) parts.push(timeLeft(progress.secondsLeft));
  return parts.join(' · ');
}

export function timeLeft(seconds: number): string {
  if (seconds < 90) return vscode.l10n.t('{0} s left', Math.max(1, Math.round(seconds)));
  if (seconds < 5400) return vscode.l10n.t('{0} min left', Math.round(seconds / 60));
  return vscode.l10n.t('{0} h left', Math.round(seconds / 3600));
}

const count = (value: number): string => value.toLocaleString('en-US');

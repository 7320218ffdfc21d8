// Makes sense of events.jsonl: what a person sees while the trainer works, and what a stage must know when it has ended.
import { eventSchema, type TrainerEvent } from '../protocol/events.ts';
import type { Progress } from '../protocol/progress.ts';

/** The trainer's words for its pieces of work, as a person reads them; a word that is not here is shown as it is. */
const WORK: Readonly<Record<string, { readonly message: string; readonly unit: string }>> = {
  loading: { message: 'loading the model', unit: 'models' },
  reference: { message: 'measuring the reference', unit: 'pairs' },
  predicting: { message: 'answering', unit: 'prompts' },
  scoring: { message: 'scoring', unit: 'answers' },
};

const RATE_STEPS = 20; // steps over which the speed is measured

export interface PlannedPhase {
  readonly name: string;
  readonly steps: number;
}

/** Reads events in their order. A run that was started again begins with `started` once more: earlier failures are then forgotten. */
export class TrainerEvents {
  /** Which state the trainer kept: 'base', 'pool 400', 'sft 40', …; null until it has saved. */
  chosen: string | null = null;
  /** MAE of the state that was kept on the validation users, as the trainer saw it; null where it never looked. */
  get keptMae(): number | null {
    return this.#bestMae ?? this.#validationMae;
  }
  failure: { readonly message: string; readonly hint: string } | null = null;
  readonly warnings: string[] = [];
  #validationMae: number | null = null;
  #bestMae: number | null = null;
  #recent: { readonly time: number; readonly done: number }[] = [];
  readonly #title: string;
  readonly #phases: readonly PlannedPhase[];

  /** `title` begins every message: 'Training'. `phases`: the steps that are planned, where that is known. */
  constructor(title: string, phases: readonly PlannedPhase[] = []) {
    this.#title = title;
    this.#phases = phases;
  }

  /** What the last of these lines that means something says; null where none does. Lines that are not understood are passed over. */
  read(lines: readonly string[]): Progress | null {
    let latest: Progress | null = null;
    for (const line of lines) {
      const event = parseEvent(line);
      if (event !== null) latest = this.#take(event) ?? latest;
    }
    return latest;
  }

  #take(event: TrainerEvent): Progress | null {
    switch (event.event) {
      case 'started':
        this.failure = null;
        this.#recent = [];
        return { message: event.resumed_at === null ? `${this.#title} on ${event.device}` : `${this.#title}: goes on after step ${event.resumed_at}` };
      case 'progress': {
        const work = WORK[event.what] ?? { message: event.what, unit: '' };
        return { message: `${this.#title}: ${work.message}`, ...this.#place(event.time, event.done, event.total), ...(work.unit === '' ? {} : { unit: work.unit }) };
      }
      case 'step': {
        const before = this.#stepsBefore(event.phase);
        const total = Math.max(this.#phases.reduce((sum, phase) => sum + phase.steps, 0), before + event.steps);
        const loss = event.loss === null ? 'not a number' : event.loss.toFixed(3);
        const validation = this.#validationMae === null ? '' : `, validation MAE ${this.#validationMae.toFixed(2)}`;
        return {
          message: `${this.#title} (${event.phase}): step ${event.step} of ${event.steps}, loss ${loss}${validation}`,
          ...this.#place(event.time, before + event.step, total), unit: 'steps',
        };
      }
      case 'validation':
        this.#validationMae = event.mae;
        if (event.best) this.#bestMae = event.mae;
        return null;
      case 'warning':
        this.warnings.push(event.message);
        return null;
      case 'saved':
        this.chosen = event.chosen;
        return null;
      case 'failed':
        this.failure = { message: event.message, hint: event.hint };
        return null;
      case 'epoch':
      case 'finished':
        return null;
    }
  }

  /** Where the work stands, and the time left by the speed of the last steps. */
  #place(time: number, done: number, total: number): { done: number; total: number; secondsLeft?: number } {
    if ((this.#recent.at(-1)?.done ?? 0) > done) this.#recent = []; // another piece of work
    this.#recent.push({ time, done });
    if (this.#recent.length > RATE_STEPS) this.#recent.shift();
    const first = this.#recent[0]!;
    const secondsLeft = done > first.done ? ((time - first.time) / (done - first.done)) * (total - done) : null;
    return { done, total, ...(secondsLeft === null ? {} : { secondsLeft }) };
  }

  #stepsBefore(name: string): number {
    const at = this.#phases.findIndex((phase) => phase.name === name);
    return this.#phases.slice(0, Math.max(0, at)).reduce((sum, phase) => sum + phase.steps, 0);
  }
}

function parseEvent(line: string): TrainerEvent | null {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return null; // what a killed writer left
  }
  const parsed = eventSchema.safeParse(content);
  return parsed.success ? parsed.data : null;
}

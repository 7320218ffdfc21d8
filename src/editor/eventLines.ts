// What a trainer's event says, as a line for a person who follows a job.
import { eventSchema, type TrainerEvent } from '../protocol/events.ts';

/** Cuts events.jsonl into readable lines as it grows; a line that is not complete yet waits for its end. */
export class EventLines {
  #rest = '';

  /** The readable lines of what was appended. A line that is no event is shown as it is, bounded. */
  read(appended: string): string[] {
    const lines = (this.#rest + appended).split('\n');
    this.#rest = lines.pop()!;
    return lines.filter((line) => line.trim() !== '').map(lineOf);
  }
}

function lineOf(raw: string): string {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return raw.slice(0, 300);
  }
  const parsed = eventSchema.safeParse(value);
  return parsed.success ? `${clock(parsed.data.time)}  ${eventText(parsed.data)}` : raw.slice(0, 300);
}

/** '12:03:04', local time. */
function clock(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

export function eventText(event: TrainerEvent): string {
  switch (event.event) {
    case 'started': return `${event.verb} on ${event.device} (${event.dtype}), ${event.trainable.toLocaleString('en-US')} of ${event.parameters.toLocaleString('en-US')} parameters learn${event.resumed_at === null ? '' : `, resumed at step ${event.resumed_at}`}`;
    case 'progress': return `${event.what}: ${event.done} of ${event.total}`;
    case 'step': {
      const loss = event.loss === null ? 'not a number' : event.loss.toFixed(4);
      const chosen = event.logps_chosen === undefined ? '' : `, log p chosen ${event.logps_chosen.toFixed(3)}`;
      return `${event.phase} step ${event.step} of ${event.steps}: loss ${loss}${chosen}, learning rate ${event.learning_rate.toExponential(1)}, ${Math.round(event.tokens_per_second).toLocaleString('en-US')} tokens/s`;
    }
    case 'validation': return `${event.phase} step ${event.step}: validation MAE ${event.mae.toFixed(3)}, mass on valid answers ${event.valid_mass.toFixed(3)}${event.best ? ' (best so far)' : ''}`;
    case 'epoch': return `epoch ${event.epoch} ended, ${event.pairs.length} pairs`;
    case 'warning': return `warning: ${event.message}`;
    case 'saved': return `saved ${event.path} (${event.chosen})`;
    case 'finished': return `finished after ${event.seconds.toFixed(1)} s, at most ${Math.round(event.peak_memory_bytes / 2 ** 20)} MB`;
    case 'failed': return `failed: ${event.message} ${event.hint}`;
  }
}

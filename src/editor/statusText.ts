// The lines of the tree and the status bar as plain text, apart from the editor so that each is tested.
import type { EntryStatus, RunningWork, SourceStatus } from '../protocol/pipelineStatus.ts';
import type { Translate } from './hoverCard.ts';
import { plainMessage } from './plainMessage.ts';
import { stageTitle } from './stageNames.ts';

/** What stands behind a stage's title: why it is stale or failed, else its counts. */
export function entryDescription(entry: Pick<EntryStatus, 'state' | 'description' | 'reason'>): string {
  const reason = entry.reason === null ? null : firstLine(entry.reason, 120);
  if ((entry.state === 'stale' || entry.state === 'failed') && reason !== null) return entry.state === 'stale' ? `stale: ${reason}` : reason;
  return entry.description !== '' ? entry.description : (reason ?? '');
}

function firstLine(text: string, limit: number): string {
  const line = text.split('\n', 1)[0]!;
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

export interface StatusLine {
  readonly text: string; // with codicons
  readonly tooltip: string;
}

/** The one line of the status bar: what runs, else what failed and was not seen, else what the newest report says. */
export function statusLine(sources: readonly SourceStatus[], running: RunningWork | null, unseenFailures: readonly string[], t: Translate, timeLeft: (seconds: number) => string, current: SourceStatus | null = null): StatusLine {
  if (running !== null) return { text: `$(sync~spin) ${plainMessage(runningText(running, timeLeft, t), 120)}`, tooltip: running.message };
  if (unseenFailures.length > 0) return { text: `$(error) ${plainMessage(firstLine(unseenFailures[0]!, 60))}`, tooltip: unseenFailures.join('\n') };
  if (sources.length === 0) return { text: t('SMP: no data set'), tooltip: t('Index a data set, run the demo or open the sample.') };
  const told = current?.headline ? current : sources.find((source) => source.headline !== null);
  const headline = told === undefined ? null : headlineOf(told, t);
  if (told !== undefined && headline !== null) return { text: `$(graph) ${plainMessage(headline, 120)}`, tooltip: t('Newest report of {0}. Click for the pipeline.', told.source) };
  const posts = sources.reduce((sum, source) => sum + source.posts, 0);
  return { text: t('SMP: {0} posts, no report yet', posts.toLocaleString('en-US')), tooltip: sources.map((source) => source.source).join(', ') };
}

/** What the newest report says, marked where something has changed since; null without a report. */
export function headlineOf(source: SourceStatus, t: Translate): string | null {
  const isStale = source.entries.some((entry) => entry.stage === 'evaluate' && entry.state !== 'done' && entry.state !== 'running');
  return source.headline === null ? null : isStale ? t('stale: {0}', source.headline) : source.headline;
}

/** 'Train 62 % · loss 0.41 · 2 min left' */
export function runningText(running: RunningWork, timeLeft: (seconds: number) => string, t: Translate): string {
  const parts: string[] = [];
  const fraction = running.done !== null && running.total !== null && running.total > 0 ? ` ${Math.floor((100 * running.done) / running.total)} %` : '';
  parts.push(`${stageTitle(running.stage, running.stage, t)}${fraction}`);
  if (running.loss !== null) parts.push(`loss ${running.loss.toFixed(2)}`);
  if (running.secondsLeft !== null) parts.push(timeLeft(running.secondsLeft));
  return parts.join(' · ');
}

/** What went wrong, one line a stage, each with a key that tells this failure from the next one of the same stage. */
export function failuresOf(sources: readonly SourceStatus[], t: Translate): { readonly key: string; readonly line: string }[] {
  return sources.flatMap((source) => source.entries.filter((entry) => entry.state === 'failed').map((entry) => ({
    key: `${source.source}\n${entry.id}\n${entry.reason ?? ''}`, line: `${stageTitle(entry.id, entry.title, t)}: ${entryDescription(entry)}`,
  })));
}

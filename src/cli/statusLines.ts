// The pipeline's status for the terminal.
import type { EntryState, PipelineStatus, SourceStatus } from '../protocol/pipelineStatus.ts';
import { duration, progressText } from './terminal.ts';

const STATES: Readonly<Record<EntryState, string>> = { done: 'done', running: 'running', partial: 'in part', waiting: 'not yet', stale: 'stale', failed: 'failed' };

export function statusLines(status: PipelineStatus): string {
  if (status.sources.length === 0) return 'No posts are indexed here yet. Next: smp index FOLDER_OR_FILE, or smp demo --out FOLDER.';
  const { running } = status;
  return [
    ...status.sources.map(sourceLines),
    ...(running ? [`Running: ${running.stage}, ${progressText({
      message: running.message, ...(running.done === null ? {} : { done: running.done }), ...(running.total === null ? {} : { total: running.total }),
    })}${running.secondsLeft === null ? '' : ` · ${duration(running.secondsLeft)} left`}`] : []),
  ].join('\n\n');
}

function sourceLines(source: SourceStatus): string {
  const entries = source.entries.flatMap((entry) => {
    const reason = entry.reason === null ? '' : ` (${entry.reason})`;
    const line = `  ${entry.title.padEnd(9)} ${STATES[entry.state].padEnd(8)} ${entry.description}${reason}`.trimEnd();
    // What the posts are like belongs to the first look at a data set; the details of the others are in --json.
    return entry.id === 'index' ? [line, ...entry.details.map(({ label, description }) => `    ${label}: ${description}`)] : [line];
  });
  return [
    `${source.source}: ${source.posts.toLocaleString('en')} posts of ${source.users.toLocaleString('en')} users, ${source.root}`,
    ...entries,
    ...(source.headline === null ? [] : [source.headline]),
    source.next === null ? 'Everything is up to date.' : `Next: ${source.next.title} (smp ${source.next.verb})`,
  ].join('\n');
}

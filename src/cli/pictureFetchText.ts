// What fetching pictures would mean, in sentences for the terminal.
import { byteCount } from '../protocol/byteCount.ts';
import type { PictureFetchPlan } from '../protocol/pictureFetch.ts';

/** The plan in sentences. */
export function planSentences(plan: PictureFetchPlan, requestsPerSecond: number): string[] {
  const number = (value: number): string => value.toLocaleString('en');
  const shown = plan.hosts.slice(0, 5).map(({ host, pictures }) => `${host} (${number(pictures)})`);
  const others = plan.hosts.length - shown.length;
  const pace = requestsPerSecond === 1 ? '1 request' : `${requestsPerSecond} requests`;
  return [
    `${number(plan.wanted)} posts name the address of a picture, or of a page that shows it.${plan.fetched > 0 ? ` ${number(plan.fetched)} pictures are there already.` : ''}${plan.dead > 0 ? ` ${number(plan.dead)} addresses are known to be dead.` : ''}`,
    `Servers: ${shown.join(', ')}${others > 0 ? ` and ${number(others)} more` : ''}.`,
    `At ${pace} a second to each server this takes at least ${longTime(plan.secondsAtLeast)}, and some ${byteCount(plan.bytesAbout)} of disk. It can be cancelled at any time and goes on from there.`,
    'Pictures belong to their authors: fetch and use them only as their licences and the terms of these sites allow.',
    `They go into ${plan.folder}. Your data are never changed.`,
  ];
}

/** '40 seconds', '12 minutes', '3.4 hours', '2.1 days' */
function longTime(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} second${Math.round(seconds) > 1 ? 's' : ''}`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 129_600 ? `${(seconds / 3600).toFixed(1)} hours` : `${(seconds / 86_400).toFixed(1)} days`;
}

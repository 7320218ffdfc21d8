// What a check of the store finds, and what of it can be cleaned: shown by `smp doctor` and by the editor.
import { z } from 'zod';
import { byteCount } from './byteCount.ts';

/** What can be cleaned, in the order in which it is done: rows before the room that they leave. */
export const LEFTOVER_KINDS = ['imports', 'scratch', 'ended-jobs', 'replaced-jobs', 'unknown-jobs', 'checkpoints', 'kept-stores', 'room'] as const;
export const leftoverKindSchema = z.enum(LEFTOVER_KINDS);
export type LeftoverKind = z.infer<typeof leftoverKindSchema>;

export interface Leftover {
  readonly kind: LeftoverKind;
  readonly title: string; // 'Jobs that ended without a result'
  readonly detail: string; // why nobody needs it, and what cleaning it costs
  readonly count: number; // rows, folders or files
  readonly bytes: number; // that cleaning frees
}

export interface StoreProblem {
  readonly code: string; // 'store-broken', 'store-newer', …
  readonly message: string;
  readonly nextStep: string;
}

export interface StoreCheck {
  readonly version: 1;
  readonly storeFile: string; // absolute
  readonly storeFolder: string;
  readonly place: string; // a sentence: where the store lies, and why there
  readonly isThere: boolean;
  readonly sizes: readonly { readonly label: string; readonly bytes: number }[];
  readonly freeBytes: number | null; // of the store's disk; null where the system does not say
  readonly schema: string | null; // the newest migration; null where the store cannot be opened
  readonly checked: string | null; // what was looked at and found whole; null where it was not
  readonly problems: readonly StoreProblem[];
  readonly leftovers: readonly Leftover[];
  readonly kept: string; // a sentence on what is large and stays; '' when there is nothing to say
  readonly environment: readonly { readonly label: string; readonly value: string }[];
}

/** One line for a notification. */
export function storeCheckHeadline(check: StoreCheck): string {
  if (!check.isThere) return 'There is no store here yet.';
  const size = check.sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = check.leftovers.reduce((sum, { bytes }) => sum + bytes, 0);
  const state = check.problems.length === 0 ? 'The store is whole' : check.problems[0]!.message.replace(/\.$/, '');
  return `${state}. It takes ${byteCount(size)}${check.leftovers.length === 0 ? '; there is nothing to clean' : `, of which ${byteCount(free)} can be cleaned`}.`;
}

/** The whole check as lines of plain text. */
export function storeCheckText(check: StoreCheck): string {
  const rows = (title: string, lines: readonly (readonly [string, string])[]): string[] => {
    const width = Math.max(0, ...lines.map(([label]) => label.length));
    return lines.length === 0 ? [] : ['', title, ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`.trimEnd())];
  };
  return [
    storeCheckHeadline(check),
    ...check.problems.flatMap(({ message, nextStep }) => ['', `Problem: ${message}`, `  ${nextStep}`]),
    ...rows('Place', [['store', check.storeFile], ['', check.place], ...(check.freeBytes === null ? [] : [['free on its disk', byteCount(check.freeBytes)] as const])]),
    ...rows('Size', check.sizes.map(({ label, bytes }) => [label, byteCount(bytes)])),
    ...rows('State', [...(check.schema === null ? [] : [['schema', check.schema] as const]), ...(check.checked === null ? [] : [['checked', check.checked] as const])]),
    ...rows('Can be cleaned', check.leftovers.map(({ kind, title, bytes, detail }) => [kind, `${byteCount(bytes)}: ${title}. ${detail}`])),
    ...(check.kept === '' ? [] : ['', check.kept]),
    ...rows('Environment', check.environment.map(({ label, value }) => [label, value])),
  ].join('\n');
}

// Parses the values of a post. Each returns null (or a reason) for what it cannot take: the caller counts and lists it.
import { LARGEST_SCORE, type Hundredths } from '../domain/posts.ts';
import type { Mapping } from '../protocol/stages.ts';
import { MAX_ID, MAX_TEXT } from './postSource.ts';

/** Times from 1970 to 2100, exclusive, in unix seconds. */
const MAX_TIME = Date.UTC(2100, 0, 1) / 1000;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$/;

/** A decimal number as text or number; null for anything else, NaN and infinities included. */
export function parseNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string') return null;
  const text = value.trim();
  if (!NUMBER.test(text)) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/** Rounds a score to hundredths, halves up as written in decimal: 1.005 is 101 although the nearest double is below it. */
export function toHundredths(score: number): Hundredths {
  return Math.round(Number((score * 100).toPrecision(12)));
}

/** A score in hundredths from a popularity as stored; null where it is outside 0 … 31.99. Negative ones are the caller's to refuse. */
export function scoreOf(popularity: number, scale: Mapping['popularityScale']): Hundredths | null {
  const score = scale === 'as-is' ? popularity : Math.log2(popularity + 1);
  const hundredths = toHundredths(score);
  return hundredths >= 0 && hundredths <= LARGEST_SCORE ? hundredths : null;
}

/** Unix seconds; a time without a zone is taken as UTC. Null for what is no time, no real day, or outside 1970 … 2100. */
export function parseTime(value: unknown, format: Mapping['timeFormat']): number | null {
  if (format === 'unix-seconds' || format === 'unix-milliseconds') {
    const number = parseNumber(value);
    if (number === null) return null;
    return plausibleTime(Math.floor(format === 'unix-seconds' ? number : number / 1000));
  }
  if (typeof value !== 'string') return null;
  const match = DATE.exec(value.trim());
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone = 'Z'] = match;
  if (format === 'day' && match[4] !== undefined) return null;
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  return plausibleTime(midnight.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone));
}

function zoneSeconds(zone: string): number {
  if (zone === 'Z' || zone === 'UTC') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60);
}

function plausibleTime(seconds: number): number | null {
  return seconds > 0 && seconds < MAX_TIME ? seconds : null;
}

/** Degrees, or null where there are none or they are impossible. A missing place spoils no post. */
export function parseDegrees(value: unknown, limit: 90 | 180): number | null {
  const number = parseNumber(value);
  return number !== null && Math.abs(number) <= limit ? number : null;
}

/** A text value; numbers are taken as they print. Null for objects and lists. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** Why these texts cannot be kept, or null. The whole list is looked at once, since almost every row is good. */
export function textFault(texts: readonly string[]): string | null {
  for (const text of texts) {
    if (text.length > MAX_TEXT) return 'text too long';
    if (text.includes('\u0000')) return 'NUL byte';
  }
  return null;
}

/** Why this cannot be the id of a post or a user, or null. */
export function idFault(id: string): string | null {
  if (id === '') return 'id missing';
  return id.length > MAX_ID ? 'id too long' : null;
}

// Pages of a file of any size: whole records from a byte on, the page behind, the page before. Only the bytes of a page are
// read. A JSON record ends where an object does before the next begins; a line of anything else is a record.
import { isUtf8 } from 'node:buffer';
import { bytesAt } from './recordOffset.ts';

/** Longest page, in bytes. */
export const PAGE_LENGTH = 64 * 1024;

export interface FilePage {
  readonly text: string; // a record a line
  readonly begin: number; // byte of the first record
  readonly end: number; // byte behind the last whole one
  readonly records: number;
}

const isJson = (file: string): boolean => /\.json$/i.test(file);
/** Between two records of an array, in bytes read as Latin-1. */
const BETWEEN = /\},\s*\{/g;

export async function pageAt(file: string, begin: number): Promise<FilePage> {
  const bytes = await bytesAt(file, begin, PAGE_LENGTH);
  return wholeRecords(file, bytes, begin, bytes.length < PAGE_LENGTH);
}

function wholeRecords(file: string, bytes: Buffer, begin: number, isLast: boolean): FilePage {
  if (isJson(file)) {
    const whole = bytes.subarray(0, bytes.lastIndexOf('}') + 1);
    const text = whole.toString('utf8').replace(BETWEEN, '},\n{');
    return { text, begin, end: begin + whole.length, records: whole.length === 0 ? 0 : text.split('},\n{').length };
  }
  const last = bytes.lastIndexOf('\n');
  const whole = last < 0 || (isLast && bytes.length > last + 1) ? bytes : bytes.subarray(0, last + 1);
  const text = textOfLines(whole).replace(/\r?\n$/, '');
  return { text, begin, end: begin + whole.length, records: whole.length === 0 ? 0 : text.split('\n').length };
}

/** What is no UTF-8 is the Windows-1252 of SMPD 2018. */
function textOfLines(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : new TextDecoder('windows-1252').decode(bytes, { stream: true });
}

/** The page behind, or null at the end of the file. */
export async function pageBehind(file: string, page: Pick<FilePage, 'end'>): Promise<FilePage | null> {
  const begin = isJson(file) ? await nextObject(file, page.end) : page.end;
  const behind = begin === null ? null : await pageAt(file, begin);
  return behind === null || behind.records === 0 ? null : behind;
}

async function nextObject(file: string, from: number): Promise<number | null> {
  const at = (await bytesAt(file, from, PAGE_LENGTH)).indexOf('{');
  return at < 0 ? null : from + at;
}

/** The whole records before, as many as a page holds, or null at the beginning of the file. */
export async function pageBefore(file: string, begin: number): Promise<FilePage | null> {
  if (begin === 0) return null;
  const from = Math.max(0, begin - PAGE_LENGTH);
  const bytes = await bytesAt(file, from, begin - from);
  const first = from === 0 ? firstRecord(file, bytes) : boundary(file, bytes);
  if (first === null || first >= bytes.length) return null;
  const page = wholeRecords(file, bytes.subarray(first), from + first, true);
  return page.records === 0 ? null : page;
}

/** Where the first record of the file begins: behind the bracket of an array. */
function firstRecord(file: string, bytes: Buffer): number | null {
  if (!isJson(file)) return 0;
  const at = bytes.indexOf('{');
  return at < 0 ? null : at;
}

/** Where the first whole record of a piece begins; a piece without one is a part of one long record. */
function boundary(file: string, bytes: Buffer): number {
  if (!isJson(file)) return bytes.indexOf('\n') + 1;
  const match = /\},\s*\{/.exec(bytes.toString('latin1'));
  return match === null ? 0 : match.index + match[0].length - 1;
}

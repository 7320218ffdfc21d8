// SMPD of 2018 (SMHP): one line a post with fifteen quoted fields, Windows-1252, perhaps in shards.
import { isAscii, isUtf8 } from 'node:buffer';
import type { ColumnFormat } from './alignedColumn.ts';
import { shown } from './postSource.ts';
import { setPlace, setTime } from './smpdJson.ts';
import { readTextLines, type TextLine } from './textLines.ts';

// uid pid category subcategory concept pathalias ispublic mediastatus | title mediatype alltags | postdate latitude geoaccuracy longitude
const FIELDS = 15;
const BEFORE_TITLE = 8;
const BEHIND_TAGS = 4;
const SEPARATOR = '" "';
const MEDIA_TYPES = new Set(['photo', 'video']);
/** Bytes that Windows-1252 leaves open: where they stand, the file has another encoding. */
const NO_CHARACTER = /[\u0081\u008d\u008f\u0090\u009d]/;

/** Whether a file begins with such a line. @param head text of its first bytes */
export function holdsPostLines(head: string): boolean {
  const line = head.trimStart().split(/\r?\n/, 1)[0]!;
  return /^"[^"]*" "[^"]*" "/.test(line) && line.split(SEPARATOR).length >= FIELDS - 1;
}

/** Files in UTF-8 turn up too: several bytes a character, and no byte that breaks the rule. @param head first bytes, which may cut a character */
export function isPlainlyUtf8(head: Buffer): boolean {
  const whole = head.subarray(0, head.lastIndexOf(0x0a) + 1);
  return isUtf8(whole) && !isAscii(whole);
}

export function postLineFormat(encoding: 'windows-1252' | 'utf-8'): ColumnFormat<TextLine> {
  return {
    open: (chunks, file) => withoutBlankEnd(readTextLines(encoding === 'utf-8' ? chunks : toUtf8(chunks), file)),
    rowName: 'line', hasKeys: true,
    isBlank: (line) => line.text.trim() === '',
    fill({ text, validUtf8 }, raw) {
      const fields = cutPostLine(text);
      if (fields === null) return { reason: 'line cannot be cut into its fields', detail: shown(text) };
      const [uid, pid, category, subcategory, concept, , , , title, , tags, postdate, latitude, , longitude] = fields;
      raw.uid = uid!.trim();
      raw.pid = pid!.trim();
      Object.assign(raw, { category, subcategory, concept, title, tags });
      setPlace(raw, latitude, longitude);
      const fault = setTime(raw, postdate);
      return !validUtf8 || NO_CHARACTER.test(text) ? { reason: 'bad encoding', detail: `the line is not ${encoding === 'utf-8' ? 'UTF-8' : 'Windows-1252'}` } : fault;
    },
  };
}

/**
 * Cuts a line into its fifteen fields. Title and tags come from strangers and may hold what separates fields; the others
 * cannot, so that they are counted from both ends, and the media type between title and tags is found by its few values.
 * @returns null where there are too few fields, or where more than one cut is possible.
 */
export function cutPostLine(line: string): string[] | null {
  const text = line.trim();
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return null;
  const parts = text.slice(1, -1).split(SEPARATOR);
  if (parts.length < FIELDS) return null;
  if (parts.length === FIELDS) return parts;
  const middle = parts.slice(BEFORE_TITLE, -BEHIND_TAGS); // title, media type, tags, cut too often
  const types = middle.flatMap((part, at) => (MEDIA_TYPES.has(part) && at > 0 && at < middle.length - 1 ? [at] : []));
  if (types.length !== 1) return null;
  const type = types[0]!;
  return [
    ...parts.slice(0, BEFORE_TITLE), middle.slice(0, type).join(SEPARATOR), middle[type]!, middle.slice(type + 1).join(SEPARATOR), ...parts.slice(-BEHIND_TAGS),
  ];
}

async function* toUtf8(chunks: AsyncGenerator<Buffer, void, void>): AsyncGenerator<Buffer, void, void> {
  const decoder = new TextDecoder('windows-1252');
  // As a stream: without it some versions of Node take a short way that decodes Latin-1.
  for await (const chunk of chunks) yield isAscii(chunk) ? chunk : Buffer.from(decoder.decode(chunk, { stream: true }), 'utf8');
}

/** Leaves out blank lines at the end: behind them the next shard goes on. */
export async function* withoutBlankEnd(batches: AsyncGenerator<TextLine[], void, void>): AsyncGenerator<TextLine[], void, void> {
  let blank: TextLine[] = [];
  for await (const lines of batches) {
    const end = lines.findLastIndex((line) => line.text.trim() !== '') + 1;
    if (end > 0) yield [...blank, ...lines.slice(0, end)];
    blank = end > 0 ? lines.slice(end) : [...blank, ...lines];
  }
}

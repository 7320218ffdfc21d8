// Finds the record under the cursor in a window of text, without parsing the document: SMPD files are often one line of a
// hundred megabytes. A window is at most 64 KB around the cursor and may begin and end anywhere, also inside a string.

/** How much text is looked at, in UTF-16 units. */
export const WINDOW_LENGTH = 64 * 1024;

/** The window of a text of `length` units around `offset`: [start, end). */
export function windowAround(offset: number, length: number): { start: number; end: number } {
  const start = Math.max(0, Math.min(offset - WINDOW_LENGTH / 2, length - WINDOW_LENGTH));
  return { start, end: Math.min(length, start + WINDOW_LENGTH) };
}

export interface FoundRecord {
  readonly pid: string;
  readonly start: number; // of the record within the window, for highlighting
  readonly end: number;
}

interface Token {
  readonly kind: 'string' | 'open' | 'close' | 'colon' | 'other';
  readonly start: number;
  readonly end: number;
}

/**
 * The JSON object that encloses `cursor` and holds one of `pidKeys` at its own level, innermost first.
 * @param text the window
 * @param cursor offset within the window; an offset on the opening or closing brace counts as inside
 */
export function findJsonRecord(text: string, cursor: number, pidKeys: readonly string[]): FoundRecord | null {
  const tokens = tokenize(text);
  const enclosing = openBraces(tokens, cursor);
  for (const open of enclosing.reverse()) {
    const record = readObject(text, tokens, open, pidKeys);
    if (record !== null && cursor <= record.end) return record;
  }
  return null;
}

/**
 * The entry of a file by column ({"Pid":{"0":"775","1":…},…}) that `cursor` stands in, its row counted from 1. Rows are named by
 * their number; a cursor on the comma belongs to the entry before it.
 */
export function findColumnRow(text: string, cursor: number): { readonly row: number; readonly start: number; readonly end: number } | null {
  const tokens = tokenize(text);
  const name = tokens.findLastIndex((token, index) => token.start <= cursor && token.kind === 'string' && tokens[index + 1]?.kind === 'colon');
  const value = name === -1 ? undefined : tokens[name + 2];
  if (value === undefined || (value.kind !== 'string' && value.kind !== 'other') || cursor > value.end) return null;
  const row = stringValue(text, tokens[name]!);
  return /^(?:0|[1-9]\d{0,8})$/.test(row) ? { row: Number(row) + 1, start: tokens[name]!.start, end: value.end } : null;
}

/**
 * The lines (from 0) of the first and the last record of a JSON list that has a record a line, for records that name no post and
 * are told by their place. Null where the list looks otherwise; whether each line between holds one record is the caller's to check by their number.
 */
export function recordLines(lineAt: (line: number) => string, lineCount: number): { readonly first: number; readonly last: number } | null {
  const opening = lineAt(0).replace(/^\ufeff/, '').trim();
  const first = opening === '[' ? 1 : opening.startsWith('[{') ? 0 : null;
  let last = lineCount - 1;
  while (last > 0 && /^\s*\]?\s*$/.test(lineAt(last))) last--;
  if (first === null || last < first) return null;
  const isRecord = (line: number): boolean => /^\s*\[?\s*\{.*\}\s*,?\s*\]?\s*$/.test(lineAt(line));
  return isRecord(first) && isRecord(last) ? { first, last } : null;
}

/**
 * Strings and braces of the window. Whether it begins inside a string cannot be seen from its start: both readings are made
 * and the one whose text outside of strings looks like JSON (numbers, literals, punctuation, white space) is kept.
 */
function tokenize(text: string): Token[] {
  const outside = scan(text, false);
  const hasNames = ({ tokens }: { tokens: readonly Token[] }): boolean => tokens.some((token) => token.kind === 'colon');
  if (outside.foreign === 0 && hasNames(outside)) return outside.tokens;
  const inside = scan(text, true);
  // A vector of numbers as a string looks like JSON in both readings: the right one has names.
  return inside.foreign < outside.foreign || (inside.foreign === outside.foreign && hasNames(inside)) ? inside.tokens : outside.tokens;
}

const JSON_CHARACTER = /[\s{}[\]:,\-+.0-9eEtrufalsn]/; // what numbers, true, false, null and punctuation are made of

function scan(text: string, beginsInString: boolean): { tokens: Token[]; foreign: number } {
  const tokens: Token[] = [];
  let foreign = 0;
  let at = beginsInString ? endOfString(text, 0) : 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character === '"') {
      const end = endOfString(text, at + 1);
      tokens.push({ kind: 'string', start: at, end });
      at = end;
      continue;
    }
    if (character === '{' || character === '}' || character === ':') {
      tokens.push({ kind: character === '{' ? 'open' : character === '}' ? 'close' : 'colon', start: at, end: at + 1 });
      at++;
      continue;
    }
    if (/[\s[\],]/.test(character)) {
      at++;
      continue;
    }
    const start = at;
    while (at < text.length && !/[\s"{}[\]:,]/.test(text[at]!)) {
      if (!JSON_CHARACTER.test(text[at]!)) foreign++;
      at++;
    }
    tokens.push({ kind: 'other', start, end: at });
  }
  return { tokens, foreign };
}

/** The offset behind the closing quote of a string whose text begins at `from`, or the end of the window. */
function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
    else if (text[at] === '\n') return at; // JSON strings hold no raw line break: an unpaired quote ends here
  }
  return text.length;
}

/** Indices of the tokens that open the objects around the cursor, outermost first. */
function openBraces(tokens: readonly Token[], cursor: number): number[] {
  const open: number[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.start > cursor) break;
    if (token.kind === 'open') open.push(index);
    else if (token.kind === 'close' && token.end <= cursor) open.pop();
  }
  return open;
}

/** Reads the keys of one object at its own level until its closing brace or the end of the window. */
function readObject(text: string, tokens: readonly Token[], open: number, pidKeys: readonly string[]): FoundRecord | null {
  let depth = 0;
  let pid: string | null = null;
  let end = text.length;
  for (let index = open; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (token.kind === 'open') depth++;
    if (token.kind === 'close' && --depth === 0) {
      end = token.end;
      break;
    }
    if (depth !== 1 || pid !== null || token.kind !== 'string' || tokens[index + 1]?.kind !== 'colon') continue;
    if (pidKeys.includes(stringValue(text, token))) pid = scalarValue(text, tokens[index + 2]);
  }
  return pid === null ? null : { pid, start: tokens[open]!.start, end };
}

function scalarValue(text: string, token: Token | undefined): string | null {
  if (token === undefined || token.end === text.length) return null; // may be cut by the window
  if (token.kind === 'string') return stringValue(text, token);
  return token.kind === 'other' ? text.slice(token.start, token.end) : null;
}

function stringValue(text: string, token: Token): string {
  const raw = text.slice(token.start, token.end);
  try {
    return JSON.parse(raw) as string;
  } catch {
    return raw.slice(1, -1);
  }
}

/**
 * The line (from 0) at which the delimited record around `line` begins: a quoted field may hold line breaks.
 * @param lines the lines of the window
 * @param line index into `lines`
 */
export function firstLineOfRecord(lines: readonly string[], line: number): number {
  // Of the lines above, the nearest from which an odd number of quotes leads here has left a field open.
  let quotes = 0;
  for (let candidate = line - 1; candidate >= 0; candidate--) {
    const here = countQuotes(lines[candidate]!);
    quotes += here;
    if (quotes % 2 === 1) return candidate;
    if (here > 0) break; // a closed record: nothing is open here
  }
  return line;
}

function countQuotes(line: string): number {
  return line.split('"').length - 1;
}

/**
 * The field at `index` (from 0) of the delimited record that begins with the text, or null when there are not so many or the
 * text ends within it. Quotes as in RFC 4180; a quote inside of an unquoted field is part of it.
 */
export function fieldAt(text: string, delimiter: string, index: number): string | null {
  let at = 0;
  for (let field = 0; ; field++) {
    let value = '';
    if (text[at] === '"') {
      for (at++; ; at++) {
        const quote = text.indexOf('"', at);
        if (quote < 0) return null; // goes on behind the text
        value += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        value += '"';
      }
    }
    const end = endOfField(text, at, delimiter);
    value += text.slice(at, end);
    if (field === index) return value.trim();
    if (text[end] !== delimiter) return null;
    at = end + 1;
  }
}

function endOfField(text: string, from: number, delimiter: string): number {
  for (let at = from; at < text.length; at++) if (text[at] === delimiter || text[at] === '\n' || text[at] === '\r') return at;
  return text.length;
}

/** The place (from 0) of a column in the line of names that begins with the text, or null. */
export function columnOf(header: string, delimiter: string, column: string): number | null {
  const names = header.replace(/^\ufeff/, '').replace(/^[\r\n]+/, '');
  for (let index = 0; ; index++) {
    const name = fieldAt(names, delimiter, index);
    if (name === null) return null;
    if (name === column.trim()) return index;
  }
}

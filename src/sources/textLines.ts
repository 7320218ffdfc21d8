// Splits a text file into lines without reading it whole.
import { isUtf8 } from 'node:buffer';
import { UserError } from '../domain/errors.ts';

/** Bytes of one line beyond which the file is taken for something else. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

export interface TextLine {
  readonly text: string; // without its end; invalid bytes are U+FFFD
  readonly validUtf8: boolean;
}

/**
 * Yields the lines in order, as many at a time as a chunk completes. Ends are LF or CRLF; a byte order mark is left out, and
 * so is the empty rest behind the last end.
 * @param file as it is named in messages.
 */
export async function* readTextLines(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<TextLine[], void, void> {
  let rest: Buffer[] = [];
  let restLength = 0;
  let lines = 0;
  let first = true;
  for await (let chunk of chunks) {
    if (first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) chunk = chunk.subarray(3);
    first = false;
    const end = chunk.lastIndexOf(0x0a);
    if (end === -1) {
      rest.push(chunk);
      restLength += chunk.length;
      if (restLength > MAX_LINE_BYTES) throw new UserError('line-too-long', `${file}, line ${lines + 1} is longer than 64 MB.`, 'This is no text file of one post a line.');
      continue;
    }
    const complete = Buffer.concat([...rest, chunk.subarray(0, end)]);
    const batch = splitLines(complete);
    lines += batch.length;
    yield batch;
    rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    restLength = chunk.length - end - 1;
  }
  if (restLength > 0) yield splitLines(Buffer.concat(rest));
}

function splitLines(bytes: Buffer): TextLine[] {
  const allValid = isUtf8(bytes);
  const withoutReturn = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text);
  if (allValid) return bytes.toString('utf8').split('\n').map((text) => ({ text: withoutReturn(text), validUtf8: true }));
  const lines: TextLine[] = [];
  for (let begin = 0; begin <= bytes.length; ) {
    const found = bytes.indexOf(0x0a, begin);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(begin, end);
    lines.push({ text: withoutReturn(line.toString('utf8')), validUtf8: isUtf8(line) });
    begin = end + 1;
  }
  return lines;
}

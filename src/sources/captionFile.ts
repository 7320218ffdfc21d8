// Reads captions that were made elsewhere: one JSON object a line, {source, pid, caption, by}.
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';

/** A line of text longer than this is no caption: it would only fill the memory. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Code points kept of a caption; what a prompt takes of it is shorter still. */
export const MAX_CAPTION_CODE_POINTS = 2000;

const lineSchema = z.object({
  source: z.string().min(1).max(200).optional(), // left out: the source the file is imported into
  pid: z.union([z.string().min(1).max(200), z.int().transform(String)]),
  caption: z.string(),
  by: z.string().min(1).max(200),
});

export interface CaptionLine {
  readonly line: number; // from 1
  readonly source: string | null;
  readonly pid: string;
  readonly caption: string; // one line, bounded; '' where the file has an empty one
  readonly by: string;
}

/**
 * The captions of a file, in its order.
 * @throws {UserError} `captions-unreadable` when the file cannot be read, `captions-malformed` naming file and line.
 */
export async function* readCaptionFile(path: string): AsyncIterableIterator<CaptionLine> {
  let line = 0;
  for await (const bytes of linesOf(path)) {
    line += 1;
    const text = decode(bytes, path, line);
    if (text.trim() === '') continue;
    const parsed = lineSchema.safeParse(parseJson(text, path, line));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      const field = issue.path.length > 0 ? `“${issue.path.join('.')}”: ` : '';
      throw malformed(path, line, `${field}${issue.message}`);
    }
    const { source = null, pid, caption, by } = parsed.data;
    yield { line, source, pid, caption: cleanCaption(caption), by };
  }
}

function malformed(path: string, line: number, fault: string): UserError {
  return new UserError('captions-malformed', `${path}, line ${line}: ${fault}.`, 'Each line is one JSON object: {"source": …, "pid": …, "caption": …, "by": …}. Nothing was imported.');
}

function decode(bytes: Buffer, path: string, line: number): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return line === 1 ? text.replace(/^\uFEFF/, '') : text;
  } catch {
    throw malformed(path, line, 'the text is not UTF-8');
  }
}

function parseJson(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(path, line, 'this is not JSON');
  }
}

/** Captions come from models and strangers: control characters go, blanks collapse, half surrogate pairs and excess length are cut. */
function cleanCaption(caption: string): string {
  const line = caption.slice(0, MAX_CAPTION_CODE_POINTS * 8).replace(/[\s\p{Cc}]+/gu, ' ').replace(/\p{Cs}/gu, '\uFFFD').trim();
  return [...line].slice(0, MAX_CAPTION_CODE_POINTS).join('').trimEnd();
}

async function* linesOf(path: string): AsyncIterableIterator<Buffer> {
  let rest: Buffer[] = []; // of a line that has not ended, in pieces: joined once
  let restBytes = 0;
  let line = 1;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]);
        rest = [];
        restBytes = 0;
        line += 1;
        start = end + 1;
      }
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
      if (restBytes > MAX_LINE_BYTES) throw malformed(path, line, `the line is longer than ${MAX_LINE_BYTES / 1024 / 1024} MB`);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('captions-unreadable', `The captions in ${path} cannot be read (${(error as Error).message}).`, 'Give the path of a JSONL file.', { cause: error });
  }
  if (restBytes > 0) yield Buffer.concat(rest);
}

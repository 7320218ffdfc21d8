// Cuts followed bytes into whole lines and keeps the byte offset behind the last one, so that a reader can go on there.
import type { FollowedFile, Host } from './host.ts';

const LINE_FEED = 10;

/** Longest line that is kept, in bytes. The trainer's longest (an epoch's log-probabilities of every pair) stay far below. */
const LONGEST_LINE = 64 * 1024 * 1024;

export interface FollowedLines {
  readonly lines: string[]; // whole lines without their line feed; never empty
  readonly offset: number; // bytes from the file's start to the end of the last line
}

/**
 * Whole lines as they come, those of one read together. A last line without a line feed is what a killed writer left, and
 * is not handed on. Aborting the signal ends the following, not the job.
 */
export async function* followLines(host: Host, id: string, file: FollowedFile, offset: number, signal: AbortSignal): AsyncGenerator<FollowedLines, void, void> {
  let rest: Buffer[] = [];
  let restLength = 0;
  let end = offset;
  for await (const bytes of host.follow(id, file, offset, signal)) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last < 0) {
      rest.push(chunk);
      restLength += chunk.length;
      if (restLength > LONGEST_LINE) throw new Error(`${file} of job ${id} has a line of more than ${LONGEST_LINE} bytes`);
      continue;
    }
    const whole = Buffer.concat([...rest, chunk.subarray(0, last + 1)]);
    const tail = chunk.subarray(last + 1);
    rest = tail.length > 0 ? [tail] : [];
    restLength = tail.length;
    end += whole.length;
    yield { lines: whole.toString('utf8').slice(0, -1).split('\n'), offset: end };
  }
}

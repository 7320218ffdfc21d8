// Writes the rows of a job's data files, a line each, and hashes them on the way: tables may be larger than memory.
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LongWork } from '../protocol/progress.ts';

const WRITE_CHARACTERS = 256 * 1024; // gathered before each write

/** Rows for one file. A producer reads the store in pages: no statement may stay open while others write. */
export interface DataFile {
  readonly path: string; // below the job folder: 'data/sft.jsonl'
  readonly rows: Iterable<object> | AsyncIterable<object>;
}

export interface FrozenFile {
  readonly path: string;
  readonly rows: number;
  readonly sha256: string;
}

/** Writes each file below `folder`. An abort throws the signal's reason and leaves the folder to the caller. */
export async function* freezeRows(folder: string, files: readonly DataFile[], signal: AbortSignal): LongWork<FrozenFile[]> {
  const frozen: FrozenFile[] = [];
  for (const file of files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    const hash = createHash('sha256');
    const handle = await open(path, 'wx');
    try {
      let rows = 0;
      let gathered = '';
      for await (const row of file.rows) {
        rows += 1;
        gathered += `${JSON.stringify(row)}\n`;
        if (gathered.length < WRITE_CHARACTERS) continue;
        hash.update(gathered);
        await handle.writeFile(gathered);
        gathered = '';
        yield { message: 'Writing the data', done: rows, unit: 'rows' };
        signal.throwIfAborted();
      }
      hash.update(gathered);
      await handle.writeFile(gathered);
      frozen.push({ path: file.path, rows, sha256: hash.digest('hex') });
    } finally {
      await handle.close();
    }
  }
  return frozen;
}

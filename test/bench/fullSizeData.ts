// The data sets that benchmarks read: invented posts of SMPD 2022 at the size of the real one, made once and kept.
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { smpQuietly } from '../../scripts/execute.ts';
import { TEST_OUTPUT } from '../../scripts/paths.ts';
import { ChunkedFile } from '../../src/sources/chunkedFile.ts';

/** Train posts of SMPD 2022. */
export const FULL_SIZE = 305_613;
export const BENCH_FOLDER = join(TEST_OUTPUT, 'bench');

/** Folder of the data set. `vectors`: the user file holds 399 and 400 numbers a post. */
export async function fullSizeData(vectors: boolean): Promise<string> {
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const folder = join(BENCH_FOLDER, vectors ? 'smpd-2022-vectors' : 'smpd-2022');
  if (!existsSync(folder)) smpQuietly('demo', '--out', folder, '--posts', String(FULL_SIZE), '--small-users', '0.6', '--no-pictures', ...(vectors ? ['--vectors'] : []));
  await listPictures(folder);
  return folder;
}

/** The list of pictures that the release has, without the pictures. */
async function listPictures(folder: string): Promise<void> {
  const path = join(folder, 'train_img_filepath.txt');
  if (existsSync(path)) return;
  const file = new ChunkedFile(path);
  for await (const line of createInterface({ input: createReadStream(join(folder, 'train_allmetadata_json', 'train_category.json')) })) {
    const keys = /"Uid":"([^"]+)","Pid":"([^"]+)"/.exec(line);
    if (keys !== null) file.append(`train/${keys[1]}/${keys[2]}.jpg\n`);
  }
  file.close();
}

// Whether a file is still the one that was indexed: where line n stands for post n whatever it says, only then may a card show.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { PostFile } from '../protocol/postCard.ts';

const LARGEST_HASHED = 64 * 1024 * 1024; // bytes; a label file of half a million posts has three million
const compared = new Map<string, Promise<string>>(); // hashes by path, size and time: a file is read once for each of its states

/** True when size and time are those of the import, or (after a copy) size and content are. */
export async function isAsIndexed(path: string, file: PostFile): Promise<boolean> {
  const { indexed } = file;
  if (indexed === null) return false;
  const { size, mtimeMs } = await stat(path).catch(() => ({ size: -1, mtimeMs: 0 }));
  if (size !== indexed.size) return false;
  if (mtimeMs === indexed.modifiedAt) return true;
  if (size > LARGEST_HASHED || indexed.sha256 === '') return false;
  const state = `${path}\n${size}\n${mtimeMs}`;
  const hash = compared.get(state) ?? hashOf(path);
  compared.set(state, hash);
  return (await hash.catch(() => '')) === indexed.sha256;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

// The picture of a hover: only from inside the source's folder (links followed), only a picture by its name and its
// bytes, whole, and small enough to be decoded.
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import { pictureFault } from '../domain/pictureFormats.ts';
import type { PostCard } from '../protocol/postCard.ts';
import type { Translate } from './hoverCard.ts';

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.gif', '.webp']);
const LARGEST = 8 * 1024 * 1024; // bytes; the editor decodes the whole picture for a thumbnail

export type MissingPicture = 'no-file' | 'empty' | 'too-large' | 'outside' | 'no-picture' | 'broken';
export type FoundPicture = { readonly file: string } | { readonly missing: MissingPicture };

const FAULTS = { 'picture too large': 'too-large', 'picture broken': 'broken', 'picture of unknown format': 'no-picture' } as const;

/** Null where the source has no pictures. The file is the path below the real root. */
export async function findPicture(card: Pick<PostCard, 'root' | 'imagePath'>): Promise<FoundPicture | null> {
  if (card.imagePath === null) return null;
  if (card.imagePath === '') return { missing: 'no-file' };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(card.imagePath)) return { missing: 'no-file' }; // a web address: hovers never touch the network
  if (!EXTENSIONS.has(extname(card.imagePath).toLowerCase())) return { missing: 'no-picture' };
  try {
    const root = await realpath(card.root);
    const file = await realpath(join(card.root, card.imagePath));
    const inside = relative(root, file);
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return { missing: 'outside' };
    const { size } = await stat(file);
    if (size === 0) return { missing: 'empty' };
    if (size > LARGEST) return { missing: 'too-large' };
    const bytes = await readFile(file); // what the import said may be about another file by now
    const fault = pictureFault({ size: bytes.length, read: (position, length) => bytes.subarray(position, position + length) });
    return fault === null ? { file } : { missing: FAULTS[fault] };
  } catch {
    return { missing: 'no-file' };
  }
}

export function missingPictureText(missing: MissingPicture, t: Translate): string {
  switch (missing) {
    case 'no-file': return t('the image file is missing');
    case 'empty': return t('the image file is empty');
    case 'too-large': return t('the image file is too large to show');
    case 'outside': return t('the image file lies outside of the data set');
    case 'broken': return t('the image file is broken');
    case 'no-picture': return t('the image file is of an unknown kind');
  }
}

// The picture of a hover: only from inside the source's folder (links followed), only a picture by its name, never a huge one.
import { realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import type { PostCard } from '../protocol/postCard.ts';
import type { Translate } from './hoverCard.ts';

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.gif', '.webp', '.bmp']);
const LARGEST = 8 * 1024 * 1024; // bytes; the editor decodes the whole picture for a thumbnail

export type MissingPicture = 'no-file' | 'empty' | 'too-large' | 'outside' | 'no-picture';
export type FoundPicture = { readonly file: string } | { readonly missing: MissingPicture };

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
    return size > LARGEST ? { missing: 'too-large' } : { file };
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
    case 'no-picture': return t('the image file is of an unknown kind');
  }
}

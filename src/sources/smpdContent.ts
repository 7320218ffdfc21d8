// What a file of SMPD holds, told by its first bytes: releases mix names.
import { basename } from 'node:path';
import { parseNumber } from './fieldValues.ts';
import { headOf, headText } from './fileHead.ts';
import { holdsPostLines } from './smpd2018.ts';

/** `post-lines` are the metadata of 2018; `user` is checked, not kept. */
export type SmpdContent = 'category' | 'text' | 'temporalspatial' | 'additional' | 'user' | 'post-lines' | 'label' | 'picture-paths' | 'picture-urls';

export interface RecognisedContent {
  readonly content: SmpdContent;
  /** The user file stores one column after the other. */
  readonly byColumn: boolean;
}

/** Null for a file that is none of SMPD's. */
export function recogniseContent(path: string): RecognisedContent | null {
  const head = headText(headOf(path));
  const content = head === '' ? emptyContent(path) : /\.json$/i.test(path) ? contentOfJson(head) : contentOfText(head, basename(path));
  return content === null ? null : { content, byColumn: content === 'user' && head.startsWith('{') };
}

function contentOfJson(head: string): SmpdContent | null {
  const keys = new Set([...head.matchAll(/"([A-Za-z_]+)"\s*:/g)].map((match) => match[1]!)); // of the first record and perhaps of those after it
  if (keys.has('photo_firstdate') || keys.has('photo_count') || keys.has('user_description') || keys.has('ispro')) return 'user';
  if (!keys.has('Uid') && !keys.has('Pid')) return null;
  if (head.startsWith('{')) return 'user';
  if (keys.has('Postdate')) return 'temporalspatial';
  if (keys.has('Category') || keys.has('Concept')) return 'category';
  if (keys.has('Title') || keys.has('Alltags')) return 'text';
  return keys.has('Pathalias') || keys.has('Mediastatus') || keys.has('Ispublic') ? 'additional' : null;
}

/** Lines of numbers are labels, lines of paths or addresses lead to pictures. */
function contentOfText(head: string, name: string): SmpdContent | null {
  if (holdsPostLines(head)) return 'post-lines';
  const lines = head.split(/\r?\n/).slice(0, 20).map((line) => line.trim()).filter((line) => line !== '');
  const most = (pattern: RegExp): boolean => lines.filter((line) => pattern.test(line)).length * 2 > lines.length; // one bad line says nothing about the list
  if (lines.every((line) => parseNumber(line) !== null)) return 'label';
  if (lines.some((line) => /^https?:/i.test(line)) && most(/^(?:https?:\/\/\S+|none|null|nan)$/i)) return 'picture-urls';
  if (most(/^(?!https?:)\S.*\.(?:jpe?g|png|gif|webp)$/i)) return 'picture-paths';
  return /_label\.txt$/i.test(name) ? 'label' : null; // bad values among the first labels
}

/** An empty file says nothing by its content; its name still tells that something is missing. */
function emptyContent(path: string): SmpdContent | null {
  const name = basename(path).toLowerCase();
  if (name.endsWith('.txt')) return /label/.test(name) ? 'label' : /img/.test(name) ? 'picture-paths' : /_(meta)?data\d*\.txt$/.test(name) ? 'post-lines' : null;
  const match = /_(category|text|tags|temporalspatial|additional|user)/.exec(name);
  if (match === null) return null;
  return match[1] === 'tags' ? 'text' : (match[1] as SmpdContent);
}

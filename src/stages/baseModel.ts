// The base of an experiment: what a person named, found on this machine, and the hashes that tell one set of weights from another.
import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../domain/errors.ts';
import type { ModelReference } from '../protocol/run.ts';
import { TINY_BASE } from '../protocol/stageRequests.ts';
import type { StoredModel } from '../store/models.ts';
import type { StageContext } from './stageContext.ts';

const WHOLE_FILE_BYTES = 64 * 1024 * 1024; // larger files are hashed in pieces
const PIECE_BYTES = 64 * 1024;
const PIECES = 256;

export interface BaseModel {
  readonly name: string; // as a person named it: 'tiny', a folder, a .gguf file, an id
  readonly place: string; // what the trainer is told: an absolute path or an id
  readonly isTiny: boolean;
  readonly isLocal: boolean; // false: the trainer fetches it from a hub
  readonly weightsHash: string;
}

/**
 * Finds a base: 'tiny', a folder or .gguf file (absolute, or relative to the workspace folder), else a Hugging Face id.
 * @throws {UserError} `base-missing`, `base-unknown`
 */
export async function findBase(context: Pick<StageContext, 'folder' | 'resources'>, name: string): Promise<BaseModel> {
  if (name === TINY_BASE) {
    const place = join(context.resources, 'base');
    if (!(await holdsModel(place))) throw new UserError('base-missing', `The tiny base model is not at ${place}.`, 'Install the product again, or choose another base.');
    return { name, place, isTiny: true, isLocal: true, weightsHash: await hashOfFiles(place) };
  }
  const path = resolve(context.folder, name);
  if (await holdsModel(path)) return { name, place: path, isTiny: false, isLocal: true, weightsHash: await hashOfFiles(path) };
  if (await exists(path)) throw new UserError('base-missing', `${path} holds no model.`, 'Name a folder with a config.json and weights, or a .gguf file.');
  if (isAbsolute(name) || name.startsWith('.') || name.endsWith('.gguf')) {
    throw new UserError('base-missing', `There is no model at ${path}.`, 'Correct the path of the base, or choose “tiny”.');
  }
  if (!/^[\w.-]{1,96}(\/[\w.-]{1,96})?$/.test(name)) {
    throw new UserError('base-unknown', `“${name.slice(0, 100)}” is no base model.`, 'Name “tiny”, a folder, a .gguf file or a Hugging Face id such as “organisation/name”.');
  }
  return { name, place: name, isTiny: false, isLocal: false, weightsHash: `id:${name}` };
}

/**
 * Makes sure that the models of an experiment were made from the base as it is now.
 * @throws {UserError} `base-changed`
 */
export function requireSameBase(models: readonly StoredModel[], base: BaseModel): void {
  const recorded = models.find((model) => model.role === 'base');
  if (recorded === undefined || recorded.weightsHash === base.weightsHash) return;
  throw new UserError('base-changed', `The base “${base.name}” is no longer the one that the models of this experiment were made from.`, 'Run “train” again.');
}

/** How the trainer is told to load a model of the store. The base's place is found anew: it moves when the product is updated. */
export function modelReference(context: Pick<StageContext, 'storeFolder'>, model: StoredModel, base: BaseModel): ModelReference {
  if (model.role === 'base') return { base: base.place, adapter: null };
  const folder = resolve(context.storeFolder, model.path);
  return model.adapterOf === null ? { base: folder, adapter: null } : { base: base.place, adapter: folder };
}

/** Where a model of the store lies: relative to the store's folder where it is below, so that a workspace can move. */
export function storedPath(context: Pick<StageContext, 'storeFolder'>, path: string): string {
  const inside = relative(context.storeFolder, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside.split(sep).join('/');
}

/** Names the weights that a model of the store consists of. */
export function weightsOf(model: StoredModel, base: BaseModel): string {
  return model.adapterOf === null ? model.weightsHash : `${base.weightsHash} ${model.weightsHash}`;
}

/** Of a model's folder, what is about the model and no part of it: a corrected card leaves trained models valid. */
const CARD = /^(readme|license|licence|notice)(\.(md|txt))?$/i;

/**
 * Hash of a model's files by name and content: of one file, or of all files that lie directly in a folder but its card. Of a file of more
 * than 64 MiB its size and 256 pieces spread evenly over it are read: training changes weights everywhere, and a model of
 * 16 GB would take a minute before every prediction.
 */
export async function hashOfFiles(path: string): Promise<string> {
  const hash = createHash('sha256');
  const isFolder = (await stat(path)).isDirectory();
  const names = isFolder ? (await readdir(path, { withFileTypes: true })).filter((entry) => !entry.isDirectory() && !CARD.test(entry.name)).map((entry) => entry.name).sort() : [''];
  for (const name of names) hash.update(`${name}\0${await hashOfFile(isFolder ? join(path, name) : path)}\n`);
  return hash.digest('hex');
}

async function hashOfFile(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256').update(`${size}\0`);
    const isWhole = size <= WHOLE_FILE_BYTES;
    const pieces = isWhole ? Math.ceil(size / PIECE_BYTES) : PIECES;
    const distance = isWhole ? PIECE_BYTES : (size - PIECE_BYTES) / (PIECES - 1); // the last piece ends where the file ends
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let at = 0; at < pieces; at++) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, Math.round(at * distance));
      hash.update(piece.subarray(0, bytesRead));
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

async function holdsModel(path: string): Promise<boolean> {
  return path.endsWith('.gguf') ? exists(path) : exists(join(path, 'config.json'));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

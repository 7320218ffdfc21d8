// From settings to stage requests: the command line, the editor and `run` all build their requests here, so that the same
// settings mean the same work everywhere.
import { z } from 'zod';
import { settingsSchema, type Settings } from './settings.ts';
import type { StageRequest } from './stages.ts';

/** The base model that ships with the product. */
export const TINY_BASE = 'tiny';

/** `run`: the whole pipeline. `data`: a folder or file to index; null: the source as it is in the store. */
export const runRequestSchema = z.object({
  data: z.string().nullable(),
  source: z.string().min(1).nullable(), // null: named after the data, or the store's only source
  captionsFile: z.string().nullable(), // null: captions.jsonl beside the data, if it is there
  everyPost: z.boolean().optional(), // at the end the aligned model also predicts every post of the source
  settings: settingsSchema,
});
export type RunRequest = z.infer<typeof runRequestSchema>;

/** Full tuning for the tiny base and LoRA for anything larger, unless a person chose. */
export function tuningOf(settings: Settings): 'full' | 'lora' {
  if (settings['train.tuning'] !== 'auto') return settings['train.tuning'];
  return settings.base === TINY_BASE ? 'full' : 'lora';
}

export function indexRequest(path: string, name: string | null, settings: Settings): StageRequest<'index'> {
  return { path, name, mapping: null, allowSkips: settings['index.allowSkips'] };
}

/** @param limit pictures of this start; null: all */
export function fetchPicturesRequest(source: string, settings: Settings, retryDead: boolean, limit: number | null): StageRequest<'fetchPictures'> {
  return { source, retryDead, limit, requestsPerSecond: settings['pictures.requestsPerSecond'], allowHost: settings['pictures.allowHost'] };
}

export function sampleRequest(source: string, settings: Settings): StageRequest<'sample'> {
  return { source, dataSeed: settings.dataSeed };
}

export function instructRequest(source: string, settings: Settings): StageRequest<'instruct'> {
  return { source, dataSeed: settings.dataSeed, captions: settings.captions };
}

export function trainRequest(source: string, settings: Settings): StageRequest<'train'> {
  const tuning = tuningOf(settings);
  return {
    ...experimentOf(source, settings), tuning, batchSize: settings['train.batchSize'],
    poolSteps: settings['train.poolSteps'], sftSteps: settings['train.sftSteps'],
    poolLearningRate: settings[tuning === 'full' ? 'train.poolLearningRate' : 'lora.poolLearningRate'],
    sftLearningRate: settings[tuning === 'full' ? 'train.sftLearningRate' : 'lora.sftLearningRate'],
  };
}

export function predictRequest(
  source: string, settings: Settings, roles: StageRequest<'predict'>['roles'], scope: StageRequest<'predict'>['scope'],
): StageRequest<'predict'> {
  return { ...experimentOf(source, settings), roles, scope, batchSize: settings['predict.batchSize'] };
}

export function pairRequest(source: string, settings: Settings): StageRequest<'pair'> {
  return experimentOf(source, settings);
}

export function alignRequest(source: string, settings: Settings): StageRequest<'align'> {
  return {
    ...experimentOf(source, settings), loss: settings['align.loss'], beta: settings['align.beta'], alpha: settings['align.alpha'], lambda: settings['align.lambda'],
    delta: settings['align.delta'], cap: settings['align.cap'], margin: settings['align.margin'], epochs: settings['align.epochs'], batchSize: settings['align.batchSize'],
    learningRate: settings[tuningOf(settings) === 'full' ? 'align.learningRate' : 'lora.alignLearningRate'],
  };
}

export function scoreRequest(source: string, settings: Settings): StageRequest<'score'> {
  return { ...experimentOf(source, settings), batchSize: settings['predict.batchSize'] };
}

export function evaluateRequest(source: string, settings: Settings): StageRequest<'evaluate'> {
  return experimentOf(source, settings);
}

/** `submission`: what a person chose beyond the settings, which say which aligned model is meant. */
export function exportRequest(source: string, settings: Settings, folder: string, submission: Partial<StageRequest<'export'>['submission']> = {}): StageRequest<'export'> {
  const format = settings['export.format'];
  return {
    ...experimentOf(source, settings), format, content: format === 'submission' ? 'predictions' : settings['export.content'], folder, margin: settings['align.margin'],
    submission: { role: null, variant: settings['align.loss'], part: null, externalData: null, ...submission },
  };
}

function experimentOf(source: string, settings: Settings): StageRequest<'evaluate'> {
  return { source, dataSeed: settings.dataSeed, plan: settings.plan, trainingSeed: settings.trainingSeed, base: settings.base };
}

// What the editor calls the pipeline's stages and what is to be done next, in the language of the editor. A status names
// them by their ids; the English words that come with it are the command line's.
import type { Translate } from './hoverCard.ts';

/** The title of an entry of the pipeline table, or of a stage beside it: 'Index'. @param fallback for one that this editor does not know */
export function stageTitle(entry: string, fallback: string, t: Translate): string {
  switch (entry) {
    case 'index': return t('Index');
    case 'sample': return t('Sample');
    case 'caption': return t('Caption');
    case 'instruct': return t('Instruct');
    case 'train': return t('Train');
    case 'predict': return t('Predict');
    case 'pair': return t('Pair');
    case 'align': return t('Align');
    case 'evaluate': return t('Evaluate');
    case 'export': return t('Export');
    case 'score': return t('Score pairs');
    case 'remove': return t('Remove');
    case 'fetchPictures': return t('Fetch Pictures');
    default: return fallback;
  }
}

/** What an entry does, as the next thing to do: 'Draw users into sets'. */
export function nextActionTitle(entry: string, fallback: string, t: Translate): string {
  switch (entry) {
    case 'index': return t('Index the posts again');
    case 'sample': return t('Draw users into sets');
    case 'caption': return t('Import captions');
    case 'instruct': return t('Render instructions');
    case 'train': return t('Train the model');
    case 'predict': return t('Let the models answer');
    case 'pair': return t('Pair the answers');
    case 'align': return t('Align the model');
    case 'evaluate': return t('Evaluate the models');
    case 'export': return t('Export a data set');
    default: return fallback;
  }
}

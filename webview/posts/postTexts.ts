// How values of a post read on the page.
import { formatHundredths } from '../../src/domain/posts.ts';
import type { PostColumn, PostRow, PostSort, PostSplit, PostsTextKey } from '../../src/protocol/postsView.ts';
import type { PostsModel } from './postsModel.ts';

export const SPLIT_TEXTS: Readonly<Record<PostSplit, PostsTextKey>> = {
  validation: 'splitValidation', 'few-shot': 'splitFewShot', alignment: 'splitAlignment', 'extra-1': 'splitExtra1', 'extra-2': 'splitExtra2', pool: 'splitPool', none: 'splitNone', test: 'splitTest',
};

export const COLUMN_TEXTS: Readonly<Record<PostColumn, PostsTextKey>> = {
  status: 'columnStatus', id: 'columnId', source: 'columnSource', user: 'columnUser', title: 'columnTitle', tags: 'columnTags', category: 'columnCategory', score: 'columnScore',
  prediction: 'columnPrediction', error: 'columnError', posted: 'columnPosted', split: 'columnSplit', caption: 'columnCaption',
};

/** Columns whose header sorts. */
export const SORT_OF_COLUMN: Partial<Readonly<Record<PostColumn, PostSort>>> = { id: 'id', user: 'user', score: 'score', error: 'error', posted: 'time' };

export const SORT_TEXTS: Readonly<Record<PostSort, PostsTextKey>> = { file: 'sortFile', time: 'sortTime', score: 'sortScore', user: 'sortUser', id: 'sortId', error: 'sortError' };

export const scoreText = (score: number | null): string => (score === null ? '—' : formatHundredths(score));

/** With a sign; a minus is U+2212. */
export function errorText(error: number | null): string {
  if (error === null) return '—';
  return `${error < 0 ? '\u2212' : error > 0 ? '+' : ''}${formatHundredths(Math.abs(error))}`;
}

/** The day, in UTC as everything about time is. */
export const dayText = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

export const timeText = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** Why a post is not used, or that it is. */
export function statusText(model: PostsModel, row: PostRow): string {
  if (row.excluded !== null) return row.excluded.reason === '' ? model.t('excludedBy', row.excluded.author) : model.t('excludedByWhy', row.excluded.author, row.excluded.reason);
  return row.dropped === null ? model.t('used') : model.t('droppedWhy', row.dropped);
}

/** What a cell says. */
export function cellText(model: PostsModel, row: PostRow, column: PostColumn): string {
  switch (column) {
    case 'status': return statusText(model, row);
    case 'id': return row.pid;
    case 'source': return row.source;
    case 'user': return row.uid;
    case 'title': return row.title === '' ? model.t('untitled') : row.title;
    case 'tags': return row.tags;
    case 'category': return row.category;
    case 'score': return scoreText(row.score);
    case 'prediction': return row.prediction === null ? '—' : row.prediction.value === null ? model.t('noNumber') : scoreText(row.prediction.value);
    case 'error': return errorText(row.prediction?.error ?? null);
    case 'posted': return dayText(row.postedAt);
    case 'split': return model.t(SPLIT_TEXTS[row.split]);
    case 'caption': return model.t(row.hasCaption ? 'yes' : 'no');
  }
}

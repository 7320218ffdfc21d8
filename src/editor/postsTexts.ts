// The texts of the Posts view's page, translated: the page itself has no access to the editor's languages.
import type { PostsTextKey } from '../protocol/postsView.ts';

type Translate = (message: string) => string;

/** @param t `vscode.l10n.t`; places {0}, {1}, … are filled by the page */
export function postsTexts(t: Translate): Record<PostsTextKey, string> {
  return {
    posts: t('Posts'), search: t('Search'), searchHint: t('words of title, tags or caption, or a post’s id'), user: t('User'), userHint: t('a user’s id, exactly'),
    category: t('Category'), anyCategory: t('every category'), source: t('Source'), anySource: t('every source'), split: t('Set'), anySplit: t('every set'),
    status: t('Status'), anyStatus: t('every status'), statusUsed: t('used'), statusExcluded: t('excluded'), statusDropped: t('dropped'),
    moreFilters: t('More Filters'), fewerFilters: t('Fewer Filters'), caption: t('Caption'), withCaption: t('with a caption'), withoutCaption: t('without a caption'), any: t('with or without'),
    prediction: t('Prediction'), withPrediction: t('with a prediction'), withoutPrediction: t('without a prediction'), score: t('Score'), withScore: t('with a score'), withoutScore: t('without a score'),
    from: t('From month'), to: t('To month'), monthHint: t('year-month'), clearFilters: t('Clear Filters'), columns: t('Columns'),
    sortBy: t('Sort by'), sortFile: t('order of the files'), sortTime: t('time'), sortScore: t('score'), sortUser: t('user'), sortId: t('id'), sortError: t('prediction error'), ascending: t('Ascending'), descending: t('Descending'),
    histogram: t('Scores'), histogramOf: t('Scores of {0} posts from {1} to {2}'), lowestScore: t('Lowest score'), highestScore: t('Highest score'), scoreRange: t('Score {0} to {1}'), mean: t('mean {0}'),
    firstPage: t('First Page'), previousPage: t('Previous Page'), nextPage: t('Next Page'), lastPage: t('Last Page'), goTo: t('Go to'), goToPosition: t('position'), goToMonth: t('year-month'), goToScore: t('score'), goToUser: t('user'), goToId: t('id'),
    goToBad: t('“{0}” is no {1}.'), shown: t('{0}–{1} of {2} posts'), shownOf: t('{0}–{1} of {2} posts ({3} in all)'), noneShown: t('0 of {0} posts'), reading: t('Reading posts for the first time: {0} %'), loading: t('Loading…'),
    columnStatus: t('Status'), columnId: t('Id'), columnUser: t('User'), columnTitle: t('Title'), columnTags: t('Tags'), columnCategory: t('Category'), columnScore: t('Score'), columnPrediction: t('Predicted'), columnError: t('Error'),
    columnPosted: t('Posted'), columnSplit: t('Set'), columnCaption: t('Caption'), columnSource: t('Source'), resize: t('Width of column {0}'),
    splitValidation: t('validation'), splitFewShot: t('1-2-3-shot'), splitAlignment: t('alignment'), splitExtra1: t('extra 1'), splitExtra2: t('extra 2'), splitPool: t('pool'), splitNone: t('not drawn'), splitTest: t('test part'),
    yes: t('yes'), no: t('no'), noNumber: t('no number'), untitled: t('untitled'), excludedBy: t('excluded by {0}'), excludedByWhy: t('excluded by {0}: {1}'), droppedWhy: t('dropped: {0}'), used: t('used'),
    nothingIndexed: t('No data set is indexed in this folder yet.'), indexData: t('Index a Data Set…'), noMatch: t('No post matches these filters.'), tryAgain: t('Try Again'), openLog: t('Open Log'), failed: t('SMP Curator met a fault of its own.'),
    open: t('Open at Its Line'), exclude: t('Exclude'), excludeWhy: t('Exclude with a Reason…'), restore: t('Restore'), undo: t('Undo'), copyId: t('Copy Id'), copyRow: t('Copy Row'), postsOfUser: t('Show User’s Posts'), predictPost: t('Predict This Post'),
    showDetails: t('Show Details'), hideDetails: t('Hide Details'), selected: t('{0} selected'), excludedCount: t('{0} excluded'), restoredCount: t('{0} restored'), undone: t('Undone: {0}'), nothingToUndo: t('Nothing to undo.'), copied: t('Copied.'),
    details: t('Details'), chooseForDetails: t('Choose a post to see all of it.'), picture: t('Picture of post {0}'), concept: t('Concept'), place: t('Place'), file: t('File'), captions: t('Captions'), predictions: t('Predictions'), decisions: t('Decisions'),
    noCaption: t('no caption yet'), noPrediction: t('not predicted yet'), noDecision: t('nobody has decided on this post'), interval: t('80 % interval {0} – {1}'), history: t('{0} earlier posts'), approved: t('approved'),
    decidedExcluded: t('excluded'), decidedRestored: t('restored'), keys: t('Enter opens · Space excludes or restores · U undoes · Shift+arrows select · / searches'),
  };
}

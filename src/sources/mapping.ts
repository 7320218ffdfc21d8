// Which column of a table is what: guessed from the header and the rows, kept as JSON that a person can edit, and checked
// before it is used. Columns that are known only after posting never reach a prompt unless they are allowed by name.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { LARGEST_SCORE } from '../domain/posts.ts';
import { mappingSchema, type Mapping } from '../protocol/stages.ts';
import { parseNumber, parseTime, textOf } from './fieldValues.ts';
import { shown } from './postSource.ts';
import type { TableFormat } from './tableRows.ts';

type Columns = Mapping['columns'];
type Role = keyof Columns;
export type TableRow = Readonly<Record<string, unknown>>;

/** Names of columns by role, in the order of preference, compared in lower case without anything but letters and digits. */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  pid: ['pid', 'postid', 'id', 'post', 'itemid', 'tweetid', 'statusid', 'photoid', 'videoid', 'objectid', 'shortcode'],
  uid: ['uid', 'userid', 'user', 'author', 'authorid', 'username', 'userpseudonym', 'accountid', 'account', 'ownerid', 'owner', 'by', 'poster', 'channelid', 'channel', 'screenname', 'nick'],
  time: ['postdate', 'postedat', 'createdat', 'created', 'createdutc', 'posttime', 'timestamp', 'time', 'publishedat', 'published', 'datetime', 'date', 'uploaddate', 'takenat', 'day'],
  popularity: ['popularity', 'popularityscore', 'label', 'target', 'logviews', 'logview', 'score', 'points', 'likes', 'likecount', 'upvotes', 'ups', 'favorites', 'favourites', 'favoritecount', 'diggcount', 'views', 'viewcount', 'retweets', 'retweetcount', 'shares', 'sharecount', 'reactions', 'comments', 'commentcount', 'numcomments'],
  title: ['title', 'text', 'caption', 'content', 'postcontent', 'body', 'message', 'headline', 'description', 'tweet'],
  tags: ['tags', 'alltags', 'hashtags', 'keywords', 'suggestedwords'],
  category: ['category', 'categoryname', 'topcategory'],
  subcategory: ['subcategory'],
  concept: ['concept'],
  image: ['image', 'imagepath', 'img', 'imgpath', 'imgfilepath', 'picture', 'picturepath', 'photopath', 'photo', 'imageurl', 'imgurl', 'pictureurl', 'photourl', 'mediaurl', 'filename', 'filepath'],
  latitude: ['latitude', 'lat'],
  longitude: ['longitude', 'lon', 'lng', 'long'],
};
const REQUIRED: readonly Role[] = ['pid', 'uid', 'time', 'popularity'];
/** Roles whose text can end up in a prompt. */
const PROMPT_ROLES: readonly Role[] = ['title', 'tags', 'category', 'subcategory', 'concept', 'image'];

/** What is known of a post only after it was published: as whole words of a column's name. */
const OUTCOME_WORDS = /(?:^|_)(?:comments?|likes?|views?|shares?|favou?rites?|faves?|retweets?|reposts?|ranks?|ranking|scores?|up_?votes?|ups|down_?votes?|downs|points?|reactions?|repl(?:y|ies)|diggs?|hearts?|plays?|saves?|bookmarks?|clicks?|impressions?|popularity|engagement|karma|awards?|stars?|quotes?)(?:_|$)/;

/** 'createdAt', 'created-at' and 'Created At' are one name: 'created_at'. */
function words(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_').replace(/^_|_$/g, '');
}

/** Whether a column's name says that its values are known only after posting. */
export function isOutcomeName(name: string): boolean {
  return OUTCOME_WORDS.test(words(name));
}

export interface GuessInput {
  readonly file: string; // as it is named in messages
  readonly format: TableFormat;
  readonly header: readonly string[];
  /** Rows in order. More than the first hundred are read only while the scale of the popularity is open. */
  readonly rows: AsyncIterable<readonly TableRow[]>;
  /** After so many rows reading ends even then. Infinity for a mapping that is to be used. */
  readonly mostRows: number;
}

const ROWS_LOOKED_AT = 100;

/**
 * Guesses the mapping.
 * @throws {UserError} `table-columns` when a required column cannot be told, naming the columns that are there.
 */
export async function guessMapping({ file, format, header, rows, mostRows }: GuessInput): Promise<Mapping> {
  const columns = guessColumns(header);
  const missing = REQUIRED.filter((role) => columns[role] === null);
  if (missing.length > 0) {
    const wanted: Readonly<Record<string, string>> = { pid: 'the post’s id', uid: 'the user’s id', time: 'the time of posting', popularity: 'the popularity' };
    throw new UserError(
      'table-columns', `No column of ${file} can be told to hold ${missing.map((role) => wanted[role]).join(', ')}. Its first line gives the columns ${header.slice(0, 30).map(shown).join(', ')}.`,
      'If the first line holds no names, add a line of names; else write a mapping that names the columns, as the documentation shows.',
    );
  }
  const { first, scale } = await lookAtRows(rows, columns.popularity!, mostRows);
  const outcome = header.filter((name) => name !== columns.popularity && isOutcomeName(name));
  return mappingSchema.parse({
    version: 1, format: format.format, delimiter: format.delimiter, columns, popularityScale: scale, timeFormat: guessTimeFormat(first.map((row) => row[columns.time!])),
    extra: [], outcome, allowOutcome: [],
  });
}

/** The column of each role by its name, or null. */
export function guessColumns(header: readonly string[]): { [role in Role]: string | null } {
  const taken = new Set<string>();
  const pick = (role: Role): string | null => {
    for (const name of NAMES[role]) {
      const column = header.find((candidate) => !taken.has(candidate) && words(candidate).replaceAll('_', '') === name);
      if (column === undefined || (PROMPT_ROLES.includes(role) && isOutcomeName(column))) continue;
      taken.add(column);
      return column;
    }
    return null;
  };
  return {
    pid: pick('pid'), uid: pick('uid'), time: pick('time'), popularity: pick('popularity'), title: pick('title'), tags: pick('tags'), category: pick('category'),
    subcategory: pick('subcategory'), concept: pick('concept'), image: pick('image'), latitude: pick('latitude'), longitude: pick('longitude'),
  };
}

/**
 * The first rows, and the scale of the popularity: whole numbers beyond 31.99 are counts. As long as only whole numbers
 * within the range have been seen the question is open, and reading goes on.
 */
async function lookAtRows(rows: AsyncIterable<readonly TableRow[]>, popularity: string, mostRows: number): Promise<{ first: TableRow[]; scale: Mapping['popularityScale'] }> {
  const first: TableRow[] = [];
  let scale: Mapping['popularityScale'] | null = null;
  let read = 0;
  for await (const batch of rows) {
    for (const row of batch) {
      if (first.length < ROWS_LOOKED_AT) first.push(row);
      const number = scale === null ? parseNumber(row[popularity]) : null;
      if (number === null) continue;
      if (!Number.isInteger(number)) scale = 'as-is';
      else if (number * 100 > LARGEST_SCORE) scale = 'log2-count-plus-1';
    }
    read += batch.length;
    if (read >= mostRows || (scale !== null && first.length >= ROWS_LOOKED_AT)) break;
  }
  return { first, scale: scale ?? 'as-is' };
}

/** The format that most of the values have. */
function guessTimeFormat(values: readonly unknown[]): Mapping['timeFormat'] {
  const texts = values.map((value) => textOf(value) ?? '').filter((text) => text !== '');
  const share = (format: Mapping['timeFormat'], fits: (text: string) => boolean = () => true): number => texts.filter((text) => fits(text) && parseTime(text, format) !== null).length;
  // Seconds of 2100 are milliseconds of 1970: beyond the first, and within the second, it is milliseconds.
  const candidates: [Mapping['timeFormat'], number][] = [
    ['unix-seconds', share('unix-seconds')], ['unix-milliseconds', share('unix-milliseconds', (text) => Number(text) >= 1e11)], ['day', share('day')], ['iso', share('iso')],
  ];
  return candidates.reduce((best, candidate) => (candidate[1] > best[1] ? candidate : best))[0];
}

/**
 * Checks a mapping against a table's header: every column exists, none stands twice, and nothing that is known only after
 * posting can reach a prompt unless `allowOutcome` names it.
 * @throws {UserError} `mapping-columns`, `mapping-outcome`.
 */
export function checkMapping(mapping: Mapping, header: readonly string[], file: string): void {
  const named = [...Object.values(mapping.columns).filter((name) => name !== null), ...mapping.extra];
  for (const name of named) {
    if (!header.includes(name)) {
      throw new UserError('mapping-columns', `The mapping names the column ${shown(name)}, which ${file} does not have. Its columns are ${header.slice(0, 30).map(shown).join(', ')}.`, 'Correct the mapping, or remove its file to have it guessed again.');
    }
    if (named.indexOf(name) !== named.lastIndexOf(name)) throw new UserError('mapping-columns', `The mapping uses the column ${shown(name)} twice.`, 'Give each column one role.');
  }
  const inPrompt = [...PROMPT_ROLES.map((role) => mapping.columns[role]).filter((name) => name !== null), ...mapping.extra];
  for (const name of inPrompt) {
    if ((mapping.outcome.includes(name) || isOutcomeName(name)) && !mapping.allowOutcome.includes(name)) {
      throw new UserError('mapping-outcome', `The column ${shown(name)} is known only after posting, so it may not be part of a prompt.`, 'Take it out of the mapping, or name it in allowOutcome if that is really meant.');
    }
  }
}

/** `<store folder>/mappings/<source>.json`. */
export function mappingPath(storeFolder: string, source: string): string {
  return join(storeFolder, 'mappings', `${source}.json`);
}

/** The mapping kept for a source, or null. @throws {UserError} `mapping-broken` when the file is no mapping. */
export function readMapping(storeFolder: string, source: string): Mapping | null {
  const path = mappingPath(storeFolder, source);
  if (!existsSync(path)) return null;
  try {
    return mappingSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new UserError('mapping-broken', `${path} is no mapping (${(error as Error).message.slice(0, 300)}).`, 'Correct it, or remove it to have the mapping guessed again.', { cause: error });
  }
}

export function writeMapping(storeFolder: string, source: string, mapping: Mapping): void {
  const path = mappingPath(storeFolder, source);
  mkdirSync(join(storeFolder, 'mappings'), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(mapping, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

// Reader for TPIC2017: four row-aligned files of values separated by blanks, without a header. It has no titles, only their
// lengths: its posts are told by the template of that name (clauses.json). What is known only after posting (comments, views)
// is not read.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../domain/errors.ts';
import { openColumn, type AlignedColumn, type ColumnFormat, type RawPost, type RowFault } from './alignedColumn.ts';
import { parseNumber, scoreOf } from './fieldValues.ts';
import { approximateLines, headOf, headText } from './fileHead.ts';
import { joinColumns } from './joinColumns.ts';
import { PICTURES_ELSEWHERE } from './pictures.ts';
import { shown, type PostSource, type SourceFile } from './postSource.ts';
import { withoutBlankEnd } from './smpd2018.ts';
import { describeFile, listDataFiles } from './sourcePaths.ts';
import { readTextLines, type TextLine } from './textLines.ts';

type Content = 'user-meta' | 'time-flag' | 'label' | 'picture-urls';

/** As the files of the download are called. */
const USUAL_NAMES: Readonly<Record<Content, string>> = { 'user-meta': 'USER_META.txt', 'time-flag': 'TIME_FLAG.txt', label: 'LABEL.txt', 'picture-urls': 'PHOTO_URL.txt' };
const CONTENTS = Object.keys(USUAL_NAMES) as Content[];
const KEY = /^\d+ \S*@\S+$/; // pid uid

const FORMATS: Readonly<Record<Content, ColumnFormat<TextLine>>> = {
  // pid uid commentcount haspeople titlelen deslen tagcount avgview groupcount avgmembercount
  'user-meta': format(10, (fields, raw) => {
    const titleLength = fields[4]!, tagCount = fields[6]!;
    if (parseNumber(titleLength) === null || parseNumber(tagCount) === null) return { reason: 'length is no number', detail: shown(fields.join(' ')) };
    raw.extra = { ...raw.extra, 'title length': titleLength, 'number of tags': tagCount };
    return null;
  }),
  // pid uid year month day hour_index
  'time-flag': format(6, (fields, raw) => {
    const [year, month, day, hour] = fields.slice(2).map(Number) as [number, number, number, number];
    const midnight = new Date(Date.UTC(year, month - 1, day));
    const isDay = Number.isInteger(year) && year >= 1970 && year < 2100 && midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
    if (!isDay || !Number.isInteger(hour) || hour < 0 || hour > 24) return { reason: 'date is none', detail: shown(fields.slice(2).join(' ')) };
    raw.postedAt = midnight.getTime() / 1000 + hour * 3600;
    raw.extra = { ...raw.extra, 'release date': `${year}-${month}-${day}` };
    return null;
  }),
  // pid uid logview
  label: format(3, (fields, raw) => {
    const number = parseNumber(fields[2]!);
    if (number === null) return { reason: 'label is no number', detail: shown(fields[2]!) };
    raw.label = scoreOf(number, 'as-is');
    if (raw.label === null) return { reason: 'label outside 0 … 31.99', detail: shown(fields[2]!) };
    raw.extra = { ...raw.extra, 'score as printed': fields[2]! };
    return null;
  }),
  // pid uid url
  'picture-urls': format(3, (fields, raw) => {
    raw.pictureUrl = /^https?:\/\//i.test(fields[2]!) ? fields[2]! : '';
    return null;
  }),
};

function format(width: number, fill: (fields: readonly string[], raw: RawPost) => RowFault | null): ColumnFormat<TextLine> {
  return {
    open: (chunks, file) => withoutBlankEnd(readTextLines(chunks, file)),
    rowName: 'line', hasKeys: true,
    isBlank: (line) => line.text.trim() === '',
    fill({ text, validUtf8 }, raw) {
      const fields = text.trim().split(/\s+/);
      [raw.uid, raw.pid] = [fields[1] ?? '', fields[0]!];
      if (!validUtf8) return { reason: 'bad encoding', detail: 'the line is not UTF-8' };
      return fields.length === width ? fill(fields, raw) : { reason: 'wrong number of columns', detail: `${fields.length} instead of ${width}` };
    },
  };
}

/**
 * Detects TPIC2017 in a folder.
 * @returns null when none of its files is USER_META or TIME_FLAG.
 * @throws {UserError} when one of these two is missing, or there are two of a kind.
 */
export function detectTpic(root: string): PostSource | null {
  const files = new Map<Content, SourceFile>();
  for (const { path, isFile } of listDataFiles(root, /\.txt$/i, /^$/)) {
    const content = isFile ? contentOf(join(root, path)) : null;
    if (content === null) continue;
    const other = files.get(content);
    if (other !== undefined) throw new UserError('tpic-ambiguous', `Both ${other.path} and ${path} look like ${USUAL_NAMES[content]} of TPIC2017.`, 'Move one of them out of the folder.');
    files.set(content, describeFile(root, path, `all/${content}`, true));
  }
  if (!files.has('user-meta') && !files.has('time-flag')) return null;
  for (const content of CONTENTS) {
    const name = USUAL_NAMES[content];
    if (!files.has(content) && existsSync(join(root, name))) throw new UserError('tpic-file', `${join(root, name)} does not hold what ${name} of TPIC2017 does.`, 'Fetch the file again.');
    if (!files.has(content) && (content === 'user-meta' || content === 'time-flag')) throw new UserError('tpic-incomplete', `${root} looks like TPIC2017, but ${name} is missing.`, 'Put the missing file of the download into the folder.');
  }
  const ordered = CONTENTS.flatMap((content) => (files.has(content) ? [files.get(content)!] : []));
  const rows = approximateLines(headOf(join(root, ordered[0]!.path)), ordered[0]!.size);
  return {
    kind: 'tpic-2017', root, suggestedName: basename(root), template: 'tpic2017', files: ordered, hasPictures: false, approximateRows: rows, mapping: null,
    findings: describeFindings(root, files, rows),
    async *read(onHash) {
      const columns: AlignedColumn[] = CONTENTS.flatMap((content) => (files.has(content) ? [openColumn(root, [files.get(content)!], FORMATS[content], onHash)] : []));
      yield* joinColumns(columns, { family: 'tpic', pictures: null, picturePrefix: '', keyCheck: null });
    },
  };
}

function contentOf(path: string): Content | null {
  const head = headText(headOf(path));
  const lines = head.split(/\r?\n/).slice(0, 20);
  if (lines.length === 20 || head.length > 4096) lines.pop(); // may be cut by the head's end
  const rows = lines.filter((line) => line.trim() !== '').map((line) => line.trim().split(/\s+/));
  // One bad line among the first says nothing about the file.
  const most = (test: (fields: readonly string[]) => boolean): boolean => rows.length > 0 && rows.filter((fields) => KEY.test(fields.slice(0, 2).join(' ')) && test(fields)).length * 2 > rows.length;
  if (most((fields) => fields.length === 10)) return 'user-meta';
  if (most((fields) => fields.length === 6 && /^\d{4}$/.test(fields[2]!))) return 'time-flag';
  if (most((fields) => fields.length === 3 && parseNumber(fields[2]!) !== null)) return 'label';
  return most((fields) => fields.length === 3 && /^https?:\/\//i.test(fields[2]!)) ? 'picture-urls' : null;
}

function describeFindings(root: string, files: ReadonlyMap<Content, SourceFile>, rows: number): string[] {
  const findings = [
    `${root} holds TPIC2017: about ${rows.toLocaleString('en')} posts.`,
    'Of titles and tags there are only lengths and counts; comments and views, known only after posting, are not read.',
  ];
  if (!files.has('label')) findings.push(`There is no ${USUAL_NAMES.label}: the posts can be predicted, not evaluated.`);
  findings.push(PICTURES_ELSEWHERE[files.has('picture-urls') ? 'addresses' : 'none']);
  return findings;
}

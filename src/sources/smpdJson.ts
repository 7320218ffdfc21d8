// SMPD's files as JSON lists (2019, 2020, 2022): what each kind of record says of a post; labels and lists of pictures are lines.
import type { ColumnFormat, RawPost, RowFault } from './alignedColumn.ts';
import { parseDegrees, parseNumber, parseTime, scoreOf } from './fieldValues.ts';
import { readJsonRecords, type JsonRecord } from './jsonRecords.ts';
import { shown } from './postSource.ts';
import { readTextLines, type TextLine } from './textLines.ts';

type Values = JsonRecord['value'];

/** Formats of the files that hold a list of records with Uid and Pid. */
export const RECORD_FORMATS = {
  text: recordFormat((values, raw) => {
    raw.title = values['Title'];
    raw.tags = values['Alltags'];
    return null;
  }),
  category: recordFormat((values, raw) => {
    raw.category = values['Category'];
    raw.subcategory = values['Subcategory'];
    raw.concept = values['Concept'];
    return null;
  }),
  temporalspatial: recordFormat((values, raw) => {
    setPlace(raw, values['Latitude'], values['Longitude']);
    return setTime(raw, values['Postdate']);
  }),
  additional: recordFormat(() => null),
} as const;

/** Formats of the files that are one line a post. */
export const LINE_FORMATS = {
  label: lineFormat((line, raw) => setLabel(raw, line)),
  'picture-paths': lineFormat((line, raw) => {
    raw.picturePath = line;
    return null;
  }),
  'picture-urls': lineFormat((line, raw) => {
    raw.pictureUrl = /^https?:\/\/\S+$/i.test(line) ? line : ''; // 'None' and blanks where a picture is gone
    return null;
  }),
} as const;

function recordFormat(fill: (values: Values, raw: RawPost) => RowFault | null): ColumnFormat<JsonRecord> {
  return {
    open: readJsonRecords, rowName: 'record', hasKeys: true,
    isBlank: () => false,
    fill({ value, validUtf8 }, raw) {
      raw.uid = keyOf(value['Uid']);
      raw.pid = keyOf(value['Pid']);
      const fault = fill(value, raw);
      return validUtf8 ? fault : { reason: 'bad encoding', detail: 'the record is not UTF-8' };
    },
  };
}

function lineFormat(fill: (line: string, raw: RawPost) => RowFault | null): ColumnFormat<TextLine> {
  return {
    open: readTextLines, rowName: 'line', hasKeys: false,
    isBlank: (line) => line.text.trim() === '',
    fill: (line, raw) => (line.validUtf8 ? fill(line.text.trim(), raw) : { reason: 'bad encoding', detail: 'the line is not UTF-8' }),
  };
}

/** A key as text: Pid may be a number. */
function keyOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** @param value unix seconds, a number or its text */
export function setTime(raw: RawPost, value: unknown): RowFault | null {
  raw.postedAt = parseTime(value, 'unix-seconds');
  return raw.postedAt === null ? { reason: 'date is none', detail: shown(value ?? '') } : null;
}

/** Without both, or with "0" for both, the place is not known. */
export function setPlace(raw: RawPost, latitudeValue: unknown, longitudeValue: unknown): void {
  const latitude = parseDegrees(latitudeValue, 90), longitude = parseDegrees(longitudeValue, 180);
  if (latitude === null || longitude === null || (latitude === 0 && longitude === 0)) return;
  raw.latitude = latitude;
  raw.longitude = longitude;
}

/** @param text a score; '' is a post to be predicted */
export function setLabel(raw: RawPost, text: string): RowFault | null {
  if (text === '') return null;
  const number = parseNumber(text);
  if (number === null) return { reason: 'label is no number', detail: shown(text) };
  raw.label = scoreOf(number, 'as-is');
  return raw.label === null ? { reason: 'label outside 0 … 31.99', detail: shown(text) } : null;
}

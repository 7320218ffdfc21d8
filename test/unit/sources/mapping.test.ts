import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Mapping } from '../../../src/protocol/stages.ts';
import { checkMapping, guessMapping, isOutcomeName } from '../../../src/sources/mapping.ts';

const guess = (header: readonly string[], rows: readonly Record<string, unknown>[], mostRows = Infinity): Promise<Mapping> =>
  guessMapping({ file: 'x.csv', format: { format: 'csv', delimiter: ',' }, header, rows: (async function* () { for (let next = 0; next < rows.length; next += 1000) yield await Promise.resolve(rows.slice(next, next + 1000)); })(), mostRows });

const refusedWith = (code: string) => (error: Error & { code?: string }): boolean => error.code === code;

describe('guessMapping', () => {
  it('maps a table like that of Hacker News', async () => {
    const header = ['id', 'title', 'kind', 'author', 'created_at', 'url', 'points', 'comments'];
    const mapping = await guess(header, [{ id: '16043981', title: 'Terminal', kind: 'story', author: 'ub87', created_at: '2018-01-01 00:59:56', url: 'http://x', points: '97', comments: '73' }]);
    assert.deepEqual(mapping.columns, {
      pid: 'id', uid: 'author', time: 'created_at', popularity: 'points', title: 'title', tags: null, category: null, subcategory: null, concept: null, image: null, latitude: null, longitude: null,
    });
    assert.equal(mapping.timeFormat, 'iso');
    assert.equal(mapping.popularityScale, 'log2-count-plus-1');
    assert.deepEqual(mapping.outcome, ['comments']);
    assert.deepEqual(mapping.extra, []);
  });

  it('takes fractions as scores, and whole numbers as counts once one is beyond 31.99, however late', async () => {
    const header = ['pid', 'uid', 'date', 'popularity'];
    const row = (popularity: string): Record<string, string> => ({ pid: '1', uid: '2', date: '2020-01-01', popularity });
    assert.equal((await guess(header, [row('5'), row('7.25'), row('90')])).popularityScale, 'as-is');
    assert.equal((await guess(header, Array.from({ length: 5000 }, () => row('5')).concat(row('32')))).popularityScale, 'log2-count-plus-1');
    assert.equal((await guess(header, [row('5'), row('31')])).popularityScale, 'as-is');
    assert.equal((await guess(header, Array.from({ length: 5000 }, () => row('5')).concat(row('32')), 2000)).popularityScale, 'as-is', 'a quick look ends before the 32');
  });

  it('tells the formats of times', async () => {
    const header = ['pid', 'uid', 'timestamp', 'label'];
    const format = async (timestamp: unknown): Promise<string> => (await guess(header, [{ pid: '1', uid: '2', timestamp, label: '1.5' }])).timeFormat;
    assert.equal(await format('1446016778'), 'unix-seconds');
    assert.equal(await format(1446016778000), 'unix-milliseconds');
    assert.equal(await format('2018-01-01'), 'day');
    assert.equal(await format('2018-01-01T10:00:00Z'), 'iso');
  });

  it('knows names in other spellings', async () => {
    const { columns } = await guess(['Post ID', 'userName', 'createdAt', 'Like_Count', 'Hashtags', 'imagePath'], []);
    assert.deepEqual([columns.pid, columns.uid, columns.time, columns.popularity, columns.tags, columns.image], ['Post ID', 'userName', 'createdAt', 'Like_Count', 'Hashtags', 'imagePath']);
  });

  it('refuses a table without the columns it needs, naming those it has', async () => {
    await assert.rejects(guess(['16043981', 'Terminal', 'story'], []), (error: Error) => refusedWith('table-columns')(error) && error.message.includes('“Terminal”'));
  });
});

describe('outcome columns', () => {
  it('are told by their names', () => {
    for (const name of ['comments', 'numComments', 'like_count', 'Views', 'shares', 'favourites', 'retweet', 'rank', 'score', 'upvotes', 'view-count', 'points']) assert.ok(isOutcomeName(name), name);
    for (const name of ['title', 'kind', 'url', 'interview', 'frankness', 'language', 'sharepoint', 'scoreboarding', 'likelihood']) assert.ok(!isOutcomeName(name), name);
  });

  it('never come into a prompt unless they are allowed by name', async () => {
    const header = ['id', 'user', 'date', 'points', 'comments', 'kind'];
    const mapping = await guess(header, []);
    checkMapping({ ...mapping, extra: ['kind'] }, header, 'x.csv');
    assert.throws(() => checkMapping({ ...mapping, extra: ['comments'] }, header, 'x.csv'), refusedWith('mapping-outcome'));
    assert.throws(() => checkMapping({ ...mapping, outcome: [], extra: ['comments'] }, header, 'x.csv'), refusedWith('mapping-outcome'));
    assert.throws(() => checkMapping({ ...mapping, outcome: ['kind'], extra: ['kind'] }, header, 'x.csv'), refusedWith('mapping-outcome'));
    assert.throws(() => checkMapping({ ...mapping, columns: { ...mapping.columns, title: 'comments' } }, header, 'x.csv'), refusedWith('mapping-outcome'));
    checkMapping({ ...mapping, extra: ['comments'], allowOutcome: ['comments'] }, header, 'x.csv');
  });

  it('cannot smuggle the popularity itself into a prompt', async () => {
    const header = ['id', 'user', 'date', 'points'];
    const mapping = await guess(header, []);
    assert.throws(() => checkMapping({ ...mapping, extra: ['points'], allowOutcome: ['points'] }, header, 'x.csv'), refusedWith('mapping-columns'));
  });
});

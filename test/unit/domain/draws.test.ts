// Users into sets, posts into windows, and the range of answers (method.md, section 2), each against numbers worked by hand.
import assert from 'node:assert/strict';
import { answerRange, drawSets, isAlbum, poolWindows, setSizes, testWindow, trainingWindow } from '../../../src/domain/draws.ts';
import { UserError } from '../../../src/domain/errors.ts';

const sizes = (validation: number, fewShot: number, alignment: number, extra1: number, extra2: number) =>
  ({ validation, 'few-shot': fewShot, alignment, 'extra-1': extra1, 'extra-2': extra2 });

describe('sizes of the sets', () => {
  const cases: [eligible: number, expected: ReturnType<typeof sizes>][] = [
    [60, sizes(20, 20, 20, 0, 0)], // R = 40
    [61, sizes(20, 20, 20, 0, 0)], // R = 41, one user left for the pool
    [200, sizes(20, 90, 90, 0, 0)],
    [499, sizes(49, 200, 200, 50, 0)], // R = 450: 50 left
    [498, sizes(49, 200, 200, 0, 0)], // R = 449: 49 left
    [554, sizes(55, 200, 200, 99, 0)], // R = 499: halves of 49 are too small, one set of 99
    [556, sizes(55, 200, 200, 50, 50)], // R = 501
    [888, sizes(88, 200, 200, 200, 200)], // R = 800
    [887, sizes(88, 200, 200, 199, 199)], // R = 799
    [1400, sizes(140, 200, 200, 200, 200)],
    [31413, sizes(400, 200, 200, 200, 200)],
  ];
  for (const [eligible, expected] of cases) {
    it(`${eligible} eligible users`, () => assert.deepEqual(setSizes(eligible), expected));
  }

  it('refuses fewer than 60 users and says what still works', () => {
    assert.throws(() => setSizes(59), (error) => error instanceof UserError && error.code === 'too-few-users' && /still work/.test(error.nextStep) && /59 users/.test(error.message));
  });
});

describe('the draw', () => {
  const uids = Array.from({ length: 1000 }, (_, i) => `${i}@N${i % 7}`);
  const candidates = [...uids.slice(0, 10), 'b', 'a'];

  it('gives sets of the sizes it names that share nobody, and everybody else to the pool', () => {
    const draw = drawSets({ eligible: uids, poolCandidates: candidates, seed: 1 });
    assert.deepEqual(draw.sizes, { ...sizes(100, 200, 200, 200, 200), pool: 102 });
    const everybody = Object.entries(draw.sets).flatMap(([set, users]) => {
      assert.equal(users.length, draw.sizes[set as keyof typeof draw.sizes]);
      return users;
    });
    assert.deepEqual(everybody.toSorted(), [...uids, 'a', 'b'].toSorted());
    assert.ok(draw.sets.pool.includes('a') && draw.sets.pool.includes('b'));
  });

  it('depends on the seed and not on the order in which users arrive', () => {
    const draw = (seed: number, eligible = uids) => drawSets({ eligible, poolCandidates: candidates, seed }).sets;
    assert.deepEqual(draw(7, uids.toReversed()), draw(7));
    assert.notDeepEqual(draw(8)['few-shot'], draw(7)['few-shot']);
  });

  it('is the shuffle that it names', () => {
    const eligible = Array.from({ length: 60 }, (_, i) => String.fromCodePoint(0x100 + i));
    const { sets } = drawSets({ eligible: eligible.toReversed(), poolCandidates: [], seed: 1 });
    const positions = sets.validation.map((uid) => uid.codePointAt(0)! - 0x100);
    // Worked out in Python with 64-bit arithmetic: xoroshiro128+ (constants 24, 16, 37; low halves of the state -1, ~seed,
    // seed, 0 as pure-rand seeds it), one jump, then j = low 32 bits + 2^31 modulo (last + 1) for last = 59 … 1.
    assert.deepEqual(positions, [6, 35, 59, 22, 10, 1, 8, 5, 42, 41, 49, 48, 26, 50, 45, 12, 44, 13, 58, 9]);
  });

  it('sorts by code point, not by UTF-16 unit', () => {
    const extra = Array.from({ length: 58 }, (_, i) => `u${String(i).padStart(2, '0')}`);
    const first = drawSets({ eligible: [...extra, '\uFFFD', '😀'], poolCandidates: [], seed: 3 }).sets;
    const renamed = drawSets({ eligible: [...extra, 'v', 'w'], poolCandidates: [], seed: 3 }).sets;
    assert.deepEqual(Object.values(first).flat().map((uid) => (uid === '\uFFFD' ? 'v' : uid === '😀' ? 'w' : uid)), Object.values(renamed).flat());
  });

  it('takes no seed that it could not repeat', () => {
    for (const seed of [-1, 0.5, 2 ** 31, NaN]) assert.throws(() => drawSets({ eligible: uids, poolCandidates: [], seed }), /A seed is an integer/);
  });
});

describe('the range of answers', () => {
  it('is SMPD\'s own there', () => assert.deepEqual(answerRange('smpd', [640]), { min: 100, max: 1656 }));
  it('goes one step beyond the labels elsewhere', () => assert.deepEqual(answerRange('other', [512, 250, 2010]), { min: 150, max: 2110 }));
  it('stays within 0 and 31.99', () => assert.deepEqual(answerRange('other', [40, 3150]), { min: 0, max: 3199 }));
  it('refuses negative and too large scores, and none at all', () => {
    for (const [labels, code] of [[[-1, 5], 'score-out-of-range'], [[3200], 'score-out-of-range'], [[], 'no-labels']] as const) {
      assert.throws(() => answerRange('other', labels), (error) => error instanceof UserError && error.code === code);
    }
  });
});

describe('windows', () => {
  const posts = ['p1', 'p2', 'p3', 'p4', 'p5'];

  it('train on p1 … pk, asked about p(k+1)', () => {
    assert.deepEqual(trainingWindow(posts, 1), { history: ['p1'], question: 'p2' });
    assert.deepEqual(trainingWindow(posts, 2), { history: ['p1', 'p2'], question: 'p3' });
    assert.deepEqual(trainingWindow(posts, 3), { history: ['p1', 'p2', 'p3'], question: 'p4' });
  });

  it('test on p1 … p(k+1), asked about p5', () => {
    assert.deepEqual(testWindow(posts, 1), { history: ['p1', 'p2'], question: 'p5' });
    assert.deepEqual(testWindow(posts, 2), { history: ['p1', 'p2', 'p3'], question: 'p5' });
    assert.deepEqual(testWindow(posts, 3), { history: ['p1', 'p2', 'p3', 'p4'], question: 'p5' });
  });

  it('need exactly five posts', () => {
    assert.throws(() => trainingWindow(posts.slice(1), 1), /5 newest posts, not 4/);
    assert.throws(() => testWindow([...posts, 'p6'], 1), /5 newest posts, not 6/);
  });

  it('cover a pool user with every history of 1 to 4 consecutive posts', () => {
    const asText = (all: string[]) => poolWindows(all).map(({ history, question }) => `${history.join(' ')} > ${question}`);
    assert.deepEqual(asText(['a', 'b']), ['a > b']);
    assert.deepEqual(asText(['a', 'b', 'c', 'd', 'e', 'f']), [
      'a > b', 'b > c', 'a b > c', 'c > d', 'b c > d', 'a b c > d',
      'd > e', 'c d > e', 'b c d > e', 'a b c d > e', 'e > f', 'd e > f', 'c d e > f', 'b c d e > f',
    ]);
    assert.deepEqual(asText(['a']), []);
  });
});

describe('albums', () => {
  const album = (question: { postedAt: number; title: string }, ...history: { postedAt: number; title: string }[]) => isAlbum({ history, question });
  const DAY = 86_400;

  it('are questions within an hour of a history post', () => {
    assert.equal(album({ postedAt: DAY + 3600, title: 'a' }, { postedAt: 0, title: 'b' }, { postedAt: DAY, title: 'c' }), true);
    assert.equal(album({ postedAt: DAY + 3601, title: 'a' }, { postedAt: 0, title: 'b' }, { postedAt: DAY, title: 'c' }), false);
  });

  it('or titled as one, but for case, width and blanks', () => {
    assert.equal(album({ postedAt: DAY, title: ' Sunset  Beach' }, { postedAt: 0, title: 'ｓunset beach' }), true);
    assert.equal(album({ postedAt: DAY, title: '' }, { postedAt: 0, title: ' ' }), false);
  });
});

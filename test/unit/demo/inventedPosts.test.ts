// The invented posts are as docs/demo-data.md says they are.
import assert from 'node:assert/strict';
import { countInventedPosts, DOCUMENTED_SPREADS, FAULTS, inventPosts, MEAN_SCORE, type InventedPost, type InventionOptions, type Spreads } from '../../../src/domain/inventedPosts.ts';
import { INVENTED_CATEGORIES } from '../../../src/domain/inventedWords.ts';
import { describePicture, SCENES, SUBJECTS } from '../../../src/domain/pictures/pictureSubjects.ts';

const OPTIONS: InventionOptions = { users: 1000, seed: 7, spreads: DOCUMENTED_SPREADS, smallUsers: 0, faults: 0, pictures: true };
const invent = (changes: Partial<InventionOptions> = {}): InventedPost[] => [...inventPosts({ ...OPTIONS, ...changes })].flat();
const PARTS = Object.keys(DOCUMENTED_SPREADS) as (keyof Spreads)[];

function groups(posts: readonly InventedPost[], keyOf: (post: InventedPost) => string): InventedPost[][] {
  const found = new Map<string, InventedPost[]>();
  for (const post of posts) found.set(keyOf(post), [...(found.get(keyOf(post)) ?? []), post]);
  return [...found.values()];
}
const byUser = (posts: readonly InventedPost[]): InventedPost[][] => groups(posts, ({ post }) => post.uid);

/** Mean of `value` over posts, with a standard error that counts users, not posts: a user's posts resemble each other. */
function clusteredMean(posts: readonly InventedPost[], value: (post: InventedPost) => number): { mean: number; standardError: number } {
  const mean = posts.reduce((sum, post) => sum + value(post), 0) / posts.length;
  const users = byUser(posts);
  const squares = users.reduce((sum, ofUser) => sum + ofUser.reduce((part, post) => part + value(post) - mean, 0) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares) / posts.length };
}

describe('invented posts', () => {
  const posts = invent();

  it('are the same for the same seed, and others for another', () => {
    assert.deepEqual(invent({ users: 100 }), invent({ users: 100 }));
    assert.notDeepEqual(invent({ users: 100 }), invent({ users: 100, seed: 8 }));
  });

  it('come in ascending order of their pid, once each, users mixed', () => {
    const pids = posts.map(({ post }) => Number(post.pid));
    assert.ok(pids.every((pid, index) => index === 0 || pid > pids[index - 1]!));
    const neighbours = posts.filter(({ post }, index) => index > 0 && post.uid === posts[index - 1]!.post.uid).length;
    assert.ok(neighbours < posts.length * 0.1, `${neighbours} posts follow one of the same user`);
    assert.equal(countInventedPosts(OPTIONS), posts.length);
  });

  it('are 5 to 13 for each user, 9 on average', () => {
    const counts = byUser(posts).map((ofUser) => ofUser.length);
    assert.equal(counts.length, 1000);
    assert.equal(Math.min(...counts), 5);
    assert.equal(Math.max(...counts), 13);
    // Uniform on nine values: standard deviation √(80/12) = 2.58; four standard errors of 1,000 users are 0.33.
    assert.ok(Math.abs(posts.length / 1000 - 9) < 0.33, `${posts.length / 1000}`);
  });

  it('leave a share of the users with 2 to 4 posts when asked', () => {
    const counts = byUser(invent({ smallUsers: 0.5 })).map((ofUser) => ofUser.length);
    const small = counts.filter((count) => count < 5).length;
    assert.ok(counts.every((count) => count >= 2));
    assert.ok(Math.abs(small - 500) < 4 * Math.sqrt(250), `${small}`); // four standard deviations of a binomial
  });

  for (const part of PARTS) {
    it(`have the documented variance of the ${part}'s part, within four standard errors`, () => {
      const { mean, standardError } = clusteredMean(posts, ({ parts }) => parts[part] ** 2);
      const documented = DOCUMENTED_SPREADS[part] ** 2;
      assert.ok(Math.abs(mean - documented) < 4 * standardError, `${mean} against ${documented} ± ${4 * standardError}`);
      assert.ok(standardError < 0.06 * documented, `the bound says something: ${standardError}`);
    });
  }

  it('have the documented variance of the whole score, within four standard errors', () => {
    const { mean, standardError } = clusteredMean(posts, ({ post }) => (post.label! / 100 - MEAN_SCORE) ** 2);
    const documented = PARTS.reduce((sum, part) => sum + DOCUMENTED_SPREADS[part] ** 2, 0);
    assert.ok(Math.abs(mean - documented) < 4 * standardError, `${mean} against ${documented} ± ${4 * standardError}`);
  });

  it('have worths whose spread over the levels is exact, whatever the seed', () => {
    for (const sample of [posts, invent({ seed: 1, users: 300 })]) {
      const worths = new Map(sample.map(({ post, parts }) => [post.category, parts.category]));
      assert.equal(worths.size, INVENTED_CATEGORIES.length);
      const values = [...worths.values()];
      assert.ok(Math.abs(values.reduce((sum, value) => sum + value, 0)) < 1e-9);
      assert.ok(Math.abs(values.reduce((sum, value) => sum + value * value, 0) / values.length - 1) < 1e-9);
    }
  });

  it('have the sum of the parts as their score, in hundredths, on the scale', () => {
    for (const { post, parts } of posts) {
      const sum = MEAN_SCORE + PARTS.reduce((total, part) => total + parts[part], 0);
      assert.ok(Math.abs(post.label! - 100 * Math.min(16.56, Math.max(1, sum))) <= 0.5 + 1e-9);
      assert.ok(Number.isInteger(post.label) && post.label! >= 100 && post.label! <= 1656);
    }
  });

  it('show nothing of the score: other spreads leave all but the label as it was', () => {
    const visible = (sample: InventedPost[]): unknown[] => sample.map(({ post: { label: _label, ...post }, user, caption, picture, pictureSeed }) => ({ post, user, caption, picture, pictureSeed }));
    const flat = invent({ spreads: { user: 0, category: 0, subcategory: 0, picture: 0, hour: 0, noise: 0 } });
    assert.deepEqual(visible(flat), visible(posts));
    assert.ok(flat.every(({ post }) => post.label === 640));
  });

  it('have no title that could be read as a score', () => {
    assert.deepEqual(posts.map(({ post }) => post.title).filter((title) => /\d+[.,]\d/.test(title)), []);
    assert.ok(posts.some(({ post }) => post.title === ''));
  });

  it('have captions that name what is drawn', () => {
    for (const { caption, picture } of posts) {
      const subject = SUBJECTS[picture.subject];
      assert.ok(caption.includes(picture.colour) && caption.includes(SCENES[picture.scene].phrase), caption);
      for (const word of subject.phrase.split('*')) assert.ok(caption.includes(word.replace(/^a $/, '').trim()), caption);
      assert.equal(caption.includes('night'), picture.light === 'night');
      assert.ok((subject.scenes as readonly string[]).includes(picture.scene));
    }
    assert.equal(describePicture({ subject: 'snowman', colour: 'orange', scene: 'snow', light: 'sunset' }), 'a snowman with an orange scarf in a snowy field at sunset');
  });

  it('have at most 75 tags, each once, without blanks or capitals', () => {
    for (const { post } of posts) {
      const tags = post.tags.split(' ');
      assert.ok(tags.length <= 75 && new Set(tags).size === tags.length && tags.every((tag) => /^[a-z0-9]+$/.test(tag)), post.tags);
    }
  });

  it('keep a user to favourite categories four times out of five', () => {
    // A user's three favourites hold 0.8 + 0.2 · 3/11 = 85 % of the posts; the three most frequent at least that.
    const inTopThree = byUser(posts).map((ofUser) => {
      const counts = groups(ofUser, ({ post }) => post.category).map((group) => group.length).sort((a, b) => b - a);
      return counts.slice(0, 3).reduce((sum, count) => sum + count, 0);
    });
    assert.ok(inTopThree.reduce((sum, count) => sum + count, 0) / posts.length > 0.8);
  });

  it('keep to the years of SMPD, one a day but for albums', () => {
    for (const ofUser of byUser(posts)) {
      const times = ofUser.map(({ post }) => post).sort((a, b) => a.postedAt - b.postedAt);
      assert.ok(times[0]!.postedAt >= Date.UTC(2015, 2, 1) / 1000 && times.at(-1)!.postedAt < Date.UTC(2016, 4, 1) / 1000);
      times.slice(1).forEach((post, index) => {
        const before = times[index]!;
        assert.ok(post.postedAt > before.postedAt);
        const sameDay = Math.floor(post.postedAt / 86_400) === Math.floor(before.postedAt / 86_400);
        if (sameDay) assert.ok(post.title === before.title && post.postedAt - before.postedAt <= 40 * 60);
      });
    }
  });

  it('are broken in the asked share, each fault in turn', () => {
    const broken = invent({ faults: 0.02 }).filter(({ fault }) => fault !== null);
    assert.equal(broken.length, Math.floor(posts.length * 0.02));
    assert.deepEqual(broken.slice(0, 5).map(({ fault }) => fault), [...FAULTS, FAULTS[0]]);
    assert.ok(broken.every(({ fault, post }) => (post.label === null) === (fault === 'label-missing')));
    assert.ok(posts.every(({ fault, post }) => fault === null && post.label !== null));
  });
});

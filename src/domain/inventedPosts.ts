// Invents users and their posts for the demo and for tests. docs/demo-data.md defines the scores and was written first;
// this file follows it. Pure: the same options give the same posts, on every machine.
import { CAMERA_NAMES, COMMON_TAGS, INVENTED_CATEGORIES, PLACES, SUBJECT_TITLES, TITLE_WORDS, type InventedCategory } from './inventedWords.ts';
import { describePicture, LIGHTS, SCENES, SUBJECTS, type Picture, type SubjectName } from './pictures/pictureSubjects.ts';
import { SMPD_RANGE } from './draws.ts';
import type { Hundredths, Post } from './posts.ts';
import { RandomStream } from './randomStream.ts';

/** Written beside the data: another version may draw other posts from the same seed. */
export const INVENTION_VERSION = 1;

/** Standard deviations of the parts of a score (docs/demo-data.md). */
export interface Spreads {
  readonly user: number;
  readonly category: number;
  readonly subcategory: number;
  readonly picture: number;
  readonly hour: number;
  readonly noise: number;
}
export const DOCUMENTED_SPREADS: Spreads = { user: 1.2, category: 1, subcategory: 0.3, picture: 0.6, hour: 0.3, noise: 0.7 };
export const MEAN_SCORE = 6.4;

export interface InventionOptions {
  readonly users: number;
  readonly posts?: number | null; // exactly so many, of as many users as that takes; else all posts of `users`
  readonly seed: number; // integer, 0 … 2³¹ − 1
  readonly spreads: Spreads;
  readonly smallUsers: number; // share of users with 2 to 4 posts
  readonly faults: number; // share of posts that are broken, see FAULTS
  readonly pictures: boolean; // without, a post has no image path
}

/** In turn: the picture's file is missing, is empty, is cut off; the label is missing. */
export const FAULTS = ['picture-missing', 'picture-empty', 'picture-cut', 'label-missing'] as const;
export type Fault = (typeof FAULTS)[number];

export interface InventedUser {
  readonly uid: string;
  readonly firstDate: number; // unix seconds of the account's first photo
  readonly photoCount: number;
  readonly isPro: boolean;
  readonly place: (typeof PLACES)[number];
  readonly description: string;
}

export interface InventedPost {
  readonly post: Post;
  readonly user: InventedUser;
  readonly picture: Picture;
  readonly pictureSeed: number; // where in the frame things are
  readonly caption: string;
  readonly fault: Fault | null;
  readonly parts: Readonly<Record<keyof Spreads, number>>; // of the score before rounding, for tests
}

const POSTS_PER_USER = { from: 5, to: 13 };
const POSTS_PER_SMALL_USER = { from: 2, to: 4 };
const USERS_MIXED = 64; // users whose posts are mixed in the order of pids
const FAVOURITE_CATEGORIES = 3;
const FAVOURITE_CATEGORY_CHANCE = 0.8;
const FAVOURITE_HOUR_CHANCE = 0.7;
const ALBUM_CHANCE = 0.06;
const FIRST_POST = Date.UTC(2015, 2, 1) / 1000;
const LAST_FIRST_POST = Date.UTC(2016, 1, 1) / 1000; // leaves two months for a user's posts
const DAY = 86_400;
const HOURS = 24;

/** One stream of random numbers for each purpose: scores are drawn apart from everything that can be seen. */
const STREAM = { worths: 1, user: 2, score: 3, mixing: 4, pictures: 5 } as const;

/** The posts in ascending order of their pid, a block of users at a time, so that any number can be written without holding them. */
export function* inventPosts(options: InventionOptions): Generator<readonly InventedPost[], void, void> {
  const worths = drawWorths(options.seed, options.spreads);
  const uids = new Set<string>();
  let pid = 1000;
  let posts = 0;
  const users = options.posts == null ? options.users : Infinity;
  const wanted = options.posts ?? Infinity;
  for (let first = 0; first < users && posts < wanted; first += USERS_MIXED) {
    const drafts: Draft[] = [];
    for (let index = first; index < Math.min(first + USERS_MIXED, users) && posts + drafts.length < wanted; index++) drafts.push(...draftUser(options, index, uids, worths));
    const mixing = new RandomStream(options.seed, STREAM.mixing, first);
    const block = mixing.shuffled(drafts.slice(0, wanted - posts)).map((draft) => {
      pid += mixing.integer(1, 29);
      return finishPost(draft, pid, faultOf(posts++, options.faults), options.pictures);
    });
    yield block;
  }
}

/** How many posts `inventPosts` will yield, without making them (for progress). */
export function countInventedPosts(options: InventionOptions): number {
  if (options.posts != null) return options.posts;
  let count = 0;
  for (let index = 0; index < options.users; index++) count += postCount(new RandomStream(options.seed, STREAM.user, index), options);
  return count;
}

/** Every 1/share-th post is broken, the kinds in turn. */
function faultOf(index: number, share: number): Fault | null {
  const broken = Math.floor((index + 1) * share);
  return broken > Math.floor(index * share) ? FAULTS[(broken - 1) % FAULTS.length]! : null;
}

interface Worths {
  readonly category: ReadonlyMap<string, number>;
  readonly subcategory: ReadonlyMap<string, number>; // key: category, slash, subcategory
  readonly picture: ReadonlyMap<SubjectName, number>;
  readonly hour: readonly number[];
}

function drawWorths(seed: number, spreads: Spreads): Worths {
  const random = new RandomStream(seed, STREAM.worths);
  const categories = standardized(random, INVENTED_CATEGORIES.length, spreads.category);
  const subcategory = new Map<string, number>();
  const picture = new Map<SubjectName, number>();
  for (const category of INVENTED_CATEGORIES) {
    const ofSubcategories = standardized(random, category.subcategories.length, spreads.subcategory);
    category.subcategories.forEach((name, index) => subcategory.set(`${category.name}/${name}`, ofSubcategories[index]!));
    const ofSubjects = standardized(random, category.subjects.length, spreads.picture);
    category.subjects.forEach((name, index) => picture.set(name, ofSubjects[index]!));
  }
  return {
    category: new Map(INVENTED_CATEGORIES.map((category, index) => [category.name, categories[index]!])),
    subcategory,
    picture,
    hour: standardized(random, HOURS, spreads.hour),
  };
}

/** Normal draws, centred and scaled so that mean and standard deviation over the levels are exactly 0 and `spread`. */
function standardized(random: RandomStream, levels: number, spread: number): number[] {
  const draws = Array.from({ length: levels }, () => random.normal(1));
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / levels;
  const deviation = Math.sqrt(draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / levels);
  return draws.map((draw) => ((draw - mean) / deviation) * spread);
}

/** A post before it has its place among the others. */
type Draft = Omit<InventedPost, 'post' | 'fault'> & { readonly post: Omit<Post, 'pid' | 'imagePath' | 'imageUrl'> };

/** What a post of an album takes over from the one before. */
interface AlbumStart {
  readonly category: InventedCategory;
  readonly subcategory: string;
  readonly title: string;
  readonly postedAt: number;
}

interface Habits {
  readonly categories: readonly InventedCategory[];
  readonly hour: number;
  readonly words: readonly string[];
  readonly cameraNames: boolean; // titles are a camera's file names
  readonly camera: string;
  readonly tags: readonly string[];
  readonly located: boolean;
}

function postCount(random: RandomStream, options: InventionOptions): number {
  const { from, to } = random.chance(options.smallUsers) ? POSTS_PER_SMALL_USER : POSTS_PER_USER;
  return random.integer(from, to);
}

function draftUser(options: InventionOptions, index: number, uids: Set<string>, worths: Worths): Draft[] {
  const random = new RandomStream(options.seed, STREAM.user, index);
  const pictures = new RandomStream(options.seed, STREAM.pictures, index);
  const scores = new RandomStream(options.seed, STREAM.score, index);
  const count = postCount(random, options);
  const user = inventUser(random, uids);
  const habits = inventHabits(random);
  const level = scores.normal(options.spreads.user);
  const drafts: Draft[] = [];
  let day = Math.floor(random.integer(FIRST_POST, LAST_FIRST_POST) / DAY) * DAY;
  let previous: AlbumStart | null = null;
  for (let number = 0; number < count; number++) {
    const album: AlbumStart | null = previous !== null && random.chance(ALBUM_CHANCE) ? previous : null;
    const category: InventedCategory = album?.category ?? (random.chance(FAVOURITE_CATEGORY_CHANCE) ? random.pick(habits.categories) : random.pick(INVENTED_CATEGORIES));
    const subcategory: string = album?.subcategory ?? random.pick(category.subcategories);
    const hour = random.chance(FAVOURITE_HOUR_CHANCE) ? (habits.hour + random.integer(-2, 2) + HOURS) % HOURS : random.integer(0, HOURS - 1);
    if (album === null) day += DAY * (1 + Math.floor(random.exponential(1.5)));
    const postedAt: number = album ? album.postedAt + random.integer(3 * 60, 40 * 60) : day + hour * 3600 + random.integer(0, 3599);
    const picture = inventPicture(pictures, category);
    const concept = random.pick(category.concepts);
    const title: string = album?.title ?? inventTitle(random, habits, picture.subject);
    const parts = {
      user: level,
      category: worths.category.get(category.name)!,
      subcategory: worths.subcategory.get(`${category.name}/${subcategory}`)!,
      picture: worths.picture.get(picture.subject)!,
      hour: worths.hour[Math.floor(postedAt / 3600) % HOURS]!,
      noise: scores.normal(options.spreads.noise),
    };
    drafts.push({
      user, picture, parts,
      pictureSeed: pictures.integer(0, 2 ** 31 - 1),
      caption: describePicture(picture),
      post: {
        uid: user.uid, postedAt, title, category: category.name, subcategory, concept,
        tags: inventTags(random, habits, [category.name, subcategory, concept, SUBJECTS[picture.subject].name, picture.colour]),
        latitude: habits.located ? nearby(random, user.place.latitude) : null,
        longitude: habits.located ? nearby(random, user.place.longitude) : null,
        extra: {}, label: scoreOf(parts),
      },
    });
    previous = { category, subcategory, title, postedAt };
    day = Math.max(day, Math.floor(postedAt / DAY) * DAY);
  }
  return drafts;
}

function scoreOf(parts: InventedPost['parts']): Hundredths {
  const score = MEAN_SCORE + parts.user + parts.category + parts.subcategory + parts.picture + parts.hour + parts.noise;
  return Math.min(SMPD_RANGE.max, Math.max(SMPD_RANGE.min, Math.round(score * 100)));
}

function finishPost(draft: Draft, number: number, fault: Fault | null, pictures: boolean): InventedPost {
  const pid = String(number);
  const label = fault === 'label-missing' ? null : draft.post.label;
  return { ...draft, fault, post: { ...draft.post, pid, label, imageUrl: '', imagePath: pictures ? `train/${draft.post.uid}/${pid}.png` : '' } };
}

function inventUser(random: RandomStream, uids: Set<string>): InventedUser {
  let uid: string;
  do uid = `${random.integer(1, 99_999)}@N${random.integer(10, 99)}`;
  while (uids.has(uid));
  uids.add(uid);
  const place = random.pick(PLACES);
  return {
    uid,
    firstDate: random.integer(Date.UTC(2006, 0, 1) / 1000, FIRST_POST - 30 * DAY),
    photoCount: 20 + Math.floor(random.exponential(1500)),
    isPro: random.chance(0.3),
    place,
    description: `Photos from ${place.name}, mostly ${random.pick(TITLE_WORDS)} ones.`,
  };
}

function inventHabits(random: RandomStream): Habits {
  return {
    categories: random.sample(INVENTED_CATEGORIES, FAVOURITE_CATEGORIES),
    hour: random.integer(0, HOURS - 1),
    words: random.sample(TITLE_WORDS, 6),
    cameraNames: random.chance(0.1),
    camera: random.pick(CAMERA_NAMES),
    tags: random.sample(COMMON_TAGS, 3),
    located: random.chance(0.5),
  };
}

function inventPicture(random: RandomStream, category: InventedCategory): Picture {
  const subject = random.pick(category.subjects);
  const colour = random.pick(SUBJECTS[subject].colours);
  const scene = random.pick(SUBJECTS[subject].scenes);
  const light = random.pick(LIGHTS);
  return { subject, colour, scene, light: SCENES[scene].lit ? light : 'day' };
}

function inventTitle(random: RandomStream, habits: Habits, subject: SubjectName): string {
  if (random.chance(0.03)) return '';
  if (habits.cameraNames && random.chance(0.8)) return `${habits.camera}${random.integer(1000, 9999)}`;
  if (random.chance(0.4)) return capitalized(random.pick(SUBJECT_TITLES).replace('*', SUBJECTS[subject].name));
  const words = Array.from({ length: random.integer(1, 5) }, () => (random.chance(0.6) ? random.pick(habits.words) : random.pick(TITLE_WORDS)));
  return capitalized(words.filter((word, index) => word !== words[index - 1]).join(' '));
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Flickr's way: lower case, no blanks inside a tag, one blank between tags; a tag once. */
function inventTags(random: RandomStream, habits: Habits, about: readonly string[]): string {
  const tags = [...about, ...habits.tags, ...random.sample(COMMON_TAGS, random.integer(0, 6)), ...random.sample(TITLE_WORDS, random.integer(0, 4))];
  return [...new Set(tags.map((tag) => tag.toLowerCase().replaceAll(/[^a-z0-9]/g, '')))].join(' ');
}

/** Within about 10 km, in degrees with 6 decimals. */
function nearby(random: RandomStream, degrees: number): number {
  return Math.round((degrees + random.normal(0.05)) * 1e6) / 1e6;
}

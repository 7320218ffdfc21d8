// Counts a source's posts while they are imported, for the table of statistics (the paper's table 4).
import type { Post } from '../domain/posts.ts';
import type { SourceStatistics } from './sources.ts';

/** Users need this many usable, labelled posts for the few-shot sets (method.md, section 2). */
const FEW_SHOT_POSTS = 5;

export class StatisticsCounter {
  #posts = 0;
  #labelled = 0;
  #scoreSum = 0; // hundredths
  /** Posts to be predicted describe no data set that anything is learned from: they count where there are no others. */
  readonly #wordsOfLabelled = new WordCounter();
  readonly #wordsOfOthers = new WordCounter();
  readonly #dropped = new Map<string, number>();
  #pictureAddresses = 0;
  #users = 0;
  #usersWithFivePosts = 0;
  #timeTies = 0;

  addPost(post: Post, dropped: string | null): void {
    this.#posts++;
    if (post.label === null) this.#wordsOfOthers.add(post);
    else {
      this.#labelled++;
      this.#scoreSum += post.label;
      this.#wordsOfLabelled.add(post);
    }
    if (post.imageUrl !== '' && (post.imagePath === '' || dropped !== null)) this.#pictureAddresses++;
    if (dropped !== null) this.#dropped.set(dropped, (this.#dropped.get(dropped) ?? 0) + 1);
  }

  /** @param times of the user's posts in their order; @param usable how many are labelled and not dropped. */
  addUser(times: readonly number[], usable: number): void {
    this.#users++;
    if (usable >= FEW_SHOT_POSTS) this.#usersWithFivePosts++;
    for (let i = 1; i < times.length; i++) if (times[i] === times[i - 1]) this.#timeTies++;
  }

  finish(skippedRows: number): SourceStatistics {
    return {
      users: this.#users, posts: this.#posts, labelled: this.#labelled, dropped: Object.fromEntries(this.#dropped),
      ...(this.#labelled > 0 ? this.#wordsOfLabelled : this.#wordsOfOthers).finish(),
      meanScore: this.#labelled === 0 ? null : this.#scoreSum / this.#labelled / 100,
      timeTies: this.#timeTies, skippedRows, usersWithFivePosts: this.#usersWithFivePosts, pictureAddresses: this.#pictureAddresses,
    };
  }
}

/** Titles, classes and tags of some posts. */
class WordCounter {
  #posts = 0;
  #titleCharacters = 0;
  #tags = 0;
  readonly #distinctTags = new DistinctTags();
  readonly #categories = new Set<string>();
  readonly #subcategories = new Set<string>();
  readonly #concepts = new Set<string>();

  add(post: Post): void {
    this.#posts++;
    this.#titleCharacters += codePoints(post.title);
    this.#tags += this.#distinctTags.addAll(post.tags);
    if (post.category !== '') this.#categories.add(post.category);
    if (post.subcategory !== '') this.#subcategories.add(post.subcategory);
    if (post.concept !== '') this.#concepts.add(post.concept);
  }

  finish(): Pick<SourceStatistics, 'categories' | 'subcategories' | 'concepts' | 'distinctTags' | 'tagsPerPost' | 'titleLength'> {
    const perPost = (sum: number): number => (this.#posts === 0 ? 0 : sum / this.#posts);
    return {
      categories: this.#categories.size, subcategories: this.#subcategories.size, concepts: this.#concepts.size,
      distinctTags: this.#distinctTags.size, tagsPerPost: perPost(this.#tags), titleLength: perPost(this.#titleCharacters),
    };
  }
}

/**
 * Counts distinct words of texts by a 52-bit hash of each, in a table that grows: six million tags of SMPD as strings of their
 * own took seven seconds. Two of 200,000 words share a hash with a probability of 4 in a million.
 */
class DistinctTags {
  size = 0;
  #slots = new Float64Array(1 << 12); // 0: free

  /** @returns how many words (separated by blanks) the text has. */
  addAll(text: string): number {
    let words = 0;
    let low = 0, high = 0;
    let inWord = false;
    for (let i = 0; i <= text.length; i++) {
      const unit = i < text.length ? text.charCodeAt(i) : SPACE;
      if (unit > SPACE) {
        if (!inWord) {
          low = 0x811c9dc5;
          high = 0x9747b28c;
          inWord = true;
        }
        low = Math.imul(low ^ unit, 0x01000193);
        high = Math.imul(high ^ unit, 0x5bd1e995);
      } else if (inWord) {
        words++;
        inWord = false;
        this.#add(((low ^ (low >>> 15)) >>> 0) * 0x100000 + ((high ^ (high >>> 13)) >>> 12) + 1);
      }
    }
    return words;
  }

  #add(key: number): void {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    if (insertKey(this.#slots, key)) this.size++;
  }

  #grow(): void {
    const slots = new Float64Array(this.#slots.length * 2);
    for (const key of this.#slots) if (key !== 0) insertKey(slots, key);
    this.#slots = slots;
  }
}

/** Blanks and control characters end a word. */
const SPACE = 0x20;

/** Linear probing in a table whose length is a power of two; whether the key is new. */
function insertKey(slots: Float64Array, key: number): boolean {
  const mask = slots.length - 1;
  for (let slot = (key / 0x100000) & mask; ; slot = (slot + 1) & mask) {
    if (slots[slot] === key) return false;
    if (slots[slot] === 0) {
      slots[slot] = key;
      return true;
    }
  }
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  return count;
}

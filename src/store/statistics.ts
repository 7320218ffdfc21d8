// Counts a source's posts while they are imported, for the table of statistics (the paper's table 4).
import type { Post } from '../domain/posts.ts';
import type { SourceStatistics } from './sources.ts';

/** Users need this many usable, labelled posts for the few-shot sets (method.md, section 2). */
const FEW_SHOT_POSTS = 5;

export class StatisticsCounter {
  #posts = 0;
  #labelled = 0;
  #scoreSum = 0; // hundredths
  #titleCharacters = 0;
  #tags = 0;
  readonly #distinctTags = new Set<string>();
  readonly #categories = new Set<string>();
  readonly #subcategories = new Set<string>();
  readonly #concepts = new Set<string>();
  readonly #dropped = new Map<string, number>();
  #users = 0;
  #usersWithFivePosts = 0;
  #timeTies = 0;

  addPost(post: Post, dropped: string | null): void {
    this.#posts++;
    if (post.label !== null) {
      this.#labelled++;
      this.#scoreSum += post.label;
    }
    this.#titleCharacters += codePoints(post.title);
    for (const tag of post.tags.split(/\s+/)) {
      if (tag === '') continue;
      this.#tags++;
      this.#distinctTags.add(tag);
    }
    if (post.category !== '') this.#categories.add(post.category);
    if (post.subcategory !== '') this.#subcategories.add(post.subcategory);
    if (post.concept !== '') this.#concepts.add(post.concept);
    if (dropped !== null) this.#dropped.set(dropped, (this.#dropped.get(dropped) ?? 0) + 1);
  }

  /** @param times of the user's posts in their order; @param usable how many are labelled and not dropped. */
  addUser(times: readonly number[], usable: number): void {
    this.#users++;
    if (usable >= FEW_SHOT_POSTS) this.#usersWithFivePosts++;
    for (let i = 1; i < times.length; i++) if (times[i] === times[i - 1]) this.#timeTies++;
  }

  finish(skippedRows: number): SourceStatistics {
    const perPost = (sum: number): number => (this.#posts === 0 ? 0 : sum / this.#posts);
    return {
      users: this.#users, posts: this.#posts, labelled: this.#labelled, dropped: Object.fromEntries(this.#dropped),
      categories: this.#categories.size, subcategories: this.#subcategories.size, concepts: this.#concepts.size,
      distinctTags: this.#distinctTags.size, tagsPerPost: perPost(this.#tags), titleLength: perPost(this.#titleCharacters),
      meanScore: this.#labelled === 0 ? null : this.#scoreSum / this.#labelled / 100,
      timeTies: this.#timeTies, skippedRows, usersWithFivePosts: this.#usersWithFivePosts,
    };
  }
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  return count;
}

// Finds the place of each post among its user's posts while an import goes on: a few numbers a post are held, no texts, so
// that nothing has to be read back from the store.
import { comparePosts } from '../domain/posts.ts';
import type { StatisticsCounter } from './statistics.ts';

/** Posts sorted between two looks at the clock by whoever waits: some milliseconds. */
const POSTS_AT_ONCE = 10_000;

export class UserOrder {
  readonly #users = new Map<string, number>();
  readonly #user: number[] = [];
  readonly #id: number[] = [];
  readonly #postedAt: number[] = [];
  readonly #usable: number[] = []; // by user: labelled posts that are not dropped
  readonly #posts: number[] = []; // by user

  get size(): number {
    return this.#id.length;
  }

  /** Notes a post. Ids come in ascending order. */
  add(id: number, uid: string, postedAt: number, usable: boolean): void {
    let user = this.#users.get(uid);
    if (user === undefined) {
      user = this.#users.size;
      this.#users.set(uid, user);
      this.#usable.push(0);
      this.#posts.push(0);
    }
    this.#user.push(user);
    this.#id.push(id);
    this.#postedAt.push(postedAt);
    this.#posts[user]!++;
    if (usable) this.#usable[user]!++;
  }

  /** Id of the post that was noted as the `index`th, from 0. */
  idAt(index: number): number {
    return this.#id[index]!;
  }

  /**
   * Writes each post's place among its user's posts (0 is the oldest) to `places`, by the order of noting. Yields now and then.
   * @param pidOf asked only for posts of the same user at the same time.
   */
  *sort(places: Int32Array, numericPids: boolean, pidOf: (id: number) => string, statistics: StatisticsCounter): Generator<void, void, void> {
    const compare = comparePosts(numericPids);
    // Indexes of posts, those of a user side by side.
    const ends = new Int32Array(this.#posts.length);
    for (let user = 0, end = 0; user < ends.length; user++) ends[user] = end += this.#posts[user]!;
    const begins = ends.map((end, user) => end - this.#posts[user]!);
    const next = begins.slice();
    const grouped = new Int32Array(this.size);
    for (let index = 0; index < this.size; index++) grouped[next[this.#user[index]!]!++] = index;

    let sorted = 0;
    for (let user = 0; user < ends.length; user++) {
      const pids = new Map<number, string>();
      const pid = (index: number): string => {
        let found = pids.get(index);
        if (found === undefined) pids.set(index, (found = pidOf(this.#id[index]!)));
        return found;
      };
      const posts = [...grouped.subarray(begins[user], ends[user])].sort((a, b) => this.#postedAt[a]! - this.#postedAt[b]!
        || compare({ postedAt: 0, pid: pid(a) }, { postedAt: 0, pid: pid(b) }));
      posts.forEach((index, place) => (places[index] = place));
      statistics.addUser(posts.map((index) => this.#postedAt[index]!), this.#usable[user]!);
      sorted += posts.length;
      if (sorted >= POSTS_AT_ONCE) {
        sorted = 0;
        yield;
      }
    }
  }
}

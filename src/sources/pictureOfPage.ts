// The picture that a web page names as its own (Open Graph's og:image), as photo pages do for whoever shares them.
import { Parser } from 'htmlparser2';

/** Names by preference: og:image may be a relative address only by mistake, the others say the same in other words. */
const NAMES = ['og:image', 'og:image:url', 'og:image:secure_url', 'twitter:image', 'twitter:image:src'];

/** Reads a page in pieces and ends as early as it can: pages are long, and what is looked for stands in the head. */
export class PictureOfPage {
  readonly #found = new Map<string, string>();
  #ended = false;
  readonly #parser: Parser;

  constructor() {
    this.#parser = new Parser({
      onopentag: (name, attributes) => {
        if (name === 'body') this.#ended = true;
        if (name !== 'meta') return;
        const property = (attributes['property'] ?? attributes['name'] ?? '').trim().toLowerCase();
        const content = (attributes['content'] ?? '').trim();
        if (NAMES.includes(property) && content !== '' && !this.#found.has(property)) this.#found.set(property, content);
        if (this.#found.has(NAMES[0]!)) this.#ended = true;
      },
      onclosetag: (name) => {
        if (name === 'head') this.#ended = true;
      },
    });
  }

  /** @returns true when no more of the page is needed. */
  write(text: string): boolean {
    if (!this.#ended) this.#parser.write(text);
    return this.#ended;
  }

  /** What the page names, as it is written there; null where it names none. */
  get address(): string | null {
    return NAMES.map((name) => this.#found.get(name)).find((address) => address !== undefined) ?? null;
  }
}

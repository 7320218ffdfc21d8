// Makes untrusted text harmless in a MarkdownString that allows HTML, theme icons and command links.

/**
 * Text of a post for Markdown and for HTML, also in an attribute: every character but letters, digits, blanks and a few
 * signs without meaning becomes a numeric reference, so that no tag, link, `$(icon)` or emphasis can form. Control and
 * direction-changing characters are dropped, line breaks become blanks.
 * @param limit longest result, in code points; what is cut shows as …
 */
export function escapeText(text: string, limit: number): string {
  const plain = text
    .slice(0, limit * 8) // a title of megabytes is not walked through
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, '')
    .trim();
  const points = [...plain];
  const bounded = points.length > limit ? [...points.slice(0, limit - 1), '…'] : points;
  return bounded.map((point) => (/[\p{L}\p{M}\p{N} …–—−±·≈%,]/u.test(point) || point.codePointAt(0)! > 0x2000 ? point : `&#${point.codePointAt(0)};`)).join('');
}

/** A command link's target; the arguments travel as JSON, with every character that could end the link encoded. */
export function commandLink(command: string, ...args: readonly unknown[]): string {
  const encoded = encodeURIComponent(JSON.stringify(args)).replace(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `command:${command}?${encoded}`;
}

// Text of posts, files, programs and models in the editor's messages. Notifications turn `[text](command:…)` into a link that
// runs on a click, and lists and the status bar turn `$(name)` into an icon: neither may come from data.

/** Longest message, in UTF-16 units; failures quote the last lines of a trainer's log. */
const LONGEST = 4000;

/**
 * One line: control and direction-changing characters go, `](` and `$(` are broken, the length is bounded.
 * @param limit longest result, in UTF-16 units; what is cut shows as …
 */
export function plainMessage(text: string, limit = LONGEST): string {
  const harmless = text.slice(0, limit * 2) // megabytes are not walked through
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu, '')
    .replace(/\](?=\()/g, '] ')
    .replace(/\$(?=\()/g, '$ ')
    .trim();
  return harmless.length > limit ? `${harmless.slice(0, limit - 1)}…` : harmless;
}

/** The same for the lines of a dialog's details. */
export function plainLines(text: string): string {
  return text.split('\n').slice(0, 60).map((line) => plainMessage(line, 500)).join('\n');
}

// Lines of other programs, made fit to be shown to people: they may hold anything.

/** One line of at most `longest` characters (UTF-16 units), without colours and control characters. */
export function plainText(text: string, longest: number): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ').trim().slice(0, longest);
}

// The README as VS Code's page of an installed extension can show it. That page has no folder to read from, and its sanitizer
// lets only http and https through, so that neither a relative path nor a data: address shows a picture: what would be a
// broken frame is left out, and the walkthrough and the sample, which are at hand there, show the product instead.
const PICTURE = /^!\[[^\]]*\]\((?!\w+:)[^)\s]+\)\n\n?/gm;
const RELATIVE_LINK = /(?<!!)\[([^\]]*)\]\((?!\w+:|#)[^)\s]+\)/g;

/** Leaves out pictures that stand on a line of their own and lie beside the README; links to files become their text. */
export function packagedReadme(markdown: string): string {
  return markdown.replace(PICTURE, '').replace(RELATIVE_LINK, '$1');
}

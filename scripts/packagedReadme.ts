// The README as VS Code's page of an installed extension can show it. That page has no folder to read from: it shows pictures
// that are in the text (its content policy allows https: and data:), and opens no relative link.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PICTURE = /!\[([^\]]*)\]\((?!\w+:)([^)\s]+\.(png|jpg|gif|webp))\)/g;
const RELATIVE_LINK = /(?<!!)\[([^\]]*)\]\((?!\w+:|#)[^)\s]+\)/g;

/** @param folder what the README's relative paths are meant from */
export function packagedReadme(markdown: string, folder: string): string {
  return markdown
    .replace(RELATIVE_LINK, '$1')
    .replace(PICTURE, (_all, alternative: string, path: string, type: string) =>
      `![${alternative}](data:image/${type === 'jpg' ? 'jpeg' : type};base64,${readFileSync(join(folder, path)).toString('base64')})`);
}

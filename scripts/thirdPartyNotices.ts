// The licences of the npm packages that ship: those that went into a bundle, as esbuild tells, and those that ship as they are.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.ts';

const LICENCE_FILE = /^(licen[cs]e|copying)([.-]|$)/i;
const PACKAGE_OF_INPUT = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/; // the innermost package of a path

/** Folders of the packages, relative to the root, that these inputs of bundles belong to. */
export function packagesOf(inputs: Iterable<string>): string[] {
  return [...new Set([...inputs].flatMap((input) => PACKAGE_OF_INPUT.exec(input)?.[0] ?? []))].sort();
}

/**
 * One text for all packages, by name.
 * @param folders of packages, relative to the root
 * @throws {Error} naming a package that comes without a licence: it may not ship
 */
export function thirdPartyNotices(folders: Iterable<string>): string {
  const byTitle = new Map([...folders].map(noticeOf).map((notice) => [notice.title, notice])); // the same version may lie in several places
  const parts = [...byTitle.values()].sort((a, b) => (a.title < b.title ? -1 : 1));
  const head = `SMP Curator contains the following third-party packages, each under its own licence:\n\n${parts.map(({ title }) => `  ${title}`).join('\n')}\n`;
  return [head, ...parts.map(({ title, text }) => `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n\n${text}\n`)].join('\n');
}

/** Of a package that names the MIT licence and its author, but forgot the file. */
const mitText = (holder: string): string => `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name: string };
}

function noticeOf(folder: string): { title: string; text: string } {
  const place = join(ROOT, folder);
  const { name, version, license, author } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as PackageManifest;
  const files = readdirSync(place).filter((file) => LICENCE_FILE.test(file)).sort();
  const texts = files.map((file) => readFileSync(join(place, file), 'utf8').replace(/\r\n?/g, '\n').trim());
  const holder = typeof author === 'object' ? author.name : author;
  if (texts.length === 0 && license === 'MIT' && holder !== undefined) texts.push(mitText(holder));
  if (license === undefined || texts.length === 0) throw new Error(`${name} ${version} ships without a licence: neither ${folder}/package.json nor a file beside it has its text.`);
  return { title: `${name} ${version} (${license})`, text: texts.join('\n\n') };
}

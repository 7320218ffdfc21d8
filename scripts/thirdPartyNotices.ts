// The licences of the npm packages that ship: those that went into a bundle, as esbuild tells, and those that ship as they are.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  const parts = [...new Set(folders)].map(noticeOf).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const head = `SMP Curator contains the following third-party packages, each under its own licence:\n\n${parts.map(({ title }) => `  ${title}`).join('\n')}\n`;
  return [head, ...parts.map(({ title, text }) => `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n\n${text}\n`)].join('\n');
}

function noticeOf(folder: string): { name: string; title: string; text: string } {
  const place = join(ROOT, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as { name: string; version: string; license?: string };
  const files = existsSync(place) ? readdirSync(place).filter((file) => LICENCE_FILE.test(file)).sort() : [];
  if (license === undefined || files.length === 0) throw new Error(`${name} ${version} ships without a licence: ${folder} has no ${license === undefined ? '"license" in its package.json' : 'file that holds it'}.`);
  const text = files.map((file) => readFileSync(join(place, file), 'utf8').replace(/\r\n?/g, '\n').trim()).join('\n\n');
  return { name, title: `${name} ${version} (${license})`, text };
}

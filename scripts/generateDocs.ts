// Writes the tables of docs/settings.md and docs/commands.md from the manifest, between two marks; what stands around the
// marks is written by hand. test/unit/tree/docs.test.ts fails when a table is stale. Run: npm run docs
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localized, type Texts } from './generateSettings.ts';
import { ROOT } from './paths.ts';

interface Setting {
  readonly type: string;
  readonly default: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly markdownDescription?: string;
  readonly description?: string;
}

interface Manifest {
  readonly contributes: {
    readonly configuration: readonly { readonly title: string; readonly properties: Readonly<Record<string, Setting>> }[];
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus?: { readonly commandPalette?: readonly { readonly command: string; readonly when: string }[] };
  };
}

export interface GeneratedPage {
  readonly path: string; // below the checkout
  readonly heading: string; // of a page that does not exist yet
  readonly table: string;
}

const BEGIN = '<!-- From package.json by `npm run docs`; do not edit this table. -->';
const END = '<!-- End of the table. -->';

/** The pages with a generated part, as they should be. */
export function generatedPages(): readonly GeneratedPage[] {
  const manifest = readJson('package.json') as Manifest;
  const texts = readJson('package.nls.json') as Texts;
  const inEnglish = (text: string): string => localized(text, texts);
  return [
    { path: 'docs/settings.md', heading: 'Settings', table: settingTables(manifest, inEnglish) },
    { path: 'docs/commands.md', heading: 'Commands', table: commandTable(manifest, inEnglish) },
  ];
}

function settingTables(manifest: Manifest, inEnglish: (text: string) => string): string {
  return manifest.contributes.configuration.map(({ title, properties }) => [
    `### ${inEnglish(title)}`, '',
    '| setting | default | values | meaning |', '|---|---|---|---|',
    ...Object.entries(properties).map(([key, setting]) =>
      row(code(key), code(JSON.stringify(setting.default)), valuesOf(setting), inEnglish(setting.markdownDescription ?? setting.description ?? ''))),
  ].join('\n')).join('\n\n');
}

function valuesOf(setting: Setting): string {
  if (setting.enum !== undefined) return setting.enum.map(code).join(', ');
  if (setting.exclusiveMinimum !== undefined) return `${setting.type} above ${setting.exclusiveMinimum}`;
  return setting.minimum === undefined ? setting.type : `${setting.type} from ${setting.minimum}`;
}

function commandTable(manifest: Manifest, inEnglish: (text: string) => string): string {
  const { commands, menus } = manifest.contributes;
  const hidden = new Set((menus?.commandPalette ?? []).filter(item => item.when === 'false').map(item => item.command));
  return [
    '| command | id | where |', '|---|---|---|',
    ...commands.map(({ command, title }) => row(inEnglish(title), code(command), hidden.has(command) ? 'in its view' : 'palette')),
  ].join('\n');
}

const code = (text: string): string => `\`${text}\``;
const row = (...cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

/** The page with its generated part brought up to date. */
export function withTable(current: string, page: GeneratedPage): string {
  const generated = `${BEGIN}\n\n${page.table}\n\n${END}`;
  const begin = current.indexOf(BEGIN);
  const end = current.indexOf(END);
  if (begin >= 0 && end > begin) return current.slice(0, begin) + generated + current.slice(end + END.length);
  const start = current === '' ? `# ${page.heading}\n` : current.trimEnd() + '\n';
  return `${start}\n${generated}\n`;
}

export function readPage(path: string): string {
  const file = join(ROOT, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

if (import.meta.main) {
  for (const page of generatedPages()) writeFileSync(join(ROOT, page.path), withTable(readPage(page.path), page));
}

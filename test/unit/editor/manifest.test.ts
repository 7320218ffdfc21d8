// The manifest and the code say the same: commands, trust, menus, views, walkthrough, and both languages.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../../src/editor/commands.ts';
import { CARD_COMMANDS } from '../../../src/editor/hoverCard.ts';
import { PIPELINE } from '../../../src/pipeline.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const json = <Value>(path: string): Value => JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Value;

interface SettingProperty { readonly scope?: string; readonly markdownDescription?: string; readonly enum?: string[]; readonly enumDescriptions?: string[] }
interface MenuItem { readonly command: string; readonly when?: string }
interface Manifest {
  readonly icon: string;
  readonly l10n: string;
  readonly capabilities: { readonly untrustedWorkspaces: { readonly supported: string; readonly restrictedConfigurations: string[] } };
  readonly contributes: {
    readonly commands: { readonly command: string; readonly title: string; readonly category: string; readonly enablement?: string }[];
    readonly menus: Readonly<Record<string, MenuItem[]>>;
    readonly views: Readonly<Record<string, { readonly id: string }[]>>;
    readonly viewsContainers: { readonly activitybar: { readonly id: string; readonly icon: string }[] };
    readonly viewsWelcome: { readonly view: string; readonly contents: string }[];
    readonly walkthroughs: { readonly steps: { readonly id: string; readonly description: string; readonly media: { readonly markdown: string } }[] }[];
    readonly configuration: { readonly title: string; readonly properties: Readonly<Record<string, SettingProperty>> }[];
    readonly configurationDefaults: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  };
}
const manifest = json<Manifest>('package.json');
const { contributes } = manifest;
const english = json<Record<string, string>>('package.nls.json');
const chinese = json<Record<string, string>>('package.nls.zh-cn.json');
const declared = new Set(contributes.commands.map((command) => command.command));

describe('manifest', () => {
  it('declares exactly the commands of the table', () => {
    assert.deepEqual([...declared].sort(), Object.keys(COMMANDS).sort());
    assert.deepEqual(contributes.commands.filter((command) => command.category !== 'SMP Curator'), []);
  });

  it('has the command of every stage of the pipeline', () => {
    assert.deepEqual(PIPELINE.map((stage) => stage.command).filter((command) => !declared.has(command)), []);
  });

  it('enables what runs Python only in a trusted workspace, as the code does', () => {
    for (const { command, enablement } of contributes.commands) assert.equal(/isWorkspaceTrusted/.test(enablement ?? ''), COMMANDS[command]!.needsTrust, command);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes('smpCurator.python'));
  });

  it('keeps the setting that names a program out of a workspace\'s reach', () => {
    const python = contributes.configuration.flatMap((group) => Object.entries(group.properties)).find(([key]) => key === 'smpCurator.python');
    assert.match(python?.[1].scope ?? '', /^machine/);
  });

  it('names only commands and views that exist in menus, welcome views, walkthrough and hovers', () => {
    const views = new Set(Object.values(contributes.views).flat().map((view) => view.id));
    for (const item of Object.values(contributes.menus).flat()) {
      assert.ok(declared.has(item.command), item.command);
      for (const [, view] of (item.when ?? '').matchAll(/view == ([\w.]+)/g)) assert.ok(views.has(view!), view);
    }
    for (const welcome of contributes.viewsWelcome) assert.ok(views.has(welcome.view), welcome.view);
    const texts = [...Object.values(english), ...Object.values(chinese)];
    for (const [, command] of texts.join('\n').matchAll(/command:([\w.]+)/g)) assert.ok(declared.has(command!), command);
    for (const command of CARD_COMMANDS) assert.ok(declared.has(command), command);
  });

  it('gives every step of the walkthrough its text and a command', () => {
    const { steps } = contributes.walkthroughs[0]!;
    assert.equal(steps.length, 5);
    for (const step of steps) {
      assert.ok(existsSync(join(ROOT, step.media.markdown)), step.media.markdown);
      assert.match(english[step.description.replaceAll('%', '')] ?? '', /\(command:smpCurator\./);
    }
  });

  it('keeps the store\'s folder out of watcher and search', () => {
    assert.deepEqual(contributes.configurationDefaults, { 'files.watcherExclude': { '**/.smp/**': true }, 'search.exclude': { '**/.smp': true } });
  });

  it('ships the icons it names', () => {
    for (const icon of [manifest.icon, ...contributes.viewsContainers.activitybar.map((container) => container.icon)]) assert.ok(existsSync(join(ROOT, icon)), icon);
  });
});

describe('languages', () => {
  it('have the same keys in both languages, each used by the manifest, and no key without text', () => {
    const used = [...new Set([...readFileSync(join(ROOT, 'package.json'), 'utf8').matchAll(/"%([\w.-]+)%"/g)].map((match) => match[1]!))].sort();
    assert.deepEqual(Object.keys(english).sort(), used);
    assert.deepEqual(Object.keys(chinese).sort(), used);
    assert.deepEqual([...Object.entries(english), ...Object.entries(chinese)].filter(([, text]) => text.trim() === ''), []);
  });

  it('say of every setting, group and choice what it means, in both', () => {
    const isKey = (text: string | undefined): boolean => text !== undefined && /^%.+%$/.test(text) && english[text.slice(1, -1)] !== undefined && chinese[text.slice(1, -1)] !== undefined;
    for (const { title, properties } of contributes.configuration) {
      assert.ok(isKey(title), title);
      for (const [key, setting] of Object.entries(properties)) {
        assert.ok(isKey(setting.markdownDescription), key);
        assert.deepEqual((setting.enum ?? []).filter((_choice, index) => !isKey(setting.enumDescriptions?.[index])), [], key);
      }
    }
  });

  it('keep commands in links when translated', () => {
    const commandsIn = (text: string): string[] => [...text.matchAll(/command:([\w.]+)/g)].map((match) => match[1]!).sort();
    for (const [key, text] of Object.entries(english)) assert.deepEqual(commandsIn(chinese[key]!), commandsIn(text), key);
  });

  it('translate every message of the editor, with the same places to fill', () => {
    const bundle = json<Record<string, string>>(join(manifest.l10n, 'bundle.l10n.zh-cn.json'));
    const messages = messagesOfSources();
    assert.deepEqual(messages.filter((message) => bundle[message] === undefined), []);
    assert.deepEqual(Object.keys(bundle).filter((message) => !messages.includes(message)), []);
    const places = (text: string): string[] => [...text.matchAll(/\{\d+\}/g)].map(String).sort();
    for (const [message, translated] of Object.entries(bundle)) assert.deepEqual(places(translated), places(message), message);
  });
});

/** Literal first arguments of `vscode.l10n.t` and of the `t` that is handed to pure modules. */
function messagesOfSources(): string[] {
  const folders = ['src/editor', 'src'];
  const files = folders.flatMap((folder) => readdirSync(join(ROOT, folder), { withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.ts')).map((entry) => join(ROOT, folder, entry.name)));
  const messages = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/(?:\bl10n\.t|\bt)\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/g)].map((match) => (match[1] ?? match[2]!).replace(/\\(.)/g, '$1')));
  return [...new Set(messages)].sort();
}

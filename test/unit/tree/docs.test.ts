// The documentation keeps up with the product: generated tables are fresh, and every verb, loss and export format is named.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { generatedPages, readPage, withTable } from '../../../scripts/generateDocs.ts';
import { ROOT } from '../../../scripts/paths.ts';
import { addStoreVerbs } from '../../../src/cli/storeVerbs.ts';
import { addVerbs } from '../../../src/cli/verbs.ts';
import { PIPELINE } from '../../../src/pipeline.ts';
import { CONTROL_NAMES, LOSS_NAMES } from '../../../src/protocol/run.ts';
import { SETTINGS } from '../../../src/protocol/settings.ts';

/** Options of what else the docs tell to run: npm start and npm test, the trainer, mocha, and the tools that come with Node. */
const FLAGS_OF_OTHERS = ['--data', '--no-open', '--port', '--only', '--output', '--evaluate', '--seed', '--size', '--grep', '--help', '--version'];

/** The command line as a user has it; nothing of it is run. */
function commandLine(): Command {
  const program = new Command('smp');
  const surroundings = { root: ROOT, readerScript: '', workingFolder: ROOT, environment: {} };
  const invocation = { surroundings, stdout: process.stdout, stderr: process.stderr, signal: new AbortController().signal, exitWith: () => undefined };
  addVerbs(program, invocation);
  addStoreVerbs(program, invocation);
  return program;
}

const flagsOf = (command: Command): string[] => command.options.flatMap(option => option.long ?? []).concat('--help');
const flagsIn = (text: string): string[] => [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag);

const docs = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].map(readPage).join('\n');

describe('the documentation', () => {
  for (const page of generatedPages()) {
    it(`${page.path} has the manifest's table as it is (else: npm run docs)`, () => {
      const current = readPage(page.path);
      assert.equal(current, withTable(current, page));
    });
  }

  it('shows every verb of the command line', () => {
    const verbs = commandLine().commands.map(command => command.name());
    assert.ok(verbs.length >= PIPELINE.length, 'the command line has its verbs');
    assert.deepEqual(verbs.filter(verb => !new RegExp(`\\bsmp (-- )?${verb}\\b`).test(docs)), []);
  });

  it('gives a verb only flags that it knows', () => {
    const shared = flagsOf(commandLine());
    const wrong = [...docs.matchAll(/\bsmp (?:-- )?([a-z][a-z-]*)\b([^\n`|;]*)/g)].flatMap(([, verb = '', rest = '']) => {
      const command = commandLine().commands.find(candidate => candidate.name() === verb);
      if (command === undefined) return [];
      const known = new Set([...shared, ...flagsOf(command)]);
      return flagsIn(rest).filter(flag => !known.has(flag)).map(flag => `smp ${verb} ${flag}`);
    });
    assert.deepEqual(wrong, []);
  });

  it('mentions no flag that nothing knows', () => {
    const known = new Set([...flagsOf(commandLine()), ...commandLine().commands.flatMap(flagsOf), ...FLAGS_OF_OTHERS]);
    assert.deepEqual([...new Set(flagsIn(docs))].filter(flag => !known.has(flag)), []);
  });

  it('explains every loss and control where the trainer is explained', () => {
    const page = readPage('docs/trainer.md');
    assert.deepEqual([...LOSS_NAMES, ...CONTROL_NAMES].filter(name => !page.includes(`\`${name}\``)), []);
  });

  it('explains every export format where exports are explained', () => {
    const page = readPage('docs/export-formats.md');
    const formats = SETTINGS.find(setting => setting.key === 'export.format')?.choices ?? [];
    assert.ok(formats.length > 0);
    assert.deepEqual(formats.filter(format => !page.includes(`\`${format}\``)), []);
  });

  it('links to pages and pictures that exist', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', 'src/ARCHITECTURE.md', ...globSync('docs/**/*.md', { cwd: ROOT })];
    const broken = pages.flatMap(page => [...readPage(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, target = '']) => join(page, '..', target))
      .filter(target => { try { readFileSync(join(ROOT, target)); return false; } catch (error) { return (error as NodeJS.ErrnoException).code !== 'EISDIR'; } })
      .map(target => `${page} → ${target}`));
    assert.deepEqual(broken, []);
  });
});

// The verbs that look after the store itself: its check and cleaning, backup and restore. They work where it cannot be opened.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../domain/errors.ts';
import { byteCount } from '../protocol/byteCount.ts';
import { LEFTOVER_KINDS, leftoverKindSchema, storeCheckText, type LeftoverKind } from '../protocol/storeCheck.ts';
import { backUpStore } from '../stages/backUpStore.ts';
import { checkStore, type CheckedPlace } from '../stages/checkStore.ts';
import { cleanStore } from '../stages/cleanStore.ts';
import { restoreStore } from '../stages/restoreStore.ts';
import { openStore } from '../store/openStore.ts';
import { storeFault } from '../store/storeFaults.ts';
import { Terminal } from './terminal.ts';
import { finish, type Invocation } from './verbs.ts';
import { storePlace } from './workplace.ts';

/** The check found something that a person should mend. */
const PROBLEMS_FOUND = 3;

interface Action {
  readonly place: CheckedPlace;
  readonly terminal: Terminal;
  readonly options: Readonly<Record<string, unknown>>;
  readonly words: readonly string[];
}

export function addStoreVerbs(program: Command, invocation: Invocation): void {
  const { surroundings, stdout, stderr, signal } = invocation;
  const now = (): number => Date.now() / 1000;
  const verb = (name: string, description: string, action: (given: Action) => Promise<void>): Command => {
    const command = program.command(name).description(description)
      .option('--workspace <folder>', 'folder whose store is meant; else the one you are in')
      .option('--json', 'one JSON object on stdout, progress as JSON lines on stderr')
      .option('--verbose', 'show the log');
    return command.action(async (...given: unknown[]) => {
      const options = command.opts<Record<string, unknown>>();
      const terminal = new Terminal({ stdout, stderr, json: options['json'] === true, verbose: options['verbose'] === true });
      const place = await storePlace(surroundings, options['workspace'] as string | undefined, terminal.log);
      try {
        await action({ place, terminal, options, words: given.slice(0, -2).map(String) });
      } catch (error) {
        throw storeFault(error, place.storeFile) ?? error;
      }
    });
  };

  verb('doctor', "check the store: its place, size and integrity, and what can be cleaned; exit code 3 when it finds a problem", async ({ place, terminal, options }) => {
    const kinds = options['clean'] === undefined ? null : kindsOf(options['clean']);
    let check = await finish(terminal, checkStore(place, terminal.log, signal));
    if (kinds === null || check.leftovers.length === 0 || check.problems.some(({ code }) => code.startsWith('store-'))) {
      terminal.result(check, `${storeCheckText(check)}${check.leftovers.length === 0 || kinds !== null ? '' : '\n\nsmp doctor --clean cleans all of it, smp doctor --clean KIND … some.'}`);
    } else {
      for (const { kind, title, bytes, detail } of check.leftovers) if (kinds.includes(kind)) terminal.note(`Cleaning ${kind}: ${title}, ${byteCount(bytes)}. ${detail}`);
      const store = await openStore(place.storeFile, { readOnly: false, log: terminal.log });
      let cleaned;
      try {
        cleaned = await finish(terminal, cleanStore({ store, storeFolder: place.storeFolder }, kinds, signal));
      } finally {
        store.close();
      }
      check = await finish(terminal, checkStore(place, terminal.log, signal));
      terminal.result({ ...check, cleaned }, `${cleaned.summary}\n${storeCheckText(check)}`);
    }
    if (check.problems.length > 0) invocation.exitWith(PROBLEMS_FOUND);
  }).option('--clean [kinds...]', `clean what was found: all of it, or some of ${LEFTOVER_KINDS.join(', ')}`);

  verb('backup <file>', 'copy the store with decisions, mappings and plans into one file; others may work meanwhile', async ({ place, terminal, options, words }) => {
    const result = await finish(terminal, backUpStore(place, { file: resolve(surroundings.workingFolder, words[0]!), overwrite: options['overwrite'] === true }, now(), signal));
    terminal.result({ verb: 'backup', ...result }, result.summary);
  }).option('--overwrite', 'replace the file if it is there');

  verb('restore-backup <file>', 'put a backup in the place of the store, which is kept beside it', async ({ place, terminal, words }) => {
    const result = await finish(terminal, restoreStore(place, resolve(surroundings.workingFolder, words[0]!), now(), signal));
    terminal.result({ verb: 'restore-backup', ...result }, result.summary);
  });
}

/** @throws {UserError} `clean-unknown` */
function kindsOf(given: unknown): readonly LeftoverKind[] {
  if (given === true) return LEFTOVER_KINDS;
  return (given as readonly string[]).flatMap((word) => word.split(',')).map((word) => {
    const kind = leftoverKindSchema.safeParse(word);
    if (kind.success) return kind.data;
    throw new UserError('clean-unknown', `“${word}” cannot be cleaned.`, `Choose of ${LEFTOVER_KINDS.join(', ')}.`);
  });
}

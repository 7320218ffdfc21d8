// Builds resources/sample: a small generated data set with a finished store, so that an installed extension has posts,
// pairs and predictions to show before anybody sets up Python. Made by the product's own command line, when packaging.
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../src/store/openStore.ts';
import { forgetMachine } from '../src/store/relocateStore.ts';
import { smpQuietly } from './execute.ts';
import { fingerprint } from './fingerprint.ts';
import { RESOURCES, SAMPLE, TOOLS } from './paths.ts';

const USERS = 120;
/** What the sample's contents depend on; a change of the editor or of exports leaves the sample as it is. */
const INPUTS = ['src/cli.ts', 'src/cli', 'src/domain', 'src/hosts', 'src/protocol', 'src/sources', 'src/stages', 'src/store', 'resources/trainer', 'resources/base', 'scripts/buildSample.ts'];

/** Where a shipped store says that it lies; the extension moves it when it copies the sample. Names no machine. */
const NOWHERE = '/smp-curator/sample';
/** Of each finished job, all that went in and came out and is in the store; the models and curves stay. */
const NOT_SHIPPED = ['.smp/runs/*/{data,checkpoints}', '.smp/runs/*/out/predictions.jsonl', '.smp/runs/*/{job.json,run.json,lock,log,supervisor.log}', '.smp/curation.sqlite-*'];

/** Returns whether anything had to be done. About a minute on two cores. */
export async function buildSample(): Promise<boolean> {
  const marker = join(SAMPLE, '.inputs');
  const inputs = fingerprint(INPUTS);
  if (existsSync(marker) && readFileSync(marker, 'utf8') === inputs) return false;
  process.stdout.write('[build] making the sample that ships with the extension, about a minute\n');
  mkdirSync(TOOLS, { recursive: true });
  const building = mkdtempSync(join(TOOLS, 'sample-')); // moved into place only when it is complete
  try {
    const folder = join(building, 'sample');
    smpQuietly('demo', '--users', String(USERS), '--out', folder);
    smpQuietly('run', '--data', folder, '--workspace', folder, '--captions', 'any', '--threads', '1');
    smpQuietly('predict', '--every-post', '--workspace', folder, '--threads', '1'); // a model this small gains nothing from more
    await forgetThisMachine(folder);
    writeFileSync(join(folder, '.inputs'), inputs);
    rmSync(SAMPLE, { recursive: true, force: true });
    renameSync(folder, SAMPLE);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return true;
}

async function forgetThisMachine(folder: string): Promise<void> {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const store = await openStore(join(folder, '.smp', 'curation.sqlite'), { readOnly: false, log: quiet });
  forgetMachine(store, NOWHERE, { from: join(RESOURCES, 'base'), to: '/smp-curator/base' });
  store.close();
  for (const path of globSync(NOT_SHIPPED, { cwd: folder })) rmSync(join(folder, path), { recursive: true });
}

if (import.meta.main) await buildSample();

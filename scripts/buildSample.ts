// Builds resources/sample: a small generated data set with a finished store, so that an installed extension has posts,
// pairs and predictions to show before anybody sets up Python. Made by the product's own command line, when packaging.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './execute.ts';
import { fingerprint } from './fingerprint.ts';
import { ROOT, SAMPLE, TOOLS } from './paths.ts';

const USERS = 120;
/** What the sample's contents depend on; a change of anything else leaves the sample as it is. */
const INPUTS = ['src/domain', 'src/sources', 'src/stages', 'src/store', 'src/exports', 'resources/trainer', 'resources/base', 'resources/prompts', 'scripts/buildSample.ts'];

/** Returns whether anything had to be done. */
export async function buildSample(): Promise<boolean> {
  const marker = join(SAMPLE, '.inputs');
  const inputs = fingerprint(INPUTS);
  if (existsSync(marker) && readFileSync(marker, 'utf8') === inputs) return false;
  const folder = join(TOOLS, 'sample'); // moved into place only when it is complete
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  smp('demo', '--users', String(USERS), '--out', folder);
  smp('run', '--data', folder, '--workspace', folder, '--captions', 'any'); // they say what was drawn
  smp('predict', '--every-post', '--workspace', folder);
  writeFileSync(join(folder, '.inputs'), inputs);
  rmSync(SAMPLE, { recursive: true, force: true });
  renameSync(folder, SAMPLE);
  return true;
}

function smp(...options: string[]): void {
  execute(process.execPath, [join(ROOT, 'src', 'cli.ts'), ...options]);
}

if (import.meta.main) await buildSample();

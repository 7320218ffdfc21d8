// Benchmarks: `npm run bench`, or some of them: `npm run bench -- indexFullSize`. They print figures beside the machine's
// load and never fail for one: a figure depends on the machine. Not part of `npm test`. See docs/performance.md.
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { machineLine } from '../test/bench/machine.ts';
import { ROOT } from './paths.ts';

interface Benchmark {
  bench(print: (line: string) => void): Promise<void>;
}

const found = new Map(globSync('test/bench/*.bench.ts', { cwd: ROOT }).sort().map((path) => [basename(path, '.bench.ts'), join(ROOT, path)]));
const chosen = process.argv.length > 2 ? process.argv.slice(2) : [...found.keys()];
for (const name of chosen) {
  const path = found.get(name);
  if (path === undefined) {
    process.stderr.write(`There is no benchmark "${name}". Benchmarks: ${[...found.keys()].join(', ')}.\n`);
    process.exit(2);
  }
  process.stdout.write(`\n── ${name}: ${machineLine()}\n`);
  const { bench } = (await import(pathToFileURL(path).href)) as Benchmark;
  await bench((line) => process.stdout.write(`${line}\n`));
}

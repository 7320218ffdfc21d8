// What VS Code calls inside the extension host: runs the bundled specs with mocha and writes each result as a line of
// JSON to the file named by SMP_HOST_RESULTS; the last line holds the end. runHostTests.ts reads them.
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/** Rejects when a test failed, so that the editor's own exit code says it as well. */
export async function run(): Promise<void> {
  const results = process.env.SMP_HOST_RESULTS ?? '';
  const write = (line: object): void => appendFileSync(results, `${JSON.stringify(line)}\n`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'min', forbidOnly: true });
  const specs = join(__dirname, 'specs');
  for (const name of readdirSync(specs).filter(file => file.endsWith('.cjs')).sort()) mocha.addFile(join(specs, name));
  const failures = await new Promise<number>(resolve => {
    const runner = mocha.run(resolve);
    runner.on('pass', test => write({ state: 'passed', title: test.fullTitle() }));
    runner.on('pending', test => write({ state: 'skipped', title: test.fullTitle() }));
    runner.on('fail', (test, error: unknown) => write({
      state: 'failed', title: test.fullTitle(), error: error instanceof Error ? error.stack ?? error.message : String(error),
    }));
  });
  write({ state: 'ended' });
  if (failures > 0) throw new Error(`${failures} tests failed`);
}

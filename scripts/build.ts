// Bundles the three composition roots into dist/ with esbuild. `npm run build`, or `npm run build -- --minify`.
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { DIST, ROOT } from './paths.ts';

export interface BuildOptions {
  readonly minify: boolean; // for the VSIX; without it the bundles carry source maps
}

/** dist/extension.cjs, dist/worker.cjs, dist/cli.cjs, and dist/bin with the `smp` command of terminals. */
export async function build(options: BuildOptions): Promise<void> {
  mkdirSync(DIST, { recursive: true });
  for (const name of readdirSync(DIST)) if (/\.cjs(\.map)?$/.test(name)) rmSync(join(DIST, name));
  await bundle({
    absWorkingDir: ROOT,
    entryPoints: ['src/extension.ts', 'src/worker.ts', 'src/cli.ts'],
    outdir: DIST,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22', // what the oldest VS Code of engines.vscode runs
    external: ['vscode', 'better-sqlite3'],
    // A root may ask where it lies: src/ and dist/ are neighbours of resources/ alike.
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    minify: options.minify,
    keepNames: true, // errors are told apart by class, and logs name them
    sourcemap: options.minify ? false : 'linked',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const bin = join(DIST, 'bin');
  cpSync(join(ROOT, 'scripts', 'bin'), bin, { recursive: true });
  chmodSync(join(bin, 'smp'), 0o755);
}

if (import.meta.main) {
  await build({ minify: process.argv.includes('--minify') });
}

// Bundles the composition roots and the pages of webviews into dist/ with esbuild. `npm run build`, or `npm run build -- --minify`.
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { DIST, ROOT } from './paths.ts';

export interface BuildOptions {
  readonly minify: boolean; // for the VSIX; without it the bundles carry source maps
}

/**
 * dist/extension.cjs, dist/worker.cjs, dist/reader.cjs, dist/cli.cjs, the pages of webviews in dist/webview, and dist/bin with the `smp` command of terminals.
 * Returns the paths, relative to the root, of all that went into a bundle.
 */
export async function build(options: BuildOptions): Promise<string[]> {
  mkdirSync(DIST, { recursive: true });
  for (const name of readdirSync(DIST)) if (/\.cjs(\.map)?$/.test(name)) rmSync(join(DIST, name));
  const { metafile } = await bundle({
    absWorkingDir: ROOT,
    entryPoints: ['src/extension.ts', 'src/worker.ts', 'src/reader.ts', 'src/cli.ts'],
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
    legalComments: 'none', // ThirdPartyNotices.txt has them
    metafile: true,
    logLevel: 'warning',
  });
  const ofWebviews = await buildWebviews(options, join(DIST, 'webview'));
  const bin = join(DIST, 'bin');
  cpSync(join(ROOT, 'scripts', 'bin'), bin, { recursive: true });
  chmodSync(join(bin, 'smp'), 0o755);
  return [...Object.keys(metafile.inputs), ...ofWebviews];
}

/** A script and a style sheet for each page (posts.js, posts-style.css) in `folder`. */
export async function buildWebviews(options: BuildOptions, folder: string): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await bundle({
    absWorkingDir: ROOT,
    entryPoints: { posts: 'webview/posts/main.ts', 'posts-style': 'webview/posts/posts.css' },
    entryNames: '[name]',
    outdir: folder,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'chrome142', // what the oldest VS Code of engines.vscode shows pages with
    minify: options.minify,
    sourcemap: options.minify ? false : 'inline', // a page may load nothing else
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}

if (import.meta.main) {
  await build({ minify: process.argv.includes('--minify') });
}

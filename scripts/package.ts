// Packages the VSIX of one platform: `npm run package`, or `npm run package -- --target darwin-arm64`.
// Skipped when nothing that goes into it has changed.
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { buildSample } from './buildSample.ts';
import { fingerprint, unlessDone } from './fingerprint.ts';
import { DIST, ROOT } from './paths.ts';
import { execute } from './execute.ts';
import { packagedReadme } from './packagedReadme.ts';
import { packagesOf, thirdPartyNotices } from './thirdPartyNotices.ts';

const VSCE = join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce'); // its library has no types; its command line is stable

/** VS Code's names of platforms, and the database binary that each needs. */
const DATABASE_BINARIES: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64', 'linux-arm64': 'linux-arm64', 'alpine-x64': 'linuxmusl-x64', 'alpine-arm64': 'linuxmusl-arm64',
  'darwin-x64': 'darwin-x64', 'darwin-arm64': 'darwin-arm64', 'win32-x64': 'win32-x64', 'win32-arm64': 'win32-arm64',
};
/** What is laid out for vsce, which would look at every file of the checkout; .vscodeignore chooses what ships of it. */
const STAGED = [
  'package.json', '.vscodeignore', 'LICENSE', 'CHANGELOG.md', 'package.nls.json', 'package.nls.zh-cn.json', 'media', 'l10n', 'resources',
  'dist/extension.cjs', 'dist/worker.cjs', 'dist/reader.cjs', 'dist/cli.cjs', 'dist/webview', 'dist/bin', 'node_modules/better-sqlite3', 'node_modules/node-addon-api',
];
/** Packages that are in no bundle, but ship in node_modules. */
const SHIPPED_PACKAGES = ['node_modules/better-sqlite3'];
const INPUTS = [
  'package.json', 'package-lock.json', '.vscodeignore', 'README.md', 'LICENSE', 'CHANGELOG.md', 'package.nls.json', 'package.nls.zh-cn.json',
  'src', 'webview', 'media', 'l10n', 'resources', 'scripts/bin', 'scripts/build.ts', 'scripts/package.ts', 'scripts/buildSample.ts', 'scripts/packagedReadme.ts',
  'scripts/thirdPartyNotices.ts',
];

/** The target of the machine this runs on. */
export function thisTarget(): string {
  Object.assign(process.report, { excludeNetwork: true }); // else it may resolve names, slowly; the types do not know it
  const musl = process.platform === 'linux' && !('glibcVersionRuntime' in (process.report.getReport() as { header: object }).header);
  return `${musl ? 'alpine' : process.platform}-${process.arch}`;
}

export function vsixPath(target: string = thisTarget()): string {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { name: string; version: string };
  return join(DIST, `${manifest.name}-${target}-${manifest.version}.vsix`);
}

/** Builds and packages; returns the VSIX's path and whether anything had to be done. */
export async function packageVsix(target: string = thisTarget()): Promise<{ path: string; made: boolean }> {
  const binary = DATABASE_BINARIES[target];
  if (binary === undefined) throw new Error(`Unknown target ${target}. Targets: ${Object.keys(DATABASE_BINARIES).join(', ')}.`);
  await buildSample();
  const path = vsixPath(target);
  if (!existsSync(path)) rmSync(`${path}.inputs`, { force: true });
  const made = await unlessDone(`${path}.inputs`, fingerprint(INPUTS), async () => {
    const bundled = await build({ minify: true });
    const stage = mkdtempSync(join(DIST, 'stage-'));
    try {
      for (const part of STAGED) if (existsSync(join(ROOT, part))) cpSync(join(ROOT, part), join(stage, part), { recursive: true });
      writeFileSync(join(stage, 'README.md'), packagedReadme(readFileSync(join(ROOT, 'README.md'), 'utf8')));
      writeFileSync(join(stage, 'ThirdPartyNotices.txt'), thirdPartyNotices([...packagesOf(bundled), ...SHIPPED_PACKAGES]));
      appendFileSync(join(stage, '.vscodeignore'), `!node_modules/better-sqlite3/prebuilds/${binary}.node\n`);
      execute(process.execPath, [VSCE, 'package', '--target', target, '--out', path, '--allow-missing-repository', '--no-rewrite-relative-links'], stage);
    } finally {
      rmSync(stage, { recursive: true, force: true });
    }
  });
  return { path, made };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { target: { type: 'string' } } });
  const { path, made } = await packageVsix(values.target);
  const megabytes = statSync(path).size / 2 ** 20;
  process.stdout.write(`${path} (${megabytes.toFixed(2)} MB)${made ? '' : ', unchanged'}\n`);
}

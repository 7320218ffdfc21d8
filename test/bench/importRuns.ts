// Runs imports in processes of their own (importProcess.ts), and the plain Python script they are compared with.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build.ts';
import { DIST, RESOURCES, VENV_PYTHON } from '../../scripts/paths.ts';
import { BENCH_FOLDER } from './fullSizeData.ts';
import type { ImportMeasures, ImportOrder } from './importProcess.ts';

/** Bundles the workers as they ship. */
export async function buildWorkers(): Promise<void> {
  await build({ minify: true });
}

export function newWorkspace(): string {
  mkdirSync(BENCH_FOLDER, { recursive: true });
  return mkdtempSync(join(BENCH_FOLDER, 'workspace-'));
}

export const removeWorkspace = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
export const storeFileOf = (workspace: string): string => join(workspace, '.smp', 'curation.sqlite');

export function runImport(workspace: string, path: string, extras: Partial<Pick<ImportOrder, 'decisions' | 'cancel'>> = {}): Promise<ImportMeasures> {
  const order: ImportOrder = {
    workerScript: join(DIST, 'worker.cjs'), path, decisions: null, cancel: null, ...extras,
    worker: { folder: workspace, storeFile: storeFileOf(workspace), storeFolder: join(workspace, '.smp'), resources: RESOURCES, storage: join(workspace, '.storage'), productVersion: '0.0.0' },
  };
  return jsonOf<ImportMeasures>(process.execPath, [join(import.meta.dirname, 'importProcess.ts'), JSON.stringify(order)]);
}

export interface PlainMeasures {
  readonly posts: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly steps: Readonly<Record<string, number>>; // seconds
}

/** The same by json.load, executemany and the store's indexes: plain_index.py. */
export async function runPlainPython(path: string): Promise<PlainMeasures> {
  const workspace = newWorkspace();
  try {
    return await jsonOf<PlainMeasures>(VENV_PYTHON, [join(import.meta.dirname, 'plain_index.py'), path, join(workspace, 'plain.sqlite')]);
  } finally {
    removeWorkspace(workspace);
  }
}

/** What a program prints: one JSON object. */
async function jsonOf<Result>(program: string, options: readonly string[]): Promise<Result> {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${options[0]} ended with ${code}.`);
  return JSON.parse(output) as Result;
}

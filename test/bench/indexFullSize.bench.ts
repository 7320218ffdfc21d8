// How long indexing 305,613 posts takes, and how much memory, beside a plain Python script that does the same.
import { fullSizeData } from './fullSizeData.ts';
import { buildWorkers, newWorkspace, removeWorkspace, runImport, runPlainPython, type PlainMeasures } from './importRuns.ts';
import type { ImportMeasures } from './importProcess.ts';
import { machineLine, median } from './machine.ts';

const ROUNDS = 3;

export async function bench(print: (line: string) => void): Promise<void> {
  await buildWorkers();
  for (const vectors of [false, true]) {
    const data = await fullSizeData(vectors);
    print(`Index SMPD 2022 at full size${vectors ? ', user file with vectors' : ''}`);
    const ours: ImportMeasures[] = [], plain: PlainMeasures[] = [];
    for (let round = 0; round < ROUNDS; round++) { // in turn, so that both meet the same neighbours
      const workspace = newWorkspace();
      ours.push(await runImport(workspace, data));
      removeWorkspace(workspace);
      plain.push(await runPlainPython(data));
      print(`  ${line('SMP Curator', ours.at(-1)!)}; ${line('Python', plain.at(-1)!)}; ${machineLine()}`);
    }
    const ratio = (key: 'wallSeconds' | 'cpuSeconds'): string => (median(ours.map((run) => run[key])) / median(plain.map((run) => run[key]))).toFixed(2);
    print(`  ${ours[0]!.summary}`);
    print(`  SMP Curator : Python, medians: ${ratio('wallSeconds')} × the time (required 1, aim 0.5), ${ratio('cpuSeconds')} × the CPU seconds`);
    print(`  peak memory ${Math.max(...ours.map((run) => run.peakMegabytes)).toFixed(0)} MB (at most 300) and ${Math.max(...plain.map((run) => run.peakMegabytes)).toFixed(0)} MB`);
    print(`  longest stall of the thread that owns the workers: ${Math.max(...ours.map((run) => run.longestStall)).toFixed(0)} ms`);
  }
}

function line(name: string, { wallSeconds, cpuSeconds, peakMegabytes }: Pick<PlainMeasures, 'wallSeconds' | 'cpuSeconds' | 'peakMegabytes'>): string {
  return `${name} ${wallSeconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${peakMegabytes.toFixed(0)} MB`;
}

// LLaMA-Factory, alpaca format: {instruction, input, output}, or {instruction, input, chosen, rejected} with "ranking": true,
// and the dataset_info.json that registers the files. The chat template joins instruction and input with a newline, which
// gives our prompt; further columns are ignored.
import { jsonLines, type ExportFile, type InstructionExportRow, type PairExportRow } from './exportRows.ts';

export function llamaFactoryInstructions(path: string, rows: readonly InstructionExportRow[]): ExportFile {
  return jsonLines(path, rows.map((row) => ({ ...splitPrompt(row.prompt), output: row.answer, post_id: row.postId, k: row.k })));
}

export function llamaFactoryPairs(path: string, rows: readonly PairExportRow[]): ExportFile {
  return jsonLines(path, rows.map((row) => ({ ...splitPrompt(row.prompt), chosen: row.chosen, rejected: row.rejected, post_id: row.postId, pair_id: row.pairId, k: row.k })));
}

/** dataset_info.json: a data set for each file, named after it with `name` before it. */
export function llamaFactoryDatasetInfo(name: string, content: 'sft' | 'preference', files: readonly ExportFile[]): ExportFile {
  const entries = files.map((file) => [
    `${name}_${file.path.replace(/\.jsonl$/, '')}`,
    content === 'sft'
      ? { file_name: file.path, columns: { prompt: 'instruction', query: 'input', response: 'output' } }
      : { file_name: file.path, ranking: true, columns: { prompt: 'instruction', query: 'input', chosen: 'chosen', rejected: 'rejected' } },
  ] as const);
  return { path: 'dataset_info.json', text: `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`, rows: entries.length };
}

/** Values of posts hold no newline (domain/instructions.ts), so the first one ends the instruction. */
function splitPrompt(prompt: string): { instruction: string; input: string } {
  const end = prompt.indexOf('\n');
  return { instruction: prompt.slice(0, end), input: prompt.slice(end + 1) };
}

// Hugging Face TRL, standard format: SFTTrainer reads {prompt, completion}, DPOTrainer {prompt, chosen, rejected}.
// TRL encodes prompt and answer together and only warns when the boundary shifts: the prompt ends without a blank, so
// each answer carries its own. Further columns (post_id, pair_id, k) are ignored by both trainers.
import { jsonLines, type ExportFile, type InstructionExportRow, type PairExportRow } from './exportRows.ts';

export function trlInstructions(path: string, rows: readonly InstructionExportRow[]): ExportFile {
  return jsonLines(path, rows.map((row) => ({ prompt: row.prompt, completion: ` ${row.answer}`, post_id: row.postId, k: row.k })));
}

export function trlPairs(path: string, rows: readonly PairExportRow[]): ExportFile {
  return jsonLines(path, rows.map((row) => ({ prompt: row.prompt, chosen: ` ${row.chosen}`, rejected: ` ${row.rejected}`, post_id: row.postId, pair_id: row.pairId, k: row.k })));
}

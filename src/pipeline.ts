// The pipeline as one table: the tree view, status bar, command line and walkthrough are drawn from it.
import type { StageName } from './protocol/stages.ts';

export interface PipelineStage {
  readonly id: string; // unique; a stage that runs twice has two entries
  readonly stage: StageName;
  readonly title: string;
  readonly needs: readonly string[]; // ids of earlier entries
  readonly makes: string;
  readonly verb: string; // `smp <verb>`
  readonly command: string; // palette command
  readonly optional: boolean; // captions may be missing: prompts then hold text alone
}

const entry = (id: string, stage: StageName, title: string, needs: readonly string[], makes: string, optional = false): PipelineStage => ({
  id, stage, title, needs, makes, verb: stage, command: `smpCurator.${stage}`, optional,
});

export const PIPELINE: readonly PipelineStage[] = [
  entry('index', 'index', 'Index', [], 'posts in the store'),
  entry('sample', 'sample', 'Sample', ['index'], 'users drawn into sets'),
  entry('caption', 'caption', 'Caption', ['index'], 'captions of pictures', true),
  entry('instruct', 'instruct', 'Instruct', ['sample'], 'instructions of each set'),
  entry('train', 'train', 'Train', ['instruct'], 'the tuned model'),
  entry('predict', 'predict', 'Predict', ['train'], 'answers of the tuned model'),
  entry('pair', 'pair', 'Pair', ['predict'], 'chosen and rejected answers'),
  entry('align', 'align', 'Align', ['pair'], 'the aligned model'),
  entry('evaluate', 'evaluate', 'Evaluate', ['align'], 'the evaluation table'),
  entry('export', 'export', 'Export', ['instruct'], 'data sets for other trainers', true),
];

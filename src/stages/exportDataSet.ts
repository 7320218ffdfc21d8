// Stage `export`: writes what was curated as a data set that another trainer reads (docs/export-formats.md), traceable row by
// row; or what was predicted as a submission.
import { isAbsolute } from 'node:path';
import clauses from '../../resources/trainer/multismp/clauses.json' with { type: 'json' };
import { UserError } from '../domain/errors.ts';
import type { Piece } from '../domain/instructions.ts';
import { errorRange, reasonLeftOut } from '../domain/preferences.ts';
import { formatHundredths } from '../domain/posts.ts';
import type { ExportFile, InstructionExportRow, PairExportRow } from '../exports/exportRows.ts';
import { llamaFactoryDatasetInfo, llamaFactoryInstructions, llamaFactoryPairs } from '../exports/llamaFactory.ts';
import { cardText, manifestText, sha256, type ExportOrigin } from '../exports/manifest.ts';
import { trlInstructions, trlPairs } from '../exports/trl.ts';
import type { LongWork } from '../protocol/progress.ts';
import type { StageRequest, StageResult } from '../protocol/stages.ts';
import type { Database } from '../store/database.ts';
import { requireFreshDraw, type StoredDraw } from '../store/draws.ts';
import { listInstructions, type StoredInstruction } from '../store/instructions.ts';
import { modelsOfExperiment } from '../store/models.ts';
import { promptedPairs } from '../store/pairs.ts';
import { requireSource, type Source } from '../store/sources.ts';
import { exportSubmission } from './exportSubmission.ts';
import { finishExport } from './finishExport.ts';
import { requireFreshInstructions } from './instructionRows.ts';
import type { StageContext } from './stageContext.ts';

/**
 * @throws {UserError} `not-sampled`, `sample-stale`, `not-instructed`, `instructions-stale`, `not-paired`, `nothing-to-export`,
 * `export-folder-taken`, `export-not-written`, `export-folder-relative`, and those of exportSubmission
 */
export async function* exportDataSet(context: StageContext, request: StageRequest<'export'>, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  if (!isAbsolute(request.folder)) throw new UserError('export-folder-relative', `“${request.folder}” is not an absolute path.`, 'Give the folder by its whole path.');
  const source = requireSource(store, request.source);
  const draw = requireFreshDraw(store, source, request.dataSeed);
  const captions = requireFreshInstructions(store, source, draw);
  if (request.format === 'submission') return yield* exportSubmission(context, request, source, draw, captions, signal);
  const training = listInstructions(store, draw.id, 'few-shot', 'train');
  yield { message: 'Collecting rows' };
  signal.throwIfAborted();

  const base = originOf(context, request, source, draw);
  const { origin, files } = request.content === 'sft' ? instructionFiles(store, request, draw, training, base) : pairFiles(store, request, draw, training, base);
  const manifest = manifestText(origin, files);
  const counts = Object.fromEntries(files.filter((file) => file.path.endsWith('.jsonl')).map((file) => [file.path, file.rows]));
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const summary = `${rows.toLocaleString('en')} rows for ${request.format === 'trl' ? 'TRL' : 'LLaMA-Factory'} (${request.content === 'sft' ? 'SFT' : 'preference'}) in ${request.folder}.`;
  return yield* finishExport(context, request, draw, { files: [...files, { path: 'README.md', text: cardText(origin, files) }], manifest, summary, counts }, signal);
}

type BaseOrigin = Omit<ExportOrigin, 'captions' | 'preference'>;

function originOf(context: StageContext, request: StageRequest<'export'>, source: Source, draw: StoredDraw): BaseOrigin {
  return {
    productVersion: context.productVersion, format: request.format, content: request.content, plan: request.plan,
    source: { name: source.name, kind: source.kind, fingerprint: source.fingerprint, outcomeColumns: source.mapping?.outcome ?? [], allowedOutcomeColumns: source.mapping?.allowOutcome ?? [] },
    draw: { seed: draw.seed, generator: draw.generator, inputHash: draw.inputHash, sizes: draw.sizes },
    templateHash: sha256(JSON.stringify(clauses)), answerRange: { min: draw.rangeMin, max: draw.rangeMax },
  };
}

interface Collected {
  readonly origin: ExportOrigin;
  readonly files: ExportFile[];
}

function instructionFiles(store: Database, request: StageRequest<'export'>, draw: StoredDraw, training: readonly StoredInstruction[], base: BaseOrigin): Collected {
  const validation = listInstructions(store, draw.id, 'validation', 'test');
  const rowOf = (row: StoredInstruction): InstructionExportRow => ({ postId: row.pid, k: row.k, prompt: textOf(row.pieces), answer: formatHundredths(row.answer!) });
  const write = request.format === 'trl' ? trlInstructions : llamaFactoryInstructions;
  const files = [write('train.jsonl', training.map(rowOf)), write('validation.jsonl', validation.map(rowOf))];
  if (request.format === 'llama-factory') files.push(llamaFactoryDatasetInfo('smp', 'sft', files));
  return { origin: { ...base, captions: captionsOf(training[0]!.captions, [...training, ...validation].map((row) => row.pieces)), preference: null }, files };
}

function pairFiles(store: Database, request: StageRequest<'export'>, draw: StoredDraw, training: readonly StoredInstruction[], base: BaseOrigin): Collected {
  const models = modelsOfExperiment(store, draw.id, request, 'sft');
  const pairs = models.flatMap((model) => promptedPairs(store, model.id));
  if (pairs.length === 0) throw new UserError('not-paired', 'There are no pairs of this experiment yet.', 'Run “pair” first.');
  const range = errorRange(pairs);
  const margin = request.plan === 'paper' ? null : Math.round(request.margin * 100);
  const leftOut = { ties: 0, unparsable: 0, 'below the margin': 0, 'older than their prompt': 0 };
  const rows: PairExportRow[] = [];
  const prompts: (readonly Piece[])[] = [];
  for (const pair of pairs) {
    const reason = reasonLeftOut(pair, margin);
    if (reason !== null) leftOut[LEFT_OUT[reason]] += 1;
    else if (pair.pieces === null) leftOut['older than their prompt'] += 1;
    else {
      prompts.push(pair.pieces);
      rows.push({ postId: pair.pid, pairId: `${pair.k}-shot ${pair.pid}`, k: pair.k, prompt: textOf(pair.pieces), chosen: pair.chosen, rejected: pair.rejected });
    }
  }
  if (rows.length === 0) {
    throw new UserError('nothing-to-export', `Of ${pairs.length} pairs none can be exported: ${Object.entries(leftOut).map(([reason, count]) => `${count} ${reason}`).join(', ')}.`, 'Lower the margin, or sample the answers again.');
  }
  const files = [(request.format === 'trl' ? trlPairs : llamaFactoryPairs)('train.jsonl', rows)];
  if (request.format === 'llama-factory') files.push(llamaFactoryDatasetInfo('smp', 'preference', files));
  const sampledBy = models.map((model) => ({
    base: model.base, trainingSeed: model.trainingSeed, k: model.k, weightsHash: model.weightsHash,
    sampledFrom: [...new Set(pairs.filter((pair) => pair.modelId === model.id).map((pair) => pair.sampledFrom))].sort(),
  }));
  return { origin: { ...base, captions: captionsOf(training[0]!.captions, prompts), preference: { errorRange: range, margin, leftOut, models: sampledBy } }, files };
}

/** How a manifest counts what is left out. */
const LEFT_OUT = { tie: 'ties', unparsable: 'unparsable', margin: 'below the margin' } as const;

const textOf = (pieces: readonly Piece[]): string => pieces.map(([, text]) => text).join('');

/** The template's words before a caption, as the clause table has them. */
const CAPTION_INTRODUCTIONS = [clauses.caption.after.split(' {value}'), clauses.question.caption.split(' {value}'), clauses.caption.alone.split(' {pid}')].map(([words]) => words!);

function captionsOf(policy: string, prompts: readonly (readonly Piece[])[]): ExportOrigin['captions'] {
  const holdsCaption = (pieces: readonly Piece[]): boolean => pieces.some(([kind, text]) => kind === 't' && CAPTION_INTRODUCTIONS.some((words) => text.endsWith(words)));
  return { policy, prompts: prompts.length, withCaption: prompts.filter(holdsCaption).length };
}

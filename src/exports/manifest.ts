// manifest.json and README.md of an export: where every row comes from, what was left out and why. Neither holds a time or
// a path of this machine: exporting the same state twice gives byte-identical files.
import { createHash } from 'node:crypto';
import { formatHundredths, type Hundredths } from '../domain/posts.ts';
import type { Plan } from '../protocol/stages.ts';
import type { ExportContent, ExportFile, ExportFormat } from './exportRows.ts';

export const MANIFEST_VERSION = 1;

/** What an export was made from. Ranges and margins are hundredths. */
export interface ExportOrigin {
  readonly productVersion: string;
  readonly format: ExportFormat;
  readonly content: ExportContent;
  readonly plan: Plan;
  readonly source: { readonly name: string; readonly kind: string; readonly fingerprint: string; readonly outcomeColumns: readonly string[]; readonly allowedOutcomeColumns: readonly string[] };
  readonly draw: { readonly seed: number; readonly generator: string; readonly inputHash: string; readonly sizes: Readonly<Record<string, number>> };
  readonly captions: { readonly policy: string; readonly prompts: number; readonly withCaption: number };
  readonly templateHash: string; // SHA-256 of the clause table
  readonly answerRange: { readonly min: Hundredths; readonly max: Hundredths };
  readonly preference: {
    readonly errorRange: { readonly min: Hundredths; readonly max: Hundredths }; // Mmin, Mmax over all parsed pairs
    readonly margin: Hundredths | null; // null: no minimum
    readonly leftOut: Readonly<Record<string, number>>; // pairs, by reason
    readonly models: readonly { readonly base: string; readonly trainingSeed: number; readonly k: number | null; readonly weightsHash: string; readonly sampledFrom: readonly string[] }[];
  } | null;
}

export function manifestText(origin: ExportOrigin, files: readonly ExportFile[]): string {
  const { source, draw, preference } = origin;
  const manifest = {
    schema_version: MANIFEST_VERSION,
    product: { name: 'smp-curator', version: origin.productVersion },
    format: origin.format, content: origin.content, plan: origin.plan,
    source: { name: source.name, kind: source.kind, fingerprint: source.fingerprint },
    outcome_columns: { known: source.outcomeColumns, allowed_in_prompts: source.allowedOutcomeColumns },
    draw: { seed: draw.seed, generator: draw.generator, input_sha256: draw.inputHash, users: draw.sizes },
    filter: {
      sets: origin.content === 'sft' ? { 'train.jsonl': 'few-shot, training questions', 'validation.jsonl': 'validation, test questions' } : { 'train.jsonl': 'alignment, ordered pairs' },
      captions: { policy: origin.captions.policy, prompts: origin.captions.prompts, with_caption: origin.captions.withCaption },
      ...(preference ? { margin: preference.margin === null ? null : formatHundredths(preference.margin), left_out: preference.leftOut } : {}),
    },
    prompt_template_sha256: origin.templateHash,
    tokenizer: null, // text only: nothing was cut to a model's length
    answer_range: { min: formatHundredths(origin.answerRange.min), max: formatHundredths(origin.answerRange.max) },
    ...(preference ? {
      error_range: { m_min: formatHundredths(preference.errorRange.min), m_max: formatHundredths(preference.errorRange.max) },
      sampled_by: preference.models.map((model) => ({ base: model.base, training_seed: model.trainingSeed, k: model.k, weights_sha256: model.weightsHash, sampled_from: model.sampledFrom })),
    } : {}),
    files: files.map((file) => ({ path: file.path, rows: file.rows, sha256: sha256(file.text) })),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

export function cardText(origin: ExportOrigin, files: readonly ExportFile[]): string {
  const { preference, source, captions } = origin;
  const what = origin.content === 'sft' ? 'Instructions with their answers' : 'Preference pairs';
  const reader = origin.format === 'trl' ? 'Hugging Face TRL (standard format)' : 'LLaMA-Factory (alpaca format, registered in `dataset_info.json`)';
  const lines = [
    `# ${what} of ${codeSpan(source.name)}`,
    '',
    `${what} for predicting how popular a user's next post will be, from the user's few earlier posts (MultiSmpLLM, DOI 10.11959/j.issn.1000-436x.2024193). Written for ${reader} by SMP Curator ${origin.productVersion}.`,
    '',
    '| file | rows |',
    '|---|---|',
    ...files.map((file) => `| \`${file.path}\` | ${file.rows} |`),
    '',
    `- Users were drawn with seed ${origin.draw.seed} (plan \`${origin.plan}\`): ${Object.entries(origin.draw.sizes).map(([set, users]) => `${set} ${users}`).join(', ')}.`,
    `- Answers lie between ${formatHundredths(origin.answerRange.min)} and ${formatHundredths(origin.answerRange.max)}.`,
    `- Captions: ${captions.policy === 'approved' ? 'only those that a person approved' : 'any, approved or not'}; ${captions.withCaption} of ${captions.prompts} prompts hold one.`,
    source.allowedOutcomeColumns.length > 0
      ? `- **Columns that are known only after posting were allowed in prompts:** ${source.allowedOutcomeColumns.map(codeSpan).join(', ')}.`
      : '- No column that is known only after posting stands in a prompt.',
    ...(preference ? [
      `- The errors of all parsed pairs lie between ${formatHundredths(preference.errorRange.min)} and ${formatHundredths(preference.errorRange.max)} (Mmin, Mmax).`,
      `- Left out: ${Object.entries(preference.leftOut).map(([reason, count]) => `${count} ${reason}`).join(', ')}${preference.margin === null ? '' : `; the smallest difference of the two errors is ${formatHundredths(preference.margin)}`}.`,
    ] : []),
    `- Each row carries \`post_id\`${preference ? ' and `pair_id`' : ''}, which trainers ignore, so that it can be traced back. Everything else is in \`manifest.json\`.`,
    '',
    'The posts keep the licence of the data they come from.',
    '',
  ];
  return lines.join('\n');
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A name from outside as Markdown code: it can neither end the span nor break the line. */
export function codeSpan(text: string): string {
  return `\`${text.replace(/[`\s\p{Cc}]+/gu, ' ').slice(0, 100).trim()}\``;
}

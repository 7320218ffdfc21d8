// The challenge's submission: one JSON file of predictions, {"version", "result": [{"post_id", "popularity_score"}],
// "external_data": {"used", "details"}}, with a manifest and a card beside it. Like every export without times and places.
import { formatHundredths, type Hundredths } from '../domain/posts.ts';
import type { ExportFile } from './exportRows.ts';
import { codeSpan, MANIFEST_VERSION, sha256 } from './manifest.ts';

export const SUBMISSION_FILE = 'submission.json';

export interface SubmittedScore {
  readonly pid: string;
  readonly score: Hundredths;
}

/** What the predictions come from. */
export interface SubmissionOrigin {
  readonly productVersion: string;
  readonly plan: string;
  readonly source: { readonly name: string; readonly kind: string; readonly fingerprint: string; readonly outcomeColumns: readonly string[]; readonly allowedOutcomeColumns: readonly string[] };
  readonly draw: { readonly seed: number; readonly generator: string; readonly inputHash: string };
  readonly part: string | null; // null: every post without a score
  readonly models: readonly { readonly role: string; readonly variant: string; readonly base: string; readonly trainingSeed: number; readonly k: number | null; readonly weightsHash: string }[];
  readonly decoder: string;
  readonly captions: string; // the policy of the prompts
  readonly templateHash: string; // SHA-256 of the clause table
  readonly byModel: number; // posts
  readonly median: Hundredths; // of all scores: the prediction where no model could be asked
  readonly byMedian: Readonly<Record<string, number>>; // posts, by reason
  readonly externalData: string; // what was used beyond the data set; '': nothing
}

export function submissionFile(scores: readonly SubmittedScore[], origin: SubmissionOrigin): ExportFile {
  const result = scores.map(({ pid, score }) => JSON.stringify({ post_id: `post${pid}`, popularity_score: score / 100 }));
  const externalData = JSON.stringify({ used: origin.externalData !== '', details: origin.externalData });
  const text = `{"version":${JSON.stringify(`smp-curator ${origin.productVersion}`)},"result":[\n${result.join(',\n')}\n],"external_data":${externalData}}\n`;
  return { path: SUBMISSION_FILE, text, rows: scores.length };
}

export function submissionManifest(origin: SubmissionOrigin, file: ExportFile): string {
  const { source, draw } = origin;
  return `${JSON.stringify({
    schema_version: MANIFEST_VERSION,
    product: { name: 'smp-curator', version: origin.productVersion },
    format: 'submission', content: 'predictions', plan: origin.plan,
    source: { name: source.name, kind: source.kind, fingerprint: source.fingerprint },
    outcome_columns: { known: source.outcomeColumns, allowed_in_prompts: source.allowedOutcomeColumns },
    draw: { seed: draw.seed, generator: draw.generator, input_sha256: draw.inputHash },
    posts: { part: origin.part, submitted: file.rows, by_model: origin.byModel, by_median: origin.byMedian },
    median: formatHundredths(origin.median),
    predicted_by: origin.models.map((model) => ({ role: model.role, variant: model.variant, base: model.base, training_seed: model.trainingSeed, k: model.k, weights_sha256: model.weightsHash })),
    decoder: origin.decoder,
    captions: { policy: origin.captions },
    prompt_template_sha256: origin.templateHash,
    external_data: origin.externalData,
    files: [{ path: file.path, rows: file.rows, sha256: sha256(file.text) }],
  }, null, 2)}\n`;
}

export function submissionCard(origin: SubmissionOrigin, file: ExportFile): string {
  const fallbacks = Object.entries(origin.byMedian).map(([reason, count]) => `${count} (${reason})`);
  return [
    `# Predictions for ${codeSpan(origin.source.name)}`,
    '',
    `\`${SUBMISSION_FILE}\` holds the popularity of ${file.rows} posts (${origin.part === null ? 'all without a score' : `the part ${codeSpan(origin.part)}`}) in the submission format of the SMP Challenge. Written by SMP Curator ${origin.productVersion}.`,
    '',
    `- Predicted by: ${origin.models.map((model) => `${model.role}${model.variant === '' ? '' : ` (${model.variant})`} of ${codeSpan(model.base)}`).join(', ')}; decoder ${origin.decoder}; ${origin.byModel} posts.`,
    fallbacks.length === 0 ? '- Every post was predicted by the model.' : `- Given the median of all scores, ${formatHundredths(origin.median)}, because no model could be asked: ${fallbacks.join(', ')}.`,
    `- Data beyond the data set: ${origin.externalData === '' ? 'none' : codeSpan(origin.externalData)}.`,
    '- Everything else is in `manifest.json`.',
    '',
  ].join('\n');
}

// `export` as the challenge's submission: what a model predicted for every post without a score (or of a part). A post that no
// model can be asked about (its user has no earlier post with a score: the method predicts from a history, and no model has
// learned to do without; or the post is left out) gets the median of all scores, the plainest baseline, and is counted.
import { setImmediate } from 'node:timers/promises';
import clauses from '../../resources/trainer/multismp/clauses.json' with { type: 'json' };
import { UserError } from '../domain/errors.ts';
import { formatHundredths, type Hundredths } from '../domain/posts.ts';
import { sha256 } from '../exports/manifest.ts';
import { submissionCard, submissionFile, submissionManifest, type SubmissionOrigin, type SubmittedScore } from '../exports/submission.ts';
import type { LongWork } from '../protocol/progress.ts';
import { TINY_BASE } from '../protocol/stageRequests.ts';
import { MODEL_ROLES, type StageRequest, type StageResult } from '../protocol/stages.ts';
import type { CaptionPolicy } from '../store/captions.ts';
import type { StoredDraw } from '../store/draws.ts';
import { modelForShots, modelsOfExperiment, type StoredModel } from '../store/models.ts';
import { postByPid, scoreCounts } from '../store/posts.ts';
import type { Source } from '../store/sources.ts';
import { answerGiven, countSubmissionPosts, pageOfSubmissionPosts, partsOfSource, type SubmissionPost } from '../store/submissionPosts.ts';
import { findBase } from './baseModel.ts';
import { requireCurrentModels } from './experimentModels.ts';
import { finishExport } from './finishExport.ts';
import { historyQuestion } from './historyQuestion.ts';
import { fitted, type Rendering } from './instructionRows.ts';
import { PromptFitter } from './promptFitter.ts';
import type { StageContext } from './stageContext.ts';

const POSTS_PER_PAGE = 25; // rendered before other work of this thread gets its turn, some 10 ms
const DECODER = 'median'; // what is predicted for posts that are in no set

const LEFT_OUT = { excluded: 'excluded by a person', noHistory: 'no earlier post with a score', noNumber: 'the answer is no number', tooLong: 'the prompt is too long' } as const;

/** @throws {UserError} `part-unknown`, `not-trained`, `model-stale`, `nothing-to-export`, `not-predicted`, and those of finishExport */
export async function* exportSubmission(context: StageContext, request: StageRequest<'export'>, source: Source, draw: StoredDraw, captions: CaptionPolicy, signal: AbortSignal): LongWork<StageResult> {
  const { store } = context;
  const { part, externalData } = request.submission;
  const parts = partsOfSource(store, source.id);
  if (part !== null && !parts.includes(part)) throw new UserError('part-unknown', `“${source.name}” has no part “${part.slice(0, 80)}”.`, `Its parts are ${parts.join(', ')}.`);
  const models = modelsFor(context, request, draw);
  requireCurrentModels(store, draw, models);
  const total = countSubmissionPosts(store, source.id, part);
  if (total === 0) throw new UserError('nothing-to-export', `“${source.name}” has no post without a score.`, 'Name a part (on the command line, --part) to predict posts that have scores.');

  const scores: SubmittedScore[] = [];
  const byMedian: Record<string, number> = {};
  const median = medianScore(scoreCounts(store, source.id));
  const reader = new AnswerReader(context, request, source, captions, models);
  let missing = 0;
  let done = 0;
  for (let page = pageOfSubmissionPosts(store, source.id, part, 0, POSTS_PER_PAGE); page.length > 0; page = pageOfSubmissionPosts(store, source.id, part, page.at(-1)!.id, POSTS_PER_PAGE)) {
    for (const post of page) {
      const answer = await reader.answerTo(post);
      if (answer === null) missing += 1;
      else if (typeof answer === 'number') scores.push({ pid: post.pid, score: answer });
      else {
        byMedian[answer.reason] = (byMedian[answer.reason] ?? 0) + 1;
        scores.push({ pid: post.pid, score: median });
      }
    }
    done += page.length;
    yield { message: 'Collecting predictions', done, total, unit: 'posts' };
    await setImmediate();
    signal.throwIfAborted();
  }
  const [{ role }] = models as [StoredModel];
  if (missing > 0) {
    throw new UserError('not-predicted', `${missing.toLocaleString('en')} of ${total.toLocaleString('en')} posts have no current prediction by the ${role} model.`,
      `Let it predict them first: smp predict ${part === null ? '--unlabelled' : '--every-post'} --role ${role}.`);
  }
  const byModel = scores.length - Object.values(byMedian).reduce((sum, count) => sum + count, 0);
  const origin: SubmissionOrigin = {
    productVersion: context.productVersion, plan: request.plan, part, decoder: DECODER, captions, byModel, byMedian, median, templateHash: sha256(JSON.stringify(clauses)),
    source: { name: source.name, kind: source.kind, fingerprint: source.fingerprint, outcomeColumns: source.mapping?.outcome ?? [], allowedOutcomeColumns: source.mapping?.allowOutcome ?? [] },
    draw: { seed: draw.seed, generator: draw.generator, inputHash: draw.inputHash }, models,
    externalData: externalData ?? (request.base === TINY_BASE ? '' : `Pretrained language model ${request.base}.`),
  };
  const file = submissionFile(scores, origin);
  const fallback = scores.length - byModel;
  const summary = `${scores.length.toLocaleString('en')} predictions by the ${role} model in ${request.folder}${fallback === 0 ? '' : `; ${fallback.toLocaleString('en')} of them are the median ${formatHundredths(median)}, because it could not be asked`}.`;
  return yield* finishExport(context, request, draw, {
    files: [file, { path: 'README.md', text: submissionCard(origin, file) }], manifest: submissionManifest(origin, file), summary, counts: { posts: scores.length, byModel, byMedian: fallback },
  }, signal);
}

/** The models of the role asked for, else of the most tuned one that is there; in the paper's plan one for each k. */
function modelsFor({ store }: StageContext, request: StageRequest<'export'>, draw: StoredDraw): StoredModel[] {
  const { role: wanted, variant } = request.submission;
  const made = modelsOfExperiment(store, draw.id, request).filter((model) => model.role !== 'aligned' || model.variant === variant);
  const role = wanted ?? MODEL_ROLES.findLast((candidate) => made.some((model) => model.role === candidate));
  const models = made.filter((model) => model.role === role);
  if (models.length === 0) throw new UserError('not-trained', `There is no ${wanted === null ? '' : `${wanted} `}model of this experiment yet.`, 'Run “train” first.');
  return models;
}

/** The lower median. */
function medianScore(counts: readonly [score: Hundredths, posts: number][]): Hundredths {
  let left = Math.ceil(counts.reduce((sum, [, posts]) => sum + posts, 0) / 2);
  return counts.find(([, posts]) => (left -= posts) <= 0)![0]; // a draw has scores
}

/** Finds what a model answered to the prompt that a post has now. */
class AnswerReader {
  readonly #context: StageContext;
  readonly #base: string;
  readonly #source: Source;
  readonly #captions: CaptionPolicy;
  readonly #models: readonly StoredModel[];
  #rendering: Rendering | null = null;

  constructor(context: StageContext, request: StageRequest<'export'>, source: Source, captions: CaptionPolicy, models: readonly StoredModel[]) {
    this.#context = context;
    this.#base = request.base;
    this.#source = source;
    this.#captions = captions;
    this.#models = models;
  }

  /** A score, why no model can be asked, or null where one can be and was not. */
  async answerTo({ pid, dropped, excluded }: SubmissionPost): Promise<Hundredths | { readonly reason: string } | null> {
    const { store } = this.#context;
    if (excluded === 1) return { reason: LEFT_OUT.excluded };
    if (dropped !== null) return { reason: dropped };
    const question = historyQuestion(store, this.#source, this.#captions, postByPid(store, this.#source.id, pid)!);
    if (question === null) return { reason: LEFT_OUT.noHistory };
    const model = modelForShots(this.#models, Math.max(1, question.k));
    const value = model === undefined ? undefined : answerGiven(store, model.id, this.#source.id, question, DECODER);
    if (value !== undefined) return value ?? { reason: LEFT_OUT.noNumber };
    // Prompts that do not fit into the model's context were never asked, and never will be.
    this.#rendering ??= { store, source: this.#source, captions: this.#captions, fitter: await PromptFitter.of(await findBase(this.#context, this.#base)) };
    return fitted(this.#rendering, question) === null ? { reason: LEFT_OUT.tooLong } : null;
  }
}

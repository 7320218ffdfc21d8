// Renders an instruction from the one clause table, clauses.json (the paper's section 3.3; method.md, section 3).
// An instruction is a list of pieces, so that a tokenizer can encode a post's words apart from the template's: a title
// that says `</s>` or a phrase of the template then stays text. multismp/instructions.py renders the same; both sides
// assert test/fixtures/instructions.json.
import clauses from '../../resources/trainer/multismp/clauses.json' with { type: 'json' };
import { formatHundredths, type Hundredths } from './posts.ts';

/** `t` template text, `v` a value of a post, `s` a score. Values and scores carry the blank before them; joined, the pieces are the prompt. */
export type Piece = ['t' | 'v' | 's', string];

export type TemplateName = keyof typeof clauses.templates;
type FieldName = keyof typeof clauses.fieldNames;

/** What an instruction may say of a post. '' or an absent field is a missing value and drops its clause. */
export interface PromptPost {
  readonly pid: string;
  readonly title: string;
  readonly category: string;
  readonly subcategory: string;
  readonly concept: string;
  readonly caption: string;
  readonly extra: readonly (readonly [name: string, value: string])[]; // chosen columns of a table, in their order
  readonly label: Hundredths | null; // read of history posts only
  // TPIC2017 only, as the data set prints them ('18', '7', '2012-7-16'; printedScore '7.2'):
  readonly titleLength?: string;
  readonly tagCount?: string;
  readonly releaseDate?: string;
  readonly printedScore?: string; // stands for the label where a source's scores are printed as stored
}

export interface InstructionRequest {
  readonly template: TemplateName;
  readonly uid: string;
  readonly history: readonly PromptPost[]; // oldest first, each with its score
  readonly question: PromptPost;
}

export interface Instruction {
  readonly pieces: Piece[];
  readonly text: string; // the pieces joined: instruction, newline, input
}

/** Longest values in code points. Text comes from strangers: without a bound one title of megabytes would fill the store
 * and every model's context. Flickr ends titles at 255, captions of vision models rarely pass 600. */
export const MAX_VALUE_LENGTH = 300;
const MAX_CAPTION_LENGTH = 1000;

/**
 * The whole prompt in pieces: every history clause, then every score clause, then the question.
 * Throws (a bug of the caller) when a history post has no score.
 */
export function buildInstruction(request: InstructionRequest): Instruction {
  return render(request, MAX_CAPTION_LENGTH, MAX_VALUE_LENGTH);
}

export interface FittedInstruction extends Instruction {
  readonly cut: 'nothing' | 'captions' | 'titles'; // titles: all captions went and titles were shortened too
}

/**
 * The instruction within `limit` tokens as `countTokens` counts them: captions are shortened first (all to one length,
 * the longest that fits), then titles; score clauses never. 'too long' when even that does not fit: dropping a post
 * would change k, so the user leaves the cell and the caller counts it.
 */
export function fitInstruction(request: InstructionRequest, countTokens: (pieces: readonly Piece[]) => number, limit: number): FittedInstruction | 'too long' {
  const fits = (instruction: Instruction): boolean => countTokens(instruction.pieces) <= limit;
  const whole = buildInstruction(request);
  if (fits(whole)) return { ...whole, cut: 'nothing' };
  const shorterCaptions = longestThatFits((length) => render(request, length, MAX_VALUE_LENGTH), MAX_CAPTION_LENGTH, fits);
  if (shorterCaptions !== null) return { ...shorterCaptions, cut: 'captions' };
  const shorterTitles = longestThatFits((length) => render(request, 0, length), MAX_VALUE_LENGTH, fits);
  return shorterTitles === null ? 'too long' : { ...shorterTitles, cut: 'titles' };
}

/** Bisection over the length in code points; what it returns was counted and fits, even where a tokenizer is not monotone. */
function longestThatFits(renderAt: (length: number) => Instruction, longest: number, fits: (instruction: Instruction) => boolean): Instruction | null {
  let best = renderAt(0);
  if (!fits(best)) return null;
  let low = 0;
  let high = longest;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const candidate = renderAt(middle);
    if (fits(candidate)) {
      best = candidate;
      low = middle;
    } else {
      high = middle;
    }
  }
  return best;
}

function render({ template, uid, history, question }: InstructionRequest, captionLength: number, titleLength: number): Instruction {
  const pieces = [
    ...fill(`${clauses.instruction}\n${clauses.opening}`, { uid: cleanValue(uid) }),
    ...history.flatMap((post) => historyClause(template, post, captionLength, titleLength)),
    ...history.flatMap((post) => fill(clauses.score, { pid: cleanValue(post.pid), score: scoreText(post) })),
    ...questionClause(template, question, captionLength, titleLength),
    ...fill(clauses.closing, {}),
  ];
  const merged = mergeTemplateText(pieces);
  return { pieces: merged, text: merged.map(([, text]) => text).join('') };
}

/** The first value that is there carries the post; a caption alone does; a post with nothing has no clause, only its score. */
function historyClause(template: TemplateName, post: PromptPost, captionLength: number, titleLength: number): Piece[] {
  const pid = cleanValue(post.pid);
  const pieces: Piece[] = [];
  for (const [field, value] of presentFields(template, post, titleLength)) {
    pieces.push(...fill(clauses.fields[field][pieces.length === 0 ? 'first' : 'next'], { pid, value }));
  }
  for (const [name, value] of presentExtra(post)) {
    pieces.push(...fill(clauses.fields.extra[pieces.length === 0 ? 'first' : 'next'], { pid, name, value }));
  }
  const hasFields = pieces.length > 0;
  if (hasFields) pieces.push(...fill(clauses.end, {}));
  const caption = captionText(post.caption, captionLength);
  if (caption !== '') pieces.push(...fill(hasFields ? clauses.caption.after : clauses.caption.alone, { pid, value: caption }));
  return pieces;
}

function questionClause(template: TemplateName, post: PromptPost, captionLength: number, titleLength: number): Piece[] {
  const pieces = fill(clauses.question.post, { pid: cleanValue(post.pid) });
  for (const [field, value] of presentFields(template, post, titleLength)) {
    pieces.push(...fill(clauses.question.field.replace('{name}', clauses.fieldNames[field]), { value }));
  }
  for (const [name, value] of presentExtra(post)) pieces.push(...fill(clauses.question.field, { name, value }));
  pieces.push(...fill(clauses.end, {}));
  const caption = captionText(post.caption, captionLength);
  if (caption !== '') pieces.push(...fill(clauses.question.caption, { value: caption }));
  return pieces;
}

function presentFields(template: TemplateName, post: PromptPost, titleLength: number): [FieldName, string][] {
  return (clauses.templates[template] as FieldName[])
    .map((field): [FieldName, string] => [field, cleanValue(post[field] ?? '', field === 'title' ? titleLength : MAX_VALUE_LENGTH)])
    .filter(([, value]) => value !== '');
}

function presentExtra(post: PromptPost): [string, string][] {
  return post.extra.map(([name, value]): [string, string] => [cleanValue(name), cleanValue(value)]).filter(([name, value]) => name !== '' && value !== '');
}

function scoreText(post: PromptPost): string {
  if (post.printedScore !== undefined) return post.printedScore;
  if (post.label === null) throw new Error(`History post ${post.pid} has no score; only scored posts can be history.`);
  return formatHundredths(post.label);
}

/** A caption is a sentence, and the template brings its own full stop: one trailing stop goes. */
function captionText(caption: string, length: number): string {
  return cleanValue(cleanValue(caption, length).replace(/\.$/, ''), length);
}

/**
 * One line of bounded length: runs of blanks, newlines and control characters become one blank (a newline could pass for
 * the end of the prompt), half surrogate pairs become U+FFFD (they have no UTF-8 and would stop the trainer).
 */
function cleanValue(value: string, length: number = MAX_VALUE_LENGTH): string {
  // Cut in UTF-16 units first, so that a text of megabytes is never walked as a whole: any code point takes at most two,
  // and the factor leaves room for runs of blanks that collapse.
  const line = value.slice(0, length * 8).replace(/[\s\p{Cc}]+/gu, ' ').replace(/\p{Cs}/gu, '\uFFFD').trim();
  return [...line].slice(0, length).join('').trimEnd();
}

/** Fills placeholders once: a value that itself looks like a placeholder stays as it is. The blank before a value moves into it. */
function fill(clause: string, values: Readonly<Record<string, string>>): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  for (const match of clause.matchAll(/( ?)\{(\w+)\}/g)) {
    const name = match[2]!;
    if (match.index > position) pieces.push(['t', clause.slice(position, match.index)]);
    pieces.push([name === 'score' ? 's' : 'v', match[1]! + values[name]!]);
    position = match.index + match[0].length;
  }
  if (position < clause.length) pieces.push(['t', clause.slice(position)]);
  return pieces;
}

/** Two template pieces never stand next to each other: the trainer would encode them differently from one. */
function mergeTemplateText(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const [kind, text] of pieces) {
    const last = merged.at(-1);
    if (kind === 't' && last?.[0] === 't') last[1] += text;
    else merged.push([kind, text]);
  }
  return merged;
}

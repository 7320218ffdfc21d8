// Keeps prompts within a model's context (method.md, section 3): captions are cut first, then titles, never a score. Lengths
// are counted with the model's own tokenizer, which is loaded for the first prompt that could be too long: few ever are.
// A model of a hub and a .gguf file have no tokenizer.json here; their prompts are passed on whole, and the trainer, which
// has the tokenizer, refuses what is too long.
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { fitInstruction, type InstructionRequest, type Piece } from '../domain/instructions.ts';
import { GREEDY_TOKENS } from '../protocol/run.ts';
import type { BaseModel } from './baseModel.ts';

/** Tokens of a chat template around the prompt (roles, a date, turns), generously. */
const TEMPLATE_TOKENS = 80;

type CountTokens = (pieces: readonly Piece[]) => number;

export class PromptFitter {
  readonly #limit: number; // tokens of a prompt; Infinity where nothing can be counted here
  readonly #folder: string;
  #count: CountTokens | null = null;
  readonly #leftOut = new Set<string>(); // their texts: several models are asked the same

  constructor(limit: number, folder: string) {
    this.#limit = limit;
    this.#folder = folder;
  }

  /** Reads the context of a base from its config.json. */
  static async of(base: BaseModel): Promise<PromptFitter> {
    if (!base.isLocal || !existsSync(join(base.place, 'tokenizer.json'))) return new PromptFitter(Infinity, base.place);
    const config = JSON.parse(await readFile(join(base.place, 'config.json'), 'utf8')) as { max_position_embeddings?: unknown };
    const context = config.max_position_embeddings;
    return new PromptFitter(typeof context === 'number' ? context - GREEDY_TOKENS - TEMPLATE_TOKENS : Infinity, base.place);
  }

  /** How many prompts did not fit even without captions and titles. */
  get leftOut(): number {
    return this.#leftOut.size;
  }

  /** A sentence for the stage's summary; '' where there are none. */
  get note(): string {
    return this.leftOut === 0 ? '' : ` ${this.leftOut.toLocaleString('en')} prompts are too long for the model and were left out.`;
  }

  /** The prompt, cut where it must be; null where dropping a post would be the only way, so that the question leaves its cell. */
  fit(pieces: readonly Piece[], request: () => InstructionRequest): readonly Piece[] | null {
    // A token is at least a byte, and each piece may bring one more (the blank that some tokenizers put before a text).
    const mostTokens = pieces.reduce((sum, [, text]) => sum + Buffer.byteLength(text) + 1, 0);
    if (mostTokens <= this.#limit) return pieces;
    this.#count ??= tokenCounter(this.#folder);
    if (this.#count(pieces) <= this.#limit) return pieces;
    const fitted = fitInstruction(request(), this.#count, this.#limit);
    if (fitted !== 'too long') return fitted.pieces;
    this.#leftOut.add(pieces.map(([, text]) => text).join(''));
    return null;
  }
}

/** Counts pieces one by one, as the trainer encodes them: in values nothing is a special token, whatever a title says. */
function tokenCounter(folder: string): CountTokens {
  const read = (name: string): Record<string, unknown> => (existsSync(join(folder, name)) ? JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown> : {});
  const [tokenizer, config] = [read('tokenizer.json'), read('tokenizer_config.json')];
  const ofTemplate = new Tokenizer(tokenizer, config);
  const ofValues = new Tokenizer({ ...tokenizer, added_tokens: [] }, config);
  return (pieces) => pieces.reduce((sum, [kind, text]) => sum + (kind === 'v' ? ofValues : ofTemplate).encode(text, { add_special_tokens: false }).ids.length, 0);
}

// Prompts within a model's context, counted with the tokenizer of the tiny base that ships.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildInstruction, type InstructionRequest, type PromptPost } from '../../../src/domain/instructions.ts';
import type { BaseModel } from '../../../src/stages/baseModel.ts';
import { PromptFitter } from '../../../src/stages/promptFitter.ts';

const resources = join(import.meta.dirname, '..', '..', '..', 'resources', 'base');

/** The tiny base with another context; one whose tokenizer is none shows whether it was read. */
function baseOf(context: number, tokenizer: 'real' | 'broken' | 'none' = 'real'): BaseModel {
  const place = mkdtempSync(join(tmpdir(), 'smp-fitter-'));
  writeFileSync(join(place, 'config.json'), JSON.stringify({ ...JSON.parse(readFileSync(join(resources, 'config.json'), 'utf8')) as object, max_position_embeddings: context }));
  copyFileSync(join(resources, 'tokenizer_config.json'), join(place, 'tokenizer_config.json'));
  if (tokenizer === 'real') copyFileSync(join(resources, 'tokenizer.json'), join(place, 'tokenizer.json'));
  if (tokenizer === 'broken') writeFileSync(join(place, 'tokenizer.json'), 'no tokenizer');
  return { name: place, place, isTiny: false, isLocal: true, weightsHash: 'x' };
}

const post = (pid: string, more: Partial<PromptPost> = {}): PromptPost => ({ pid, title: 'A title', category: 'Fashion', subcategory: '', concept: '', caption: 'a red coat '.repeat(60), extra: [], label: 752, ...more });
const request: InstructionRequest = { template: 'smpd', uid: 'u', history: [post('1'), post('2')], question: post('3', { label: null }) };
const { pieces, text } = buildInstruction(request);
const textOf = (fitted: readonly (readonly [string, string])[] | null): string => fitted!.map(([, piece]) => piece).join('');

describe('a prompt in a model\'s context', () => {
  it('passes on as it is where it fits, without reading the tokenizer where its bytes say so', async () => {
    const fitter = await PromptFitter.of(baseOf(Buffer.byteLength(text) + pieces.length + 200, 'broken'));
    assert.equal(fitter.fit(pieces, () => assert.fail('nothing is rendered again')), pieces);
    const counted = await PromptFitter.of(baseOf(Buffer.byteLength(text) - 200));
    assert.equal(counted.fit(pieces, () => assert.fail('tokens are fewer than bytes')), pieces);
  });

  it('loses captions first, then titles, never a score', async () => {
    const withoutCaptions = textOf((await PromptFitter.of(baseOf(96 + 120))).fit(pieces, () => request));
    assert.ok(withoutCaptions.length < text.length && withoutCaptions.includes('the title is A title'), withoutCaptions);
    const long: InstructionRequest = { ...request, history: request.history.map((one) => ({ ...one, title: 'word '.repeat(60), caption: '' })) };
    const withoutTitles = textOf((await PromptFitter.of(baseOf(96 + 120))).fit(buildInstruction(long).pieces, () => long));
    for (const prompt of [withoutCaptions, withoutTitles]) for (const pid of ['1', '2']) assert.ok(prompt.includes(`The popularity score of post ${pid} is 7.52.`));
  });

  it('is left out and counted once where nothing helps', async () => {
    const fitter = await PromptFitter.of(baseOf(100));
    for (let time = 0; time < 2; time++) assert.equal(fitter.fit(pieces, () => request), null);
    assert.equal(fitter.leftOut, 1);
    assert.equal(fitter.note, ' 1 prompts are too long for the model and were left out.');
  });

  it('passes on whole where there is no tokenizer to count with', async () => {
    for (const base of [baseOf(10, 'none'), { ...baseOf(10), isLocal: false }]) assert.equal((await PromptFitter.of(base)).fit(pieces, () => request), pieces);
  });

  it('counts a special token in a title as the text that it is', async () => {
    const special = (JSON.parse(readFileSync(join(resources, 'tokenizer.json'), 'utf8')) as { added_tokens: { content: string }[] }).added_tokens.find((token) => token.content === '</s>')!.content;
    const shouting: InstructionRequest = { ...request, history: [post('1', { caption: special.repeat(40) })], question: post('3', { caption: '', label: null }) };
    const prompt = buildInstruction(shouting).pieces;
    const limit = 96 + 150; // forty special tokens would fit beside some fifty others, their letters (160 tokens) do not
    assert.notEqual((await PromptFitter.of(baseOf(limit))).fit(prompt, () => shouting), prompt);
  });
});

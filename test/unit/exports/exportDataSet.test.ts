// Exports field by field, from the side of who reads them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import { exportDataSet } from '../../../src/stages/exportDataSet.ts';
import { pairAnswers } from '../../../src/stages/pairAnswers.ts';
import { addCaptions } from '../../../src/store/captions.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { addModel, addPrediction, drain, experiment, instructedStore, neverAborted } from '../stages/stageFixture.ts';

const MOST_TUNED = { role: null, variant: 'idpop', part: null, externalData: null } as const; // read for submissions alone
type Format = 'trl' | 'llama-factory';
type Content = 'sft' | 'preference';
const score = (hundredths: number): string => (hundredths / 100).toFixed(2);
const readJson = <Value>(path: string): Value => JSON.parse(readFileSync(path, 'utf8')) as Value;
const readLines = (path: string): Record<string, unknown>[] => readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

/** Pairs whose errors are 0.10 and 0.30, but for one tie, one that is no number, and one that differs by 0.05 only. */
async function pairedStore() {
  const made = await instructedStore();
  const { store, draw, context } = made;
  const model = addModel(store, draw, 'sft');
  const asked = listInstructions(store, draw.id, 'alignment', 'test');
  for (const [index, row] of asked.entries()) {
    const [first, second] = index === 0 ? [10, 10] : index === 2 ? [10, 15] : [30, 10];
    addPrediction(store, model, row, 'sample', 0, score(row.answer! + first!), row.answer! + first!);
    addPrediction(store, model, row, 'sample', 1, index === 1 ? 'none' : score(row.answer! + second!), index === 1 ? null : row.answer! + second!);
  }
  await drain(pairAnswers(context, experiment, neverAborted));
  const folder = join(context.folder, 'exports', 'made');
  const exporting = (format: Format, content: Content, changes: { folder?: string; margin?: number } = {}) =>
    drain(exportDataSet(context, { ...experiment, format, content, folder, margin: 0.1, submission: MOST_TUNED, ...changes }, neverAborted));
  return { ...made, asked, folder, exporting };
}

describe('exports', () => {
  it('TRL, SFT: prompt and completion with its leading blank, traceable', async () => {
    const { store, draw, folder, exporting } = await pairedStore();
    const result = await exporting('trl', 'sft');
    assert.deepEqual(result.counts, { 'train.jsonl': 60, 'validation.jsonl': 60 });
    const rows = readLines(join(folder, 'train.jsonl'));
    const first = listInstructions(store, draw.id, 'few-shot', 'train')[0]!;
    assert.deepEqual(rows[0], { prompt: first.pieces.map(([, text]) => text).join(''), completion: ` ${score(first.answer!)}`, post_id: first.pid, k: 1 });
    assert.ok(rows.every((row) => !/\s$/.test(row['prompt'] as string) && /^ \d{1,2}\.\d\d$/.test(row['completion'] as string)));
  });

  it('TRL, preference: ordered pairs beyond the margin alone', async () => {
    const { folder, asked, exporting } = await pairedStore();
    assert.deepEqual((await exporting('trl', 'preference')).counts, { 'train.jsonl': 57 });
    const row = readLines(join(folder, 'train.jsonl'))[0]!;
    const question = asked.find((one) => one.pid === row['post_id'] && one.k === 1)!;
    assert.deepEqual(row, {
      prompt: question.pieces.map(([, text]) => text).join(''), chosen: ` ${score(question.answer! + 10)}`, rejected: ` ${score(question.answer! + 30)}`,
      post_id: question.pid, pair_id: `1-shot ${question.pid}`, k: 1,
    });
    const manifest = readJson<{ filter: object; error_range: object }>(join(folder, 'manifest.json'));
    assert.deepEqual(manifest.error_range, { m_min: '0.10', m_max: '0.30' });
    assert.deepEqual(manifest.filter, {
      sets: { 'train.jsonl': 'alignment, ordered pairs' }, captions: { policy: 'any', prompts: 57, with_caption: 0 }, margin: '0.10',
      left_out: { ties: 1, unparsable: 1, 'below the margin': 1, 'older than their prompt': 0 },
    });
  });

  it('LLaMA-Factory, SFT: alpaca files that dataset_info.json registers', async () => {
    const { store, draw, folder, exporting } = await pairedStore();
    await exporting('llama-factory', 'sft');
    const first = listInstructions(store, draw.id, 'few-shot', 'train')[0]!;
    const [instruction, input] = first.pieces.map(([, text]) => text).join('').split('\n') as [string, string];
    assert.ok(instruction.endsWith('Output a number.'));
    assert.deepEqual(readLines(join(folder, 'train.jsonl'))[0], { instruction, input, output: score(first.answer!), post_id: first.pid, k: 1 });
    assert.deepEqual(readJson(join(folder, 'dataset_info.json')), {
      smp_train: { file_name: 'train.jsonl', columns: { prompt: 'instruction', query: 'input', response: 'output' } },
      smp_validation: { file_name: 'validation.jsonl', columns: { prompt: 'instruction', query: 'input', response: 'output' } },
    });
  });

  it('LLaMA-Factory, preference: chosen and rejected, ranking', async () => {
    const { folder, asked, exporting } = await pairedStore();
    await exporting('llama-factory', 'preference');
    const row = readLines(join(folder, 'train.jsonl'))[0]!;
    const question = asked.find((one) => one.pid === row['post_id'] && one.k === 1)!;
    const [instruction, input] = question.pieces.map(([, text]) => text).join('').split('\n') as [string, string];
    assert.deepEqual(row, { instruction, input, chosen: score(question.answer! + 10), rejected: score(question.answer! + 30), post_id: question.pid, pair_id: `1-shot ${question.pid}`, k: 1 });
    assert.deepEqual(readJson(join(folder, 'dataset_info.json')), {
      smp_train: { file_name: 'train.jsonl', ranking: true, columns: { prompt: 'instruction', query: 'input', chosen: 'chosen', rejected: 'rejected' } },
    });
  });

  it('the manifest says where everything comes from, and its hashes are those of the files', async () => {
    const { folder, draw, exporting } = await pairedStore();
    await exporting('trl', 'preference');
    const manifest = readJson<Record<string, unknown> & { files: { path: string; rows: number; sha256: string }[] }>(join(folder, 'manifest.json'));
    for (const file of manifest.files) assert.equal(createHash('sha256').update(readFileSync(join(folder, file.path))).digest('hex'), file.sha256);
    assert.deepEqual(manifest.files.map((file) => [file.path, file.rows]), [['train.jsonl', 57]]);
    const { schema_version, product, source, draw: drawn, answer_range, outcome_columns, tokenizer, sampled_by } = manifest;
    assert.deepEqual({ schema_version, product, source, drawn, answer_range, outcome_columns, tokenizer, sampled_by }, {
      schema_version: 1, product: { name: 'smp-curator', version: '0.0.0-test' }, source: { name: 'posts', kind: 'table', fingerprint: 'fingerprint of 300' },
      drawn: { seed: 0, generator: draw.generator, input_sha256: draw.inputHash, users: draw.sizes }, answer_range: { min: score(draw.rangeMin), max: score(draw.rangeMax) },
      outcome_columns: { known: [], allowed_in_prompts: [] }, tokenizer: null,
      sampled_by: [{ base: 'tiny', training_seed: 0, k: null, weights_sha256: 'weights of sft', sampled_from: ['trie'] }],
    });
    assert.match(manifest['prompt_template_sha256'] as string, /^[0-9a-f]{64}$/);
    assert.match(readFileSync(join(folder, 'README.md'), 'utf8'), /# Preference pairs of `posts`/);
  });

  it('records which outcome columns are known, and which were allowed in prompts', async () => {
    const { store, sourceId, folder, exporting } = await pairedStore();
    const columns = { pid: 'id', uid: 'user', time: 'at', popularity: 'points', title: null, tags: null, category: null, subcategory: null, concept: null, image: null, latitude: null, longitude: null };
    store.prepare('UPDATE sources SET mapping = ? WHERE id = ?').run(JSON.stringify({
      version: 1, format: 'csv', delimiter: ',', columns, popularityScale: 'as-is', timeFormat: 'iso', extra: [], outcome: ['points', 'comments'], allowOutcome: ['comments'],
    }), sourceId);
    await exporting('trl', 'sft');
    assert.deepEqual(readJson<{ outcome_columns: object }>(join(folder, 'manifest.json')).outcome_columns, { known: ['points', 'comments'], allowed_in_prompts: ['comments'] });
    assert.match(readFileSync(join(folder, 'README.md'), 'utf8'), /known only after posting were allowed in prompts:\*\* `comments`/);
  });

  for (const [format, content] of [['trl', 'sft'], ['trl', 'preference'], ['llama-factory', 'sft'], ['llama-factory', 'preference']] as const) {
    it(`${format}, ${content}: the same state gives the same bytes, and a second export does nothing`, async () => {
      const { folder, exporting } = await pairedStore();
      const other = join(dirname(folder), 'other');
      await exporting(format, content);
      await exporting(format, content, { folder: other });
      assert.ok(readdirSync(folder).length >= 3);
      for (const file of readdirSync(folder)) assert.deepEqual(readFileSync(join(folder, file)), readFileSync(join(other, file)), file);
      assert.equal((await exporting(format, content)).unchanged, true);
      writeFileSync(join(folder, 'train.jsonl'), 'tampered with');
      assert.equal((await exporting(format, content)).unchanged, false);
      assert.deepEqual(readFileSync(join(folder, 'train.jsonl')), readFileSync(join(other, 'train.jsonl')));
      assert.deepEqual(readdirSync(dirname(folder)).sort(), ['made', 'other'], 'no temporary folder stays');
    });
  }

  it('counts captions in prompts, and refuses instructions that are older than them', async () => {
    const { store, sourceId, context, draw, folder, exporting } = await pairedStore();
    const question = listInstructions(store, draw.id, 'few-shot', 'train', 3)[0]!;
    addCaptions(store, sourceId, [{ pid: question.pid, text: 'a red coat', madeBy: 'a', origin: {} }], 1);
    await assert.rejects(exporting('trl', 'sft'), (error) => error instanceof UserError && error.code === 'instructions-stale');
    await drain(buildInstructions(context, { source: 'posts', dataSeed: 0, captions: 'any' }, neverAborted));
    await exporting('trl', 'sft');
    assert.deepEqual(readJson<{ filter: { captions: object } }>(join(folder, 'manifest.json')).filter.captions, { policy: 'any', prompts: 120, with_caption: 1 });
  });

  it('never replaces a folder that is no export', async () => {
    const { folder, exporting } = await pairedStore();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'thesis.tex'), 'mine');
    await assert.rejects(exporting('trl', 'sft'), (error) => error instanceof UserError && error.code === 'export-folder-taken');
    assert.deepEqual(readdirSync(folder), ['thesis.tex']);
    assert.ok(!existsSync(join(folder, 'manifest.json')));
  });

  it('says when nothing can be exported', async () => {
    const { exporting } = await pairedStore();
    await assert.rejects(exporting('trl', 'preference', { margin: 9 }), (error) => error instanceof UserError && error.code === 'nothing-to-export' && /58 below the margin/.test(error.message));
    await assert.rejects(exporting('trl', 'sft', { folder: 'relative' }), (error) => error instanceof UserError && error.code === 'export-folder-relative');
    const { context } = await instructedStore();
    await assert.rejects(drain(exportDataSet(context, { ...experiment, format: 'trl', content: 'preference', folder: join(context.folder, 'x'), margin: 0.1, submission: MOST_TUNED }, neverAborted)),
      (error) => error instanceof UserError && error.code === 'not-paired');
  });
});

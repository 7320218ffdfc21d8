import assert from 'node:assert/strict';
import { UserError } from '../../../src/domain/errors.ts';
import { pairAnswers } from '../../../src/stages/pairAnswers.ts';
import { listInstructions } from '../../../src/store/instructions.ts';
import { pairsOfModel, promptedPairs } from '../../../src/store/pairs.ts';
import { addModel, addPrediction, drain, experiment, instructedStore, neverAborted } from './stageFixture.ts';

const score = (hundredths: number): string => (hundredths / 100).toFixed(2);

/** Answers of every question of the alignment set: 0.30 and 0.10 beside the truth, so that the second is better by 0.20. */
async function answered(plan: 'ours' | 'paper' = 'ours') {
  const made = await instructedStore();
  const { store, draw, context } = made;
  const asked = listInstructions(store, draw.id, 'alignment', 'test');
  const models = plan === 'ours' ? [addModel(store, draw, 'sft')] : [1, 2, 3].map((k) => addModel(store, draw, 'sft', { plan, k }));
  for (const row of asked) {
    const model = plan === 'ours' ? models[0]! : models[row.k - 1]!;
    for (const [index, error] of [30, 10].entries()) addPrediction(store, model, row, 'sample', index, score(row.answer! + error), row.answer! + error);
  }
  return { ...made, asked, models, pair: () => drain(pairAnswers(context, { ...experiment, plan }, neverAborted)) };
}

describe('stage pair', () => {
  it('chooses the answer with the smaller error, up to three pairs a user', async () => {
    const { store, models, asked, pair } = await answered();
    const result = await pair();
    assert.deepEqual(result.counts, { pairs: 60, ordered: 60, tie: 0, unparsable: 0, medianMarginHundredths: 20 });
    const first = pairsOfModel(store, models[0]!)[0]!;
    const truth = asked.find((row) => row.k === 1 && row.pid === first.pid)!.answer!;
    assert.deepEqual([first.state, first.chosen, first.rejected, first.errorChosen, first.errorRejected, first.k, first.sampledFrom],
      ['ordered', score(truth + 10), score(truth + 30), 10, 30, 1, 'trie']);
    assert.equal((await pair()).unchanged, true);
  });

  it('keeps ties and answers that are no numbers, marked', async () => {
    const { store, models, asked, pair } = await answered();
    const [tied, worded, outside] = asked as [typeof asked[0], typeof asked[0], typeof asked[0]];
    addPrediction(store, models[0]!, tied, 'sample', 0, score(tied.answer! - 10), tied.answer! - 10);
    addPrediction(store, models[0]!, worded, 'sample', 1, 'about seven', null);
    addPrediction(store, models[0]!, outside, 'sample', 0, '31.00', null);
    const { counts, summary } = await pair();
    assert.deepEqual([counts['ordered'], counts['tie'], counts['unparsable']], [57, 1, 2]);
    assert.match(summary, /60 pairs: 57 ordered, 1 tied, 2 with an answer that is no number; the median difference of the two errors is 0\.20/);
    const kept = pairsOfModel(store, models[0]!).find((row) => row.pid === worded.pid && row.k === worded.k)!;
    assert.deepEqual([kept.state, kept.chosen, kept.rejected, kept.errorRejected], ['unparsable', score(worded.answer! + 30), 'about seven', null]);
  });

  it('has one pair a user for each of the paper\'s models', async () => {
    const { store, models, pair } = await answered('paper');
    assert.equal((await pair()).counts['pairs'], 60);
    for (const [index, model] of models.entries()) {
      const pairs = promptedPairs(store, model);
      assert.deepEqual(new Set(pairs.map((row) => row.k)), new Set([index + 1]));
      assert.equal(new Set(pairs.map((row) => row.uid)).size, 20);
    }
  });

  it('keeps the ids of pairs that stay, and changes what was answered again', async () => {
    const { store, models, asked, pair } = await answered();
    await pair();
    const before = pairsOfModel(store, models[0]!);
    const again = asked.find((row) => row.pid === before[0]!.pid && row.k === 1)!;
    addPrediction(store, models[0]!, again, 'sample', 0, score(again.answer!), again.answer);
    assert.equal((await pair()).unchanged, false);
    const after = pairsOfModel(store, models[0]!);
    assert.deepEqual(after.map((row) => row.id), before.map((row) => row.id));
    assert.equal(after[0]!.errorChosen, 0);
  });

  it('refuses answers to prompts that have changed, and says which stage helps', async () => {
    const { store, draw, pair } = await answered();
    store.prepare("UPDATE instructions SET prompt_hash = 'other' WHERE draw_id = ? AND set_name = 'alignment' AND k = 2").run(draw.id);
    await assert.rejects(pair(), (error) => error instanceof UserError && error.code === 'not-predicted' && /20 of 60/.test(error.message));
  });

  it('refuses before there is a tuned model', async () => {
    const { context } = await instructedStore();
    await assert.rejects(drain(pairAnswers(context, experiment, neverAborted)), (error) => error instanceof UserError && error.code === 'not-trained');
  });
});

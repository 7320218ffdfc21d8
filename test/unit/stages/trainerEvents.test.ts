import assert from 'node:assert/strict';
import type { TrainerEvent } from '../../../src/protocol/events.ts';
import { TrainerEvents } from '../../../src/stages/trainerEvents.ts';

const started: TrainerEvent = { time: 0, event: 'started', verb: 'train', device: 'cpu', dtype: 'float32', parameters: 1, trainable: 1, resumed_at: null };
const step = (phase: string, at: number, steps: number, time: number, loss: number | null = 1.23456): TrainerEvent =>
  ({ time, event: 'step', phase, step: at, steps, loss, learning_rate: 1, gradient_norm: null, tokens_per_second: 1 });
const lines = (...events: TrainerEvent[]): string[] => events.map((event) => JSON.stringify(event));

describe("the trainer's events", () => {
  it('become steps over all phases, with the loss and the time left by the speed of the last steps', () => {
    const events = new TrainerEvents('Training', [{ name: 'pool', steps: 10 }, { name: 'sft', steps: 4 }]);
    assert.deepEqual(events.read(lines(started)), { message: 'Training on cpu' });
    events.read(lines(step('pool', 9, 10, 100), step('pool', 10, 10, 102)));
    assert.deepEqual(events.read(lines(step('sft', 1, 4, 104))), {
      message: 'Training (sft): step 1 of 4, loss 1.235', done: 11, total: 14, unit: 'steps', secondsLeft: 6, // 2 s a step, 3 to go
    });
    events.read(lines({ time: 105, event: 'validation', phase: 'sft', step: 1, mae: 0.876, valid_mass: 1, entropy: 1, best: true }));
    assert.equal(events.read(lines(step('sft', 2, 4, 106, null)))?.message, 'Training (sft): step 2 of 4, loss not a number, validation MAE 0.88');
  });

  it('measure the speed anew when another piece of work begins', () => {
    const events = new TrainerEvents('Aligning');
    events.read(lines({ time: 0, event: 'progress', what: 'reference', done: 1, total: 9 }, { time: 1, event: 'progress', what: 'reference', done: 9, total: 9 }));
    assert.deepEqual(events.read(lines(step('idpop', 1, 20, 50))), { message: 'Aligning (idpop): step 1 of 20, loss 1.235', done: 1, total: 20, unit: 'steps' });
  });

  it('tell the state that was kept, warnings, and the failure of the last attempt only', () => {
    const events = new TrainerEvents('Training');
    events.read(lines(started, { time: 1, event: 'failed', message: 'no memory', hint: 'smaller batch' }));
    assert.deepEqual(events.failure, { message: 'no memory', hint: 'smaller batch' });
    events.read(lines({ ...started, resumed_at: 7 }, { time: 2, event: 'warning', message: 'careful' }, { time: 3, event: 'saved', path: 'out', chosen: 'sft 4' }));
    assert.deepEqual([events.failure, events.chosen, events.warnings], [null, 'sft 4', ['careful']]);
  });

  it('pass over lines that are torn or of another version', () => {
    const events = new TrainerEvents('Training');
    assert.equal(events.read(['{"event":"st', '', '{"time":1,"event":"novelty"}', 'null']), null);
  });
});

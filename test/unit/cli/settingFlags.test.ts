import assert from 'node:assert/strict';
import { Command } from 'commander';
import { flagOf, settingsFrom } from '../../../src/cli/settingFlags.ts';
import { addVerbs } from '../../../src/cli/verbs.ts';
import { DEFAULT_SETTINGS, SETTINGS } from '../../../src/protocol/settings.ts';
import { alignRequest, trainRequest, tuningOf } from '../../../src/protocol/stageRequests.ts';

function program(): Command {
  const made = new Command('smp');
  const nowhere = { write: () => true };
  addVerbs(made, { surroundings: { root: '', readerScript: '', workingFolder: '', environment: {} }, stdout: nowhere, stderr: nowhere, signal: new AbortController().signal, exitWith: () => undefined });
  return made;
}

describe('flags', () => {
  it('exist for every setting, with the default of the manifest', () => {
    const commands = program().commands;
    for (const setting of SETTINGS) {
      const options = commands.flatMap((command) => command.options.filter((option) => option.long === flagOf(setting.key)));
      assert.ok(options.length > 0, `no verb has ${flagOf(setting.key)}`);
      for (const option of options) assert.equal(option.defaultValue, setting.default, setting.key);
    }
  });

  it('are named after their settings', () => {
    assert.deepEqual([flagOf('train.poolSteps'), flagOf('export.format'), flagOf('index.allowSkips'), flagOf('dataSeed')], ['--train-pool-steps', '--format', '--allow-skips', '--data-seed']);
  });

  it('of no verb say two things by one name', () => {
    for (const command of program().commands) {
      const names = command.options.map((option) => option.long);
      assert.equal(new Set(names).size, names.length, command.name());
    }
  });

  it('give the settings of a request: what was given, defaults for the rest', () => {
    const run = program().commands.find((command) => command.name() === 'run')!;
    run.parseOptions(['--plan', 'paper', '--align-beta', '0.5', '--train-tuning', 'lora']);
    const settings = settingsFrom(run);
    assert.deepEqual(settings, { ...DEFAULT_SETTINGS, plan: 'paper', 'align.beta': 0.5, 'train.tuning': 'lora' });
    assert.equal(alignRequest('posts', settings).learningRate, DEFAULT_SETTINGS['lora.alignLearningRate']);
    assert.equal(trainRequest('posts', settings).sftLearningRate, DEFAULT_SETTINGS['lora.sftLearningRate']);
  });

  it('tune all of the tiny base and adapters of anything larger, unless told otherwise', () => {
    assert.equal(tuningOf(DEFAULT_SETTINGS), 'full');
    assert.equal(tuningOf({ ...DEFAULT_SETTINGS, base: 'org/model' }), 'lora');
    assert.equal(tuningOf({ ...DEFAULT_SETTINGS, base: 'org/model', 'train.tuning': 'full' }), 'full');
  });
});

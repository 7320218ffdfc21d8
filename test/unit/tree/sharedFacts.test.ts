// Facts that the trainer's Python and the extension's TypeScript both hold, because neither can read the other's: they must agree.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/paths.ts';
import { LARGEST_SCORE } from '../../../src/domain/posts.ts';
import { CONTROL_NAMES, LOSS_NAMES, RUN_VERSION } from '../../../src/protocol/run.ts';

const config = readFileSync(join(ROOT, 'resources', 'trainer', 'multismp', 'config.py'), 'utf8');

/** The value that config.py gives to a constant; its literals are JSON but for the brackets of tuples. */
function constant(name: string): unknown {
  const value = new RegExp(`^${name} = ([^#\\n]+)`, 'm').exec(config)?.[1];
  assert.ok(value !== undefined, `config.py has no ${name}`);
  return JSON.parse(value.trim().replace(/^\((.*)\)$/, '[$1]'));
}

describe('the trainer and the extension agree on', () => {
  it('the version of run.json', () => assert.equal(constant('RUN_VERSION'), RUN_VERSION));
  it('the largest score', () => assert.equal(constant('LARGEST_HUNDREDTHS'), LARGEST_SCORE));
  it('the losses', () => assert.deepEqual(constant('LOSS_NAMES'), [...LOSS_NAMES]));
  it('the controls', () => assert.deepEqual(constant('CONTROL_NAMES'), [...CONTROL_NAMES]));
});

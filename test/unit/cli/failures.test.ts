// How a failed command ends, whatever was thrown: exit code, stderr, and the object of --json.
import assert from 'node:assert/strict';
import { CommanderError } from 'commander';
import { failureOf } from '../../../src/cli/failures.ts';
import { UserError } from '../../../src/domain/errors.ts';

describe('failures of the command line', () => {
  it('give a bug its stack on stderr, and an object too', () => {
    const { exitCode, said, error } = failureOf(new TypeError('no such thing'), false, '1.2.3');
    assert.equal(exitCode, 1);
    assert.match(said, /fault of SMP Curator \(1\.2\.3\).*\nTypeError: no such thing\n\s+at /);
    assert.deepEqual(error, { code: 'bug', message: 'This is a fault of SMP Curator (1.2.3), not yours: no such thing', nextStep: 'Please report it with what stands on stderr.' });
  });

  it('tell what a person can mend, what was cancelled, and leave help alone', () => {
    assert.deepEqual(failureOf(new UserError('no-source', 'Nothing is there.', 'Index.'), false, ''), {
      exitCode: 2, said: 'Nothing is there. Index.\n', error: { code: 'no-source', message: 'Nothing is there.', nextStep: 'Index.' },
    });
    const cancelled = failureOf(new Error('torn by the end'), true, '');
    assert.deepEqual([cancelled.exitCode, cancelled.error?.code], [130, 'cancelled']);
    assert.deepEqual(failureOf(new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)'), false, ''), { exitCode: 0, said: '', error: null });
  });
});

// Finding the desktop's VS Code, and words with blanks on a command line of Windows.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { desktopCommands, firstThatRuns, quotedForCmd } from '../../../scripts/desktopEditor.ts';

describe('the desktop\'s VS Code', () => {
  it('is found in its application folder on macOS, where `code` is not on the PATH', () => {
    const home = mkdtempSync(join(tmpdir(), 'smp home '));
    try {
      const [onPath, , ofPerson] = desktopCommands('darwin', home);
      assert.equal(onPath, 'code');
      assert.equal(ofPerson, join(home, 'Applications/Visual Studio Code.app/Contents/Resources/app/bin/code'));
      const nowhere = join(home, 'code');
      assert.equal(firstThatRuns([nowhere, ofPerson]), null);
      mkdirSync(dirname(ofPerson), { recursive: true });
      writeFileSync(ofPerson, '#!/bin/sh\nexit 0\n');
      chmodSync(ofPerson, 0o755);
      assert.equal(firstThatRuns([nowhere, ofPerson]), ofPerson);
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it('is given words with blanks as one word each by cmd.exe', () => {
    assert.equal(quotedForCmd('C:\\Users\\Ann Lee\\data'), '"C:\\Users\\Ann Lee\\data"');
    assert.equal(quotedForCmd('C:\\a & b\\'), '"C:\\a & b\\\\"');
  });
});

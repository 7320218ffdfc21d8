// No text of a post, a file or a model becomes a link or an icon in a message, and nothing goes around the function that sees to it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainLines, plainMessage } from '../../../src/editor/plainMessage.ts';

/** As the editor finds links in notifications. */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;

describe('plain messages', () => {
  const HOSTILE = [
    '[Free views](command:workbench.action.terminal.new)',
    'x [a](https://example.com/p) y',
    '[a]\u0000(command:x)', '[a]\u202e(file:///etc/passwd)', '[a]\n(command:x)', '[a]\u200b(command:x)', '[[a]](command:x "t")', '[a]((command:x))',
  ];
  for (const title of HOSTILE) {
    it(`hold no link made of ${JSON.stringify(title)}`, () => {
      const told = plainMessage(`${title}: predicted 7.31, by idpop, tiny.`);
      assert.doesNotMatch(told, LINK);
      assert.doesNotMatch(told, /\]\(/);
      assert.match(told, /: predicted 7\.31, by idpop, tiny\.$/);
    });
  }

  it('are one line without control characters or icons, and bounded', () => {
    assert.equal(plainMessage('a\u001b[31m\r\nb $(flame) \u2066c'), 'a[31m b $ (flame) c');
    assert.equal(plainMessage('港口 😀'), '港口 😀');
    assert.equal(plainMessage('x'.repeat(10_000_000), 10), `${'x'.repeat(9)}…`);
    assert.equal(plainLines('one\n[a](command:x)'), 'one\n[a] (command:x)');
  });

  it('are the only way to a notification, a dialog or a progress title', () => {
    const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'editor');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const text = readFileSync(join(folder, file), 'utf8');
      if (file !== 'notify.ts') assert.doesNotMatch(text, /show(?:Information|Warning|Error)Message/, file);
      for (const [call] of text.matchAll(/(?:withProgress|showQuickPick)\(/g)) assert.match(text, /plainMessage/, `${file} calls ${call}`);
    }
  });
});

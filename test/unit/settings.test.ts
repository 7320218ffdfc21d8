// The settings' typed reader is generated from the manifest; this fails when the manifest was edited without running the script.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderSettings } from '../../scripts/generateSettings.ts';
import { DEFAULT_SETTINGS, settingsSchema } from '../../src/protocol/settings.ts';

const root = join(import.meta.dirname, '..', '..');

describe('settings', () => {
  it('are generated from the manifest as it is', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Parameters<typeof renderSettings>[0];
    const texts = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8')) as Parameters<typeof renderSettings>[1];
    assert.equal(readFileSync(join(root, 'src', 'protocol', 'settings.ts'), 'utf8'), renderSettings(manifest, texts), 'run: node scripts/generateSettings.ts');
  });

  it('have the defaults of the method', () => {
    const { 'align.beta': beta, 'align.alpha': alpha, 'align.lambda': lambda, 'align.delta': delta, 'align.cap': cap, 'align.margin': margin, 'align.epochs': epochs } = DEFAULT_SETTINGS;
    assert.deepEqual({ beta, alpha, lambda, delta, cap, margin, epochs }, { beta: 0.1, alpha: 1, lambda: 1, delta: 0.01, cap: 10, margin: 0.1, epochs: 3 });
  });

  it('refuse what is outside their bounds', () => {
    for (const wrong of [{ dataSeed: -1 }, { dataSeed: 2 ** 31 }, { 'align.beta': 0 }, { plan: 'mine' }, { 'train.sftSteps': 0.5 }]) {
      assert.equal(settingsSchema.safeParse({ ...DEFAULT_SETTINGS, ...wrong }).success, false, JSON.stringify(wrong));
    }
  });
});

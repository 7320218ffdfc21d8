// Every kind of source has a name and a picture of its own family.
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { sourceKindIcon, sourceKindLabel } from '../../../src/editor/sourceKind.ts';

describe('the kind of a source', () => {
  const t = (message: string, ...args: (string | number | boolean)[]): string => message.replace(/\{(\d)\}/g, (_, index: string) => String(args[Number(index)]));

  it('is named by data set and layout', () => {
    const kinds = ['smpd-2018', 'smpd-2020', 'smpd-2022', 'smpd-mixed', 'tpic-2017', 'smpvideo-2025', 'table'];
    assert.deepEqual(kinds.map((kind) => sourceKindLabel(kind, t)), ['SMPD, layout of 2018', 'SMPD, layout of 2019/2020', 'SMPD, layout of 2022', 'SMPD, layout of 2020 + 2022', 'TPIC2017', 'SMP-Video', 'Table']);
    assert.deepEqual(kinds.map(sourceKindIcon), ['database', 'database', 'database', 'database', 'database', 'device-camera-video', 'table']);
  });
});

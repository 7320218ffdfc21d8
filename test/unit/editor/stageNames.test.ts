// The editor's own names of stages: in English those of the pipeline table, in Chinese none left out.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nextActionTitle, stageTitle } from '../../../src/editor/stageNames.ts';
import { PIPELINE } from '../../../src/pipeline.ts';
import { stageRequestSchemas } from '../../../src/protocol/stages.ts';

const bundle = JSON.parse(readFileSync(join(import.meta.dirname, '../../../l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Record<string, string>;
const chinese = (message: string): string => bundle[message] ?? message;

describe('names of stages', () => {
  it('are those of the pipeline table in English', () => {
    assert.deepEqual(PIPELINE.map(({ id }) => stageTitle(id, '?', (message) => message)), PIPELINE.map(({ title }) => title));
  });

  it('are in the editor\'s language, what is to be done next too', () => {
    for (const { id } of PIPELINE) {
      for (const name of [stageTitle(id, '?', chinese), nextActionTitle(id, '?', chinese)]) assert.match(name, /^\p{Script=Han}+$/u, id);
    }
    for (const stage of Object.keys(stageRequestSchemas)) assert.match(stageTitle(stage, '?', chinese), /^\p{Script=Han}+$/u, stage); // those beside the table too
    assert.equal(stageTitle('judge', 'Judge', chinese), 'Judge'); // of a newer store's status
  });
});

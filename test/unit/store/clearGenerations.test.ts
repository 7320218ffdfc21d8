// Removing a source: all that hangs on it goes in short transactions, and nothing of others.
import assert from 'node:assert/strict';
import { after, describe, it } from 'mocha';
import { clearGenerations, hideSource } from '../../../src/store/generations.ts';
import type { Database } from '../../../src/store/database.ts';
import { openStoreAtWork, removeFolders, DRIVERS } from '../sources/sourceFixture.ts';
import { addModel, fillSource, regularPosts } from '../stages/stageFixture.ts';
import { findDraw } from '../../../src/store/draws.ts';

const CHILDREN = ['skipped_rows', 'draw_users', 'instructions', 'predictions', 'pairs', 'captions', 'decisions'] as const;
const counts = (store: Database): number[] => CHILDREN.map((table) => store.prepare<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`).get()!.rows);

/** A source with `rows` rows in each table that hangs on it. */
function addSource(store: Database, name: string, rows: number): number {
  const sourceId = fillSource(store, name, regularPosts(2, 5));
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`;
  store.exec(`INSERT INTO draws (source_id, seed, generator, input_hash, sizes, range_min, range_max, details, drawn_at) VALUES (${sourceId}, 0, '', '', '{}', 0, 100, '{}', 0)`);
  const draw = findDraw(store, sourceId, 0)!;
  const model = addModel(store, draw, 'sft');
  store.exec(`INSERT INTO skipped_rows ${numbers} SELECT (SELECT live_generation FROM sources WHERE id = ${sourceId}), 'f', i, '', '' FROM n`);
  store.exec(`INSERT INTO draw_users ${numbers} SELECT ${draw.id}, 'pool', i, 'u' || i FROM n`);
  store.exec(`INSERT INTO instructions (draw_id, set_name, form, k, pid, uid, history, pieces, prompt_hash, caption_policy) ${numbers} SELECT ${draw.id}, 'few-shot', 'test', 0, i, '', '[]', '[]', '', 'any' FROM n`);
  store.exec(`INSERT INTO predictions (model_id, source_id, pid, k, decoder, text, prompt_hash, history, predicted_at) ${numbers} SELECT ${model}, ${sourceId}, i, 0, 'greedy', '', '', '[]', 0 FROM n`);
  store.exec(`INSERT INTO pairs (draw_id, model_id, k, pid, state, chosen, rejected, prompt_hash, sampled_from, made_at) ${numbers} SELECT ${draw.id}, ${model}, 0, i, 'tie', '', '', '', '', 0 FROM n`);
  store.exec(`INSERT INTO captions (source_id, pid, text, made_by, made_at, origin) ${numbers} SELECT ${sourceId}, i, '', '', 0, '{}' FROM n`);
  store.exec(`INSERT INTO decisions (id, source_id, pid, kind, author, decided_at) ${numbers} SELECT '${name}' || i, ${sourceId}, i, 'post-excluded', '', 0 FROM n`);
  return sourceId;
}

for (const driver of DRIVERS) {
  describe(`removing a source (${driver})`, () => {
    after(removeFolders);

    it('leaves nothing of it, and everything of others', async () => {
      const { store } = await openStoreAtWork(driver);
      const removed = addSource(store, 'removed', 1000);
      addSource(store, 'kept', 7);
      hideSource(store, removed);
      for (const _ of clearGenerations(store)) {
        // to its end
      }
      assert.deepEqual(counts(store), CHILDREN.map(() => 7));
      assert.deepEqual(store.prepare('SELECT (SELECT count(*) FROM sources) AS sources, (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM draws) AS draws').get(), { sources: 1, models: 1, draws: 1 });
      assert.deepEqual(store.prepare('PRAGMA foreign_key_check').all(), []);
      store.close();
    });

    it('lets others write between its transactions, with rows enough for several', async () => {
      const { store, folder } = await openStoreAtWork(driver);
      const removed = addSource(store, 'removed', 20_000);
      const other = (await openStoreAtWork(driver, folder)).store;
      hideSource(store, removed);
      const seen = new Set<string>();
      for (const _ of clearGenerations(store)) {
        other.transaction(() => other.prepare('UPDATE sources SET created_at = created_at + 1').run());
        seen.add(counts(other).join());
      }
      assert.ok(seen.size > 3, 'rows went step by step');
      assert.deepEqual(counts(store), CHILDREN.map(() => 0));
      other.close();
      store.close();
    });
  });
}

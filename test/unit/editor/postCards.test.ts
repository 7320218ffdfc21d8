// Point look-ups for hovers on a real store: which prediction is shown, when it is stale, and how files are recognised.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/domain/errors.ts';
import { buildInstruction } from '../../../src/domain/instructions.ts';
import { buildInstructions } from '../../../src/stages/buildInstructions.ts';
import { decideOnPost } from '../../../src/stages/decideOnPost.ts';
import { addCaptions } from '../../../src/store/captions.ts';
import { listExcludedPosts } from '../../../src/store/decisions.ts';
import { listInstructions, promptHash, windowRequest } from '../../../src/store/instructions.ts';
import { setStoreRevision } from '../../../src/store/backupContent.ts';
import { createPostCards } from '../../../src/store/postCards.ts';
import { earlierPosts, postByPid } from '../../../src/store/posts.ts';
import { relocateStore } from '../../../src/store/relocateStore.ts';
import { sourceByName } from '../../../src/store/sources.ts';
import { addModel, addPrediction, drain, excludePost, experiment, instructedStore, neverAborted } from '../stages/stageFixture.ts';

const MAPPING = JSON.stringify({
  version: 1, format: 'csv', delimiter: ',', popularityScale: 'as-is', timeFormat: 'unix-seconds', extra: [], outcome: [], allowOutcome: [],
  columns: { pid: 'id', uid: 'author', time: 'time', popularity: 'score', title: 'title', tags: null, category: null, subcategory: null, concept: null, image: null, latitude: null, longitude: null },
});

describe('post cards', () => {
  async function fixture() {
    const { store, context, sourceId, draw } = await instructedStore();
    const asked = listInstructions(store, draw.id, 'few-shot', 'test', 3)[0]!;
    return { store, context, sourceId, draw, asked, cards: createPostCards(store, () => experiment), key: { source: 'posts', pid: asked.pid } };
  }

  it('show a post without a prediction, with its earlier scores oldest first', async () => {
    const { cards, key, asked } = await fixture();
    const card = cards.byKey(key)!;
    assert.equal(card.prediction, null);
    assert.equal(card.earlier.length, 4); // the fifth post of its user
    assert.deepEqual([...card.earlier], [...card.earlier].sort((a, b) => a - b)); // scores of the fixture rise from post to post
    assert.equal(card.label, asked.answer);
    assert.equal(card.imagePath, null); // the source has no pictures
    assert.equal(cards.byKey({ source: 'posts', pid: 'nobody' }), null);
    assert.equal(cards.byKey({ source: 'elsewhere', pid: asked.pid }), null);
  });

  it('tell imports apart that carry the same numbers: after a backup was restored, and after a source was removed and indexed again', async () => {
    const { store, cards, sourceId } = await fixture();
    const before = cards.generationOf('posts');
    assert.equal(cards.generationOf('posts'), before);
    setStoreRevision(store, 1);
    const restored = cards.generationOf('posts');
    store.prepare('UPDATE generations SET finished_at = 7 WHERE source_id = ?').run(sourceId);
    assert.equal(new Set([before, restored, cards.generationOf('posts')]).size, 3);
    assert.equal(cards.generationOf('elsewhere'), null);
  });

  it('prefer the most tuned model, and its exact median', async () => {
    const { store, draw, asked, cards, key } = await fixture();
    addPrediction(store, addModel(store, draw, 'base'), asked, 'median', 0, '5.00', 500);
    const sft = addModel(store, draw, 'sft');
    addPrediction(store, sft, asked, 'greedy', 0, '6.00', 600);
    assert.deepEqual([cards.byKey(key)!.prediction!.value, cards.byKey(key)!.prediction!.model], [600, 'sft, tiny']);
    addPrediction(store, sft, asked, 'median', 0, '6.10', 610);
    assert.equal(cards.byKey(key)!.prediction!.value, 610);
    addPrediction(store, addModel(store, draw, 'aligned'), asked, 'median', 0, '6.20', 620);
    const { prediction } = cards.byKey(key)!;
    assert.deepEqual([prediction!.value, prediction!.model, prediction!.history, prediction!.stale, prediction!.userSet], [620, 'idpop, tiny', 4, null, 'few-shot']);
  });

  it('prefer the experiment of the settings, and in it the newest run', async () => {
    const { store, draw, asked, key, cards } = await fixture();
    const value = (settings: Partial<typeof experiment> | { plan: 'paper' }): number | null =>
      createPostCards(store, () => ({ ...experiment, ...settings })).byKey(key)!.prediction!.value;
    addPrediction(store, addModel(store, draw, 'aligned'), asked, 'median', 0, '6.20', 620);
    addPrediction(store, addModel(store, draw, 'sft', { plan: 'paper' }), asked, 'median', 0, '5.00', 500);
    assert.deepEqual([value({}), value({ plan: 'paper' })], [620, 500]);
    assert.equal(cards.byKey(key, 'sft')!.prediction!.value, 500);
    assert.equal(cards.byKey(key, 'base')!.prediction, null);

    const dpo = addModel(store, draw, 'aligned', { variant: 'dpo' });
    addPrediction(store, dpo, asked, 'greedy', 0, '6.40', 640);
    assert.equal(value({}), 620);
    for (const [id, started] of [['predict-1', 10], ['predict-2', 20]] as const) {
      store.prepare("INSERT INTO runs (id, stage, host, input_hash, state, request, started_at) VALUES (?, 'predict', 'local', '', 'succeeded', '{}', ?)").run(id, started);
    }
    store.prepare("UPDATE predictions SET run_id = 'predict-1' WHERE model_id <> ?").run(dpo);
    store.prepare("UPDATE predictions SET run_id = 'predict-2' WHERE model_id = ?").run(dpo);
    const ofLoss = (loss: string) => createPostCards(store, () => ({ ...experiment, loss })).byKey(key)!.prediction!.model;
    assert.deepEqual(['idpop', 'dpo', 'dpop'].map(ofLoss), ['idpop, tiny', 'dpo, tiny', 'dpo, tiny'], 'the loss that is set goes before a newer run of another');
    assert.equal(value({}), 640); // greedy, but of the newest run
  });

  it('do not call a prediction stale for a caption that never reaches a prompt', async () => {
    const { store, context, sourceId, draw, key, cards } = await fixture();
    await drain(buildInstructions(context, { source: 'posts', dataSeed: 0, captions: 'approved' }, neverAborted));
    const asked = listInstructions(store, draw.id, 'few-shot', 'test', 3)[0]!;
    addPrediction(store, addModel(store, draw, 'sft'), asked, 'median', 0, '6.00', 600);
    addCaptions(store, sourceId, [{ pid: asked.pid, text: 'a boat', madeBy: 'a model', origin: {} }], 20);
    assert.equal(cards.byKey(key)!.prediction!.stale, null);
    store.prepare("INSERT INTO decisions (id, source_id, pid, kind, payload, author, decided_at) SELECT 'approval', source_id, pid, 'caption-approved', json_object('caption_id', id), 'anna', 30 FROM captions").run();
    assert.equal(cards.byKey(key)!.prediction!.stale, 'caption-changed');
    addCaptions(store, sourceId, [{ pid: asked.pid, text: '', madeBy: 'person:anna', origin: {} }], 40); // the prompt is what it was
    assert.equal(cards.byKey(key)!.prediction!.stale, null);
  });

  it('never show samples, which answer another question', async () => {
    const { store, draw, asked, cards, key } = await fixture();
    addPrediction(store, addModel(store, draw, 'sft'), asked, 'sample', 0, '6.00', 600);
    assert.equal(cards.byKey(key)!.prediction, null);
  });

  it('say why a prediction is stale', async () => {
    const { store, sourceId, draw, asked, cards, key } = await fixture();
    addPrediction(store, addModel(store, draw, 'sft'), asked, 'median', 0, '6.00', 600);
    const stale = (): string | null => cards.byKey(key)!.prediction!.stale;
    assert.equal(stale(), null);
    store.exec('UPDATE models SET made_at = 10');
    assert.equal(stale(), 'newer-model');
    store.prepare("UPDATE posts SET category = 'Travel' WHERE pid = ?").run(asked.pid);
    assert.equal(stale(), 'prompt-changed');
    addCaptions(store, sourceId, [{ pid: asked.history[0]!, text: 'a boat', madeBy: 'person:anna', origin: {} }], 20); // of an earlier post: it is in the prompt too
    assert.equal(stale(), 'caption-changed');
    excludePost(store, sourceId, asked.history[1]!);
    assert.equal(stale(), 'history-changed');
  });

  it('see a change of any predicted post, though no set asks about it', async () => {
    const { store, sourceId, draw, cards } = await fixture();
    const source = sourceByName(store, 'posts')!;
    const post = postByPid(store, sourceId, 'u007-2')!; // not the newest post of its user: sets only ask about that
    assert.equal(store.prepare("SELECT 1 FROM instructions WHERE pid = ? AND form = 'test'").get(post.pid), undefined);
    const history = earlierPosts(store, post, 2);
    const { pieces } = buildInstruction(windowRequest(store, source, 'any', { history, question: post }));
    const [first] = listInstructions(store, draw.id, 'few-shot', 'test', 1);
    const asked = { ...first!, pid: post.pid, history: history.map(({ pid }) => pid), promptHash: promptHash(pieces) };
    addPrediction(store, addModel(store, draw, 'sft'), asked, 'median', 0, '6.00', 600);
    const stale = (): string | null => cards.byKey({ source: 'posts', pid: post.pid })!.prediction!.stale;
    /** What is stale while a change stands, and after it is taken back. */
    const during = (column: 'title' | 'label' | 'dropped', pid: string, value: string | number): (string | null)[] => {
      const before = store.prepare<Record<string, string | number | null>>(`SELECT ${column} FROM posts WHERE pid = ?`).get(pid)![column]!;
      store.prepare(`UPDATE posts SET ${column} = ? WHERE pid = ?`).run(value, pid);
      const seen = stale();
      store.prepare(`UPDATE posts SET ${column} = ? WHERE pid = ?`).run(before, pid);
      return [seen, stale()];
    };
    assert.deepEqual(during('title', post.pid, 'Another title'), ['prompt-changed', null]);
    assert.deepEqual(during('title', history[0]!.pid, 'Another title'), ['prompt-changed', null]);
    assert.deepEqual(during('label', history[1]!.pid, 999), ['prompt-changed', null]);
    assert.deepEqual(during('label', post.pid, 999), [null, null]); // its own score is no part of the prompt
    assert.deepEqual(during('dropped', history[1]!.pid, 'picture missing'), ['history-changed', null]);
  });

  it('recognise files of a source and of its exports, and nothing else', async () => {
    const { store, draw, cards } = await fixture();
    store.exec(`UPDATE sources SET mapping = '${MAPPING}'`);
    store.exec("INSERT INTO files (generation_id, path, role, size, modified_at, sha256) SELECT live_generation, 'posts.csv', 'table', 1, 0, '' FROM sources");
    assert.deepEqual(cards.fileOf('/data/posts.csv'), { source: 'posts', layout: 'lines', pidKeys: ['id'], rowAligned: false, pidColumn: null, delimiter: ',', indexed: { size: 1, modifiedAt: 0, sha256: '' } });
    assert.deepEqual(cards.filesOf('posts'), [join('/data', 'posts.csv')]);
    assert.equal(cards.fileOf('/data/other.csv'), null);
    assert.equal(cards.fileOf('/data/../data-of-others/posts.csv'), null);
    store.prepare("INSERT INTO exports (draw_id, format, content, folder, fingerprint, manifest, exported_at) VALUES (?, 'trl', 'sft', '/out/one', '', '{}', 0)").run(draw.id);
    assert.deepEqual(cards.fileOf('/out/one/train.jsonl'), { source: 'posts', layout: 'json', pidKeys: ['post_id'], rowAligned: false, pidColumn: null, delimiter: null, indexed: null });
    assert.equal(cards.atRow('/data/posts.csv', 2)?.pid, 'u000-0'); // line 1 is the header
    assert.equal(cards.atRow('/data/posts.csv', 1), null);
  });

  it('tell SMPD\'s JSON files from its lists', async () => {
    const { store, cards } = await fixture();
    for (const [path, role] of [['train_text.json', 'train/text'], ['train_label.txt', 'train/label']]) {
      store.exec(`INSERT INTO files (generation_id, path, role, size, modified_at, sha256) SELECT live_generation, '${path}', '${role}', 1, 0, '' FROM sources`);
    }
    assert.deepEqual(cards.fileOf('/data/train_text.json'), { source: 'posts', layout: 'json', pidKeys: ['Pid', 'pid'], rowAligned: false, pidColumn: null, delimiter: null, indexed: { size: 1, modifiedAt: 0, sha256: '' } });
    assert.deepEqual(cards.fileOf('/data/train_label.txt'), { source: 'posts', layout: 'lines', pidKeys: [], rowAligned: true, pidColumn: null, delimiter: null, indexed: { size: 1, modifiedAt: 0, sha256: '' } });
  });

  it('tell where lines and files of users name their post', async () => {
    const { store, cards } = await fixture();
    const files = [['train_user_data.json', 'train/user'], ['t2_train_data.txt', 'train/post-lines'], ['t2_train_img.txt', 'train/picture-urls'], ['LABEL.txt', 'all/label'], ['posts.jsonl', 'train/posts']] as const;
    for (const [path, role] of files) store.exec(`INSERT INTO files (generation_id, path, role, size, modified_at, sha256) SELECT live_generation, '${path}', '${role}', 1, 0, '' FROM sources`);
    const told = (path: string): unknown[] => {
      const file = cards.fileOf(`/data/${path}`)!;
      return [file.layout, file.rowAligned, file.pidColumn, file.delimiter];
    };
    assert.deepEqual(told('train_user_data.json'), ['json', true, null, null]);
    assert.deepEqual(told('posts.jsonl'), ['json', false, null, null]);
    assert.deepEqual(told('t2_train_data.txt'), ['lines', false, 1, ' ']);
    assert.deepEqual(told('t2_train_img.txt'), ['lines', true, null, null]);
    store.exec("UPDATE sources SET kind = 'tpic-2017'");
    assert.deepEqual(told('LABEL.txt'), ['lines', false, 0, ' ']);
  });
});

describe('decisions on posts', () => {
  it('are events in the store and lines of a file; the newest counts', async () => {
    const { store, context } = await instructedStore();
    const cards = createPostCards(store, () => experiment);
    const key = { source: 'posts', pid: 'u001-2' };
    let now = 100;
    const decide = (kind: 'post-excluded' | 'post-restored', reason: string): void => decideOnPost({ store, storeFolder: context.storeFolder, now: () => now++ }, { ...key, kind, reason, author: 'Anna /../ B' });
    decide('post-excluded', 'an advertisement');
    assert.equal(cards.byKey(key)!.excluded, true);
    assert.deepEqual(listExcludedPosts(store, 10).map(({ pid, snippet, row }) => ({ pid, snippet, row })), [{ pid: 'u001-2', snippet: 'Anna /../ B: an advertisement', row: 9 }]);
    now = 100; // of two decisions at one time the later event counts
    decide('post-restored', '');
    assert.equal(cards.byKey(key)!.excluded, false);
    assert.deepEqual(listExcludedPosts(store, 10), []);

    const folder = join(context.storeFolder, 'decisions');
    assert.deepEqual(readdirSync(folder), ['Anna_.._B.jsonl']); // a name is no path
    const lines = readFileSync(join(folder, 'Anna_.._B.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(lines.map(({ source, pid, kind, reason, author }) => ({ source, pid, kind, reason, author })), [
      { source: 'posts', pid: 'u001-2', kind: 'post-excluded', reason: 'an advertisement', author: 'Anna /../ B' },
      { source: 'posts', pid: 'u001-2', kind: 'post-restored', reason: '', author: 'Anna /../ B' },
    ]);
  });

  it('refuse a post that is not there, and leave no trace', async () => {
    const { store, context } = await instructedStore();
    const decide = (): void => decideOnPost(context, { source: 'posts', pid: 'nobody', kind: 'post-excluded', reason: '', author: 'anna' });
    assert.throws(decide, (error) => error instanceof UserError && error.code === 'post-unknown');
    assert.equal(existsSync(join(context.storeFolder, 'decisions')), false);
    assert.deepEqual(listExcludedPosts(store, 10), []);
  });
});

describe('relocateStore', () => {
  it('moves what lies in the folder, and leaves what lies elsewhere', async () => {
    const { store, draw } = await instructedStore();
    const model = addModel(store, draw, 'sft');
    store.prepare("UPDATE models SET path = '/data/.smp/runs/one/out' WHERE id = ?").run(model);
    store.prepare("INSERT INTO exports (draw_id, format, content, folder, fingerprint, manifest, exported_at) VALUES (?, 'trl', 'sft', '/elsewhere/one', '', '{}', 0)").run(draw.id);
    relocateStore(store, '/copied/sample');
    const value = (sql: string): unknown => Object.values(store.prepare<Record<string, unknown>>(sql).get()!)[0];
    assert.equal(value('SELECT root FROM sources'), '/copied/sample');
    assert.equal(value('SELECT path FROM models'), '/copied/sample/.smp/runs/one/out');
    assert.equal(value('SELECT folder FROM exports'), '/elsewhere/one');
  });
});

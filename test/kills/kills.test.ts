// One hundred kills with SIGKILL, at moments drawn from a seed, of an import and of decisions beside it. After each: the
// store is whole, every decision that was told to be kept is there, all posts of one import and none of another are seen,
// and the next import sweeps what was left and completes.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'mocha';
import { smpQuietly } from '../../scripts/execute.ts';
import { RandomStream } from '../../src/domain/randomStream.ts';
import { openStore } from '../../src/store/openStore.ts';

const KILLS = 100;
const LANES = 2; // stores that are worked on at the same time
const POSTS = 2000;
/** A kill comes within so many times the time that the import before took, clearing included. */
const LONGEST_WAIT = 1.2;
/** Of three kills one meets the decisions as well. */
const BOTH_EVERY = 3;

interface AfterImport { readonly posts: number; readonly words: number; readonly generations: number; readonly least: number; readonly most: number; readonly score: number; readonly milliseconds: number }

const running = new Set<Child>();

/** A child with the complete lines it has printed. */
class Child {
  readonly lines: string[] = [];
  readonly process: ChildProcess;
  readonly #printed: ReturnType<typeof createInterface>;
  readonly #ended: Promise<unknown>;

  constructor(script: string, ...options: string[]) {
    this.process = spawn(process.execPath, [join(import.meta.dirname, script), ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#printed = createInterface({ input: this.process.stdout! }).on('line', (line) => this.lines.push(line));
    this.#ended = once(this.process, 'close');
    running.add(this);
  }

  /** The first line. Fails when the child ends by itself before it. */
  async firstLine(): Promise<string> {
    if (this.lines.length === 0) await Promise.race([once(this.#printed, 'line'), this.#ended]);
    assert.ok(this.lines.length > 0, 'the process ended by itself');
    return this.lines[0]!;
  }

  end(): void {
    running.delete(this);
    this.process.kill('SIGKILL');
  }

  async kill(): Promise<void> {
    assert.equal(this.process.exitCode, null, 'the process ended by itself');
    this.end();
    await this.#ended;
  }
}

const folders: string[] = [];

describe('kills', function () {
  this.timeout(600_000);
  after(() => {
    running.forEach((child) => child.end()); // after a failure
    folders.forEach((folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  });

  for (let lane = 0; lane < LANES; lane++) {
    it(`lane ${lane} prepares its data set`, () => prepare(lane));
  }

  it(`${KILLS} kills leave a whole store, every decision, one import's posts, and the next import completes`, async () => {
    const phases = await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
    // Kills that all met the same phase would prove little.
    const met = new Set(phases.flat());
    for (const phase of ['building', 'old', 'live']) assert.ok(met.has(phase), `no kill left a generation that was ${phase} beside others or alone: ${[...met].join()}`);
  });
});

function prepare(lane: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'smp-kills-'));
  folders[lane] = folder;
  smpQuietly('demo', '--posts', String(POSTS), '--seed', String(lane), '--no-pictures', '--out', join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'train_label.txt'), '1.00\n'.repeat(POSTS));
}

/** Answers what state the generations were in that kills left behind. */
async function runLane(lane: number): Promise<string[]> {
  const storeFolder = join(folders[lane]!, '.smp'), data = join(folders[lane]!, 'data');
  const moments = new RandomStream(1, lane);
  const phases: string[] = [];
  const kept = new Set<string>();
  let decider: Child | undefined;
  for (let kill = 0; kill < KILLS / LANES; kill++) {
    const importer = new Child('importOverAndOver.ts', storeFolder, data);
    const { milliseconds, ...first } = JSON.parse(await importer.firstLine()) as AfterImport;
    assert.deepEqual(first, { posts: POSTS, words: POSTS, generations: 1, least: first.score, most: first.score, score: first.score });
    decider ??= new Child('decideOverAndOver.ts', storeFolder, `kill${kill}`);
    if (kill % BOTH_EVERY === 0) await decider.firstLine();
    await new Promise((resolve) => setTimeout(resolve, moments.uniform() * LONGEST_WAIT * milliseconds));
    await importer.kill();
    if (kill % BOTH_EVERY === BOTH_EVERY - 1) {
      await decider.kill();
      decider.lines.forEach((line) => kept.add(line));
      decider = undefined;
    }
    phases.push(...await check(storeFolder, new Set([...kept, ...(decider?.lines ?? [])])));
  }
  await decider?.kill();
  assert.ok(kept.size > KILLS / LANES, `${kept.size} decisions`);
  return phases;
}

/** Looks at a store as a kill left it, without sweeping. */
async function check(storeFolder: string, kept: ReadonlySet<string>): Promise<string[]> {
  const store = await openStore(join(storeFolder, 'curation.sqlite'), { readOnly: true });
  try {
    assert.deepEqual(store.prepare('PRAGMA integrity_check').all(), [{ integrity_check: 'ok' }]);
    assert.deepEqual(store.prepare('PRAGMA foreign_key_check').all(), []);
    const { posts, scores } = store.prepare<{ posts: number; scores: number }>('SELECT count(*) AS posts, count(DISTINCT label) AS scores FROM live_posts').get()!;
    assert.deepEqual({ posts, scores }, { posts: POSTS, scores: 1 });
    const reasons = new Set(store.prepare<{ reason: string }>("SELECT json_extract(payload, '$.reason') AS reason FROM decisions").all().map(({ reason }) => reason));
    assert.deepEqual([...kept].filter((reason) => !reasons.has(reason)), []);
    const decisions = join(storeFolder, 'decisions');
    const written = readdirSync(decisions).map((name) => readFileSync(join(decisions, name), 'utf8')).join('');
    assert.deepEqual([...kept].filter((reason) => !written.includes(`"${reason}"`)), []);
    return store.prepare<{ state: string }>('SELECT state FROM generations').all().map(({ state }) => state);
  } finally {
    store.close();
  }
}

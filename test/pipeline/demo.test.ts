// The main job on the demo's posts, as a person starts it from the command line: invented posts in, an evaluation out, with
// the tiny base, its pool training, tuning and alignment in full. Some three minutes on two cores.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationReport, EvaluationRow } from '../../src/protocol/report.ts';
import { ROOT } from '../../scripts/paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'smp-demo-'));

function smp(...options: string[]): Record<string, unknown> {
  const done = spawnSync(process.execPath, [join(ROOT, 'src', 'cli.ts'), ...options, '--json'], { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 });
  assert.equal(done.status, 0, done.stderr.slice(-2000));
  return JSON.parse(done.stdout) as Record<string, unknown>;
}

describe('the demo', function () {
  this.timeout(20 * 60_000);
  let first: Record<string, unknown>;
  let report: EvaluationReport;
  const run = (): Record<string, unknown> => smp('run', '--data', join(folder, 'demo'), '--workspace', join(folder, 'demo'), '--captions', 'any');

  before(() => {
    smp('demo', '--users', '1400', '--no-pictures', '--out', join(folder, 'demo'));
    first = run();
    report = first['report'] as EvaluationReport;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const tables = () => report.tables.filter((table) => table.set === 'pooled');
  const rows = (table: { rows: readonly EvaluationRow[] }) => ({
    base: table.rows.find((row) => row.kind === 'model' && row.decoder === 'median')!,
    tuned: table.rows.find((row) => row.kind === 'model' && row.decoder === 'median' && /SFT$/.test(row.name))!,
    baselines: table.rows.filter((row) => row.kind === 'baseline'),
  });

  it('has the sets of the method, and a pool', () => {
    assert.deepEqual(['few-shot', 'alignment', 'extra-1', 'extra-2'].map((set) => report.sizes[set]), [200, 200, 200, 200]);
    assert.ok(report.sizes['pool']! >= 400);
    assert.deepEqual(tables().map((table) => table.k), [1, 2, 3]);
  });

  it('shows pool training and tuning ahead of the base, of the global median and of the user mean', () => {
    for (const table of tables()) {
      const { base, tuned, baselines } = rows(table);
      const plain = ['global median', 'user mean'].flatMap((name) => baselines.filter((row) => row.name === name));
      assert.ok(plain.length >= 2);
      for (const other of [base, ...plain]) {
        assert.ok(tuned.mae!.high < other.mae!.low, `${table.k}-shot: ${tuned.mae!.value} is not below ${other.name}'s ${other.mae!.value}`);
      }
      assert.ok(typeof tuned.spearman === 'object' && tuned.spearman !== null && tuned.spearman.low > 0);
    }
  });

  it('does nothing the second time', () => {
    const again = run();
    assert.equal(again['unchanged'], true);
    assert.deepEqual(again['report'], first['report']);
  });
});

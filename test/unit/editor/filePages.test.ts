// Pages of large files: turning forwards and backwards shows every record once.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pageAt, pageBefore, pageBehind, PAGE_LENGTH, type FilePage } from '../../../src/editor/filePages.ts';

describe('pages of a file', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'smp-pages-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const records = Array.from({ length: 3000 }, (_, index) => JSON.stringify({ Pid: String(index), Title: `Zürich 東京 ${'x'.repeat(index % 97)}`, inner: { a: 1 } }));
  const lines = ['pid,title', ...Array.from({ length: 5000 }, (_, index) => `${index},"Zürich 東京 ${'y'.repeat(index % 61)}"`)];
  const files: readonly (readonly [string, string, readonly string[], number])[] = [
    ['one-line.json', `[${records.join(',')}]`, records, 1], ['spaced.json', `[\n  ${records.join(',\n  ')}\n]\n`, records, 4],
    ['table.csv', `${lines.join('\n')}\n`, lines, 0], ['windows.csv', `${lines.join('\r\n')}\r\n`, lines, 0], ['no-end.csv', lines.join('\n'), lines, 0],
  ];
  const recordsOf = (page: FilePage): string[] => page.text.split('\n').map((line) => line.replace(/,$/, '').replace(/\r$/, ''));

  it('shows the Windows-1252 of SMPD 2018', async () => {
    const file = join(folder, 't2_train_data.txt');
    writeFileSync(file, Buffer.from('"59@N75" "775" "Caf\u00e9 \u0080"\n', 'latin1'));
    assert.equal((await pageAt(file, 0)).text, '"59@N75" "775" "Café €"');
  });

  for (const [name, content, wanted, begin] of files) {
    it(`shows each record of ${name} once, forwards and backwards`, async () => {
      const file = join(folder, name);
      writeFileSync(file, content);
      const pages: FilePage[] = [];
      for (let page: FilePage | null = await pageAt(file, begin); page !== null; page = await pageBehind(file, page)) pages.push(page);
      assert.ok(pages.length > 2);
      assert.deepEqual(pages.flatMap(recordsOf), wanted);
      assert.deepEqual(pages.map((page) => page.records), pages.map((page) => recordsOf(page).length));
      assert.ok(pages.every((page) => page.end - page.begin <= PAGE_LENGTH));
      const back: string[] = [];
      for (let page = await pageBefore(file, pages.at(-1)!.begin); page !== null; page = await pageBefore(file, page.begin)) back.unshift(...recordsOf(page));
      assert.deepEqual(back, wanted.slice(0, wanted.length - pages.at(-1)!.records));
    });
  }
});

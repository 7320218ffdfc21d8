// A table of plain text: the first column to the left, the others to the right.
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column]!))));
  const line = (row: readonly string[]): string => row.map((cell, column) => {
    const blanks = ' '.repeat(widths[column]! - width(cell));
    return column === 0 ? cell + blanks : blanks + cell;
  }).join('  ').trimEnd();
  const [header, ...others] = rows;
  return header === undefined ? '' : [line(header), widths.map((columns) => '─'.repeat(columns)).join('  '), ...others.map(line)].join('\n');
}

const width = (cell: string): number => [...cell].length;

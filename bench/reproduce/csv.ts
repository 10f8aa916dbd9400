// CSV as RFC 4180 has it: rows of plain objects to text and back. Numbers come back as numbers, empty cells as undefined.

export type Cell = string | number | undefined;
export type Row = Readonly<Record<string, Cell>>;

export function toCsv(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly Cell[]): string => cells.map(cellText).join(',');
  return `${[line(columns), ...rows.map((row) => line(columns.map((column) => row[column])))].join('\n')}\n`;
}

export function fromCsv(text: string): readonly Row[] {
  const [head = [], ...lines] = linesOf(text);
  return lines.map((cells) =>
    Object.fromEntries(head.map((column, i) => [column, parsedCell(cells[i] ?? '')] as const).filter(([, value]) => value !== undefined)),
  );
}

function cellText(cell: Cell): string {
  const text = cell === undefined ? '' : String(cell);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function parsedCell(text: string): Cell {
  if (text === '') return undefined;
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? Number(text) : text;
}

function linesOf(text: string): string[][] {
  const lines: string[][] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
      quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
    );
    lines.push(cells);
  }
  return lines;
}

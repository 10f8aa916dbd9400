// Text: numbers, units and aligned tables, the same wherever a person reads them.
// Names that come from models are data: `printable` keeps them from steering a terminal.

/** What a cell of a table may hold; null and undefined stay empty. */
export type Cell = string | number | boolean | null | undefined;

export interface TextColumn {
  readonly title: string;
  /** Right for columns of numbers unless said otherwise. */
  readonly align?: 'left' | 'right';
}

/** Digits kept of a number that is not whole. */
const SIGNIFICANT_DIGITS = 4;

/**
 * A number with thousands separators: whole numbers in full ('1,234,567'), others with `digits`
 * significant digits but never fewer than their whole part ('0.01235', '1,235').
 */
export function formatNumber(value: number, digits: number = SIGNIFICANT_DIGITS): string {
  if (Number.isNaN(value)) return 'n/a';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? grouped(value.toFixed(0)) : value.toExponential(digits - 1);
  if (Math.abs(value) < 1e-4) return value.toExponential(digits - 1);
  const wholeDigits = Math.max(0, Math.floor(Math.log10(Math.abs(value))) + 1);
  const decimals = Math.abs(value) < 1 ? Math.ceil(-Math.log10(Math.abs(value))) - 1 + digits : Math.max(0, digits - wholeDigits);
  const text = value.toFixed(Math.min(decimals, 20));
  return grouped(text.includes('.') ? text.replace(/\.?0+$/, '') : text);
}

function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const withCommas = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? withCommas : `${withCommas}.${fraction}`;
}

const SI_PREFIXES = [
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
  [1e-3, 'm'],
  [1e-6, 'µ'],
  [1e-9, 'n'],
  [1e-12, 'p'],
] as const;

/** A number scaled to an SI prefix, three significant digits: formatSi(15.47e9) is '15.5 G', formatSi(2e-3, 's') is '2 ms'. */
export function formatSi(value: number, unit = '', digits = 3): string {
  if (value === 0 || !Number.isFinite(value)) return `${formatNumber(value)}${unit === '' ? '' : ` ${unit}`}`;
  const size = Math.abs(Number(value.toPrecision(digits)));
  const [scale, prefix] = SI_PREFIXES.find(([least]) => size >= least) ?? SI_PREFIXES[SI_PREFIXES.length - 1]!;
  return `${formatNumber(Number((value / scale).toPrecision(digits)), digits)} ${prefix}${unit}`.trimEnd();
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Bytes, 1 KB being 1,024 of them: '12.5 KB'. */
export function formatBytes(bytes: number): string {
  let scaled = bytes;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${formatNumber(unit === 0 ? scaled : Number(scaled.toPrecision(scaled >= 1000 ? 4 : 3)))} ${BYTE_UNITS[unit]}`;
}

/** Cycles and, where the clock is known, the time they take: '1,234,567 cycles (6.17 ms)'. */
export function formatCycles(cycles: number, clockHz?: number): string {
  const count = `${formatNumber(cycles)} cycle${cycles === 1 ? '' : 's'}`;
  return clockHz === undefined ? count : `${count} (${formatSi(cycles / clockHz, 's')})`;
}

/** A share of 0 .. 1 in percent: '48.2 %'; what is not zero is never printed as zero. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return 'n/a';
  if (share > 0 && share < 0.0005) return '<0.1 %';
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`;
}

/** Control and direction-changing characters written as \u{..}, so that a name can't move the cursor or hide text. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
}

/** `text` with its end replaced by an ellipsis where it is longer than `most` characters. */
export function shortened(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, Math.max(0, most - 1)).join('')}…`;
}

/** A count with its noun: counted(2, 'segment') is '2 segments'. */
export function counted(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** The text of one cell. */
export function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'number' ? formatNumber(cell) : printable(String(cell));
}

/** Whether a column holds numbers and nothing else. */
export function isNumeric(cells: readonly Cell[]): boolean {
  const filled = cells.filter((cell) => cell !== null && cell !== undefined && cell !== '');
  return filled.length > 0 && filled.every((cell) => typeof cell === 'number');
}

/**
 * An aligned table: titles, a rule, one line a row, no trailing spaces and no newline at the end.
 * Columns are two spaces apart; numbers get thousands separators and stand on the right.
 */
export function textTable(columns: readonly (string | TextColumn)[], rows: readonly (readonly Cell[])[]): string {
  const heads = columns.map((column): TextColumn => (typeof column === 'string' ? { title: column } : column));
  const rightAligned = heads.map((head, i) => (head.align ?? (isNumeric(rows.map((row) => row[i])) ? 'right' : 'left')) === 'right');
  const body = rows.map((row) => heads.map((_, i) => cellText(row[i])));
  const titles = heads.map((head) => printable(head.title));
  const widths = titles.map((title, i) => body.reduce((most, row) => Math.max(most, widthOf(row[i]!)), widthOf(title)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - widthOf(cell));
        return rightAligned[i] ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return [line(titles), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}

/** Columns a terminal gives the text: two for East Asian wide characters and emoji, none for combining marks. */
function widthOf(text: string): number {
  if (!/[^\u0020-\u024f]/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

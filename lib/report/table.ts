// Table: rows of plain objects as a tidy HTML table, as text, and as a danfojs DataFrame.
// danfojs takes a second to load and is loaded only when a DataFrame is asked for.

import type { DataFrame } from 'danfojs';
import { type Cell, cellText, formatNumber, isNumeric, textTable } from '../base/text.ts';
import { DISPLAY } from './figure.ts';
import { escapeHtml } from './html.ts';
import type { MimeBundle } from './plotly.ts';

/** Rows shown; the rest is counted. */
const MOST_ROWS = 200;

export type Row = Readonly<Record<string, Cell>>;

export interface TableOptions {
  readonly title?: string;
  /** Units by column, printed in the column's title: { latency: 'cycles' } gives 'latency (cycles)'. */
  readonly units?: Readonly<Record<string, string>>;
  /** Columns in order; those of the rows, in order of appearance, unless given. */
  readonly columns?: readonly string[];
  readonly mostRows?: number;
}

/** A table of rows; column titles are the rows' keys. */
export function table(rows: readonly Row[], options: TableOptions = {}): Table {
  return new Table(rows, options);
}

export class Table {
  readonly title: string | undefined;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly #heads: readonly string[];
  readonly #mostRows: number;

  constructor(rows: readonly Row[], options: TableOptions = {}) {
    this.title = options.title;
    this.rows = rows;
    this.columns = options.columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
    this.#heads = this.columns.map((column) => {
      const unit = options.units?.[column];
      return unit === undefined ? column : `${column} (${unit})`;
    });
    this.#mostRows = options.mostRows ?? MOST_ROWS;
  }

  /** An HTML table, with its title unless `caption` is false; everything in it is escaped. */
  toHTML(options: { readonly caption?: boolean } = {}): string {
    const caption =
      this.title === undefined || options.caption === false
        ? []
        : [`<caption style="text-align: left; font-weight: 600; padding: 4px 0;">${escapeHtml(this.title)}</caption>`];
    const isNumber = this.columns.map((column) => isNumeric(this.rows.map((row) => row[column])));
    const align = isNumber.map((right) => (right ? 'right' : 'left'));
    const cell = (tag: 'th' | 'td', content: string, i: number): string =>
      `<${tag} align="${align[i]}" style="text-align: ${align[i]}; padding: 2px 10px; white-space: nowrap;${isNumber[i] ? ' font-variant-numeric: tabular-nums;' : ''}">${escapeHtml(content)}</${tag}>`;
    const line = (tag: 'th' | 'td', cells: readonly string[]): string =>
      `<tr>${cells.map((content, i) => cell(tag, content, i)).join('')}</tr>`;
    const shown = this.rows.slice(0, this.#mostRows);
    return [
      '<table style="border-collapse: collapse;">',
      ...caption,
      `<thead style="border-bottom: 1px solid currentColor;">${line('th', this.#heads)}</thead>`,
      '<tbody>',
      ...shown.map((row) =>
        line(
          'td',
          this.columns.map((column) => cellText(row[column])),
        ),
      ),
      '</tbody>',
      '</table>',
      ...this.#rest().map((text) => `<p>${escapeHtml(text)}</p>`),
    ].join('\n');
  }

  /** An aligned text table. */
  toText(): string {
    const shown = this.rows.slice(0, this.#mostRows).map((row) => this.columns.map((column) => row[column]));
    const body = textTable(this.#heads, shown);
    return [...(this.title === undefined ? [] : [this.title, '']), body, ...this.#rest()].join('\n');
  }

  /** The rows as a danfojs DataFrame. */
  async toDataFrame(): Promise<DataFrame> {
    const danfo = await loadDanfo();
    return new danfo.DataFrame(
      this.rows.map((row) => this.columns.map((column) => row[column] ?? null)),
      { columns: [...this.columns] },
    );
  }

  [DISPLAY](): MimeBundle {
    return { 'text/html': this.toHTML(), 'text/plain': this.toText() };
  }

  #rest(): readonly string[] {
    const left = this.rows.length - this.#mostRows;
    return left > 0 ? [`... and ${formatNumber(left)} more rows`] : [];
  }
}

/** danfojs, loaded at the first call. */
export function loadDanfo(): Promise<typeof import('danfojs')> {
  return import('danfojs');
}

/** What is read of a danfojs DataFrame or Series; recognised without loading danfojs. */
interface Frame {
  readonly columns: readonly string[];
  readonly index: readonly (string | number)[];
  readonly values: readonly unknown[];
  readonly shape: readonly number[];
}

/** Whether a value is a danfojs DataFrame or Series. */
export function isDataFrame(value: unknown): value is DataFrame {
  if (typeof value !== 'object' || value === null) return false;
  const frame = value as Partial<Frame> & { readonly $isSeries?: unknown };
  return typeof frame.$isSeries === 'boolean' && Array.isArray(frame.columns) && Array.isArray(frame.index) && Array.isArray(frame.values);
}

/** A danfojs DataFrame or Series as a table, its index in front; danfojs itself only prints to the console. */
export function renderDataFrame(frame: DataFrame, title?: string): MimeBundle {
  const { columns, index, values } = frame as unknown as Frame;
  const rows = values.map((value, i): Row => {
    const cells = Array.isArray(value) ? value : [value];
    return Object.fromEntries([['', index[i]], ...columns.map((column, j) => [column, cellOf(cells[j])])]);
  });
  const shown = new Table(rows, { columns: ['', ...columns], ...(title !== undefined && { title }) });
  return shown[DISPLAY]();
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value;
  return String(value);
}

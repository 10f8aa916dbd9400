// CimArray: one array's cells, which are a tile of weights in compute mode and bytes in memory mode. Contents survive a
// switch: weights overwritten as memory are gone, and a product computes with whatever bits it finds.

import { internal } from '../../base/problem.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { pack, unpack } from './codec.ts';

/** Whole numbers in the cells of the first `rows` x `columns` weights. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly unsigned: boolean;
  /** Column after column: weights[column * rows + row]. In doubles, in which products are computed. */
  readonly weights: Float64Array;
  /** Parts outside of which all weights are 0: one, or one for each group of a block-diagonal tile. */
  readonly blocks: readonly Block[];
}

export interface Block {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

export type ArrayGeometry = Pick<Hardware, 'tileRows' | 'tileColumns' | 'memoryBytesPerArray' | 'precision'>;

export class CimArray {
  isMemory = false;
  /** What was written last as weights; undefined once other bytes were. */
  private tile: Tile | undefined;
  /** The cells; out of date while `stale`. */
  private cells: Uint8Array | undefined;
  private stale = false;
  private readonly geometry: ArrayGeometry;

  constructor(geometry: ArrayGeometry) {
    this.geometry = geometry;
  }

  writeTile(tile: Tile): void {
    // Cells outside of a smaller tile keep what they hold.
    if (this.stale && this.tile !== undefined && (tile.rows < this.tile.rows || tile.columns < this.tile.columns)) this.bytes();
    this.tile = tile;
    this.stale = true;
  }

  /** The weights that a product of `rows` x `columns` finds. */
  readTile(rows: number, columns: number, unsigned: boolean): Tile {
    const { tile } = this;
    if (tile?.rows === rows && tile.columns === columns && tile.unsigned === unsigned) return tile;
    const cells = this.bytes();
    const { tileColumns, precision } = this.geometry;
    const row = new Int32Array(columns);
    const weights = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      unpack(cells, r * tileColumns * precision.weightBits, columns, precision.weightBits, !unsigned, row, 0);
      for (let c = 0; c < columns; c++) weights[c * rows + r] = row[c]!;
    }
    return { rows, columns, unsigned, weights, blocks: [{ row: 0, rows, column: 0, columns }] };
  }

  /** The bytes as memory; not to be written to. */
  read(from: number, to: number): Uint8Array {
    return this.bytes().subarray(from, to);
  }

  write(from: number, bytes: Uint8Array): void {
    const cells = this.bytes();
    if (from + bytes.length > cells.length) throw internal(`byte ${from + bytes.length} of an array of ${cells.length}`);
    cells.set(bytes, from);
    this.tile = undefined;
  }

  private bytes(): Uint8Array {
    const { tileRows, tileColumns, memoryBytesPerArray, precision } = this.geometry;
    const { weightBits } = precision;
    this.cells ??= new Uint8Array(Math.max(memoryBytesPerArray, Math.ceil((tileRows * tileColumns * weightBits) / 8)));
    if (this.stale && this.tile !== undefined) {
      const { rows, columns, weights } = this.tile;
      const row = new Float64Array(columns);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) row[c] = weights[c * rows + r]!;
        pack(row, 0, columns, weightBits, this.cells, r * tileColumns * weightBits);
      }
    }
    this.stale = false;
    return this.cells;
  }
}

// How a piece of a weight matrix lies on the tiles of one copy: the order in which CIM.write and CIM.mvm list its arrays.
// Groups that share tiles first, then rows of tiles, then columns of tiles.

import type { MatrixShape, Range } from '../../base/shapes.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { tileGrid } from '../../hardware/tile.ts';
import { pieceShape } from '../../program/geometry.ts';
import type { Block } from './cim-array.ts';

/** The vectors of a piece are its groups' inner rows side by side, its results its outputs; both count from 0 here. */
export interface TileSpot {
  /** First element of the vectors that drives it, and first result it makes. */
  readonly input: number;
  readonly output: number;
  readonly rows: number;
  readonly columns: number;
  readonly blocks: readonly Block[];
}

export interface PieceLayout {
  readonly groups: number;
  /** Group of the operator that the piece's first group is, and its first column in that group. */
  readonly firstGroup: number;
  readonly firstColumn: number;
  readonly n: number;
  readonly k: number;
  readonly tiles: readonly TileSpot[];
}

export function layPiece(
  matrix: MatrixShape,
  outputs: Range,
  inner: Range,
  hardware: Pick<Hardware, 'tileRows' | 'tileColumns'>,
): PieceLayout {
  const { n, k, groups } = pieceShape(matrix, outputs, inner);
  const { groupsPerTile } = tileGrid({ n, k, groups }, hardware);
  const { tileRows, tileColumns } = hardware;
  const tiles: TileSpot[] = [];
  for (let group = 0; group < groups; group += groupsPerTile) {
    if (groupsPerTile > 1) {
      const count = Math.min(groupsPerTile, groups - group);
      const blocks = Array.from({ length: count }, (_, i) => ({ row: i * n, rows: n, column: i * k, columns: k }));
      tiles.push({ input: group * n, output: group * k, rows: count * n, columns: count * k, blocks });
      continue;
    }
    for (let row = 0; row < n; row += tileRows) {
      for (let column = 0; column < k; column += tileColumns) {
        const [rows, columns] = [Math.min(tileRows, n - row), Math.min(tileColumns, k - column)];
        tiles.push({ input: group * n + row, output: group * k + column, rows, columns, blocks: [{ row: 0, rows, column: 0, columns }] });
      }
    }
  }
  return { groups, firstGroup: Math.floor(outputs.from / matrix.k), firstColumn: outputs.from % matrix.k, n, k, tiles };
}

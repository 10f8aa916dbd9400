// How a weight matrix lies on arrays: the geometry that cost, emitter, verifier and machine share.

import type { MatrixShape } from '../base/shapes.ts';
import { ceilDiv } from '../base/units.ts';
import type { Hardware } from './hardware.ts';

export interface TileGrid {
  /** Arrays one copy takes. */
  readonly tiles: number;
  /** Tiles along the inner dimension and along the outputs, for one group. */
  readonly rowTiles: number;
  readonly columnTiles: number;
  /** Groups that share a tile block-diagonally; 1 for ordinary products. */
  readonly groupsPerTile: number;
}

/**
 * Tile grid of an n x k matrix per group. Small groups (depthwise convolutions) share a tile:
 * min(floor(rows / n), floor(columns / k)) of them, block-diagonally, so every vector drives each
 * tile once. Assumption: the paper does not say how grouped products are mapped.
 */
export function tileGrid(shape: Pick<MatrixShape, 'n' | 'k' | 'groups'>, hardware: Pick<Hardware, 'tileRows' | 'tileColumns'>): TileGrid {
  const groupsPerTile = Math.max(
    1,
    Math.min(shape.groups, Math.floor(hardware.tileRows / shape.n), Math.floor(hardware.tileColumns / shape.k)),
  );
  const rowTiles = ceilDiv(shape.n, hardware.tileRows);
  const columnTiles = ceilDiv(shape.k, hardware.tileColumns);
  return { tiles: ceilDiv(shape.groups, groupsPerTile) * rowTiles * columnTiles, rowTiles, columnTiles, groupsPerTile };
}

/** Rows of the fullest tile, the ones that take time to write. */
export function rowsWritten(shape: Pick<MatrixShape, 'n' | 'k' | 'groups'>, hardware: Pick<Hardware, 'tileRows' | 'tileColumns'>): number {
  return Math.min(hardware.tileRows, shape.n * tileGrid(shape, hardware).groupsPerTile);
}

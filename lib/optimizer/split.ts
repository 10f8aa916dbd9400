// Cuts operators that are larger than the chip into sub-operators that fit, evenly.
// MatrixOperator -> pieces. Zhao et al. 2025, sec. 4.3.1.

import { fail } from '../base/problem.ts';
import type { MatrixShape, Range } from '../base/shapes.ts';
import { ceilDiv } from '../base/units.ts';
import type { Piece } from '../dataflow/manifest.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import type { MatrixOperator } from '../ir/graph.ts';

export interface CutPiece {
  readonly piece: Piece;
  readonly shape: MatrixShape;
}

/**
 * Pieces of an operator, each of at most `mostArrays` arrays for one copy; a single piece if it fits whole.
 * Cut along the outputs (whole groups first, for grouped operators), evenly in tile columns; along the inner
 * dimension only if a single tile column is taller than `mostRows`. Assumption: "greedily" in the paper leaves open how
 * finely to cut; we take the fewest pieces and make them equal.
 * Throws `does-not-fit` if no array may compute.
 */
export function splitOperator(
  operator: MatrixOperator,
  hardware: Hardware,
  mostArrays: number,
  mostRows = mostArrays,
): readonly CutPiece[] {
  const shape = operator.attrs.matrix;
  const { m, n, k, groups } = shape;
  if (mostArrays < 1) {
    fail({
      kind: 'does-not-fit',
      operator: operator.id,
      arraysNeeded: 1,
      arrays: mostArrays,
      hardware: hardware.name,
      reason: 'even its smallest piece takes one array in compute mode',
    });
  }
  const grid = tileGrid(shape, hardware);
  const whole: Range = { from: 0, to: n };
  if (grid.tiles <= mostArrays) return [{ piece: { outputs: { from: 0, to: k * groups }, inner: whole }, shape }];

  const tilesPerGroup = grid.rowTiles * grid.columnTiles;
  if (groups > 1 && tilesPerGroup <= mostArrays) {
    const groupsAtOnce = Math.floor(mostArrays / tilesPerGroup) * grid.groupsPerTile;
    return evenly(groups, ceilDiv(groups, groupsAtOnce), grid.groupsPerTile).map((range) => ({
      piece: { outputs: { from: range.from * k, to: range.to * k }, inner: whole },
      shape: { m, n, k, groups: range.to - range.from },
    }));
  }

  const inners = evenly(n, ceilDiv(grid.rowTiles, Math.min(mostArrays, mostRows)), hardware.tileRows);
  const tallest = Math.max(...inners.map((inner) => ceilDiv(inner.to - inner.from, hardware.tileRows)));
  const columnsAtOnce = Math.floor(mostArrays / tallest);
  const columns = evenly(k, ceilDiv(grid.columnTiles, columnsAtOnce), hardware.tileColumns);
  const pieces: CutPiece[] = [];
  for (let group = 0; group < groups; group++) {
    for (const range of columns) {
      const outputs = { from: group * k + range.from, to: group * k + range.to };
      for (const inner of inners) {
        pieces.push({ piece: { outputs, inner }, shape: { m, n: inner.to - inner.from, k: outputs.to - outputs.from, groups: 1 } });
      }
    }
  }
  return pieces;
}

/** 0..length in `parts` ranges that differ by at most one `grain`; fewer if there are not enough grains. */
function evenly(length: number, parts: number, grain: number): readonly Range[] {
  const grains = ceilDiv(length, grain);
  const count = Math.min(parts, grains);
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.min(length, Math.floor((i * grains) / count) * grain));
  return bounds.slice(1).map((to, i) => ({ from: bounds[i] ?? 0, to }));
}

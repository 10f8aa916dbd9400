// A right operand that is written, position by position as it is made, into the tiles that will compute on it. Elements of a
// tensor -> cells of arrays in memory mode, in the numbers of the product that takes them.

import { fail, internal } from '../../base/problem.ts';
import type { OperatorOf } from '../../ir/graph.ts';
import type { Access } from '../../program/geometry.ts';
import type { OperandTiles } from '../../program/program.ts';
import { toInteger } from '../../workload/number-format.ts';
import type { Tile } from './cim-array.ts';
import type { Context, OperandWriter } from './context.ts';
import { layPiece, type TileSpot } from './tiles.ts';
import { matrixOfGroup } from './vectors-of-product.ts';

/** Where a weight lies in one copy. */
interface Cell {
  readonly tile: number;
  readonly row: number;
  readonly column: number;
}

/** For all who write the region. */
export function operandWriter({ region, tensor }: Access, place: OperandTiles, context: Context): OperandWriter {
  const { n, k, groups, copies, arrays } = place;
  const operator = takerOf(tensor.id, place, context);
  const numbers = context.network.products[operator.id];
  const format = context.format(tensor.id);
  const stationary = numbers?.stationary;
  if (numbers === undefined || stationary === undefined) throw internal(`'${operator.id}' has no numbers for its right operand`);
  const { tiles } = layPiece(operator.attrs.matrix, { from: 0, to: k * groups }, { from: 0, to: n }, context.hardware);
  const groupOf = new Map(Array.from({ length: groups }, (_, group) => [matrixOfGroup(operator, context)(group), group]));
  const spotOf = spotsByGroup(tiles, n, k);
  const { indexOf } = context.place(tensor.id);
  const cellOf = (element: number): Cell => {
    const index = indexOf[element]!;
    const matrix = Math.floor(index / (n * k));
    const rest = index - matrix * n * k;
    const [r, c] = operator.attrs.transposeWeight ? [rest % n, Math.floor(rest / n)] : [Math.floor(rest / k), rest % k];
    return spotOf(groupOf.get(matrix) ?? lost(region.id), r, c);
  };
  const numberOf = (value: number): number =>
    stationary === format ? value : toInteger(format.scale * (value - format.zeroPoint), stationary);
  /** Rows that were written before: the first time, a row is written whole. */
  const begun = tiles.map(({ rows }) => new Uint8Array(rows));

  return (features, from, to, values, origin) => {
    const changes = new Map<number, { readonly cell: Cell; readonly value: number }[]>();
    for (let position = from; position < to; position++) {
      for (let feature = features.from; feature < features.to; feature++) {
        const element = position * tensor.features + feature;
        const cell = cellOf(element);
        const value = numberOf(values[element - origin * tensor.features]!);
        const known = changes.get(cell.tile);
        if (known === undefined) changes.set(cell.tile, [{ cell, value }]);
        else known.push({ cell, value });
      }
    }
    for (const [t, list] of changes) {
      const spot = tiles[t]!;
      const whole = new Set(list.map(({ cell }) => cell.row).filter((row) => begun[t]![row] === 0));
      for (const row of whole) begun[t]![row] = 1;
      /** Copies that held the same hold the same again. */
      const written = new Map<Tile, Tile>();
      for (let copy = 0; copy < copies; copy++) {
        const id = arrays[copy * tiles.length + t] ?? -1;
        const array = context.storage.arrays[id] ?? lost(region.id);
        if (!array.isMemory) {
          const reason = `writes an operand into array ${id}, which is in compute mode`;
          const next = `Switch it first: CM.switch(TOM, arrays=[${id}]).`;
          fail({ kind: 'program', rule: 'mode', where: `region ${region.id}`, reason, next });
        }
        const held = array.readTile(spot.rows, spot.columns, numbers.unsigned);
        const tile = written.get(held) ?? changed(held, spot, whole, list);
        written.set(held, tile);
        array.writeTile(tile);
      }
    }
  };
}

/** The product that takes a tensor, of that shape, as its right operand. */
function takerOf(tensor: string, { n, k, groups }: OperandTiles, context: Context): OperatorOf<'matMul'> {
  for (const operator of context.network.graph.operators) {
    if (operator.kind !== 'matMul' || !operator.attrs.dynamic || context.source(operator.attrs.weight) !== tensor) continue;
    const { matrix } = operator.attrs;
    if (matrix.n === n && matrix.k === k && matrix.groups === groups) return operator;
  }
  return fail({
    kind: 'run',
    where: `tensor '${tensor}'`,
    reason: `is the right operand of no product of ${groups} matrices of ${n} x ${k}`,
    next: 'Give the model the program was compiled from.',
  });
}

function spotsByGroup(tiles: readonly TileSpot[], n: number, k: number): (group: number, r: number, c: number) => Cell {
  const blocks = new Map<number, { tile: number; row: number; column: number; rows: number; columns: number; r: number; c: number }[]>();
  for (const [tile, { input, output, blocks: parts }] of tiles.entries()) {
    for (const { row, rows, column, columns } of parts) {
      const group = Math.floor((output + column) / k);
      const block = { tile, row, column, rows, columns, r: input + row - group * n, c: output + column - group * k };
      blocks.set(group, [...(blocks.get(group) ?? []), block]);
    }
  }
  return (group, r, c) => {
    for (const block of blocks.get(group) ?? []) {
      if (r < block.r || r >= block.r + block.rows || c < block.c || c >= block.c + block.columns) continue;
      return { tile: block.tile, row: block.row + r - block.r, column: block.column + c - block.c };
    }
    throw internal(`no tile holds row ${r}, column ${c} of group ${group}`);
  };
}

function changed(
  { rows, columns, unsigned, weights: before }: Tile,
  { blocks }: TileSpot,
  whole: ReadonlySet<number>,
  list: readonly { readonly cell: Cell; readonly value: number }[],
): Tile {
  const weights = before.slice();
  for (const row of whole) for (let c = 0; c < columns; c++) weights[c * rows + row] = 0;
  for (const { cell, value } of list) weights[cell.column * rows + cell.row] = value;
  return { rows, columns, unsigned, weights, blocks };
}

function lost(region: string): never {
  throw internal(`region '${region}' does not lie as its operand does`);
}

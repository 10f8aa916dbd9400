// CIM.write and CIM.mvm: tiles into arrays, and products of vectors with what the arrays really hold. Each array adds up
// its rows; tiles, cuts along n, zero points and bias are added digitally.

import { fail, internal } from '../../base/problem.ts';
import { isMatrix, type MatrixOperator } from '../../ir/graph.ts';
import { type Activity, entry, progressAt } from '../../program/geometry.ts';
import type { MetaOpOf } from '../../program/program.ts';
import { toInteger } from '../../workload/number-format.ts';
import type { ProductNumbers } from '../../workload/quantise.ts';
import { accumulateBits } from './bit-serial.ts';
import type { CimArray, Tile } from './cim-array.ts';
import type { Context, Scratch } from './context.ts';
import { finisher } from './finish.ts';
import { accumulate, type Rows } from './gemm.ts';
import { store } from './store.ts';
import { layPiece, type PieceLayout, type TileSpot } from './tiles.ts';
import { matrixOfGroup, vectorReader } from './vectors-of-product.ts';

/** Does one chunk of a statement. */
export type RunChunk = (chunk: number) => void;

function matrixOperator(id: string, context: Context): { readonly operator: MatrixOperator; readonly numbers: ProductNumbers } {
  const operator = context.operator(id);
  const numbers = context.network.products[id];
  if (!isMatrix(operator) || numbers === undefined) {
    return fail({
      kind: 'run',
      where: `operator '${id}'`,
      reason: 'is no product in the model',
      next: 'Give the model the program was compiled from.',
    });
  }
  return { operator, numbers };
}

/** The tiles of one copy of a piece of stored weights. */
export function tilesOf(op: MetaOpOf<'CIM.write'>, context: Context): readonly Tile[] {
  const { operator, numbers } = matrixOperator(op.operator, context);
  const layout = layPiece(operator.attrs.matrix, op.outputs, op.inner, context.hardware);
  const weight = weightReader(operator, numbers, context, new Map());
  return layout.tiles.map((spot) => makeTile(spot, layout, op.inner.from, numbers.unsigned, weight));
}

/** `imaged`: the tiles by array, from a weight image, for stored weights. */
export function writeStatement(
  op: MetaOpOf<'CIM.write'>,
  activity: Activity,
  context: Context,
  imaged?: (unsigned: boolean) => readonly Tile[],
): RunChunk {
  const { operator, numbers } = matrixOperator(op.operator, context);
  const layout = layPiece(operator.attrs.matrix, op.outputs, op.inner, context.hardware);
  if (imaged !== undefined && op.from.length === 0) {
    return (chunk) => {
      if (chunk < activity.chunks - 1) return;
      const tiles = imaged(numbers.unsigned);
      for (const [i, array] of op.arrays.entries()) context.storage.arrays[array]?.writeTile(tiles[i]!);
    };
  }
  return (chunk) => {
    // Slices only share the channel: the tiles are complete, and may be used, with the last one.
    if (chunk < activity.chunks - 1) return;
    const scratch = context.scratch(activity);
    context.load(activity, chunk, scratch);
    const weight = weightReader(operator, numbers, context, scratch);
    const tiles = layout.tiles.map((spot) => makeTile(spot, layout, op.inner.from, numbers.unsigned, weight));
    for (const [i, array] of op.arrays.entries()) context.storage.arrays[array]?.writeTile(tiles[i % tiles.length]!);
  };
}

/** The whole number at inner row r and column c of a group's matrix. */
type WeightReader = (group: number, r: number, c: number) => number;

function weightReader(operator: MatrixOperator, { weights, stationary }: ProductNumbers, context: Context, scratch: Scratch): WeightReader {
  const { n, k } = operator.attrs.matrix;
  const byColumn = operator.kind === 'conv' || operator.attrs.transposeWeight;
  const matrix = matrixOfGroup(operator, context);
  const matrices = Array.from({ length: operator.attrs.matrix.groups }, (_, group) => matrix(group));
  const indexOf = (group: number, r: number, c: number): number => matrices[group]! * n * k + (byColumn ? c * n + r : r * k + c);
  if (weights !== undefined) return (group, r, c) => weights[indexOf(group, r, c)]!;
  const source = context.source(operator.attrs.weight);
  const numbers = scratch.get(source);
  if (numbers === undefined || stationary === undefined) throw internal(`'${operator.id}' writes weights that nobody gives`);
  const { elementOf } = context.place(source);
  const format = context.format(source);
  if (stationary === format) return (group, r, c) => numbers[elementOf[indexOf(group, r, c)]!]!;
  return (group, r, c) => toInteger(format.scale * (numbers[elementOf[indexOf(group, r, c)]!]! - format.zeroPoint), stationary);
}

function makeTile(spot: TileSpot, layout: PieceLayout, innerFrom: number, unsigned: boolean, weight: WeightReader): Tile {
  const { rows, columns, blocks } = spot;
  const weights = new Float64Array(rows * columns);
  for (const block of blocks) {
    const group = Math.floor((spot.output + block.column) / layout.k);
    const firstColumn = layout.firstColumn + spot.output + block.column - group * layout.k;
    const firstRow = innerFrom + spot.input + block.row - group * layout.n;
    for (let c = 0; c < block.columns; c++) {
      for (let r = 0; r < block.rows; r++) {
        weights[(block.column + c) * rows + block.row + r] = weight(layout.firstGroup + group, firstRow + r, firstColumn + c);
      }
    }
  }
  return { rows, columns, unsigned, weights, blocks };
}

export function productStatement(op: MetaOpOf<'CIM.mvm'>, activity: Activity, context: Context): RunChunk {
  const { operator, numbers } = matrixOperator(op.operator, context);
  const { matrix } = operator.attrs;
  const layout = layPiece(matrix, op.outputs, op.inner, context.hardware);
  const streamId = context.source(operator.inputs[0]?.tensor ?? '');
  const readVector = vectorReader(operator, layout, op.inner, context);
  const width = layout.groups * layout.n;
  const columns = op.outputs.to - op.outputs.from;
  const scratch = context.scratch(activity);
  const isLast = op.inner.to === matrix.n;
  const finish = isLast ? finisher(operator, numbers, context, scratch) : undefined;
  const partial = op.inner.from === 0 ? undefined : partialBefore(op, context);
  const features = entry(context.index.tensors, operator.output).features;
  const { zeroPoint } = context.format(streamId);
  const hasZeroPoints = zeroPoint !== 0 || numbers.weightZeroPoints.some((zero) => zero !== 0);

  return (chunk) => {
    context.load(activity, chunk, scratch);
    const [from, to] = [progressAt(activity, chunk), progressAt(activity, chunk + 1)];
    const vectors: Rows = { values: new Float64Array((to - from) * width), width, offset: 0 };
    const sums: Rows = { values: new Float64Array((to - from) * columns), width: columns, offset: 0 };
    const stream = scratch.get(streamId) ?? new Int32Array(0);
    for (let p = from; p < to; p++) readVector(stream, p, vectors.values, (p - from) * width);
    for (const { copies, tiles } of tilesByCopies(op, layout, numbers.unsigned, context)) {
      for (const [start, end] of runsOfCopies(copies, op.copies, from, to)) {
        for (const [i, tile] of tiles.entries()) {
          multiplyTile(layout.tiles[i]!, tile, vectors, sums, start - from, end - from, operator, context);
        }
        if (!hasZeroPoints) continue;
        for (let p = start; p < end; p++) correct(op, layout, tiles, numbers, vectors, sums, p - from, zeroPoint);
      }
    }
    // All features of the positions: those of other pieces stay 0 and are not stored.
    const out = new Float64Array((to - from) * features);
    for (let p = from; p < to; p++) {
      for (let c = 0; c < columns; c++) {
        const element = p * features + op.outputs.from + c;
        const before = partial === undefined ? 0 : scratch.get(partial)![element]!;
        out[element - from * features] = sums.values[(p - from) * columns + c]! + before;
      }
    }
    finish?.(out, from, to, op.outputs);
    store(activity.writes, from, to, out, from, context);
  };
}

function partialBefore(op: MetaOpOf<'CIM.mvm'>, context: Context): string {
  const { partials } = entry(context.index.operators, op.operator);
  return (
    partials.find(({ upTo }) => upTo === op.inner.from)?.tensor ??
    fail({
      kind: 'run',
      where: `operator '${op.operator}'`,
      reason: `has no partial sum up to inner row ${op.inner.from}`,
      next: 'Verify the program.',
    })
  );
}

/** Copies that hold the very same tiles are one. */
function tilesByCopies(
  op: MetaOpOf<'CIM.mvm'>,
  layout: PieceLayout,
  unsigned: boolean,
  context: Context,
): readonly { readonly copies: readonly number[]; readonly tiles: readonly Tile[] }[] {
  const found: { copies: number[]; tiles: readonly Tile[] }[] = [];
  for (let copy = 0; copy < op.copies; copy++) {
    const tiles = layout.tiles.map(({ rows, columns }, i) =>
      arrayFor(op, copy * layout.tiles.length + i, context).readTile(rows, columns, unsigned),
    );
    const same = found.find((other) => other.tiles.every((tile, i) => tile === tiles[i]));
    if (same === undefined) found.push({ copies: [copy], tiles });
    else same.copies.push(copy);
  }
  return found;
}

function arrayFor(op: MetaOpOf<'CIM.mvm'>, place: number, context: Context): CimArray {
  const id = op.arrays[place] ?? -1;
  const array = context.storage.arrays[id];
  if (array === undefined) throw internal(`product on array ${id}`);
  if (array.isMemory) {
    const reason = `computes on array ${id}, which is in memory mode`;
    fail({
      kind: 'program',
      rule: 'mode',
      where: `CIM.mvm of ${op.operator}`,
      reason,
      next: `Switch it first: CM.switch(TOC, arrays=[${id}]).`,
    });
  }
  return array;
}

/** Vectors from .. to - 1 that run on some of the copies, vector v on copy v mod copies, as runs. */
function* runsOfCopies(copies: readonly number[], all: number, from: number, to: number): Generator<readonly [number, number]> {
  if (copies.length === all) {
    yield [from, to];
    return;
  }
  const own = new Set(copies);
  for (let v = from; v < to; v++) if (own.has(v % all)) yield [v, v + 1];
}

function multiplyTile(
  spot: TileSpot,
  tile: Tile,
  vectors: Rows,
  sums: Rows,
  from: number,
  to: number,
  operator: MatrixOperator,
  context: Context,
): void {
  const x = { ...vectors, offset: spot.input };
  const y = { ...sums, offset: spot.output };
  if (context.convert === undefined) return accumulate(x, tile, y, from, to);
  const { lowest } = context.format(context.source(operator.inputs[0]?.tensor ?? ''));
  const { weightBits, activationBits } = context.hardware.precision;
  accumulateBits(x, tile, y, from, to, { inputBits: activationBits, inputUnsigned: lowest >= 0, weightBits }, context.convert);
}

/** Zero points, digitally: SUM (x - zx) (w - zw) = SUM x w - zx * SUM w - zw * SUM (x - zx). */
function correct(
  op: MetaOpOf<'CIM.mvm'>,
  layout: PieceLayout,
  tiles: readonly Tile[],
  { weightZeroPoints }: ProductNumbers,
  vectors: Rows,
  sums: Rows,
  row: number,
  zeroPoint: number,
): void {
  for (const [i, { input, output, blocks }] of layout.tiles.entries()) {
    const weights = zeroPoint === 0 ? undefined : columnSums(tiles[i]!);
    for (const block of blocks) {
      let inputs: number | undefined;
      for (let c = block.column; c < block.column + block.columns; c++) {
        const weightZero = weightZeroPoints[op.outputs.from + output + c]!;
        if (weightZero !== 0) inputs ??= sumOf(vectors, row, input + block.row, block.rows) - zeroPoint * block.rows;
        sums.values[row * sums.width + output + c]! -= zeroPoint * (weights?.[c] ?? 0) + weightZero * (inputs ?? 0);
      }
    }
  }
}

const sumsOfTiles = new WeakMap<Tile, Float64Array>();

function columnSums(tile: Tile): Float64Array {
  let sums = sumsOfTiles.get(tile);
  if (sums === undefined) {
    const { rows, columns, weights } = tile;
    sums = new Float64Array(columns).map((_, c) => weights.subarray(c * rows, (c + 1) * rows).reduce((sum, weight) => sum + weight, 0));
    sumsOfTiles.set(tile, sums);
  }
  return sums;
}

function sumOf({ values, width }: Rows, row: number, from: number, count: number): number {
  let sum = 0;
  for (let i = row * width + from; i < row * width + from + count; i++) sum += values[i]!;
  return sum;
}

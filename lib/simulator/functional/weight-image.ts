// Weight image: the bytes a chip's external memory holds, and which of them go to which array, when. Program + quantised
// network -> index and bytes. A tile is stored once, however many copies of it are written; operands that are computed at run
// time have an entry and no bytes.

import { fail } from '../../base/problem.ts';
import type { Range } from '../../base/shapes.ts';
import { ceilDiv } from '../../base/units.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { blocksOf } from '../../program/blocks.ts';
import type { MetaOp, MetaOpOf, Program } from '../../program/program.ts';
import type { QuantisedNetwork } from '../../workload/quantise.ts';
import type { Tile } from './cim-array.ts';
import { pack, unpack } from './codec.ts';
import { Context } from './context.ts';
import { tilesOf } from './products.ts';

/** One tile: `rows` x `columns` weights, row after row, lowest bits first, negative ones in two's complement. */
export interface ImageTile {
  /** First byte of it, and how many. */
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  readonly columns: number;
}

/** One CIM.write, in the order in which the program has them. */
export interface ImageWrite {
  readonly segment: number;
  readonly at: 'before' | 'boundary' | 'segment';
  /** Number of the statement there, from 0. */
  readonly statement: number;
  readonly operator: string;
  readonly outputs: Range;
  readonly inner: Range;
  readonly arrays: readonly number[];
  /** Tile of each array, in `tiles`; empty for an operand that is computed at run time. */
  readonly tiles: readonly number[];
}

export interface WeightImageIndex {
  readonly schemaVersion: 1;
  readonly model: Program['model'];
  readonly hardware: Program['hardware'];
  readonly weightBits: number;
  /** Where the weights come from: the model's file, or random numbers of a seed. */
  readonly weights: string;
  readonly bytes: number;
  readonly tiles: readonly ImageTile[];
  readonly writes: readonly ImageWrite[];
}

export interface WeightImage {
  readonly index: WeightImageIndex;
  readonly bytes: Uint8Array;
}

/** The image of a verified program. `weights`: said in the index. */
export function weightImage(program: Program, hardware: Hardware, network: QuantisedNetwork, weights: string): WeightImage {
  const context = new Context(program, hardware, network, {});
  const { weightBits } = program.precision;
  const parts: Uint8Array[] = [];
  const tiles: ImageTile[] = [];
  const writes: ImageWrite[] = [];
  /** Tiles of pieces that were seen before: what is written again is stored once. */
  const known = new Map<string, readonly number[]>();
  let offset = 0;
  const store = (tile: Tile): number => {
    const bytes = packed(tile, weightBits);
    parts.push(bytes);
    tiles.push({ offset, bytes: bytes.length, rows: tile.rows, columns: tile.columns });
    offset += bytes.length;
    return tiles.length - 1;
  };
  for (const { place, op } of writesOf(program)) {
    const { operator, outputs, inner, arrays } = op;
    const key = JSON.stringify([operator, outputs, inner]);
    let own = known.get(key);
    if (own === undefined) {
      own = op.from.length > 0 ? [] : tilesOf(op, context).map(store);
      known.set(key, own);
    }
    const stored = own;
    writes.push({
      ...place,
      operator,
      outputs,
      inner,
      arrays,
      tiles: stored.length === 0 ? [] : arrays.map((_, i) => stored[i % stored.length]!),
    });
  }
  const bytes = new Uint8Array(offset);
  for (const [i, part] of parts.entries()) bytes.set(part, tiles[i]!.offset);
  return {
    index: { schemaVersion: 1, model: program.model, hardware: program.hardware, weightBits, weights, bytes: offset, tiles, writes },
    bytes,
  };
}

/** Where a statement stands. */
export type WritePlace = Pick<ImageWrite, 'segment' | 'at' | 'statement'>;

function* writesOf(program: Program): Generator<{ readonly place: WritePlace; readonly op: MetaOpOf<'CIM.write'> }> {
  for (const [statement, op] of (program.before ?? []).entries())
    if (op.kind === 'CIM.write') yield { place: { segment: 0, at: 'before', statement }, op };
  for (const { id, boundary, parallel } of blocksOf(program)) {
    const of = function* (ops: readonly MetaOp[], at: WritePlace['at']) {
      for (const [statement, op] of ops.entries()) if (op.kind === 'CIM.write') yield { place: { segment: id, at, statement }, op };
    };
    yield* of(boundary, 'boundary');
    yield* of(parallel, 'segment');
  }
}

function packed({ rows, columns, weights }: Tile, bits: number): Uint8Array {
  const bytes = new Uint8Array(ceilDiv(rows * columns * bits, 8));
  const row = new Float64Array(columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) row[c] = weights[c * rows + r]!;
    pack(row, 0, columns, bits, bytes, r * columns * bits);
  }
  return bytes;
}

/** What an image says must be written where; made for a run. */
export class ImageReader {
  private readonly writes: ReadonlyMap<string, ImageWrite>;
  private readonly image: WeightImage;
  private readonly made = new Map<number, Tile>();

  /** Throws `run` for an image of another program, or one that does not hold together. */
  constructor(image: WeightImage, program: Program) {
    this.image = image;
    this.writes = new Map(image.index.writes.map((write) => [placeName(write), write]));
    const { model, hardware, weightBits, tiles } = image.index;
    const refuse = (reason: string): never =>
      fail({ kind: 'run', where: 'weight image', reason, next: 'Export the image of this program again.' });
    if (model.hash !== program.model.hash || hardware.hash !== program.hardware.hash || weightBits !== program.precision.weightBits)
      refuse(`is of '${model.name}' on '${hardware.name}' at ${weightBits} bits, not of this program`);
    for (const [i, { offset, bytes, rows, columns }] of tiles.entries()) {
      const whole = [offset, bytes, rows, columns].every((number) => Number.isSafeInteger(number) && number >= 0);
      if (!whole || bytes !== ceilDiv(rows * columns * weightBits, 8) || offset + bytes > image.bytes.length)
        refuse(`tile ${i} has ${bytes} bytes from ${offset} for ${rows} x ${columns} weights; the file has ${image.bytes.length} bytes`);
    }
  }

  /** The tiles a statement writes, by array. Throws `run` if the image says otherwise. */
  tiles(op: MetaOpOf<'CIM.write'>, place: WritePlace, unsigned: boolean): readonly Tile[] {
    const write = this.writes.get(placeName(place));
    if (
      write === undefined ||
      write.operator !== op.operator ||
      String(write.arrays) !== String(op.arrays) ||
      write.tiles.length !== op.arrays.length
    ) {
      return fail({
        kind: 'run',
        where: `weight image, ${placeName(place)}`,
        reason: `has no tiles for '${op.operator}' in these arrays`,
        next: 'Export the image of this program again.',
      });
    }
    return write.tiles.map((tile) => this.tile(tile, unsigned));
  }

  private tile(number: number, unsigned: boolean): Tile {
    let tile = this.made.get(number);
    const stored = this.image.index.tiles[number];
    if (tile?.unsigned !== unsigned) tile = undefined;
    if (tile === undefined) {
      const { offset, bytes, rows, columns } =
        stored ??
        fail({ kind: 'run', where: 'weight image', reason: `has no tile ${number}`, next: 'Export the image of this program again.' });
      const { weightBits } = this.image.index;
      const row = new Int32Array(columns);
      const weights = new Float64Array(rows * columns);
      const own = this.image.bytes.subarray(offset, offset + bytes);
      for (let r = 0; r < rows; r++) {
        unpack(own, r * columns * weightBits, columns, weightBits, !unsigned, row, 0);
        for (let c = 0; c < columns; c++) weights[c * rows + r] = row[c]!;
      }
      tile = { rows, columns, unsigned, weights, blocks: [{ row: 0, rows, column: 0, columns }] };
      this.made.set(number, tile);
    }
    return tile;
  }
}

function placeName({ segment, at, statement }: WritePlace): string {
  return `${at} ${segment}, statement ${statement}`;
}

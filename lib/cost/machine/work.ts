// What a network asks of the machine, prepared once so that a segment's cost is a sum over its members:
// pieces and vector operators in order, the bytes each reads and how much of them must be held at once.
// Graph + pieces + chip -> Work. Nothing here depends on how the network is cut into segments.

import { internal } from '../../base/problem.ts';
import type { MatrixShape, Range } from '../../base/shapes.ts';
import { type Bytes, bytesOf, type Cycles, type Picojoules } from '../../base/units.ts';
import { manifestOf, type Piece } from '../../dataflow/manifest.ts';
import { type OperandLayout, operandLayouts } from '../../dataflow/operands.ts';
import { chunksOf, type Read, type Step, stepMaker, tensorBytes } from '../../dataflow/steps.ts';
import { demandsOn, ownDemand, windowPositions } from '../../dataflow/windows.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { rowsWritten, tileGrid } from '../../hardware/tile.ts';
import type { Graph } from '../../ir/graph.ts';

/** The list that is cut into segments; `flatten` makes it. */
export interface Sequence {
  readonly subOperators: readonly {
    readonly id: string;
    readonly parent: string;
    readonly piece: Piece;
    readonly shape: MatrixShape;
    readonly after: number;
  }[];
  readonly riders: readonly { readonly id: string; readonly after: number }[];
  readonly repeats?: readonly Repeated[];
}

/**
 * Sub-operators first .. last, with what rides with them, that stand for `times` blocks alike. No segment crosses either end,
 * nothing is staged across them, and data passes them through external memory.
 */
export interface Repeated {
  readonly first: number;
  readonly last: number;
  readonly times: number;
}

export interface OperandWork {
  readonly tensor: number;
  readonly bytes: Bytes;
  /** Time to write it as it is made into the arrays that will compute on it; absent where that is not possible. */
  readonly inPlace?: Cycles;
}

/** A piece's needs in arrays and weights. */
export interface ProductWork {
  readonly sub: number;
  readonly m: number;
  readonly tiles: number;
  /** Cycles on one copy. */
  readonly computeCycles: Cycles;
  /** Stored weights fetched for one copy; 0 for a run-time operand. */
  readonly weightBytes: Bytes;
  /** Time to write one array of it. */
  readonly writeCycles: Cycles;
  /** Run-time operand written at the boundary: its tensor and the bytes this piece reads of it. */
  readonly stationary?: OperandWork;
  /** Energy of its products and of one copy's writing. */
  readonly mac: Picojoules;
  readonly writing: Picojoules;
}

/** One operand on its way to a task. */
export interface ReadWork {
  readonly tensor: number;
  readonly features: Range;
  /** Bytes taken for all of `features`, and of the data itself. */
  readonly feedBytes: Bytes;
  readonly dataBytes: Bytes;
  /** Held for all of `features`: of a stream from outside, and of one made in the same segment. */
  readonly heldOutside: Bytes;
  readonly heldHere: Bytes;
  /** Share of the producer's output that the task's first chunk waits for. */
  readonly lead: number;
}

export interface TaskWork {
  readonly id: string;
  /** Sub-operator it is or rides with. */
  readonly sub: number;
  readonly product: ProductWork | undefined;
  readonly chunks: number;
  readonly vectorCycles: Cycles;
  readonly vectorEnergy: Picojoules;
  readonly reads: readonly ReadWork[];
  readonly output: { readonly tensor: number; readonly features: Range; readonly bytes: Bytes };
}

export interface TensorWork {
  readonly id: string;
  readonly features: number;
  readonly bytes: Bytes;
  /** Tasks that make and use it, ascending. */
  readonly makers: readonly number[];
  readonly readers: readonly number[];
  /** Network input: lies in external memory from the start. */
  readonly given: boolean;
  readonly leaves: boolean;
}

export interface Work {
  readonly tasks: readonly TaskWork[];
  /** What one array holds in memory mode. */
  readonly memoryBytesPerArray: Bytes;
  readonly tensors: readonly TensorWork[];
  /** First task of each sub-operator; a last entry holds the number of tasks. Tasks before the first come before all. */
  readonly firstTask: readonly number[];
  readonly products: readonly ProductWork[];
  /** In order, none overlapping another. */
  readonly repeats: readonly Repeated[];
  /** How often each sub-operator runs, and whether a repeated block or what is behind one begins with it. */
  readonly times: readonly number[];
  readonly opens: readonly boolean[];
}

export function workOf(graph: Graph, sequence: Sequence, hardware: Hardware): Work {
  const manifest = manifestOf(graph, sequence.subOperators, hardware.precision);
  const position = new Map(manifest.operators.map((operator, i) => [operator.id, i]));
  const operatorOf = (id: string) => manifest.operators[position.get(id) ?? -1] ?? lost(id);
  const stepOf = stepMaker(manifest);
  const riders: string[][] = sequence.subOperators.map(() => []);
  const leading: string[] = [];
  for (const { id, after } of sequence.riders) (riders[after] ?? leading).push(id);

  const steps: Step[] = leading.map((id) => stepOf(operatorOf(id)));
  const subs: number[] = leading.map(() => -1);
  const firstTask: number[] = [];
  for (const [sub, { parent, piece }] of sequence.subOperators.entries()) {
    firstTask.push(steps.length);
    steps.push(stepOf(operatorOf(parent), piece), ...(riders[sub] ?? []).map((id) => stepOf(operatorOf(id))));
    while (subs.length < steps.length) subs.push(sub);
  }
  firstTask.push(steps.length);

  const tensorNumber = new Map(manifest.tensors.map(({ id }, i) => [id, i]));
  const numberOf = (id: string) => tensorNumber.get(id) ?? lost(id);
  const makers: number[][] = manifest.tensors.map(() => []);
  const readers: number[][] = manifest.tensors.map(() => []);
  for (const [t, step] of steps.entries()) {
    makers[numberOf(step.output.id)]?.push(t);
    for (const { tensor } of step.reads) readers[numberOf(tensor.id)]?.push(t);
    if (step.stationary !== undefined) readers[numberOf(step.stationary.id)]?.push(t);
  }
  const held = heldHere(steps, manifest.tensors, makers, readers);
  const layouts = operandLayouts(graph);
  const operandWork = (step: Step, operand: NonNullable<Step['stationary']>): OperandWork => {
    const tensor = numberOf(operand.id);
    const made = makers[tensor] ?? [];
    const maker = made.length === 1 ? steps[made[0]!] : undefined;
    const inPlace = maker && inPlaceCycles(step, operand, layouts.get(step.operator.id), maker, hardware);
    return { tensor, bytes: stationaryBytes(step), ...(inPlace !== undefined && { inPlace }) };
  };
  const tasks = steps.map((step, t): TaskWork => {
    const place = subs[t] ?? -1;
    const sub = sequence.subOperators[place];
    const isProduct = step.piece !== undefined && sub !== undefined;
    const stationary = step.stationary && operandWork(step, step.stationary);
    const { cycles, energy } = vectorWork(step, hardware);
    return {
      id: isProduct ? sub.id : step.operator.id,
      sub: place,
      product: isProduct ? productWork(sub.shape, place, stationary, hardware) : undefined,
      chunks: step.chunks,
      vectorCycles: cycles,
      vectorEnergy: energy,
      reads: step.reads.map((read, r) => readWork(step, read, numberOf(read.tensor.id), held[t]?.[r] ?? 0)),
      output: { tensor: numberOf(step.output.id), features: step.outputs, bytes: tensorBytes(step.output, step.outputs) },
    };
  });
  const tensors = manifest.tensors.map((tensor, i) => ({
    id: tensor.id,
    features: tensor.features,
    bytes: tensorBytes(tensor, { from: 0, to: tensor.features }),
    makers: makers[i] ?? [],
    readers: readers[i] ?? [],
    given: tensor.role === 'input' || tensor.role === 'state',
    leaves: tensor.role === 'output',
  }));
  const products = tasks.flatMap(({ product }) => (product === undefined ? [] : [product]));
  const repeats = sequence.repeats ?? [];
  const { memoryBytesPerArray } = hardware;
  return { tasks, memoryBytesPerArray, tensors, firstTask, products, repeats, ...runsOf(products.length, repeats) };
}

/** The same with other products. */
export function withProducts(work: Work, change: (product: ProductWork, sub: number) => ProductWork): Work {
  const products = work.products.map(change);
  const tasks = work.tasks.map((task) =>
    task.product === undefined ? task : { ...task, product: products[task.product.sub] ?? task.product },
  );
  return { ...work, products, tasks };
}

function runsOf(count: number, repeats: readonly Repeated[]): Pick<Work, 'times' | 'opens'> {
  const times = new Array<number>(count).fill(1);
  const opens = new Array<boolean>(count).fill(false);
  for (const { first, last, times: turns } of repeats) {
    times.fill(turns, first, last + 1);
    for (const at of [first, last + 1]) if (at < opens.length) opens[at] = true;
  }
  return { times, opens };
}

function productWork(shape: MatrixShape, sub: number, stationary: ProductWork['stationary'], hardware: Hardware): ProductWork {
  const weights = shape.n * shape.k * shape.groups;
  const product = {
    sub,
    m: shape.m,
    tiles: tileGrid(shape, hardware).tiles,
    computeCycles: shape.m * hardware.mvmCycles,
    weightBytes: stationary === undefined ? bytesOf(weights, hardware.precision.weightBits) : 0,
    writeCycles: rowsWritten(shape, hardware) * hardware.writeCyclesPerRow,
    mac: shape.m * weights * hardware.energy.mac,
    writing: bytesOf(weights, hardware.storedBitsPerWeight) * hardware.energy.weightWriteByte,
  };
  return stationary === undefined ? product : { ...product, stationary };
}

function vectorWork(step: Step, hardware: Hardware): { readonly cycles: Cycles; readonly energy: Picojoules } {
  const { operator, piece } = step;
  const complete = piece === undefined || piece.inner.to === operator.matrix?.n;
  const elements = complete ? step.positions * (step.outputs.to - step.outputs.from) : 0;
  const own = operator.vector;
  let cycles = own === undefined ? 0 : own.elements / hardware.vectorElementsPerCycle[own.class];
  for (const { class: kind } of operator.steps) cycles += elements / hardware.vectorElementsPerCycle[kind];
  return { cycles, energy: ((own?.elements ?? 0) + elements * operator.steps.length) * hardware.energy.vectorElement };
}

/**
 * Time to write a right operand of one maker, all of it, chunk by chunk into its tiles: an array row by row, so that what comes by
 * columns meets all rows of a tile in every chunk. Undefined where the operand is not the tensor as it was made, or the chip has no memory mode.
 */
function inPlaceCycles(
  { operator, piece }: Step,
  operand: NonNullable<Step['stationary']>,
  by: OperandLayout | undefined,
  maker: Step,
  hardware: Hardware,
): Cycles | undefined {
  const { matrix } = operator;
  if (matrix === undefined || by === undefined || piece === undefined || !hardware.dualMode) return undefined;
  const { n, k, groups } = matrix;
  const [width, length] = by === 'columns' ? [n, k] : [k, n];
  const isWhole = piece.inner.to - piece.inner.from === n && piece.outputs.to - piece.outputs.from === k * groups;
  if (!isWhole || operand.positions * operand.features !== n * k * groups || operand.features % width !== 0) return undefined;
  const { groupsPerTile } = tileGrid(matrix, hardware);
  const sideBySide = operand.features / width;
  const made = Math.ceil(operand.positions / maker.chunks);
  const rows =
    by === 'rows'
      ? Math.min(n * groupsPerTile, made * Math.min(groupsPerTile, sideBySide))
      : n * Math.min(groupsPerTile, sideBySide * Math.ceil(made / length));
  return maker.chunks * Math.min(hardware.tileRows, rows) * hardware.writeCyclesPerRow;
}

/** A piece's part of the right operand. */
function stationaryBytes({ operator, piece, stationary }: Step): Bytes {
  if (operator.matrix === undefined || piece === undefined || stationary === undefined) return 0;
  const { n, k, groups } = operator.matrix;
  const part = ((piece.inner.to - piece.inner.from) * (piece.outputs.to - piece.outputs.from)) / (n * k * groups);
  return tensorBytes(stationary, { from: 0, to: stationary.features }) * part;
}

function readWork(step: Step, read: Read, tensor: number, heldHereBytes: Bytes): ReadWork {
  const features = read.features.to - read.features.from;
  const { positions, bits } = read.tensor;
  const rows = { ...read.window, rowsOut: read.window.rowsIn, widthOut: read.window.widthIn };
  const demand = ownDemand(step, read.window);
  const window = positionsHeld({ positions, chunks: chunksOf(rows, positions) }, step, read.window, demand);
  return {
    tensor,
    features: read.features,
    feedBytes: read.bytes,
    dataBytes: tensorBytes(read.tensor, read.features),
    heldOutside: Math.ceil((window * features * bits) / 8),
    heldHere: heldHereBytes,
    lead: (demand[0] ?? 0) / positions,
  };
}

type Pace = Parameters<typeof windowPositions>[0];

/** What was found last for a reader's demand: the pieces of an operator ask for the same, one after another. */
const HELD = new WeakMap<readonly number[], { readonly maker: Pace; readonly reader: Pace; readonly held: number }>();

/** `windowPositions`, once for neighbours that demand the same. */
function positionsHeld(maker: Pace, reader: Pace, window: Read['window'], demand: readonly number[]): number {
  const last = HELD.get(demand);
  if (last !== undefined && isSamePace(last.maker, maker) && isSamePace(last.reader, reader)) return last.held;
  const held = windowPositions(maker, reader, window, demand);
  const paceOf = ({ positions, chunks }: Pace): Pace => ({ positions, chunks });
  HELD.set(demand, { maker: paceOf(maker), reader: paceOf(reader), held });
  return held;
}

function isSamePace(a: Pace, b: Pace): boolean {
  return a.positions === b.positions && a.chunks === b.chunks;
}

/** Most sub-operators between a maker and a reader of one segment: longer ones are not worth holding. */
const LONGEST = 64;

/** Bytes held between makers and readers that run side by side, through every path between them; by task and read. */
function heldHere(
  steps: readonly Step[],
  tensors: readonly { readonly id: string; readonly bits: number }[],
  makers: readonly (readonly number[])[],
  readers: readonly (readonly number[])[],
): readonly (readonly Bytes[] | undefined)[] {
  const held: Bytes[][] = [];
  for (const [i, tensor] of tensors.entries()) {
    const first = makers[i]?.[0];
    if (first === undefined) continue;
    const near = (readers[i] ?? []).filter((t) => t - (makers[i]?.at(-1) ?? 0) <= LONGEST);
    const last = near.at(-1);
    if (last === undefined) continue;
    const demands = demandsOn(tensor.id, steps.slice(first, last + 1));
    for (const t of near) {
      const step = steps[t];
      if (step === undefined) continue;
      for (const [r, read] of step.reads.entries()) {
        if (read.tensor.id !== tensor.id) continue;
        const maker = steps[first] ?? step;
        const window = positionsHeld(maker, step, read.window, demands.get(step) ?? ownDemand(step, read.window));
        const of = held[t] ?? new Array<Bytes>(step.reads.length).fill(0);
        held[t] = of;
        of[r] = Math.ceil((window * (read.features.to - read.features.from) * tensor.bits) / 8);
      }
    }
  }
  return held;
}

function lost(id: string): never {
  throw internal(`'${id}' is not in the manifest`);
}

// Lower bound on any plan's time on the machine: what must cross the channel and what must be computed,
// each on the whole chip. Graph -> cycles.

import { type Bytes, bytesOf, type Cycles, cyclesAt } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Graph, hasWeights, isMatrix, type TensorId, tensorsOf } from '../ir/graph.ts';
import { weightBytes } from '../ir/inspect.ts';

export interface LowerBound {
  readonly cycles: Cycles;
  readonly externalCycles: Cycles;
  readonly computeCycles: Cycles;
  readonly externalBytes: Bytes;
  /** Of those, weights: each fetched once. */
  readonly weightBytes: Bytes;
}

/**
 * max(compulsory external traffic / rate, array-cycles of all products / arrays), in cycles.
 * Compulsory: every weight fetched once (the chip starts empty), every network output written once, and of every
 * network input what its hungriest reader takes: all of it, or m * n elements if a strided product skips some.
 * `again`: of a run after another, which may find as many weights on the chip as there is room for.
 */
export function lowerBound(graph: Graph, hardware: Hardware, again = false): LowerBound {
  const tensors = tensorsOf(graph);
  const { activationBits, weightBits } = hardware.precision;
  const taken = new Map<TensorId, Bytes>();
  const source = new Map<TensorId, TensorId>();
  let weights = 0;
  let arrayCycles = 0;
  const sizeOf = (id: TensorId): Bytes => {
    const tensor = tensors.get(id);
    return tensor === undefined ? 0 : bytesOf(tensor.positions * tensor.features, activationBits);
  };
  for (const operator of graph.operators) {
    for (const [i, { tensor }] of operator.inputs.entries()) {
      const id = source.get(tensor) ?? tensor;
      if (operator.kind === 'view') source.set(operator.output, id);
      else {
        const shape = isMatrix(operator) && i === 0 ? operator.attrs.matrix : undefined;
        const read = shape === undefined ? sizeOf(id) : Math.min(sizeOf(id), bytesOf(shape.m * shape.n * shape.groups, activationBits));
        taken.set(id, Math.max(taken.get(id) ?? 0, read));
      }
    }
    if (!isMatrix(operator)) continue;
    const shape = operator.attrs.matrix;
    if (hasWeights(operator)) weights += weightBytes(shape, weightBits);
    arrayCycles += shape.m * hardware.mvmCycles * tileGrid(shape, hardware).tiles;
  }
  const room = bytesOf(hardware.arrays * hardware.tileRows * hardware.tileColumns, weightBits);
  if (again) weights = Math.max(0, weights - room);
  let bytes = weights;
  for (const id of graph.inputs) bytes += taken.get(id) ?? 0;
  for (const id of new Set(graph.outputs.map((output) => source.get(output) ?? output)))
    bytes += graph.inputs.includes(id) ? 0 : sizeOf(id);
  const externalCycles = cyclesAt(bytes, hardware.externalBytesPerCycle);
  const computeCycles = Math.ceil(arrayCycles / hardware.arrays);
  return { cycles: Math.max(externalCycles, computeCycles), externalCycles, computeCycles, externalBytes: bytes, weightBytes: weights };
}

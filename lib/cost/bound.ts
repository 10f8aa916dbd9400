// Lower bound on any plan's time on the machine: what must cross the channel, what must be
// computed and what the vector unit must do, each on the whole chip. Graph -> cycles.

import { type Bytes, bytesOf, type Cycles, cyclesAt } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import { type Graph, isMatrix, tensorsOf } from '../ir/graph.ts';

export interface LowerBound {
  readonly cycles: Cycles;
  readonly externalCycles: Cycles;
  readonly computeCycles: Cycles;
  readonly externalBytes: Bytes;
}

/** Bytes of an operator's weights at `bits` bits a weight. */
export function weightBytes(shape: { readonly n: number; readonly k: number; readonly groups: number }, bits: number): Bytes {
  return bytesOf(shape.n * shape.k * shape.groups, bits);
}

/**
 * max(compulsory external traffic / rate, array-cycles of all products / arrays), in cycles.
 * Compulsory: every weight fetched once (the chip starts empty), network inputs and outputs once.
 */
export function lowerBound(graph: Graph, hardware: Hardware): LowerBound {
  const tensors = tensorsOf(graph);
  let bytes = 0;
  let arrayCycles = 0;
  for (const operator of graph.operators) {
    if (!isMatrix(operator)) continue;
    const shape = operator.attrs.matrix;
    if (!(operator.kind === 'matMul' && operator.attrs.dynamic)) bytes += weightBytes(shape, hardware.precision.weightBits);
    arrayCycles += shape.m * hardware.mvmCycles * tileGrid(shape, hardware).tiles;
  }
  for (const id of [...graph.inputs, ...graph.outputs]) {
    const tensor = tensors.get(id);
    if (tensor !== undefined) bytes += bytesOf(tensor.positions * tensor.features, hardware.precision.activationBits);
  }
  const externalCycles = cyclesAt(bytes, hardware.externalBytesPerCycle);
  const computeCycles = Math.ceil(arrayCycles / hardware.arrays);
  return { cycles: Math.max(externalCycles, computeCycles), externalCycles, computeCycles, externalBytes: bytes };
}

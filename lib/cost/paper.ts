// The paper's cost model, one function an equation (Zhao et al. 2025, sec. 4.3).
// Closed formulas over counts of arrays; real numbers of cycles, rounded by nobody.
// Where the text had to be repaired to be built, the docstring says `Deviation:`.

import type { MatrixShape } from '../base/shapes.ts';
import type { Bytes, Cycles, Precision } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';

/** What Eq. (10) needs to know of an operator; every field follows from its shape and the chip. */
export interface Demand {
  /** Arrays one copy of the weights takes. */
  readonly tiles: number;
  /** OP_i / OP_cim for one copy: cycles if the operator runs on a single copy, input always there. */
  readonly computeCycles: Cycles;
  /** OP_i / AI_i: bytes of input the arrays have to be fed. */
  readonly feedBytes: Bytes;
}

/**
 * Demand of an m x n x k product. One array does n*k / tiles MACs per activation of mvmCycles, so
 * utilisation of edge tiles is in the formula; AI is k MACs per input element, so OP / AI = m * n elements
 * (per group). Zhao et al. 2025, Eq. (10).
 */
export function demandOf(shape: MatrixShape, hardware: Hardware): Demand {
  const { tiles } = tileGrid(shape, hardware);
  return {
    tiles,
    computeCycles: shape.m * hardware.mvmCycles,
    feedBytes: feedBytes(shape, hardware.precision),
  };
}

/** Input bytes that the arrays consume, in im2col form: m * n per group. */
export function feedBytes(shape: MatrixShape, precision: Precision): Bytes {
  return (shape.m * shape.n * shape.groups * precision.activationBits) / 8;
}

/** First term of Eq. (10): cycles to compute with `computeArrays` arrays (any multiple, or fraction, of a copy). */
export function computeLatency(demand: Demand, computeArrays: number): Cycles {
  return (demand.computeCycles * demand.tiles) / computeArrays;
}

/** Second term of Eq. (10): cycles to feed from `memoryArrays` arrays beside D_main. */
export function feedLatency(demand: Demand, memoryArrays: number, hardware: Pick<Hardware, 'dCim' | 'dMain'>): Cycles {
  return demand.feedBytes / (memoryArrays * hardware.dCim + hardware.dMain);
}

/** L_i = OP_i / min(Com_i * OP_cim, (Mem_i * D_cim + D_main) * AI_i), in cycles. Zhao et al. 2025, Eq. (10). */
export function operatorLatency(
  demand: Demand,
  computeArrays: number,
  memoryArrays: number,
  hardware: Pick<Hardware, 'dCim' | 'dMain'>,
): Cycles {
  return Math.max(computeLatency(demand, computeArrays), feedLatency(demand, memoryArrays, hardware));
}

/** T_intra: the slowest operator of the pipeline, in cycles. Zhao et al. 2025, Eq. (9). */
export function intraLatency(latencies: readonly Cycles[]): Cycles {
  return Math.max(0, ...latencies);
}

/** T_swc = L_m->c * Switch_m->c + L_c->m * Switch_c->m over counts of arrays. Zhao et al. 2025, Eq. (1). */
export function switchLatency(toCompute: number, toMemory: number, hardware: Pick<Hardware, 'switchCycles'>): Cycles {
  return hardware.switchCycles.memoryToCompute * toCompute + hardware.switchCycles.computeToMemory * toMemory;
}

/**
 * T_rw = max over operators of Com_O * Latency_write, in cycles. Zhao et al. 2025, Eq. (2).
 * Deviation: the sub-operators of one operator count as one, or cutting an operator finely would make writing free.
 */
export function rewriteLatency(
  operators: readonly { readonly parent: string; readonly computeArrays: number }[],
  hardware: Pick<Hardware, 'writeCyclesPerArray'>,
): Cycles {
  const perParent = new Map<string, number>();
  let most = 0;
  for (const { parent, computeArrays } of operators) {
    const sum = (perParent.get(parent) ?? 0) + computeArrays;
    perParent.set(parent, sum);
    most = Math.max(most, sum);
  }
  return most * hardware.writeCyclesPerArray;
}

/**
 * T_wb = (V - kept) / external bandwidth, kept = min(V, buffer + arrays that stay in memory mode), in cycles.
 * Deviation: the paper only describes T_wb. Assumption: the whole buffer is free at a boundary.
 */
export function writeBackLatency(volume: Bytes, stayingMemoryArrays: number, hardware: Hardware): Cycles {
  return (volume - keptBytes(volume, stayingMemoryArrays, hardware)) / hardware.externalBytesPerCycle;
}

/** Bytes of `volume` that need not leave the chip at a boundary. */
export function keptBytes(volume: Bytes, stayingMemoryArrays: number, hardware: Hardware): Bytes {
  return Math.min(volume, hardware.bufferBytes + stayingMemoryArrays * hardware.memoryBytesPerArray);
}

/** T_inter = T_wb + T_swc + T_rw, in cycles. Zhao et al. 2025, Eq. (4). */
export function interLatency(writeBack: Cycles, switching: Cycles, rewrite: Cycles): Cycles {
  return writeBack + switching + rewrite;
}

/** L[j] through a last segment i..j: L[i-1] + T_intra + T_inter. Zhao et al. 2025, Eq. (3), as repaired in docs/decisions/0002. */
export function prefixLatency(before: Cycles, intra: Cycles, inter: Cycles): Cycles {
  return before + intra + inter;
}

// The table the dynamic program fills, for looking at: every segment it weighed, and the ones it chose.
// Graph + chip -> SegmentTable.

import type { Cycles } from '../base/units.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import { arraysOf } from './allocation.ts';
import { edgesOf, shareable } from './edges.ts';
import { flatten } from './flatten.ts';
import { chooseSegments } from './segment.ts';
import { loadSolver } from './solvers.ts';

/** L[i-1] + T_intra(i..j) + T_inter of Eq. (3), for one last segment i..j. */
export interface SegmentCandidate {
  readonly first: number;
  readonly last: number;
  readonly intra: Cycles;
  readonly inter: { readonly writeBack: Cycles; readonly switch: Cycles; readonly rewrite: Cycles };
  readonly total: Cycles;
  /** Arrays of each mode, shared ones counted once. */
  readonly compute: number;
  readonly memory: number;
}

export interface SegmentTable {
  readonly model: { readonly name: string };
  readonly hardware: { readonly name: string };
  /** Sub-operators in the order they are cut into segments. */
  readonly operators: readonly string[];
  readonly candidates: readonly SegmentCandidate[];
  /** What the best plan of the whole network is made of. */
  readonly chosen: readonly { readonly first: number; readonly last: number }[];
}

/** What `cmswitch` weighs on this graph; repeated blocks are not folded. Zhao et al. 2025, Algorithm 1. Throws `usage`, `does-not-fit`, `solver`. */
export async function segmentTable(graph: Graph, hardware: Hardware, { solver = 'exact' } = {}): Promise<SegmentTable> {
  const together = hardware.arrays;
  const flat = flatten(graph, hardware, { mostArrays: together });
  const candidates: SegmentCandidate[] = [];
  const { segments } = await chooseSegments(flat, {
    hardware,
    solver: await loadSolver(solver),
    budget: { compute: together, memory: hardware.dualMode ? together : 0, together },
    edges: shareable(edgesOf(graph, flat, hardware), hardware, 'up'),
    relaxed: false,
    onCandidate: ({ first, last, intra, inter, total, allocation }) => {
      candidates.push({ first, last, intra, inter, total, ...arraysOf(allocation) });
    },
  });
  return {
    model: { name: graph.name },
    hardware: { name: hardware.name },
    operators: flat.subOperators.map(({ id }) => id),
    candidates,
    chosen: segments.map(({ first, last }) => ({ first, last })),
  };
}

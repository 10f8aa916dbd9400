// Plan: what runs when, and in which mode every array is. Second of the four nouns.
//
//   plan     ::= segment+                         one after another
//   segment  ::= operator+ (pieces of matrix operators, pipelined) and the vector operators riding along
//   operator ::= compute arrays (copies x tiles), memory arrays in and out
//
// An array has one role in a segment; only a producer's output array may also be
// its consumer's input array (constraint (6) of Zhao et al. 2025, `sharedIn`).

import type { Bytes, Cycles, Picojoules, Precision } from '../base/units.ts';
import type { Piece } from '../dataflow/manifest.ts';
import type { OperatorId, TensorId } from '../ir/graph.ts';

/** Physical array, 0 .. arrays-1; x = id % grid.x, y = floor(id / grid.x). */
export type ArrayId = number;

export const BINDINGS = ['compute', 'feed', 'both'] as const;
/** The term of Eq. (10) that sets an operator's latency. */
export type Binding = (typeof BINDINGS)[number];

export interface OperatorPlan {
  /** `parent` itself, or `parent#i` for its i-th piece. */
  readonly id: string;
  readonly parent: OperatorId;
  readonly piece: Piece;
  readonly m: number;
  /** n, k, groups of the piece. */
  readonly n: number;
  readonly k: number;
  readonly groups: number;
  /** Arrays one copy of the weights takes. */
  readonly tiles: number;
  readonly copies: number;
  /** copies * tiles arrays: copy after copy, each copy's tiles row by row. */
  readonly compute: readonly ArrayId[];
  readonly memoryIn: readonly ArrayId[];
  readonly memoryOut: readonly ArrayId[];
  /** Those of memoryIn that are some producer's memoryOut. */
  readonly sharedIn: readonly ArrayId[];
  /** L_i under the plan's `figures`. */
  readonly latencyCycles: Cycles;
  readonly binding: Binding;
}

/** Data that stays on chip from the end of this segment to later ones. */
export interface Kept {
  readonly tensor: TensorId;
  readonly bytes: Bytes;
  readonly place:
    | { readonly kind: 'buffer' }
    | { readonly kind: 'arrays'; readonly arrays: readonly ArrayId[] }
    /** In the arrays of a later operator whose right operand it is, as weight tiles: memory until it computes on them. */
    | { readonly kind: 'operand'; readonly operator: OperatorPlan['id'] };
}

/** Weights of a piece of a later segment, written while this one computes. */
export interface Staged {
  readonly operator: string;
  readonly arrays: readonly ArrayId[];
}

export interface SegmentPlan {
  readonly id: number;
  readonly operators: readonly OperatorPlan[];
  readonly vectorOperators: readonly OperatorId[];
  readonly staged: readonly Staged[];
  readonly kept: readonly Kept[];
  /** Arrays in memory mode while the segment runs, idle ones included. */
  readonly memoryMode: readonly ArrayId[];
  readonly intraCycles: Cycles;
  /** Between the segment before and this one, Eq. (1)-(4). */
  readonly interCycles: { readonly writeBack: Cycles; readonly switch: Cycles; readonly rewrite: Cycles };
}

export const OBJECTIVES = ['latency', 'energy', 'edp'] as const;
export type Objective = (typeof OBJECTIVES)[number];
export const COSTS = ['paper', 'machine'] as const;
export type CostName = (typeof COSTS)[number];

/** `times` runs of the segments first .. first+count-1: one instance of a block of the graph standing for all of them. */
export interface Repeat {
  /** Index in the graph's blocks. */
  readonly block: number;
  readonly first: number;
  readonly count: number;
  readonly times: number;
}

export interface Plan {
  readonly noun: 'plan';
  readonly schemaVersion: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly hardware: { readonly name: string; readonly hash: string; readonly arrays: number };
  readonly precision: Precision;
  /** 'cmswitch', 'static:1', ... */
  readonly optimizer: string;
  readonly solver: string;
  /** What decisions were judged by. */
  readonly cost: CostName;
  /** What the cycles of segments and operators are stated in: the machine's where weights are written ahead, whatever decided. */
  readonly figures: CostName;
  readonly objective: Objective;
  /** Most power the run may draw on average, if it was bounded. */
  readonly powerCapWatts?: number;
  /** Weights may be written ahead of their segment. */
  readonly prefetch: boolean;
  /** No array may be memory. */
  readonly computeOnly: boolean;
  readonly seed: number;
  /** How often the network is to run, weights staying where nothing overwrites them; absent for once. */
  readonly runs?: number;
  readonly segments: readonly SegmentPlan[];
  readonly repeats: readonly Repeat[];
  /** Sum over segments of intra and inter cycles under `figures`. */
  readonly analyticCycles: Cycles;
  /** The same of a run after another: absent for a plan that runs once, or whose figures are the paper's. */
  readonly againCycles?: Cycles;
  /** Energy of the run on the machine's cost; absent where the figures are the paper's, which has none. */
  readonly analyticPicojoules?: Picojoules;
  /** No plan of this model on this chip takes less on the machine. */
  readonly lowerBoundCycles: Cycles;
}

// What an optimizer is: it cuts a graph into segments and gives every piece its arrays. Placing, costing
// and everything behind is common to all, so a baseline, or a user's own in a notebook cell, is one function.

import type { Homes } from '../cost/machine/living.ts';
import type { MachineCost, StagedAllotment } from '../cost/machine/total.ts';
import type { Work } from '../cost/machine/work.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Fold } from '../ir/fold.ts';
import type { Graph } from '../ir/graph.ts';
import type { Solver } from './allocation.ts';
import type { SharingRule } from './edges.ts';
import type { Flattened } from './flatten.ts';
import type { KnownForms } from './known-forms.ts';
import type { Goal } from './objective.ts';
import type { CostName, Objective, SegmentPlan } from './plan.ts';
import type { SegmentDraft, SegmentStatistics } from './segment.ts';

export const FORMS = ['as-published', 'same-cost'] as const;
/** A baseline with its own objective, or its policy with our cost. */
export type Form = (typeof FORMS)[number];

export interface OptimizerRequest {
  /** With one instance of each big block; `folds` says which operators stand for how many. */
  readonly graph: Graph;
  readonly folds: readonly Fold[];
  readonly hardware: Hardware;
  readonly solver: Solver;
  readonly form: Form;
  /** What decisions are judged by: one of the optimizer's `costs`. */
  readonly cost: CostName;
  readonly goal: Goal;
  /** Weights may be written ahead, into arrays that nothing else uses meanwhile. */
  readonly prefetch: boolean;
  /** Eq. (10)'s free form: compute arrays need not be whole copies. */
  readonly relaxed: boolean;
  /** Memory arrays shared by producer and consumer, (6): rounded 'up' (default) or 'down' to whole arrays, or false. */
  readonly sharing?: SharingRule;
  /** How often the network runs, weights staying where nothing overwrites them; once if absent. */
  readonly runs?: number;
  /** Most arrays one copy of a sub-operator may take, if the user says so. */
  readonly mostArrays?: number;
  /** What the machine's cost knows of this graph on this chip already. */
  readonly forms?: KnownForms;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
  readonly onStatistics?: (statistics: SegmentStatistics) => void;
}

/** Counts of arrays, costed and placed by the paper's rules. */
export interface Drafted {
  readonly flat: Flattened;
  readonly drafts: readonly SegmentDraft[];
  /** Arrays frozen in memory mode for the whole run; absent when modes may change. */
  readonly frozenMemory?: number;
}

/** Counts of arrays with what is staged ahead and kept on chip, costed and placed on the machine's terms. */
export interface Allotted {
  readonly flat: Flattened;
  readonly work: Work;
  readonly allotments: readonly StagedAllotment[];
  readonly homes: Homes;
  readonly cost: MachineCost;
  /** Arrays frozen in memory mode for the whole run; absent when modes may change. */
  readonly frozenMemory?: number;
  /** Sub-operators whose arrays are theirs for the whole run, so that their weights stay. */
  readonly resident?: ReadonlySet<number>;
  /** The segments, if they are placed already. */
  readonly placed?: readonly SegmentPlan[];
  /** Other decisions that may be better on the machine than their cost says, best first. */
  readonly others?: readonly Allotted[];
}

export type Segmentation = Drafted | Allotted;

export interface Optimizer {
  readonly name: string;
  /** Costs it can be judged by, its own first; any if absent, the paper's first. */
  readonly costs?: readonly CostName[];
  /** What it can minimise in a form; latency alone if absent. */
  readonly objectives?: (form: Form) => readonly Objective[];
  /** It decides itself what is written ahead, asked or not. */
  readonly alwaysPrefetches?: true;
  readonly segment: (request: OptimizerRequest) => Promise<Segmentation> | Segmentation;
}

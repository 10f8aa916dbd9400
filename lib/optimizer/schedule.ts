// schedule: Graph -> Plan. Flatten, choose segments and allocations, place arrays; the same code
// path for CMSwitch and for chips whose modes are frozen (the baselines static:R).

import { internal } from '../base/problem.ts';
import { PASSING, progress } from '../base/progress.ts';
import type { Cycles, Picojoules } from '../base/units.ts';
import { lowerBound } from '../cost/bound.ts';
import { costOfRuns } from '../cost/machine/again.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { foldGraph } from '../ir/fold.ts';
import type { Graph } from '../ir/graph.ts';
import { settleOptions } from './check-options.ts';
import { checkChip, checkLimits } from './check-problem.ts';
import type { SharingRule } from './edges.ts';
import { blocksWorthFolding, repeatsOf, totalCycles } from './folding.ts';
import { onMachine } from './joint/ahead.ts';
import { placeAllotments } from './joint/place.ts';
import { residentsOf } from './joint/placed.ts';
import { priceOnMachine } from './joint/price.ts';
import type { Form, Optimizer, OptimizerRequest, Segmentation } from './optimizer.ts';
import { findOptimizer } from './optimizers.ts';
import { placeSegments } from './place.ts';
import type { CostName, Objective, Plan, SegmentPlan } from './plan.ts';
import { costSegments, type SegmentStatistics } from './segment.ts';
import { loadSolver } from './solvers.ts';

export interface ScheduleOptions {
  /** A name ('cmswitch' is the default; see OPTIMIZER_NAMES) or an optimizer of your own. */
  readonly optimizer?: string | Optimizer;
  /** For baselines: with their own objective (default) or with our cost. */
  readonly form?: Form;
  /** 'exact' (default), 'highs' or 'glpk'. */
  readonly solver?: string;
  /** What is minimised and what the plan's figures are stated in: the optimizer's own unless given, the machine's if anything but latency counts. */
  readonly cost?: CostName;
  /** 'latency' (default, cycles), 'energy' (picojoules) or 'edp' (their product), of the whole run. The last two need the machine's cost. */
  readonly objective?: Objective;
  /** Most power the run may draw on average, in watts, leakage and refresh included; by the machine's cost. */
  readonly powerCapWatts?: number;
  /** Once segments are chosen, write weights of the next one ahead, into arrays that nothing else uses meanwhile. `joint` always does. */
  readonly prefetch?: boolean;
  /** No array may be memory: the difference is what switching brings. */
  readonly computeOnly?: boolean;
  readonly seed?: number;
  /** How often the network runs, one batch after another (1 unless given): weights that nothing overwrites stay. `joint` decides for all runs together. */
  readonly runs?: number;
  /** Eq. (10)'s free form, whole copies not required; the plan shows the paper's numbers but cannot be emitted. */
  readonly relaxed?: boolean;
  /** Memory arrays shared by producer and consumer, (6): rounded 'up' (default) or 'down' to whole arrays, or false. */
  readonly sharing?: SharingRule;
  /** Most arrays one copy of a sub-operator may take, at most the chip's compute arrays (default). */
  readonly mostArrays?: number;
  /** Called now and then with the share done, 0 .. 1; a notebook shows a bar besides. */
  readonly onProgress?: (done: number) => void;
  /** Ends the search within a fraction of a second, throwing the signal's reason. In a notebook, that of the running cell unless given. */
  readonly signal?: AbortSignal;
  /** Filled with what the search did. */
  readonly onStatistics?: (statistics: SegmentStatistics) => void;
}

/** A plan for the graph on the chip. Throws `usage`, `does-not-fit`, `power-cap`, `solver`, and the signal's reason. */
export async function schedule(graph: Graph, chip: Hardware, options: ScheduleOptions = {}): Promise<Plan> {
  const [best] = await candidatePlans(graph, chip, options, 1);
  if (best === undefined) throw internal('no plan');
  return best;
}

/**
 * The plan `schedule` makes and, of an optimizer that found others as good but for what its cost leaves out, those: at most `most`,
 * best first. Throws as `schedule`.
 */
export async function candidatePlans(graph: Graph, chip: Hardware, options: ScheduleOptions, most: number): Promise<readonly Plan[]> {
  const { solver: solverName = 'exact', seed = 0, computeOnly = false, runs = 1 } = options;
  checkLimits(options);
  checkChip(chip);
  const optimizer = typeof options.optimizer === 'object' ? options.optimizer : findOptimizer(options.optimizer ?? 'cmswitch');
  const { cost, goal, prefetch } = settleOptions(optimizer, options);
  const hardware = computeOnly ? { ...chip, dualMode: false } : chip;
  options.signal?.throwIfAborted();
  const folded = foldGraph(graph, blocksWorthFolding(graph, hardware));
  const bar = progress(`Planning ${graph.name} (${optimizer.name})`, PASSING);
  const signal = options.signal ?? bar.signal;
  const request: OptimizerRequest = {
    graph: folded.graph,
    folds: folded.folds,
    hardware,
    solver: await loadSolver(solverName),
    form: options.form ?? 'as-published',
    cost,
    goal,
    prefetch,
    runs,
    relaxed: options.relaxed ?? false,
    ...(options.sharing !== undefined && { sharing: options.sharing }),
    ...(options.mostArrays !== undefined && { mostArrays: options.mostArrays }),
    onProgress: (done) => {
      bar.update(done);
      options.onProgress?.(done);
    },
    ...(signal && { signal }),
    ...(options.onStatistics && { onStatistics: options.onStatistics }),
  };
  // Writing ahead is nothing that the paper's equations could state.
  let figures: CostName = prefetch ? 'machine' : cost;
  let settled: readonly ReturnType<typeof settle>[];
  try {
    const decision = await optimizer.segment(request);
    if ('allotments' in decision) figures = 'machine';
    const others = 'allotments' in decision ? (decision.others ?? []) : [];
    settled = [decision, ...others].slice(0, most).map((one) => settle(one, request, figures));
  } finally {
    bar.end();
  }
  const lowerBoundCycles = lowerBound(graph, hardware).cycles;
  return settled.map(({ segments, energy, again }): Plan => {
    const repeats = repeatsOf(folded, segments);
    return {
      noun: 'plan',
      schemaVersion: 1,
      model: { name: graph.name, hash: graph.hash },
      hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays },
      precision: hardware.precision,
      optimizer: optimizer.name,
      solver: solverName,
      cost,
      figures,
      ...goal,
      prefetch,
      computeOnly,
      seed,
      ...(runs > 1 && { runs }),
      segments,
      repeats,
      analyticCycles: totalCycles(segments, repeats),
      ...(again !== undefined && { againCycles: again }),
      ...(energy !== undefined && { analyticPicojoules: energy }),
      lowerBoundCycles,
    };
  });
}

/** Physical arrays and costs for what an optimizer decided. */
function settle(
  decision: Segmentation,
  { graph, hardware, prefetch, runs = 1 }: OptimizerRequest,
  figures: CostName,
): { readonly segments: readonly SegmentPlan[]; readonly energy?: Picojoules; readonly again?: Cycles } {
  if (figures === 'paper' && 'drafts' in decision) {
    const { flat, drafts, frozenMemory } = decision;
    const choices = costSegments(flat, drafts, { hardware, ...(frozenMemory !== undefined && { frozenMemory }) });
    return { segments: placeSegments(flat, choices, hardware) };
  }
  const allotted = 'drafts' in decision ? onMachine(graph, decision, hardware, prefetch) : decision;
  const { flat, work, allotments, homes, frozenMemory, resident } = allotted;
  const placed = allotted.placed ?? placeAllotments(flat, work, allotments, homes, hardware, frozenMemory, resident);
  const { segments, ...priced } = priceOnMachine(work, placed, hardware);
  if (runs === 1) return { segments, energy: priced.cost.energy };
  const { again } = costOfRuns(runs, priced.cost, { work, ...priced }, residentsOf(flat, work, segments), hardware);
  return { segments, energy: priced.cost.energy, again: again.cycles };
}

// schedule: Graph -> Plan. Flatten, choose segments and allocations, place arrays; the same code
// path for CMSwitch and for chips whose modes are frozen (the baselines static:R).

import { CompileError } from '../base/problem.ts';
import { lowerBound } from '../cost/bound.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { foldGraph } from '../ir/fold.ts';
import type { Graph } from '../ir/graph.ts';
import { checkChip, checkLimits } from './check-problem.ts';
import type { SharingRule } from './edges.ts';
import { blocksWorthFolding, repeatsOf, totalCycles } from './folding.ts';
import { placeAllotments } from './joint/place.ts';
import type { Form, Optimizer, Segmentation } from './optimizer.ts';
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
  readonly cost?: CostName;
  readonly objective?: Objective;
  readonly seed?: number;
  /** Eq. (10)'s free form, whole copies not required; the plan shows the paper's numbers but cannot be emitted. */
  readonly relaxed?: boolean;
  /** Memory arrays shared by producer and consumer, (6): rounded 'up' (default) or 'down' to whole arrays, or false. */
  readonly sharing?: SharingRule;
  /** Most arrays one copy of a sub-operator may take, at most the chip's compute arrays (default). */
  readonly mostArrays?: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
  /** Filled with what the search did. */
  readonly onStatistics?: (statistics: SegmentStatistics) => void;
}

/** A plan for the graph on the chip. Throws `usage`, `does-not-fit`, `solver`. */
export async function schedule(graph: Graph, hardware: Hardware, options: ScheduleOptions = {}): Promise<Plan> {
  const { solver: solverName = 'exact', objective = 'latency', seed = 0 } = options;
  checkLimits(options);
  checkChip(hardware);
  const optimizer = typeof options.optimizer === 'object' ? options.optimizer : findOptimizer(options.optimizer ?? 'cmswitch');
  const { cost: own = 'paper' } = optimizer;
  checkOptions(optimizer.name, own, options.cost ?? own, objective, seed);
  const folded = foldGraph(graph, blocksWorthFolding(graph, hardware));
  const decision = await optimizer.segment({
    graph: folded.graph,
    folds: folded.folds,
    hardware,
    solver: await loadSolver(solverName),
    form: options.form ?? 'as-published',
    relaxed: options.relaxed ?? false,
    ...(options.sharing !== undefined && { sharing: options.sharing }),
    ...(options.mostArrays !== undefined && { mostArrays: options.mostArrays }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
    ...(options.onStatistics && { onStatistics: options.onStatistics }),
  });
  const segments = settle(decision, hardware);
  const repeats = repeatsOf(folded, segments);
  return {
    noun: 'plan',
    schemaVersion: 1,
    model: { name: graph.name, hash: graph.hash },
    hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays },
    precision: hardware.precision,
    optimizer: optimizer.name,
    solver: solverName,
    cost: own,
    objective,
    seed,
    segments,
    repeats,
    analyticCycles: totalCycles(segments, repeats),
    lowerBoundCycles: lowerBound(graph, hardware).cycles,
  };
}

/** Physical arrays and costs for what an optimizer decided. */
function settle(decision: Segmentation, hardware: Hardware): readonly SegmentPlan[] {
  if ('allotments' in decision) {
    const { flat, work, allotments, homes, cost } = decision;
    return placeAllotments(flat, work, allotments, homes, cost, hardware);
  }
  const { flat, drafts, frozenMemory } = decision;
  const choices = costSegments(flat, drafts, { hardware, ...(frozenMemory !== undefined && { frozenMemory }) });
  return placeSegments(flat, choices, hardware);
}

function checkOptions(optimizer: string, own: CostName, cost: string, objective: string, seed: number): void {
  if (cost !== own)
    throw new CompileError([
      {
        kind: 'usage',
        message: `${optimizer} minimises the ${own}'s cost; cost '${cost}' is not available with it`,
        next: `Use --cost ${own}.`,
      },
    ]);
  if (objective !== 'latency')
    throw new CompileError([{ kind: 'usage', message: `objective '${objective}' is not available`, next: 'Use --objective latency.' }]);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new CompileError([
      { kind: 'usage', message: `seed ${seed} is not a non-negative whole number`, next: 'Use for example --seed 1.' },
    ]);
}

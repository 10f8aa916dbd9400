// schedule: Graph -> Plan. Flatten, choose segments and allocations, place arrays; the same code
// path for CMSwitch and for chips whose modes are frozen (the baselines static:R).

import { CompileError, fail } from '../base/problem.ts';
import { lowerBound } from '../cost/bound.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import type { Budget } from './allocation.ts';
import { flatten } from './flatten.ts';
import { placeSegments } from './place.ts';
import type { CostName, Objective, Plan } from './plan.ts';
import { chooseSegments, type SegmentStatistics } from './segment.ts';
import { loadSolver } from './solvers.ts';

export interface ScheduleOptions {
  /** 'cmswitch' (default) or 'static:R': floor(arrays * R) arrays compute, the others are memory, for the whole run. */
  readonly optimizer?: string;
  /** 'exact' (default), 'highs' or 'glpk'. */
  readonly solver?: string;
  readonly cost?: CostName;
  readonly objective?: Objective;
  readonly seed?: number;
  /** Eq. (10)'s free form, whole copies not required; the plan shows the paper's numbers but cannot be emitted. */
  readonly relaxed?: boolean;
  /** Most arrays one copy of a sub-operator may take, at most the chip's compute arrays (default). */
  readonly mostArrays?: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
  /** Filled with what the search did. */
  readonly onStatistics?: (statistics: SegmentStatistics) => void;
}

/** A plan for the graph on the chip. Throws `usage`, `does-not-fit`, `solver`. */
export async function schedule(graph: Graph, hardware: Hardware, options: ScheduleOptions = {}): Promise<Plan> {
  const { optimizer = 'cmswitch', solver: solverName = 'exact', cost = 'paper', objective = 'latency', seed = 0 } = options;
  checkOptions(cost, objective, seed);
  const policy = policyOf(optimizer, hardware);
  const solver = await loadSolver(solverName);
  const mostArrays = Math.min(policy.budget.compute, options.mostArrays ?? policy.budget.compute);
  const flat = flatten(graph, hardware, { mostArrays });
  const { segments, statistics } = await chooseSegments(flat, {
    hardware,
    solver,
    relaxed: options.relaxed ?? false,
    ...policy,
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  });
  options.onStatistics?.(statistics);
  const placed = placeSegments(flat, segments, hardware);
  return {
    noun: 'plan',
    schemaVersion: 1,
    model: { name: graph.name, hash: graph.hash },
    hardware: { name: hardware.name, hash: hardware.hash, arrays: hardware.arrays },
    precision: hardware.precision,
    optimizer,
    solver: solverName,
    cost,
    objective,
    seed,
    segments: placed,
    repeats: [],
    analyticCycles: segments.at(-1)?.total ?? 0,
    lowerBoundCycles: lowerBound(graph, hardware).cycles,
  };
}

/** How an optimizer may use the arrays. */
function policyOf(optimizer: string, hardware: Hardware): { budget: Budget; frozenMemory?: number } {
  const together = hardware.arrays;
  if (optimizer === 'cmswitch') return { budget: { compute: together, memory: together, together } };
  const ratio = /^static:(\d*\.?\d+)$/.exec(optimizer)?.[1];
  if (ratio === undefined) {
    return fail({
      kind: 'usage',
      message: `unknown optimizer '${optimizer}'`,
      next: 'Use cmswitch, or static:R with R from 0 to 1 (static:1 is all compute).',
    });
  }
  const share = Number(ratio);
  if (share > 1)
    fail({
      kind: 'usage',
      message: `static:${ratio} asks for more arrays than the chip has`,
      next: 'R is the share of arrays that compute, from 0 to 1.',
    });
  const compute = Math.floor(together * share);
  if (compute < 1) {
    fail({
      kind: 'usage',
      message: `static:${ratio} leaves none of the ${together} arrays of '${hardware.name}' to compute`,
      next: `Use R of at least 1/${together}.`,
    });
  }
  return { budget: { compute, memory: together - compute, together }, frozenMemory: together - compute };
}

function checkOptions(cost: string, objective: string, seed: number): void {
  if (cost !== 'paper') throw new CompileError([{ kind: 'usage', message: `cost '${cost}' is not available`, next: 'Use --cost paper.' }]);
  if (objective !== 'latency')
    throw new CompileError([{ kind: 'usage', message: `objective '${objective}' is not available`, next: 'Use --objective latency.' }]);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new CompileError([
      { kind: 'usage', message: `seed ${seed} is not a non-negative whole number`, next: 'Use for example --seed 1.' },
    ]);
}

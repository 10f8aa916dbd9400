// The JSON of `cimbook compile` and `cimbook compare` (schemaVersion 1): counts instead of array lists,
// cycles, energy and throughput. Nouns -> plain object; `null` where nothing was simulated.

import { sum } from '../base/units.ts';
import type { Graph } from '../ir/graph.ts';
import type { OperatorPlan, Plan, SegmentPlan } from '../optimizer/plan.ts';
import type { Trace } from '../simulator/trace.ts';
import { timesOf } from './roles.ts';

/** What a report is made of; the trace is absent if the simulation was left out. */
export interface Compiled {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly trace?: Trace;
  /** A run behind another one, where several were asked for. */
  readonly again?: { readonly trace?: Trace };
  readonly milliseconds: { readonly load: number; readonly compile: number; readonly simulate: number };
}

export type CompileReport = ReturnType<typeof compileReport>;

/** Latency is for the whole batch; throughput counts its samples. */
export function compileReport({ graph, plan, trace, again, milliseconds }: Compiled) {
  const batch = graph.bindings.batch ?? 1;
  const times = timesOf(plan);
  return {
    schemaVersion: 1 as const,
    model: plan.model,
    hardware: plan.hardware,
    precision: plan.precision,
    bindings: graph.bindings,
    optimizer: plan.optimizer,
    solver: plan.solver,
    cost: plan.cost,
    figures: plan.figures,
    objective: plan.objective,
    powerCapWatts: plan.powerCapWatts ?? null,
    prefetch: plan.prefetch,
    computeOnly: plan.computeOnly,
    seed: plan.seed,
    segments: plan.segments.map((segment, i) => segmentReport(segment, times[i] ?? 1)),
    cycles: {
      analytic: plan.analyticCycles,
      simulated: trace?.makespanCycles ?? null,
      lowerBound: plan.lowerBoundCycles,
    },
    /** Runs of the network one after another, the first of which is all else here; the others find weights on the chip. */
    runs: plan.runs === undefined ? null : runsReport(plan, plan.runs, trace, again?.trace),
    energyPicojoules: trace === undefined ? null : { total: sum(Object.values(trace.energyPicojoules)), ...trace.energyPicojoules },
    /** With every energy of the chip's file at the least, and at the greatest, that its source allows. */
    energyRangePicojoules: trace?.energyRangePicojoules ?? null,
    averageWatts: trace === undefined ? null : wattsOf(trace),
    throughputPerSecond: trace === undefined ? null : (batch * trace.clockHz) / trace.makespanCycles,
    memoryModeShare: trace?.memoryModeShare ?? plannedMemoryShare(plan),
    milliseconds,
  };
}

function runsReport(plan: Plan, count: number, first: Trace | undefined, again: Trace | undefined) {
  const total = (of: (trace: Trace) => number): number | null =>
    first === undefined || again === undefined ? null : of(first) + (count - 1) * of(again);
  return {
    count,
    againAnalyticCycles: plan.againCycles ?? null,
    againCycles: again?.makespanCycles ?? null,
    againWeightsFetchedBytes: again?.bytes.weightsFetched ?? null,
    totalCycles: total(({ makespanCycles }) => makespanCycles),
    totalPicojoules: total(({ energyPicojoules }) => sum(Object.values(energyPicojoules))),
  };
}

function wattsOf({ energyPicojoules, makespanCycles, clockHz }: Trace): number | null {
  return makespanCycles === 0 ? null : (sum(Object.values(energyPicojoules)) * 1e-12 * clockHz) / makespanCycles;
}

function segmentReport(segment: SegmentPlan, times: number) {
  const staged = new Set(segment.staged.flatMap(({ arrays }) => arrays));
  const computing = new Set(segment.operators.flatMap(({ compute }) => compute));
  const storing = new Set(segment.operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut]));
  return {
    id: segment.id,
    /** More than 1 for a segment of a repeated block, which runs once an instance. */
    times,
    operators: segment.operators.map(operatorReport),
    computeArrays: computing.size,
    memoryArrays: storing.size,
    stagedArrays: staged.size,
    intraCycles: segment.intraCycles,
    interCycles: segment.interCycles,
  };
}

function operatorReport(operator: OperatorPlan) {
  const { id, parent, m, n, k, groups, tiles, copies, latencyCycles, binding } = operator;
  return {
    id,
    parent,
    m,
    n,
    k,
    groups,
    tiles,
    copies,
    computeArrays: operator.compute.length,
    memoryIn: operator.memoryIn.length,
    memoryOut: operator.memoryOut.length,
    sharedIn: operator.sharedIn.length,
    latencyCycles,
    binding,
  };
}

/** Without a trace: arrays in memory mode, weighted by each segment's analytic time. */
function plannedMemoryShare(plan: Plan): number {
  let storing = 0;
  let all = 0;
  const times = timesOf(plan);
  for (const [i, { intraCycles, interCycles, memoryMode }] of plan.segments.entries()) {
    const cycles = (times[i] ?? 1) * (intraCycles + interCycles.writeBack + interCycles.switch + interCycles.rewrite);
    storing += cycles * memoryMode.length;
    all += cycles * plan.hardware.arrays;
  }
  return all === 0 ? 0 : storing / all;
}

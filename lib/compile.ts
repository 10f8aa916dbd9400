// The pipeline, one statement a stage:
//
//   ONNX file --importOnnx--> Graph --schedule--> Plan --emit--> Program --simulate--> Trace
//                                        ^                  |                 ^
//                                     Hardware          verifyProgram      Hardware
//
// Each arrow is a function of its own that a notebook can call; `compile` is all of them, timed.

import { failOn, internal } from './base/problem.ts';
import { sum } from './base/units.ts';
import { emit } from './emit/emit.ts';
import type { Hardware } from './hardware/hardware.ts';
import type { Graph } from './ir/graph.ts';
import { objectiveValue } from './optimizer/objective.ts';
import type { Plan } from './optimizer/plan.ts';
import { candidatePlans, type ScheduleOptions } from './optimizer/schedule.ts';
import type { Program } from './program/program.ts';
import { verifyProgram } from './program/verify.ts';
import { type SimulateOptions, simulate } from './simulator/simulate.ts';
import type { Trace } from './simulator/trace.ts';

export interface CompileOptions extends ScheduleOptions, Pick<SimulateOptions, 'onSpan'> {
  /** false leaves the simulation out. */
  readonly simulate?: boolean;
}

export interface Compilation {
  readonly graph: Graph;
  readonly hardware: Hardware;
  readonly plan: Plan;
  readonly program: Program;
  /** Absent if the simulation was left out. */
  readonly trace?: Trace;
  /** Wall-clock time of each stage; verification counts as compiling. */
  readonly milliseconds: { readonly compile: number; readonly simulate: number };
}

/** Candidates that are simulated, where an optimizer hands on several: its cost is near the machine, not the machine. */
const MOST_SIMULATED = 3;

/**
 * Plan, verified program and simulated run of a network on a chip. Where the optimizer has several good plans (`joint`), each is
 * simulated and the best by its objective kept; a power cap is kept by the plan's own cost. Throws CompileError, as every stage does.
 */
export async function compile(graph: Graph, hardware: Hardware, options: CompileOptions = {}): Promise<Compilation> {
  const start = performance.now();
  const choose = options.simulate !== false && options.powerCapWatts === undefined;
  const plans = await candidatePlans(graph, hardware, options, choose ? MOST_SIMULATED : 1);
  const candidates = plans.map((plan) => {
    const program = emit(graph, plan, hardware);
    failOn(verifyProgram(program, hardware));
    return { plan, program };
  });
  const compiled = performance.now();
  const [first] = candidates;
  if (first === undefined) throw internal('no plan');
  if (options.simulate === false) return { graph, hardware, ...first, milliseconds: { compile: compiled - start, simulate: 0 } };
  let best = first;
  let trace: Trace | undefined;
  if (candidates.length > 1) {
    for (const candidate of candidates) {
      options.signal?.throwIfAborted();
      const run = simulate(candidate.program, hardware, { verified: true });
      if (trace === undefined || objectiveOf(candidate.plan, run) < objectiveOf(best.plan, trace)) [best, trace] = [candidate, run];
    }
  }
  if (trace === undefined || options.onSpan !== undefined)
    trace = simulate(best.program, hardware, { verified: true, ...(options.onSpan && { onSpan: options.onSpan }) });
  return { graph, hardware, ...best, trace, milliseconds: { compile: compiled - start, simulate: performance.now() - compiled } };
}

/** What a plan's objective makes of its run. */
function objectiveOf({ objective }: Plan, { makespanCycles, energyPicojoules }: Trace): number {
  return objectiveValue(objective, { cycles: makespanCycles, energy: sum(Object.values(energyPicojoules)) });
}

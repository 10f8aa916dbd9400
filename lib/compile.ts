// The pipeline, one statement a stage:
//
//   ONNX file --importOnnx--> Graph --schedule--> Plan --emit--> Program --simulate--> Trace
//                                        ^                  |                 ^
//                                     Hardware          verifyProgram      Hardware
//
// Each arrow is a function of its own that a notebook can call; `compile` is all of them, timed.

import { finishWithPauses, Pauses } from './base/pauses.ts';
import { internal } from './base/problem.ts';
import { cellSignal, growing } from './base/progress.ts';
import { sum } from './base/units.ts';
import { emitVerified } from './emit/emit-verified.ts';
import type { Hardware } from './hardware/hardware.ts';
import type { Graph } from './ir/graph.ts';
import { objectiveValue } from './optimizer/objective.ts';
import type { Objective, Plan } from './optimizer/plan.ts';
import { candidatePlans, type ScheduleOptions } from './optimizer/schedule.ts';
import type { Program } from './program/program.ts';
import { type SimulateOptions, simulateSteps } from './simulator/simulate.ts';
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
  /** A run behind another one, where several were asked for (`runs`): without what stayed on the chip. */
  readonly again?: { readonly program: Program; readonly trace?: Trace };
  /** Wall-clock time of each stage; verification counts as compiling. */
  readonly milliseconds: { readonly compile: number; readonly simulate: number };
}

/** What the search is of `onProgress`; the rest are programs that are written and run, a work each, all alike. `joint` takes about that long. */
const SEARCHING = 0.6;

/**
 * Plan, verified program and simulated run of a network on a chip. Where the optimizer has several good plans (`joint`), each is
 * simulated and the best by its objective kept; a power cap is kept by the plan's own cost. Throws CompileError, as every stage does.
 */
export async function compile(graph: Graph, hardware: Hardware, options: CompileOptions = {}): Promise<Compilation> {
  const start = performance.now();
  const { runs = 1 } = options;
  const choose = options.simulate !== false && options.powerCapWatts === undefined;
  const told = growing(options.onProgress);
  const searching = { ...options, onProgress: (share: number) => told(SEARCHING * share) };
  const plans = await candidatePlans(graph, hardware, searching, choose ? Number.POSITIVE_INFINITY : 1);
  const pauses = new Pauses(options.signal ?? cellSignal());
  const chosen = plans.length > 1 || runs > 1;
  const programs = runs > 1 ? 2 : 1;
  const last = !chosen || options.onSpan !== undefined ? 1 : 0;
  const works = options.simulate === false ? programs : last + (chosen ? 2 * programs * plans.length : 1);
  let begun = 0;
  const nextWork = (): ((share: number) => void) => {
    const before = begun++;
    const tellWork = (share: number): void => told(SEARCHING + ((1 - SEARCHING) * (before + share)) / works);
    tellWork(0);
    return tellWork;
  };
  const programOf = (plan: Plan, again: boolean): Promise<Program> =>
    emitVerified(graph, plan, hardware, { again, pauses, onProgress: nextWork() });
  const run = (program: Program, watched: Pick<SimulateOptions, 'onSpan'> = {}): Promise<Trace> =>
    finishWithPauses(simulateSteps(program, hardware, { verified: true, ...watched }), pauses, nextWork());
  const written = async (plan: Plan): Promise<Written> => ({
    plan,
    program: await programOf(plan, false),
    ...(runs > 1 && { again: { program: await programOf(plan, true) } }),
  });
  const [first] = plans;
  if (first === undefined) throw internal('no plan');
  let best = await written(first);
  let compiled = performance.now() - start;
  if (options.simulate === false) {
    told(1);
    return { graph, hardware, ...best, milliseconds: { compile: compiled, simulate: 0 } };
  }
  let simulated = 0;
  let trace: Trace | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const plan of chosen ? plans : []) {
    if (isHopeless(plan, least, runs)) {
      begun += 2 * programs;
      continue;
    }
    const from = performance.now();
    const candidate = plan === first ? best : await written(plan);
    const ready = performance.now();
    const ran = await run(candidate.program);
    const again = candidate.again && { ...candidate.again, trace: await run(candidate.again.program) };
    const value = valueOfRuns(plan.objective, runs, ran, again?.trace);
    if (value < least) [best, trace, least] = [{ ...candidate, ...(again && { again }) }, ran, value];
    compiled += ready - from;
    simulated += performance.now() - ready;
  }
  const from = performance.now();
  if (trace === undefined || options.onSpan !== undefined) trace = await run(best.program, options.onSpan && { onSpan: options.onSpan });
  told(1);
  return { graph, hardware, ...best, trace, milliseconds: { compile: compiled, simulate: simulated + performance.now() - from } };
}

type Written = Pick<Compilation, 'plan' | 'program' | 'again'>;

/** The machine's cost leaves waiting out, so that what is simulated takes longer (docs/machine.md); it is hardly ever over by this much. */
const OVER = 1.25;

/** Whether a plan's own cost says that it cannot take less than the best one that was simulated. */
function isHopeless({ objective, figures, analyticCycles, againCycles }: Plan, least: number, runs: number): boolean {
  if (objective !== 'latency' || figures !== 'machine') return false;
  return analyticCycles + (runs - 1) * (againCycles ?? analyticCycles) > OVER * least;
}

/** What an objective makes of all runs: the first, and others that are alike. */
export function valueOfRuns(objective: Objective, runs: number, first: Trace, again: Trace = first): number {
  const total = (of: (trace: Trace) => number): number => of(first) + (runs - 1) * of(again);
  return objectiveValue(objective, {
    cycles: total(({ makespanCycles }) => makespanCycles),
    energy: total(({ energyPicojoules }) => sum(Object.values(energyPicojoules))),
  });
}

// The pipeline, one statement a stage:
//
//   ONNX file --importOnnx--> Graph --schedule--> Plan --emit--> Program --simulate--> Trace
//                                        ^                  |                 ^
//                                     Hardware          verifyProgram      Hardware
//
// Each arrow is a function of its own that a notebook can call; `compile` is all of them, timed.

import { failOn } from './base/problem.ts';
import { emit } from './emit/emit.ts';
import type { Hardware } from './hardware/hardware.ts';
import type { Graph } from './ir/graph.ts';
import type { Plan } from './optimizer/plan.ts';
import { type ScheduleOptions, schedule } from './optimizer/schedule.ts';
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

/** Plan, verified program and simulated run of a network on a chip. Throws CompileError, as every stage does. */
export async function compile(graph: Graph, hardware: Hardware, options: CompileOptions = {}): Promise<Compilation> {
  const start = performance.now();
  const plan = await schedule(graph, hardware, options);
  const program = emit(graph, plan, hardware);
  failOn(verifyProgram(program, hardware));
  const compiled = performance.now();
  if (options.simulate === false) return { graph, hardware, plan, program, milliseconds: { compile: compiled - start, simulate: 0 } };
  const trace = simulate(program, hardware, { verified: true, ...(options.onSpan && { onSpan: options.onSpan }) });
  return { graph, hardware, plan, program, trace, milliseconds: { compile: compiled - start, simulate: performance.now() - compiled } };
}

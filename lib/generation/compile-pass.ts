// compilePass: Graph + chip -> plan and verified program of one pass: planned by itself, or by what was decided for all tokens.

import { failOn, internal } from '../base/problem.ts';
import { emit } from '../emit/emit.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph } from '../ir/graph.ts';
import { carryOver } from '../optimizer/carry-over.ts';
import type { Plan } from '../optimizer/plan.ts';
import { type ScheduleOptions, schedule } from '../optimizer/schedule.ts';
import type { Program } from '../program/program.ts';
import type { KnownGraphs } from '../program/tasks.ts';
import { verifyProgram } from '../program/verify.ts';

export interface CompiledPass {
  readonly plan: Plan;
  readonly program: Program;
  /** What the verifier has left for the simulator. */
  readonly knownGraphs: KnownGraphs;
}

/** What was decided for all tokens together, and whether one was there before. */
export interface Resident {
  readonly plan: Plan;
  readonly again: boolean;
}

/** Throws what the stages throw. */
export async function compilePass(graph: Graph, hardware: Hardware, options: ScheduleOptions, resident?: Resident): Promise<CompiledPass> {
  const plan = await planPass(graph, hardware, options, resident);
  return verified(plan, emit(graph, plan, hardware, { again: resident?.again ?? false }), hardware);
}

export async function planPass(graph: Graph, hardware: Hardware, options: ScheduleOptions, resident?: Resident): Promise<Plan> {
  if (resident === undefined) return schedule(graph, hardware, options);
  const plan = carryOver(resident.plan, graph, hardware, resident.again);
  if (plan === undefined) throw internal('a cache of middle length is cut into other pieces than the longest and the shortest');
  return plan;
}

export function verified(plan: Plan, program: Program, hardware: Hardware): CompiledPass {
  const knownGraphs: KnownGraphs = new WeakMap();
  failOn(verifyProgram(program, hardware, { knownGraphs }));
  return { plan, program, knownGraphs };
}

// Random networks compiled for random chips: what program and simulator tests run on.

import { emit } from '../../lib/emit/emit.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';
import { schedule } from '../../lib/optimizer/schedule.ts';
import { blocksOf } from '../../lib/program/blocks.ts';
import type { MetaOp, Program } from '../../lib/program/program.ts';
import { randomChip } from './chips.ts';
import { randomNetwork } from './networks.ts';

export interface Compiled {
  readonly name: string;
  readonly graph: Graph;
  readonly chip: Hardware;
  readonly plan: Plan;
  readonly program: Program;
}

export const OPTIMIZERS = ['cmswitch', 'static:1', 'static:0.5'] as const;

export async function compiled(graph: Graph, chip: Hardware, optimizer: string = 'cmswitch'): Promise<Compiled> {
  const plan = await schedule(graph, chip, { optimizer });
  return { name: `${graph.name}, ${optimizer}`, graph, chip, plan, program: emit(graph, plan, chip) };
}

/** One network, chip and optimizer a seed. */
export async function randomPrograms(seeds: number, first = 0): Promise<readonly Compiled[]> {
  const programs: Compiled[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    programs.push(await compiled(randomNetwork(seed), randomChip(seed), OPTIMIZERS[seed % OPTIMIZERS.length]));
  }
  return programs;
}

/** Groups of statements that run together, in order: boundary, block, boundary, ... */
export function groupsOf(program: Program): readonly (readonly MetaOp[])[] {
  return [...blocksOf(program)].flatMap(({ boundary, parallel }) => [boundary, parallel]).filter((group) => group.length > 0);
}

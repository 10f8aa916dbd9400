// The allocation problem as a mixed-integer program: plain data that a solver solves and a reader reads.
// Counts instead of one binary an array, and throughput t = 1 / latency instead of latency, make
// Eq. (8)-(10) of Zhao et al. 2025 linear: max t with  t * compute_i <= copies_i  and  t * feed_i <= mem_i * D_cim + D_main.
// Arrays shared along an edge are within the memory of both its ends, (6) and (7), and are taken off the sum once, (8).

import type { Cycles } from '../base/units.ts';
import { type Allocation, type AllocationProblem, objectiveOf, sharedArrays, sharingNeeded } from './allocation.ts';
import type { Edge } from './sharing.ts';

export interface Term {
  readonly coefficient: number;
  readonly variable: string;
}

export interface Variable {
  readonly name: string;
  readonly integer: boolean;
  readonly least: number;
  /** No upper bound if absent. */
  readonly most?: number;
}

/** Maximise the objective; every row's terms sum to at most its limit. */
export interface MixedIntegerModel {
  readonly objective: readonly Term[];
  readonly rows: readonly { readonly name: string; readonly terms: readonly Term[]; readonly atMost: number }[];
  readonly variables: readonly Variable[];
  /** Cycles in which one unit of throughput t runs: the latency of the smallest allocation, so that t is near 1. */
  readonly scale: Cycles;
}

/** t: throughput; x_i: copies of operator i (arrays if relaxed); y_i: its memory arrays; s_i_j: those that i and j share. */
export function allocationModel(problem: AllocationProblem): MixedIntegerModel {
  const { claims, edges, budget, hardware, relaxed } = problem;
  const none = claims.map(() => 0);
  const scale = objectiveOf(
    problem,
    claims.map((claim) => claim.tiles),
    none,
  );
  const rows: { name: string; terms: Term[]; atMost: number }[] = [];
  const variables: Variable[] = [{ name: 't', integer: false, least: 0 }];
  for (const [i, claim] of claims.entries()) {
    const perUnit = relaxed ? claim.computeCycles * claim.tiles : claim.computeCycles;
    rows.push({
      name: `compute${i}`,
      terms: [
        { coefficient: perUnit / scale, variable: 't' },
        { coefficient: -1, variable: `x${i}` },
      ],
      atMost: 0,
    });
    rows.push({
      name: `feed${i}`,
      terms: [
        { coefficient: claim.feedBytes / scale / hardware.dMain, variable: 't' },
        { coefficient: -hardware.dCim / hardware.dMain, variable: `y${i}` },
      ],
      atMost: 1,
    });
    const most = relaxed ? claim.mostCopies * claim.tiles : claim.mostCopies;
    variables.push({ name: `x${i}`, integer: true, least: relaxed ? claim.tiles : 1, most });
    variables.push({ name: `y${i}`, integer: true, least: 0 });
  }
  for (const i of claims.keys()) {
    const sharing = edges.filter(({ producer, consumer }) => producer === i || consumer === i);
    if (sharing.length === 0) continue;
    const terms = [...sharing.map((edge) => ({ coefficient: 1, variable: sharedName(edge) })), { coefficient: -1, variable: `y${i}` }];
    rows.push({ name: `share${i}`, terms, atMost: 0 });
  }
  for (const edge of edges) variables.push({ name: sharedName(edge), integer: true, least: 0, most: edge.mostShared });
  const computing = claims.map((_, i): Term => ({ coefficient: unitOf(problem, i), variable: `x${i}` }));
  const storing = [
    ...claims.map((_, i): Term => ({ coefficient: 1, variable: `y${i}` })),
    ...edges.map((edge): Term => ({ coefficient: -1, variable: sharedName(edge) })),
  ];
  rows.push({ name: 'arrays', terms: [...computing, ...storing], atMost: budget.together });
  if (budget.compute < budget.together) rows.push({ name: 'computeArrays', terms: computing, atMost: budget.compute });
  if (budget.memory < budget.together) rows.push({ name: 'memoryArrays', terms: storing, atMost: budget.memory });
  return { objective: [{ coefficient: 1, variable: 't' }], rows, variables, scale };
}

/** The allocation that a solver's values mean, judged by our own objective. */
export function allocationFrom(problem: AllocationProblem, valueIn: (variable: string) => number): Allocation {
  const compute = problem.claims.map((_, i) => Math.round(valueIn(`x${i}`)) * unitOf(problem, i));
  const memory = problem.claims.map((_, i) => Math.round(valueIn(`y${i}`)));
  const perEdge = problem.edges.map((edge) => Math.round(valueIn(sharedName(edge))));
  const shared = sharedArrays(problem.edges, perEdge, sharingNeeded(problem, compute, memory));
  return { compute, memory, shared, latency: objectiveOf(problem, compute, memory) };
}

function sharedName({ producer, consumer }: Edge): string {
  return `s${producer}_${consumer}`;
}

function unitOf({ relaxed, claims }: AllocationProblem, i: number): number {
  return relaxed ? 1 : (claims[i]?.tiles ?? 1);
}

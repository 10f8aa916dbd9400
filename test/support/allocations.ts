// Random allocation problems of one segment, for the tests of the solvers.

import type { AllocationProblem, Claim } from '../../lib/optimizer/allocation.ts';
import { randomFrom } from './networks.ts';

export interface AllocationLimits {
  readonly mostOperators: number;
  readonly mostArrays: number;
  readonly mostTiles: number;
}

/** A segment from a seed: chips of all sizes, static budgets, too few arrays, few vectors. */
export function randomAllocation(seed: number, limits: AllocationLimits): AllocationProblem {
  const random = randomFrom(seed);
  const together = random(1, limits.mostArrays);
  const mvmCycles = random(1, 20);
  const activationBytes = random(1, 2);
  const claims = Array.from({ length: random(1, limits.mostOperators) }, (): Claim => {
    const vectors = random(0, 3) === 0 ? random(1, 6) : random(1, 4000);
    const tiles = random(1, Math.max(1, Math.min(limits.mostTiles, Math.ceil((together * 1.2) / limits.mostOperators))));
    return { tiles, computeCycles: vectors * mvmCycles, feedBytes: vectors * random(1, 600) * activationBytes, mostCopies: vectors };
  });
  const frozen = random(0, 2);
  const compute = frozen === 0 ? random(0, together) : together;
  const memory = frozen === 0 ? together - compute : together;
  return { claims, budget: { compute, memory, together }, hardware: { dCim: random(1, 16), dMain: random(1, 64) }, relaxed: false };
}

// CMSwitch as published (Zhao et al. 2025, Algorithm 1), and the same search on a chip whose modes are frozen.

import { fail } from '../base/problem.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Budget } from './allocation.ts';
import { decide, type Judging } from './decide.ts';
import { edgesOf, shareable } from './edges.ts';
import { flatten } from './flatten.ts';
import type { Drafted, Optimizer, OptimizerRequest } from './optimizer.ts';
import { OBJECTIVES } from './plan.ts';
import { chooseSegments } from './segment.ts';

export const cmswitch: Optimizer = {
  name: 'cmswitch',
  objectives: () => OBJECTIVES,
  segment: (request) => {
    const { arrays: together, dualMode } = request.hardware;
    return decide(request, (judging) => search(request, judging, { compute: together, memory: dualMode ? together : 0, together }));
  },
};

/** static:R, `share` = R: floor(arrays * R) arrays compute, the others are memory, for the whole run. */
export function staticRatio(share: string): Optimizer {
  return {
    name: `static:${share}`,
    objectives: () => OBJECTIVES,
    segment: (request) => {
      const compute = computeArrays(share, request.hardware);
      const together = request.hardware.arrays;
      const memory = together - compute;
      return decide(request, (judging) => search(request, judging, { compute, memory, together }, memory));
    },
  };
}

async function search(request: OptimizerRequest, judging: Judging, whole: Budget, frozenMemory?: number): Promise<Drafted> {
  const { graph, folds, hardware, solver, relaxed, onProgress, signal } = request;
  const budget = judging.share === 1 ? whole : partOf(whole, judging.share, frozenMemory);
  const flat = flatten(graph, hardware, { mostArrays: Math.min(budget.compute, request.mostArrays ?? budget.compute), folds });
  const edges = request.sharing === false ? [] : shareable(edgesOf(graph, flat, hardware), hardware, request.sharing ?? 'up');
  const frozen = frozenMemory === undefined ? {} : { frozenMemory };
  const { segments, statistics } = await chooseSegments(flat, {
    hardware,
    solver,
    budget,
    edges,
    relaxed,
    ...(judging.judgeOf && { judge: judging.judgeOf(flat), weigh: judging.weigh }),
    ...frozen,
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
  request.onStatistics?.(statistics);
  return { flat, drafts: segments, ...frozen };
}

/** A budget of fewer arrays in use. Frozen memory stays memory. */
function partOf({ compute, memory, together }: Budget, share: number, frozenMemory?: number): Budget {
  const part = (arrays: number): number => Math.max(1, Math.floor(arrays * share));
  const idle = compute - part(compute);
  if (frozenMemory !== undefined) return { compute: part(compute), memory, together: together - idle };
  return { compute: part(compute), memory: Math.min(memory, part(together)), together: part(together) };
}

function computeArrays(ratio: string, hardware: Hardware): number {
  const share = Number(ratio);
  if (share > 1)
    fail({
      kind: 'usage',
      message: `static:${ratio} asks for more arrays than the chip has`,
      next: 'R is the share of arrays that compute, from 0 to 1.',
    });
  const compute = Math.floor(hardware.arrays * share);
  if (!hardware.dualMode && compute < hardware.arrays)
    fail({
      kind: 'usage',
      message: `static:${ratio} makes memory of ${hardware.arrays - compute} arrays of '${hardware.name}', which only compute`,
      next: 'Use static:1; or leave compute-only out, or use a chip whose file has memory and switch.',
    });
  if (compute < 1) {
    fail({
      kind: 'usage',
      message: `static:${ratio} leaves none of the ${hardware.arrays} arrays of '${hardware.name}' to compute`,
      next: `Use R of at least 1/${hardware.arrays}.`,
    });
  }
  return compute;
}

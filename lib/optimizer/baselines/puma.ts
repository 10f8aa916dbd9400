// PUMA (Ankit et al., ASPLOS 2019) as a scheduling policy: greedy segments, copies in proportion to output
// positions, all arrays computing. Deviations, all forced by chips smaller than PUMA's many tiles:
// - PUMA keeps every weight resident and does not count writing; here segments follow each other and pay for it.
// - Its released compiler makes no copies. The rule is ours, after its paper's advice to replicate early layers.
// - One tile of weights an array without bin packing, as there; groups of a grouped convolution share a tile.

import { ceilDiv } from '../../base/units.ts';
import { decide, type Judging } from '../decide.ts';
import { flatten } from '../flatten.ts';
import type { Drafted, Optimizer, OptimizerRequest } from '../optimizer.ts';
import { allCompute, arraysFor, type CopyRule, cheapest, fittingCopies, greedySegments, ownUnlessSameCost, priceOn } from './pipeline.ts';

/** as-published: as many copies as fit, so that all take their input at one pace. same-cost: as many as pay for their writing. */
export const puma: Optimizer = {
  name: 'puma',
  objectives: ownUnlessSameCost,
  segment: (request) => (request.form === 'same-cost' ? decide(request, (judging) => draft(request, judging)) : draft(request)),
};

function draft({ graph, folds, hardware, mostArrays = hardware.arrays }: OptimizerRequest, judging?: Judging): Drafted {
  const arrays = arraysFor(hardware, judging);
  const flat = flatten(graph, hardware, { mostArrays: Math.min(arrays, mostArrays), folds });
  const price = judging && priceOn(flat, judging, hardware);
  const drafts = greedySegments(flat, arrays).map((members) => {
    const { operators } = members;
    const inProportion: CopyRule = (load) => operators.map(({ shape }) => ceilDiv(shape.m, load));
    const choices = fittingCopies(operators, inProportion, arrays);
    return allCompute(members, price === undefined ? (choices.at(-1) ?? []) : cheapest(members, choices, price), hardware);
  });
  return { flat, drafts, frozenMemory: 0 };
}

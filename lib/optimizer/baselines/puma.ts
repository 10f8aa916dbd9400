// PUMA (Ankit et al., ASPLOS 2019) as a scheduling policy: greedy segments, copies in proportion to output
// positions, all arrays computing. Deviations, all forced by chips smaller than PUMA's many tiles:
// - PUMA keeps every weight resident and does not count writing; here segments follow each other and pay for it.
// - Its released compiler makes no copies. The rule is ours, after its paper's advice to replicate early layers.
// - One tile of weights an array without bin packing, as there; groups of a grouped convolution share a tile.

import { ceilDiv } from '../../base/units.ts';
import { flatten } from '../flatten.ts';
import type { Optimizer } from '../optimizer.ts';
import { allCompute, type CopyRule, cheapest, fittingCopies, greedySegments } from './pipeline.ts';

/** as-published: as many copies as fit, so that all take their input at one pace. same-cost: as many as pay for their writing. */
export const puma: Optimizer = {
  name: 'puma',
  segment: ({ graph, folds, hardware, form, mostArrays = hardware.arrays }) => {
    const flat = flatten(graph, hardware, { mostArrays: Math.min(hardware.arrays, mostArrays), folds });
    const drafts = greedySegments(flat, hardware.arrays).map((members) => {
      const { operators } = members;
      const inProportion: CopyRule = (load) => operators.map(({ shape }) => ceilDiv(shape.m, load));
      const choices = fittingCopies(operators, inProportion, hardware.arrays);
      const copies = form === 'same-cost' ? cheapest(operators, choices, hardware) : (choices.at(-1) ?? []);
      return allCompute(members, copies, hardware);
    });
    return { flat, drafts, frozenMemory: 0 };
  },
};

// How an optimizer that fills in counts of arrays follows the cost and the goal it is asked for. On the paper's cost it runs
// once. On the machine's, candidates are judged by what the machine takes for each segment, with the goal's weights, and the
// best whole plan is kept. Request + drafting function -> segmentation.

import type { SegmentForms } from '../cost/machine/forms.ts';
import { machineCost } from '../cost/machine/total.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { draftKey } from './draft-key.ts';
import type { Flattened } from './flatten.ts';
import { allotmentOf, NOWHERE, onMachine } from './joint/ahead.ts';
import { placed } from './joint/placed.ts';
import { KnownForms } from './known-forms.ts';
import { isLatencyAlone, type Judged, searchGoal, type Weigh } from './objective.ts';
import type { Allotted, Drafted, OptimizerRequest, Segmentation } from './optimizer.ts';
import type { Judge } from './segment.ts';

/** What a drafting function is to go by. */
export interface Judging {
  /** The machine's judge of a flattened graph; absent on the paper's cost. */
  readonly judgeOf?: (flat: Flattened) => Judge;
  readonly weigh: Weigh;
  /** Part of the arrays that it may use: 1, or less where energy counts. */
  readonly share: number;
}

/** Fewer arrays take longer, draw less, and may move less. */
const SHARES = [1, 0.5, 0.25, 0.125];

export async function decide(request: OptimizerRequest, draft: (judging: Judging) => Promise<Drafted> | Drafted): Promise<Segmentation> {
  const { graph, hardware, cost, goal, prefetch, forms = new KnownForms(graph, hardware) } = request;
  if (cost === 'paper') return draft({ weigh: (cycles) => cycles, share: 1 });
  const judgeOf = (flat: Flattened): Judge => machineJudge(forms.of(flat), hardware);
  // Different weights often lead to the same.
  const known = new Map<string, Allotted>();
  const shares = isLatencyAlone(goal) ? [1] : SHARES;
  const best = await searchGoal(goal, hardware, async (weigh) => {
    const found: (Judged & { readonly allotted: Allotted })[] = [];
    for (const share of shares) {
      const drafted = await draft({ judgeOf, weigh, share });
      const key = draftKey(drafted);
      const own = forms.of(drafted.flat);
      // Placed, because counts of arrays do not know every switch.
      const allotted = known.get(key) ?? placed(onMachine(graph, drafted, hardware, prefetch, own), hardware, own);
      known.set(key, allotted);
      found.push({ cycles: allotted.cost.cycles, energy: allotted.cost.energy, allotted });
    }
    return found;
  });
  return best.allotted;
}

/** The machine's cost of a segment by itself: what comes from other segments through external memory, nothing written ahead. */
function machineJudge(forms: SegmentForms, hardware: Hardware): Judge {
  const { work } = forms;
  return (first, last, allocation) => {
    const alone = { ...allotmentOf({ first, last, allocation }, work), memoryMode: 0 };
    const [segment] = machineCost(work, [alone], NOWHERE, hardware, forms).segments;
    return { intra: segment?.intra ?? 0, rewrite: segment?.inter.rewrite ?? 0, energy: segment?.energy ?? 0 };
  };
}

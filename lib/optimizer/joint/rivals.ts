// What joint must not be worse than: the plans of the other optimizers and baselines, on the machine's terms with and without
// weights written ahead, and placed as they place them. Request -> rivals.

import { CompileError } from '../../base/problem.ts';
import { type Cycles, sum } from '../../base/units.ts';
import type { SegmentForms } from '../../cost/machine/forms.ts';
import { productCycles } from '../../cost/machine/segment.ts';
import { weightsOf } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import { type Graph, isMatrix } from '../../ir/graph.ts';
import { cimMlc } from '../baselines/cim-mlc.ts';
import { occ } from '../baselines/occ.ts';
import { puma } from '../baselines/puma.ts';
import { cmswitch, staticRatio } from '../cmswitch.ts';
import { draftKey } from '../draft-key.ts';
import { type Allotted, type Drafted, FORMS, type Optimizer, type OptimizerRequest, type Segmentation } from '../optimizer.ts';
import { placeSegments } from '../place.ts';
import { costSegments } from '../segment.ts';
import { exactSolver } from '../solve-exact.ts';
import { allotmentOf, NOWHERE } from './ahead.ts';
import { priced } from './placed.ts';

/** Shares of the arrays that compute, of the rivals whose modes are frozen. */
export const RATIOS = ['1', '0.75', '0.5', '0.25'];
const BASELINES = [cimMlc, puma, occ];

export interface Rival {
  readonly name: string;
  readonly drafted: Drafted;
}

/** Decisions of every rival on this chip, in counts of arrays; as published and, for baselines, at the paper's cost as well. */
export async function rivalsOf(
  request: Pick<OptimizerRequest, 'graph' | 'folds' | 'hardware' | 'mostArrays' | 'signal' | 'forms'>,
): Promise<readonly Rival[]> {
  const { hardware } = request;
  const ratios = hardware.dualMode ? RATIOS : ['1'];
  const asked = [
    ...[cmswitch, ...ratios.map(staticRatio)].map((optimizer) => ({ optimizer, form: FORMS[0] })),
    ...BASELINES.flatMap((optimizer) => FORMS.map((form) => ({ optimizer, form }))),
  ];
  const rivals = new Map<string, Rival>();
  for (const { optimizer, form } of asked) {
    const drafted = await decisionOf(optimizer, { ...request, form, ...PUBLISHED });
    if (drafted === undefined || !('drafts' in drafted)) continue;
    const key = draftKey(drafted);
    if (!rivals.has(key)) rivals.set(key, { name: optimizer.name, drafted });
  }
  return [...rivals.values()];
}

/** Matrix operators times arrays up to which every plan of another optimizer can be looked at: small networks, small chips. */
const QUICK = 600;

/** Whether there is time for every rival, on the machine's cost and in the simulator. */
export function hasTimeForAll(graph: Graph, { arrays }: Hardware): boolean {
  return graph.operators.filter(isMatrix).length * arrays <= QUICK;
}

/** What else the options of other optimizers lead to: every share of the arrays frozen, and decisions by the machine's cost. */
export async function allRivals(
  request: Parameters<typeof rivalsOf>[0],
): Promise<{ readonly drafted: readonly Rival[]; readonly decided: readonly { readonly name: string; readonly allotted: Allotted }[] }> {
  const { hardware } = request;
  const counts = Array.from({ length: hardware.dualMode ? hardware.arrays : 1 }, (_, i) => hardware.arrays - i);
  // Half an array more, so that the share's floor is the count whatever is rounded.
  const shares = counts.map((count) => (count === hardware.arrays ? '1' : `${(count + 0.5) / hardware.arrays}`));
  const drafted = new Map<string, Rival>();
  const decided: { name: string; allotted: Allotted }[] = [];
  const frozen = shares.map(staticRatio);
  for (const optimizer of frozen) {
    const found = await decisionOf(optimizer, { ...request, form: FORMS[0], ...PUBLISHED });
    if (found !== undefined && 'drafts' in found) drafted.set(draftKey(found), { name: optimizer.name, drafted: found });
  }
  const ratios = hardware.dualMode ? RATIOS : ['1'];
  for (const optimizer of [cmswitch, ...ratios.map(staticRatio), ...BASELINES]) {
    for (const prefetch of [false, true]) {
      const judged = { ...request, ...PUBLISHED, form: FORMS[BASELINES.includes(optimizer) ? 1 : 0], cost: 'machine', prefetch } as const;
      const found = await decisionOf(optimizer, judged);
      if (found !== undefined && 'allotments' in found) decided.push({ name: optimizer.name, allotted: found });
    }
  }
  return { drafted: [...drafted.values()], decided };
}

/** What the rivals that follow a goal decide for it on the machine's cost, without and with weights written ahead. */
export async function rivalsFor(request: OptimizerRequest): Promise<readonly (Allotted & { readonly rival: string })[]> {
  const found: (Allotted & { readonly rival: string })[] = [];
  const ratios = request.hardware.dualMode ? RATIOS : ['1'];
  for (const optimizer of [cmswitch, ...ratios.map(staticRatio), cimMlc, puma]) {
    for (const prefetch of [false, true]) {
      const decision = await decisionOf(optimizer, {
        ...request,
        ...PUBLISHED,
        goal: request.goal,
        form: 'same-cost',
        cost: 'machine',
        prefetch,
      });
      if (decision !== undefined && 'allotments' in decision) found.push({ ...decision, rival: optimizer.name });
    }
  }
  return found;
}

const PUBLISHED = { solver: exactSolver, cost: 'paper', goal: { objective: 'latency' }, prefetch: false, relaxed: false } as const;

/** Undefined where an optimizer has no plan: a ratio that leaves no array to compute, a cap that none keeps. */
async function decisionOf(optimizer: Optimizer, request: OptimizerRequest): Promise<Segmentation | undefined> {
  try {
    return await optimizer.segment(request);
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

/** What a plan takes at least, without and with weights written ahead. */
export interface Least {
  readonly behind: Cycles;
  readonly ahead: Cycles;
}

/**
 * A rival's plan takes no less on the machine, wherever its arrays and data are: its slowest products; on the channel, weights, and
 * activations but for what the buffer and the arrays that do not compute could spare it, each byte once a reader and once written.
 */
export function leastCycles({ drafts, frozenMemory }: Drafted, forms: SegmentForms, hardware: Hardware): Least {
  const { work } = forms;
  const { times, opens } = work;
  const loads = forms.beside(NOWHERE);
  let behind = 0;
  let ahead = 0;
  let before = { running: 0, external: 0 };
  for (const draft of drafts) {
    const allotment = allotmentOf(draft, work);
    const { first, last, copies } = allotment;
    const turns = times[first] ?? 1;
    const { fetch, write } = weightsOf(work, allotment, NOWHERE, hardware, false);
    const fetching = fetch / hardware.externalBytesPerCycle;
    const products = copies.map((count, i) => productCycles(work.products[first + i]!, count));
    const computing = sum(copies.map((count, i) => count * work.products[first + i]!.tiles));
    const free = hardware.dualMode ? (frozenMemory ?? hardware.arrays - computing) : 0;
    const held = free * hardware.memoryBytesPerArray + hardware.bufferBytes;
    const spared = held * (1 + readsPerByte(work, first, last));
    const external = Math.max(0, loads.of(allotment, 0).externalBytes - spared) / hardware.externalBytesPerCycle;
    const running = Math.max(external, ...products);
    behind += turns * ((fetch === 0 ? 0 : Math.max(fetching, write)) + running);
    // What is written ahead crosses the channel while the segment before runs.
    const meanwhile = opens[first] ? 0 : Math.min(fetching, Math.max(0, before.running - before.external));
    ahead += turns * (fetching - meanwhile + running);
    before = { running, external };
  }
  return { behind: behind * (1 - ROUNDING), ahead: ahead * (1 - ROUNDING) };
}

/** How often a segment reads a byte of one tensor at most. */
function readsPerByte({ tasks, firstTask }: Work, first: number, last: number): number {
  let reads = 0;
  for (let t = first === 0 ? 0 : firstTask[first]!; t < firstTask[last + 1]!; t++)
    for (const { feedBytes, dataBytes } of tasks[t]!.reads) if (dataBytes > 0) reads += feedBytes / dataBytes;
  return reads;
}

/** Sums in another order differ by less. */
const ROUNDING = 1e-9;

/** A rival's plan as placed by itself, at its price. */
export function asPlaced({ drafted }: Rival, forms: SegmentForms, hardware: Hardware): Allotted {
  const { flat, drafts, frozenMemory } = drafted;
  const choices = costSegments(flat, drafts, { hardware, ...(frozenMemory !== undefined && { frozenMemory }) });
  return priced(flat, forms, placeSegments(flat, choices, hardware), hardware, frozenMemory);
}

// What the machine takes for a plan, whoever made it: cuts, copies, memory arrays, staged weights and kept data as they
// are. Placed segments -> the same with the machine's cycles, and the totals.

import { internal } from '../../base/problem.ts';
import type { Home, Homes } from '../../cost/machine/living.ts';
import { productCycles } from '../../cost/machine/segment.ts';
import { type MachineCost, machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Flattened } from '../flatten.ts';
import type { OperatorPlan, SegmentPlan } from '../plan.ts';

export interface Priced {
  readonly segments: readonly SegmentPlan[];
  readonly cost: MachineCost;
  /** The same in counts. */
  readonly allotments: readonly StagedAllotment[];
  readonly homes: Homes;
}

/**
 * The segments under the machine's cost (docs/machine.md) instead of the one they were made for, and cycles and energy of the
 * whole run. `flat` and `work` (`workOf(graph, flat, hardware)`) are of the graph the plan was made for, folds included.
 */
export function priceOnMachine(flat: Flattened, work: Work, segments: readonly SegmentPlan[], hardware: Hardware): Priced {
  const number = new Map(flat.subOperators.map(({ id }, i) => [id, i]));
  const placed = segments.filter(({ operators }) => operators.length > 0);
  const allotments = placed.map((segment, s) => allotmentOf(segment, placed[s - 1], number));
  const homes = homesOf(work, placed);
  const cost = machineCost(work, allotments, homes, hardware);
  const costs = new Map(placed.map(({ id }, s) => [id, cost.segments[s]]));
  return {
    segments: segments.map((segment) => {
      const { intra: intraCycles = 0, inter: interCycles = NOTHING } = costs.get(segment.id) ?? {};
      const operators = segment.operators.map((operator) => pricedOperator(operator, work, number, intraCycles));
      return { ...segment, operators, intraCycles, interCycles };
    }),
    cost,
    allotments,
    homes,
  };
}

const NOTHING = { writeBack: 0, switch: 0, rewrite: 0 };

export function allotmentOf(
  { operators, memoryMode }: SegmentPlan,
  before: SegmentPlan | undefined,
  number: ReadonlyMap<string, number>,
): StagedAllotment {
  const ahead = new Set(before?.staged.map(({ operator }) => operator));
  const first = number.get(operators[0]?.id ?? '') ?? lost(operators[0]?.id ?? '');
  return {
    first,
    last: first + operators.length - 1,
    copies: operators.map(({ copies }) => copies),
    memory: operators.map(({ memoryIn }) => memoryIn.length),
    staged: operators.map(({ id }) => ahead.has(id)),
    memoryMode: memoryMode.length,
  };
}

function pricedOperator(operator: OperatorPlan, work: Work, number: ReadonlyMap<string, number>, intra: number): OperatorPlan {
  const product = work.products[number.get(operator.id) ?? lost(operator.id)];
  const latencyCycles = product === undefined ? 0 : productCycles(product, operator.copies);
  return { ...operator, latencyCycles, binding: latencyCycles > 0.95 * intra ? 'compute' : 'feed' };
}

/** Homes as the emitter makes them of what is kept: arrays only as far as they are in memory mode for the tensor's whole life. */
export function homesOf(work: Work, segments: readonly SegmentPlan[]): Homes {
  const number = new Map(work.tensors.map(({ id }, i) => [id, i]));
  const segmentOf = segments.flatMap(({ operators }, s) => operators.map(() => s));
  const modes = segments.map(({ memoryMode }) => new Set(memoryMode));
  const meant = new Map<number, { buffer: number; bytes: number; arrays: Set<number> }>();
  for (const { tensor, bytes, place } of segments.flatMap(({ kept }) => kept)) {
    const i = number.get(tensor);
    if (i === undefined) continue;
    const sum = meant.get(i) ?? { buffer: 0, bytes: 0, arrays: new Set() };
    meant.set(i, sum);
    if (place.kind === 'buffer') sum.buffer += bytes;
    else {
      sum.bytes += bytes;
      for (const array of place.arrays) sum.arrays.add(array);
    }
  }
  const homes = new Map<number, Home>();
  for (const [tensor, { buffer, bytes, arrays }] of meant) {
    const { makers, readers, bytes: size } = work.tensors[tensor]!;
    const segment = (task: number | undefined): number => segmentOf[Math.max(0, work.tasks[task ?? 0]?.sub ?? 0)] ?? 0;
    const living = modes.slice(segment(makers[0]), segment(readers.at(-1)) + 1);
    const staying = [...arrays].filter((array) => living.every((mode) => mode.has(array))).length;
    const inArrays = staying === 0 ? 0 : Math.min(1, bytes / size);
    const inBuffer = Math.min(1 - inArrays, buffer / size);
    if (inArrays + inBuffer > 0) homes.set(tensor, { tensor, inBuffer, inArrays, arrays: staying });
  }
  return homes;
}

function lost(id: string): never {
  throw internal(`the plan names '${id}', which the sequence does not have`);
}

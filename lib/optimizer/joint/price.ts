// What the machine takes for a plan, whoever made it: cuts, copies, memory arrays, staged weights and kept data as they
// are. Placed segments -> the same with the machine's cycles, and the totals.

import { internal } from '../../base/problem.ts';
import { SegmentForms } from '../../cost/machine/forms.ts';
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
export function priceOnMachine(
  flat: Flattened,
  work: Work,
  segments: readonly SegmentPlan[],
  hardware: Hardware,
  forms = new SegmentForms(work, hardware),
): Priced {
  const number = new Map(flat.subOperators.map(({ id }, i) => [id, i]));
  const placed = segments.filter(({ operators }) => operators.length > 0);
  const allotments = placed.map((segment, s) => allotmentOf(segment, placed[s - 1], number));
  const homes = homesOf(work, placed);
  const cost = machineCost(work, allotments, homes, hardware, forms);
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
  const room = new KeptRoom(segments);
  const homes = new Map<number, Home>();
  for (const [tensor, { buffer, bytes, arrays }] of meant) {
    const { makers, readers, bytes: size } = work.tensors[tensor]!;
    const segment = (task: number | undefined): number => segmentOf[Math.max(0, work.tasks[task ?? 0]?.sub ?? 0)] ?? 0;
    const [from, to] = [segment(makers[0]), segment(readers.at(-1))];
    const living = modes.slice(from, to + 1);
    const stays = [...arrays].filter((array) => living.every((mode) => mode.has(array)));
    const staying = stays.length;
    const granted = Math.min(bytes, room.take(stays, from, to, bytes, work.memoryBytesPerArray));
    const inArrays = staying === 0 ? 0 : Math.min(1, granted / size);
    const inBuffer = Math.min(1 - inArrays, buffer / size);
    if (inArrays + inBuffer > 0) homes.set(tensor, { tensor, inBuffer, inArrays, arrays: staying });
  }
  return homes;
}

/** Half of an array that serves an operator may hold kept data, as in the emitter; one that does not, all. */
const KEPT_SHARE = 0.5;

/** Room for kept data in arrays, segment by segment, as a share of an array. */
class KeptRoom {
  private readonly serving: readonly ReadonlySet<number>[];
  private readonly used: readonly Map<number, number>[];

  constructor(segments: readonly SegmentPlan[]) {
    this.serving = segments.map(({ operators }) => new Set(operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut])));
    this.used = segments.map(() => new Map());
  }

  /** Bytes of `bytes` that fit, spread evenly over the arrays, from segment `from` to `to`. */
  take(arrays: readonly number[], from: number, to: number, bytes: number, perArray: number): number {
    if (arrays.length === 0) return 0;
    let free = perArray;
    for (const array of arrays) {
      let most = perArray;
      let used = 0;
      for (let s = from; s <= to; s++) {
        if (this.serving[s]?.has(array)) most = perArray * KEPT_SHARE;
        used = Math.max(used, this.used[s]?.get(array) ?? 0);
      }
      free = Math.min(free, most - used);
    }
    const each = Math.max(0, Math.min(free, bytes / arrays.length));
    for (const array of arrays) for (let s = from; s <= to; s++) this.used[s]?.set(array, (this.used[s]?.get(array) ?? 0) + each);
    return each * arrays.length;
  }
}

function lost(id: string): never {
  throw internal(`the plan names '${id}', which the sequence does not have`);
}

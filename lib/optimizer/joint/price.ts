// What the machine takes for a plan, whoever made it: cuts, copies, memory arrays, staged weights and kept data as they
// are. Placed segments -> the same with the machine's cycles, and the totals.

import { internal } from '../../base/problem.ts';
import type { Bytes } from '../../base/units.ts';
import { SegmentForms } from '../../cost/machine/forms.ts';
import type { Home, Homes } from '../../cost/machine/living.ts';
import { productCycles } from '../../cost/machine/segment.ts';
import { type MachineCost, machineCost, type StagedAllotment } from '../../cost/machine/total.ts';
import type { ProductWork, Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { ArrayId, OperatorPlan, SegmentPlan } from '../plan.ts';
import { inPlaceHome } from './in-place.ts';

/** What placed segments are in counts, and what those cost. */
export interface Counted {
  readonly cost: MachineCost;
  readonly allotments: readonly StagedAllotment[];
  readonly homes: Homes;
}

export interface Priced extends Counted {
  readonly segments: readonly SegmentPlan[];
}

/**
 * The segments under the machine's cost (docs/machine.md) instead of the one they were made for, and cycles and energy of the
 * whole run. `work` (`workOf(graph, flat, hardware)`) is of the graph and the pieces that the plan was made for, folds included.
 */
export function priceOnMachine(work: Work, segments: readonly SegmentPlan[], hardware: Hardware): Priced {
  const counted = countOnMachine(new SegmentForms(work, hardware), segments, hardware);
  let s = 0;
  return {
    ...counted,
    segments: segments.map((segment) => {
      if (segment.operators.length === 0) return { ...segment, intraCycles: 0, interCycles: NOTHING };
      const { intra, inter } = counted.cost.segments[s]!;
      const { first } = counted.allotments[s++]!;
      const operators = segment.operators.map((operator, i) => pricedOperator(operator, work.products[first + i]!, intra));
      return { ...segment, operators, intraCycles: intra, interCycles: inter };
    }),
  };
}

/** The totals alone. `forms` are of the work that `priceOnMachine` takes. */
export function countOnMachine(forms: SegmentForms, segments: readonly SegmentPlan[], hardware: Hardware): Counted {
  const { work } = forms;
  const placed = segments.filter(({ operators }) => operators.length > 0);
  const allotments = allotmentsOf(placed);
  for (const [s, { first }] of allotments.entries()) {
    const { id } = placed[s]!.operators[0]!;
    if (work.tasks[work.firstTask[first]!]?.id !== id) throw internal(`the plan names '${id}' where the sequence does not`);
  }
  const homes = homesOf(work, placed);
  return { cost: machineCost(work, allotments, homes, hardware, forms), allotments, homes };
}

const NO_HOMES: Homes = new Map();
const NOTHING = { writeBack: 0, switch: 0, rewrite: 0 };

/** Of segments that have operators, in order. */
export function allotmentsOf(segments: readonly SegmentPlan[]): readonly StagedAllotment[] {
  let first = 0;
  return segments.map(({ operators, memoryMode }, s) => {
    const ahead = new Set(segments[s - 1]?.staged.map(({ operator }) => operator));
    const allotment = {
      first,
      last: first + operators.length - 1,
      copies: operators.map(({ copies }) => copies),
      memory: operators.map(({ memoryIn }) => memoryIn.length),
      staged: operators.map(({ id }) => ahead.has(id)),
      memoryMode: memoryMode.length,
    };
    first += operators.length;
    return allotment;
  });
}

function pricedOperator(operator: OperatorPlan, product: ProductWork, intra: number): OperatorPlan {
  const latencyCycles = productCycles(product, operator.copies);
  return { ...operator, latencyCycles, binding: latencyCycles > 0.95 * intra ? 'compute' : 'feed' };
}

/** Homes as the emitter makes them of what is kept: arrays only as far as they are in memory mode for the tensor's whole life. */
export function homesOf(work: Work, segments: readonly SegmentPlan[]): Homes {
  if (segments.every(({ kept }) => kept.length === 0)) return NO_HOMES;
  const number = new Map(work.tensors.map(({ id }, i) => [id, i]));
  const meant = new Map<number, { buffer: Bytes; bytes: Bytes; readonly places: (readonly ArrayId[])[]; readonly takers: Set<string> }>();
  for (const { kept } of segments) {
    for (const { tensor, bytes, place } of kept) {
      const i = number.get(tensor);
      if (i === undefined) continue;
      const sum = meant.get(i) ?? { buffer: 0, bytes: 0, places: [] as (readonly ArrayId[])[], takers: new Set() };
      meant.set(i, sum);
      if (place.kind === 'buffer') sum.buffer += bytes;
      else if (place.kind === 'operand') sum.takers.add(place.operator);
      else {
        sum.bytes += bytes;
        sum.places.push(place.arrays);
      }
    }
  }
  const segmentOf = segments.flatMap(({ operators }, s) => operators.map(() => s));
  const room = new KeptRoom(segments);
  const homes = new Map<number, Home>();
  for (const [tensor, { buffer, bytes, places, takers }] of meant) {
    const { makers, readers, bytes: size } = work.tensors[tensor]!;
    const segment = (task: number | undefined): number => segmentOf[Math.max(0, work.tasks[task ?? 0]?.sub ?? 0)] ?? 0;
    const [from, to] = [segment(makers[0]), segment(readers.at(-1))];
    const stays = room.staying(places, from, to);
    const granted = Math.min(bytes, room.take(stays, from, to, bytes, work.memoryBytesPerArray));
    const inArrays = stays.length === 0 ? 0 : Math.min(1, granted / size);
    const inBuffer = Math.min(1 - inArrays, buffer / size);
    const place = takers.size > 0 ? inPlaceHome(work, tensor, (id) => takers.has(id), segmentOf) : undefined;
    if (inArrays + inBuffer > 0 || place !== undefined) homes.set(tensor, { tensor, inBuffer, inArrays, arrays: stays.length, ...place });
  }
  return homes;
}

/** Half of an array that serves an operator may hold kept data, as in the emitter; one that does not, all. */
const KEPT_SHARE = 0.5;

/** Room for kept data in arrays, segment by segment. It is asked for every tensor, so arrays are marked and no sets of them made. */
class KeptRoom {
  private readonly segments: readonly SegmentPlan[];
  /** Bytes taken in each segment, by array. */
  private readonly taken: (Float64Array | undefined)[] = [];
  /** By array, the last question that named it. */
  private readonly named: Uint32Array;
  private question = 0;

  constructor(segments: readonly SegmentPlan[]) {
    let arrays = 0;
    for (const { memoryMode } of segments) for (let i = 0; i < memoryMode.length; i++) arrays = Math.max(arrays, memoryMode[i]! + 1);
    this.segments = segments;
    this.named = new Uint32Array(arrays);
  }

  /** Those of these arrays, each once, that are in memory mode from segment `from` to `to`. */
  staying(places: readonly (readonly ArrayId[])[], from: number, to: number): readonly ArrayId[] {
    const { named } = this;
    let stays: readonly ArrayId[] = places.length === 1 ? places[0]! : [...new Set(places.flat())];
    let before: readonly ArrayId[] | undefined;
    for (let s = from; s <= to && stays.length > 0; s++) {
      const { memoryMode } = this.segments[s]!;
      if (memoryMode === before) continue;
      before = memoryMode;
      const question = ++this.question;
      for (let i = 0; i < memoryMode.length; i++) named[memoryMode[i]!] = question;
      const isNamed = (array: ArrayId): boolean => named[array] === question;
      if (!stays.every(isNamed)) stays = stays.filter(isNamed);
    }
    return stays;
  }

  /** Bytes of `bytes` that fit, spread evenly over arrays that stay from segment `from` to `to`. */
  take(arrays: readonly ArrayId[], from: number, to: number, bytes: Bytes, perArray: Bytes): Bytes {
    if (arrays.length === 0) return 0;
    const { named, segments, taken } = this;
    const question = ++this.question;
    const name = (ids: readonly ArrayId[]): void => {
      for (let i = 0; i < ids.length; i++) named[ids[i]!] = question;
    };
    for (let s = from; s <= to; s++) {
      for (const { memoryIn, memoryOut } of segments[s]!.operators) {
        name(memoryIn);
        name(memoryOut);
      }
    }
    let free = perArray;
    for (const array of arrays) {
      const most = named[array] === question ? perArray * KEPT_SHARE : perArray;
      for (let s = from; s <= to; s++) free = Math.min(free, most - (taken[s]?.[array] ?? 0));
    }
    const each = Math.max(0, Math.min(free, bytes / arrays.length));
    for (let s = from; s <= to; s++) {
      const bytesOf = taken[s] ?? new Float64Array(named.length);
      taken[s] = bytesOf;
      for (let i = 0; i < arrays.length; i++) bytesOf[arrays[i]!]! += each;
    }
    return each * arrays.length;
  }
}

// Allotments -> segments with physical arrays. Homes keep theirs for their whole life, staged weights wait where they
// will compute, and whatever is free keeps its mode: compute fills from the lowest ids, memory from the highest.

import { internal } from '../../base/problem.ts';
import type { Homes } from '../../cost/machine/living.ts';
import type { StagedAllotment } from '../../cost/machine/total.ts';
import type { Work } from '../../cost/machine/work.ts';
import type { Hardware } from '../../hardware/hardware.ts';
import type { Flattened } from '../flatten.ts';
import { vectorSegment } from '../place.ts';
import type { ArrayId, Kept, OperatorPlan, SegmentPlan } from '../plan.ts';

const NOTHING: ReadonlySet<number> = new Set();

/** Segments with arrays assigned and kept data listed, `resident` sub-operators with arrays of their own for the whole run; what they take is left at 0 (`priceOnMachine` fills it in). */
export function placeAllotments(
  flat: Flattened,
  work: Work,
  allotments: readonly StagedAllotment[],
  homes: Homes,
  hardware: Hardware,
  frozenMemory?: number,
  resident: ReadonlySet<number> = NOTHING,
): readonly SegmentPlan[] {
  const lives = homeLives(work, allotments, homes);
  const placer = new Placer(hardware.arrays, frozenMemory);
  let ahead = new Map<number, readonly ArrayId[]>();
  const homeArrays = new Map<number, readonly ArrayId[]>();
  const leading = flat.riders.filter(({ after }) => after < 0 || allotments.length === 0).map(({ id }) => id);
  const before = leading.length > 0 ? [vectorSegment(leading)] : [];
  const segmentOf = segmentsOf(allotments);
  const riders: string[][] = allotments.map(() => []);
  if (allotments.length > 0) for (const { id, after } of flat.riders) if (after >= 0) riders[segmentOf[after] ?? 0]?.push(id);
  /** By the segment they begin in. */
  const beginning: Life[][] = allotments.map(() => []);
  for (const life of lives) beginning[life.from]?.push(life);
  /** In arrays, alive in the segment that is placed. */
  let living: readonly Life[] = [];
  const waits = waitingOperands(work, allotments, homes, segmentOf);
  /** Arrays in which operands wait for their sub-operator. */
  const waiting = new Map<number, readonly ArrayId[]>();
  placer.start();
  const own = new Map<number, readonly ArrayId[]>();
  for (const { first, copies } of allotments)
    for (const [i, count] of copies.entries())
      if (resident.has(first + i)) own.set(first + i, placer.takeCompute(count * (work.products[first + i]?.tiles ?? 1)));
  const segments = allotments.map((allotment, s) => {
    living = [...living.filter(({ to }) => s <= to), ...beginning[s]!.filter(({ arrays }) => arrays > 0)];
    placer.start();
    for (const { tensor } of living) placer.hold(homeArrays.get(tensor) ?? []);
    for (const arrays of ahead.values()) placer.hold(arrays);
    for (const arrays of own.values()) placer.hold(arrays);
    for (const arrays of waiting.values()) placer.hold(arrays);
    for (const { sub, arrays, from } of waits) if (from === s) waiting.set(sub, placer.takeMemory(arrays));
    for (const { tensor, arrays, from } of living) if (from === s) homeArrays.set(tensor, placer.takeMemory(arrays));
    const memory = allotment.memory.map((count) => placer.takeMemory(count));
    const compute = allotment.copies.map((count, i) => {
      const sub = allotment.first + i;
      return own.get(sub) ?? ahead.get(sub) ?? waiting.get(sub) ?? placer.takeCompute(count * (work.products[sub]?.tiles ?? 1));
    });
    for (let sub = allotment.first; sub <= allotment.last; sub++) waiting.delete(sub);
    const next = allotments[s + 1];
    ahead = new Map();
    for (const [i, staged] of (next?.staged ?? []).entries()) {
      if (!staged || next === undefined) continue;
      const sub = next.first + i;
      ahead.set(sub, placer.takeCompute((next.copies[i] ?? 1) * (work.products[sub]?.tiles ?? 1)));
    }
    const holding = [...living.flatMap(({ tensor }) => homeArrays.get(tensor) ?? []), ...[...waiting.values()].flat()];
    const memoryMode = placer.finish([...memory.flat(), ...holding], compute.flat());
    return {
      id: s + before.length,
      operators: compute.map((arrays, i) => operatorPlan(flat, work, allotment, i, arrays, memory[i] ?? [])),
      vectorOperators: riders[s] ?? [],
      staged: [...ahead].map(([sub, arrays]) => ({ operator: flat.subOperators[sub]?.id ?? '', arrays })),
      kept: [
        ...beginning[s]!.flatMap((life) => keptOf(life, homeArrays)),
        ...waits.filter(({ from }) => from === s).map(({ sub, tensor }) => operandOf(sub, tensor)),
      ],
      memoryMode,
      intraCycles: 0,
      interCycles: { writeBack: 0, switch: 0, rewrite: 0 },
    };
  });
  return [...before, ...segments];

  function operandOf(sub: number, tensor: number): Kept {
    const { id, bytes } = work.tensors[tensor]!;
    return { tensor: id, bytes, place: { kind: 'operand', operator: flat.subOperators[sub]?.id ?? '' } };
  }

  function keptOf({ tensor, inArrays, inBuffer }: Life, places: ReadonlyMap<number, readonly ArrayId[]>): readonly Kept[] {
    const id = work.tensors[tensor]?.id ?? '';
    return [
      ...(inArrays > 0 ? [{ tensor: id, bytes: inArrays, place: { kind: 'arrays', arrays: places.get(tensor) ?? [] } } as const] : []),
      ...(inBuffer > 0 ? [{ tensor: id, bytes: inBuffer, place: { kind: 'buffer' } } as const] : []),
    ];
  }
}

/** An operand that waits in the arrays of the sub-operator that will compute on it. */
interface Wait {
  readonly sub: number;
  readonly tensor: number;
  readonly arrays: number;
  /** Segment that makes it. */
  readonly from: number;
}

function waitingOperands(work: Work, allotments: readonly StagedAllotment[], homes: Homes, segmentOf: readonly number[]): readonly Wait[] {
  return [...homes.values()].flatMap(({ tensor, inPlace = [] }) => {
    const from = segmentOf[Math.max(0, work.tasks[work.tensors[tensor]!.makers[0] ?? 0]!.sub)] ?? 0;
    return inPlace.map((sub) => {
      const { first, copies } = allotments[segmentOf[sub] ?? 0]!;
      return { sub, tensor, arrays: copies[sub - first]! * work.products[sub]!.tiles, from };
    });
  });
}

interface Life {
  readonly tensor: number;
  readonly arrays: number;
  /** Bytes held in them and in the buffer. */
  readonly inArrays: number;
  readonly inBuffer: number;
  readonly from: number;
  readonly to: number;
}

/** Homes whose tensor crosses a boundary, with the segments it lives in. */
function homeLives(work: Work, allotments: readonly StagedAllotment[], homes: Homes): readonly Life[] {
  const segmentOf = segmentsOf(allotments);
  return [...homes.values()].flatMap(({ tensor, arrays, inArrays, inBuffer }) => {
    const { makers, readers, bytes } = work.tensors[tensor]!;
    const from = segmentOf[Math.max(0, work.tasks[makers[0] ?? 0]!.sub)] ?? 0;
    const to = segmentOf[Math.max(0, work.tasks[readers.at(-1) ?? 0]!.sub)] ?? 0;
    return to > from ? [{ tensor, arrays, inArrays: Math.floor(bytes * inArrays), inBuffer: Math.floor(bytes * inBuffer), from, to }] : [];
  });
}

/** Segment of each sub-operator. */
export function segmentsOf(allotments: readonly { readonly first: number; readonly last: number }[]): readonly number[] {
  return allotments.flatMap(({ first, last }, s) => Array.from({ length: last - first + 1 }, () => s));
}

function operatorPlan(
  flat: Flattened,
  work: Work,
  { first, copies }: StagedAllotment,
  i: number,
  compute: readonly ArrayId[],
  memoryIn: readonly ArrayId[],
): OperatorPlan {
  const op = flat.subOperators[first + i];
  const product = work.products[first + i];
  if (op === undefined || product === undefined) throw internal(`no sub-operator ${first + i}`);
  return {
    id: op.id,
    parent: op.parent,
    piece: op.piece,
    ...op.shape,
    tiles: product.tiles,
    copies: copies[i] ?? 1,
    compute,
    memoryIn,
    memoryOut: [],
    sharedIn: [],
    latencyCycles: 0,
    binding: 'compute',
  };
}

/** Hands out arrays of one segment after another; modes stay as they are unless a role needs the other one, or for good if they are frozen. */
class Placer {
  private readonly memoryMode: Uint8Array;
  private readonly taken: Uint8Array;
  private readonly frozen: boolean;
  /** Arrays in memory mode, if that is known. */
  private inMemory: readonly ArrayId[] | undefined;

  constructor(arrays: number, frozenMemory?: number) {
    this.memoryMode = new Uint8Array(arrays);
    this.taken = new Uint8Array(arrays);
    this.frozen = frozenMemory !== undefined;
    this.memoryMode.fill(1, arrays - (frozenMemory ?? 0));
  }

  start(): void {
    this.taken.fill(0);
  }

  hold(arrays: readonly ArrayId[]): void {
    for (const array of arrays) this.taken[array] = 1;
  }

  /** The lowest free ones, those in compute mode first. */
  takeCompute(count: number): readonly ArrayId[] {
    const chosen: ArrayId[] = [];
    for (const mode of this.frozen ? [0] : [0, 1])
      for (let id = 0; id < this.taken.length && chosen.length < count; id++) this.takeIf(id, mode, chosen);
    return this.enough(chosen, count);
  }

  /** The highest free ones, those in memory mode first. */
  takeMemory(count: number): readonly ArrayId[] {
    const chosen: ArrayId[] = [];
    for (const mode of this.frozen ? [1] : [1, 0])
      for (let id = this.taken.length - 1; id >= 0 && chosen.length < count; id--) this.takeIf(id, mode, chosen);
    return this.enough(chosen, count).sort((a, b) => a - b);
  }

  private takeIf(id: ArrayId, mode: number, chosen: ArrayId[]): void {
    if (this.taken[id] === 1 || this.memoryMode[id] !== mode) return;
    this.taken[id] = 1;
    chosen.push(id);
  }

  private enough(chosen: ArrayId[], count: number): ArrayId[] {
    if (chosen.length < count) throw internal(`a segment has more roles than the chip's ${this.taken.length} arrays`);
    return chosen;
  }

  /** Sets the modes of this segment's roles and returns every array in memory mode. */
  finish(memory: readonly ArrayId[], compute: readonly ArrayId[]): readonly ArrayId[] {
    for (const id of memory) this.setMode(id, 1);
    for (const id of compute) this.setMode(id, 0);
    this.inMemory ??= this.idsInMemory();
    return this.inMemory;
  }

  private setMode(id: ArrayId, mode: number): void {
    if (this.memoryMode[id] === mode) return;
    this.memoryMode[id] = mode;
    this.inMemory = undefined;
  }

  private idsInMemory(): readonly ArrayId[] {
    const ids: ArrayId[] = [];
    for (let id = 0; id < this.memoryMode.length; id++) if (this.memoryMode[id] === 1) ids.push(id);
    return ids;
  }
}

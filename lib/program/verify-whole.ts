// Verifier, what holds for a program as a whole once it has been walked: nothing living lies in the same bytes as something
// else, every operator is done exactly once, every output reaches external memory.

import type { Range } from '../base/shapes.ts';
import { ceilDiv } from '../base/units.ts';
import type { Findings } from './findings.ts';
import { entry } from './geometry.ts';
import type { Program, Region } from './program.ts';
import { regionBytes } from './verify-declarations.ts';
import type { Piece, State } from './verify-state.ts';

/** No two regions, and no region and weights, use the same bytes at the same time. */
export function checkLifetimes({ data, index, findings, overwritten }: State): void {
  const inBuffer: Extent[] = [];
  const inArray = new Map<number, Extent[]>();
  for (const [id, { first, last }] of data) {
    const region = entry(index.regions, id);
    const bytes = regionBytes(region, entry(index.tensors, region.tensor).bits);
    const { place } = region;
    if (place.kind === 'buffer') inBuffer.push({ region, from: place.offset, to: place.offset + bytes, first, last });
    // Tiles take their arrays whole.
    if (place.kind === 'tiles')
      for (const array of place.arrays) note(inArray, array, { region, from: 0, to: Number.MAX_SAFE_INTEGER, first, last });
    if (place.kind !== 'arrays') continue;
    const to = place.offset + ceilDiv(bytes, place.arrays.length);
    for (const array of place.arrays) note(inArray, array, { region, from: place.offset, to, first, last });
  }
  checkOverlaps(inBuffer, 'the buffer', findings);
  for (const [array, extents] of inArray) checkOverlaps(extents, `array ${array}`, findings);
  for (const { arrays, time, where } of overwritten) {
    for (const array of arrays) {
      const hit = inArray.get(array)?.find(({ first, last }) => first <= time && time <= last);
      if (hit !== undefined)
        findings.add(
          'overlap',
          where(0),
          `writes weights over region '${hit.region.id}' in array ${array}, which is still needed`,
          'Use another array or read the region before.',
        );
    }
  }
}

interface Extent {
  readonly region: Region;
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly last: number;
}

function checkOverlaps(extents: Extent[], where: string, findings: Findings): void {
  extents.sort((a, b) => a.first - b.first);
  let live: Extent[] = [];
  for (const extent of extents) {
    live = live.filter(({ last }) => last >= extent.first);
    const other = live.find(({ from, to }) => from < extent.to && extent.from < to);
    if (other !== undefined) {
      findings.add(
        'overlap',
        `region ${extent.region.id}`,
        `uses bytes ${extent.from} to ${extent.to} of ${where}, where region '${other.region.id}' still lives`,
        'Give it another offset.',
      );
    }
    live.push(extent);
  }
}

/** Every operator exactly once, every network output in external memory. */
export function checkComplete(program: Program, { pieces: all, vectorRuns: runsOf, data, findings }: State): void {
  const pieces = new Map<string, Piece[]>();
  for (const piece of all) note(pieces, piece.operator, piece);
  const vectorRuns = new Map<string, number>();
  for (const operator of runsOf) vectorRuns.set(operator, (vectorRuns.get(operator) ?? 0) + 1);
  for (const operator of program.operators) {
    if (operator.matrix === undefined) {
      const runs = vectorRuns.get(operator.id) ?? 0;
      if (runs !== 1) findings.add('exactly-once', `operator ${operator.id}`, `is run ${runs} times`, 'Run it once.');
      continue;
    }
    const done = pieces.get(operator.id) ?? [];
    const area = done.reduce((sum, { outputs, inner }) => sum + (outputs.to - outputs.from) * (inner.to - inner.from), 0);
    const whole = operator.matrix.k * operator.matrix.groups * operator.matrix.n;
    if (hasOverlap(done))
      findings.add('exactly-once', `operator ${operator.id}`, 'some of its products are computed twice', 'Make its pieces disjoint.');
    else if (area !== whole)
      findings.add('exactly-once', `operator ${operator.id}`, `${area} of its ${whole} weights are used`, 'Compute the missing outputs.');
  }
  for (const tensor of program.tensors) {
    if (tensor.role !== 'output') continue;
    const home = program.regions.filter(
      (region) => region.tensor === tensor.id && region.place.kind === 'external' && region.window === tensor.positions,
    );
    const written = home.flatMap((region) => data.get(region.id)?.features ?? []);
    if (!covers(written, { from: 0, to: tensor.features })) {
      findings.add(
        'exactly-once',
        `tensor ${tensor.id}`,
        'is an output of the network but does not reach external memory whole',
        'Write it to an external region.',
      );
    }
  }
}

function hasOverlap(pieces: readonly { readonly outputs: Range; readonly inner: Range }[]): boolean {
  const sorted = [...pieces].sort((a, b) => a.outputs.from - b.outputs.from);
  let live: typeof sorted = [];
  for (const piece of sorted) {
    live = live.filter(({ outputs }) => outputs.to > piece.outputs.from);
    if (live.some(({ inner }) => inner.from < piece.inner.to && piece.inner.from < inner.to)) return true;
    live.push(piece);
  }
  return false;
}

/** Whether the ranges hold all of another. */
export function covers(have: readonly Range[], needed: Range): boolean {
  let reached = needed.from;
  for (const range of [...have].sort((a, b) => a.from - b.from)) {
    if (range.from > reached) break;
    reached = Math.max(reached, range.to);
  }
  return reached >= needed.to;
}

function note<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

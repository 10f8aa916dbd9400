// What a meta-operator reads and writes, and how far along: the shared ground of verifier and machine.
// Program -> an index by id; meta-operator -> its chunks, inputs and outputs as region parts.

import { internal } from '../base/problem.ts';
import { elementwiseWindow, type MatrixShape, type Range, type Window, wholeWindow } from '../base/shapes.ts';
import type { ManifestInput, ManifestOperator, ManifestTensor, MetaOp, MetaOpOf, Program, Region, RegionId } from './program.ts';

/** Everything a program declares, by id. */
export interface ProgramIndex {
  readonly tensors: ReadonlyMap<string, ManifestTensor>;
  readonly operators: ReadonlyMap<string, ManifestOperator>;
  readonly regions: ReadonlyMap<string, Region>;
}

export function indexProgram(program: Program): ProgramIndex {
  return {
    tensors: new Map(program.tensors.map((tensor) => [tensor.id, tensor])),
    operators: new Map(program.operators.map((operator) => [operator.id, operator])),
    regions: new Map(program.regions.map((region) => [region.id, region])),
  };
}

/** The entry a verified program is known to have. */
export function entry<T>(map: ReadonlyMap<string, T>, id: string): T {
  const value = map.get(id);
  if (value === undefined) throw internal(`'${id}' is not declared; verify the program first`);
  return value;
}

/** One region as a meta-operator uses it. */
export interface Access {
  readonly region: Region;
  readonly tensor: ManifestTensor;
  /** Features used, within the region's. */
  readonly features: Range;
  /** How far ahead of the output it must be; elementwise for writes. */
  readonly window: Window;
  readonly use: ManifestInput['use'];
}

/**
 * Stored weights are fetched and written in this many slices, each some rows of every tile, so that the channel can
 * serve others in between. Assumption: fine enough for fetching and writing to overlap, and no more.
 */
const WRITE_SLICES = 32;

/** A meta-operator's shape in time and space. */
export interface Activity {
  /** Positions of its output, made in `chunks` nearly equal runs. */
  readonly positions: number;
  readonly chunks: number;
  readonly reads: readonly Access[];
  readonly writes: readonly Access[];
  /** Features of the output tensor that it makes. */
  readonly outputs: Range;
}

/** Output positions done after `chunk` chunks. */
export function progressAt(activity: Pick<Activity, 'positions' | 'chunks'>, chunk: number): number {
  return Math.floor((chunk * activity.positions) / activity.chunks);
}

/** First chunk after which `position` output positions are done; `chunks` is the most. */
export function chunkReaching(activity: Pick<Activity, 'positions' | 'chunks'>, position: number): number {
  let chunk = Math.min(activity.chunks, Math.ceil((position * activity.chunks) / activity.positions));
  while (chunk > 0 && progressAt(activity, chunk - 1) >= position) chunk--;
  while (chunk < activity.chunks && progressAt(activity, chunk) < position) chunk++;
  return chunk;
}

export function activityOf(op: MetaOp, index: ProgramIndex): Activity {
  switch (op.kind) {
    case 'CM.switch':
      return { positions: 1, chunks: 1, reads: [], writes: [], outputs: { from: 0, to: 0 } };
    case 'CIM.write': {
      const slices = op.from.length > 0 ? 1 : WRITE_SLICES;
      return { positions: slices, chunks: slices, reads: stationaryReads(op, index), writes: [], outputs: { from: 0, to: 0 } };
    }
    case 'MEM.move':
      return moveActivity(op, index);
    case 'CIM.mvm':
      return operatorActivity(op, op.outputs, index);
    case 'VEC.run': {
      const output = entry(index.tensors, entry(index.operators, op.operator).output);
      return operatorActivity(op, { from: 0, to: output.features }, index);
    }
  }
}

function operatorActivity(op: MetaOpOf<'CIM.mvm' | 'VEC.run'>, outputs: Range, index: ProgramIndex): Activity {
  const operator = entry(index.operators, op.operator);
  const written = op.to.map((id) => entry(index.regions, id));
  const output = entry(index.tensors, written[0]?.tensor ?? operator.output);
  const reads: Access[] = [];
  const regions = op.from.map((id) => entry(index.regions, id));
  for (const { tensor: id } of operator.partials) {
    const tensor = entry(index.tensors, id);
    reads.push(...readsFrom(regions, tensor, outputs, elementwiseWindow(tensor.positions), 'step'));
  }
  for (const input of operator.inputs) {
    if (input.use === 'stationary') continue;
    const tensor = entry(index.tensors, input.tensor);
    reads.push(...readsFrom(regions, tensor, featuresRead(operator, input, tensor, outputs), input.window, input.use));
  }
  return { positions: output.positions, chunks: op.chunks, reads, writes: writesOf(written, output, outputs), outputs };
}

function moveActivity(op: MetaOpOf<'MEM.move'>, index: ProgramIndex): Activity {
  const to = op.to.map((id) => entry(index.regions, id));
  const tensor = entry(index.tensors, to[0]?.tensor ?? '');
  const window = elementwiseWindow(tensor.positions);
  const from = op.from.map((id) => entry(index.regions, id));
  const reads = to.flatMap((target) => readsFrom(from, tensor, target.features, window, 'stream'));
  const outputs = { from: 0, to: tensor.features };
  return { positions: tensor.positions, chunks: op.chunks, reads, writes: writesOf(to, tensor, outputs), outputs };
}

function stationaryReads(op: MetaOpOf<'CIM.write'>, index: ProgramIndex): readonly Access[] {
  const regions = op.from.map((id) => entry(index.regions, id));
  return entry(index.operators, op.operator).inputs.flatMap((input) => {
    if (input.use !== 'stationary') return [];
    const tensor = entry(index.tensors, input.tensor);
    return readsFrom(regions, tensor, { from: 0, to: tensor.features }, wholeWindow(1, tensor.positions, 1), 'stationary');
  });
}

/** Each needed feature is read from the first listed region that holds it, and from no other. */
function readsFrom(
  regions: readonly Region[],
  tensor: ManifestTensor,
  needed: Range,
  window: Window,
  use: Access['use'],
): readonly Access[] {
  const reads: Access[] = [];
  let missing: readonly Range[] = [needed];
  for (const region of regions) {
    if (region.tensor !== tensor.id) continue;
    for (const part of missing) {
      const features = meet(region.features, part);
      if (features.to > features.from) reads.push({ region, tensor, features, window, use });
    }
    missing = missing.flatMap((part) => without(part, region.features));
  }
  return reads;
}

/** The parts of a range outside another. */
export function without(range: Range, hole: Range): readonly Range[] {
  const before = { from: range.from, to: Math.min(range.to, hole.from) };
  const after = { from: Math.max(range.from, hole.to), to: range.to };
  return [before, after].filter(({ from, to }) => to > from);
}

/** Ranges as few as possible that cover the same. */
export function union(ranges: readonly Range[]): readonly Range[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

function writesOf(regions: readonly Region[], tensor: ManifestTensor, outputs: Range): readonly Access[] {
  const window = elementwiseWindow(tensor.positions);
  return regions.map((region) => ({ region, tensor, features: meet(region.features, outputs), window, use: 'stream' }));
}

/**
 * Features of an input that outputs [from, to) need: those of its own groups for a grouped product, those of
 * the same index for an epilogue operand of the output's width, else all. Groups lie side by side in an input of
 * n * groups features, or (convolutions) of a part of n each; a stream that lies otherwise is read whole.
 */
export function featuresRead(operator: ManifestOperator, input: ManifestInput, tensor: ManifestTensor, outputs: Range): Range {
  const all = { from: 0, to: tensor.features };
  if (operator.matrix === undefined) return all;
  const { m, n, k, groups } = operator.matrix;
  if (input.use === 'step') return tensor.features === k * groups ? outputs : all;
  const sideBySide = tensor.features === n * groups;
  const otherwise = !sideBySide && tensor.positions * tensor.features === m * n * groups;
  if (groups === 1 || otherwise || tensor.features % groups !== 0) return all;
  const width = tensor.features / groups;
  return { from: Math.floor(outputs.from / k) * width, to: Math.ceil(outputs.to / k) * width };
}

/** Shape of the product that outputs x inner of an operator is. */
export function pieceShape(matrix: MatrixShape, outputs: Range, inner: Range): MatrixShape {
  const width = outputs.to - outputs.from;
  const n = inner.to - inner.from;
  const wholeGroups = matrix.groups > 1 && outputs.from % matrix.k === 0 && outputs.to % matrix.k === 0;
  return wholeGroups ? { m: matrix.m, n, k: matrix.k, groups: width / matrix.k } : { m: matrix.m, n, k: width, groups: 1 };
}

export function meet(a: Range, b: Range): Range {
  const from = Math.max(a.from, b.from);
  return { from, to: Math.max(from, Math.min(a.to, b.to)) };
}

/** Arrays a meta-operator touches: `owned` exclusively (weights, switching), `ports` as memory. */
export function arraysOf(op: MetaOp, index: ProgramIndex): { readonly owned: readonly number[]; readonly ports: readonly number[] } {
  return { owned: ownedBy(op), ports: regionsOf(op).flatMap((id) => arraysHolding(entry(index.regions, id))) };
}

export function ownedBy(op: MetaOp): readonly number[] {
  return op.kind === 'MEM.move' || op.kind === 'VEC.run' ? [] : op.arrays;
}

/** Regions a meta-operator reads and writes. */
export function regionsOf(op: MetaOp): readonly RegionId[] {
  return op.kind === 'CM.switch' ? [] : op.kind === 'CIM.write' ? op.from : [...op.from, ...op.to];
}

/** Memory-mode arrays a region lies in. */
export function arraysHolding({ place }: Region): readonly number[] {
  return place.kind === 'arrays' || place.kind === 'tiles' ? place.arrays : [];
}

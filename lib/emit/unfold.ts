// A program of the folded graph -> the program of the whole one: the segments of a fold become the body of a loop, and what
// they declare is declared once an instance. In the body, ids that differ between instances are written with the loop's variable.

import { internal } from '../base/problem.ts';
import { type Manifest, manifestOf } from '../dataflow/manifest.ts';
import { tensorsByInstance } from '../ir/blocks.ts';
import type { Graph, TensorId } from '../ir/graph.ts';
import { numberedAs } from '../ir/numbering.ts';
import type { OperatorPlan, Plan, Repeat } from '../optimizer/plan.ts';
import type { MetaOp, Region, RegionId, Statement } from '../program/program.ts';

/** What the emitter made of each segment, and how many regions there were before it. */
export interface EmittedSegment {
  /** Ahead of the loop that begins with it. */
  readonly before: readonly Statement[];
  readonly statements: readonly Statement[];
  readonly regionsBefore: number;
}

export interface Unfolded {
  readonly manifest: Manifest;
  readonly regions: readonly Region[];
  readonly body: readonly Statement[];
}

const VARIABLE = 'i';

/** What stands in place of a region of the folded program, for one loop. */
interface Replica {
  /** Id in the loop. */
  readonly template: RegionId;
  /** Ids that stand for it before and behind the loop. */
  readonly before: RegionId;
  readonly behind: RegionId;
  /** What is declared for it, by instance. */
  readonly declared: readonly { readonly id: RegionId; readonly tensor: TensorId }[];
  /** Next number in its row of names, for a loop that goes on where this one ends. */
  readonly row?: { readonly name: string; readonly next: number };
}

interface LoopNames {
  readonly repeat: Repeat;
  readonly fold: FoldNames;
  readonly replicas: ReadonlyMap<RegionId, Replica>;
}

export function unfold(
  graph: Graph,
  plan: Plan,
  manifest: Manifest,
  regions: readonly Region[],
  segments: readonly EmittedSegment[],
): Unfolded {
  const loops: LoopNames[] = [];
  for (const repeat of plan.repeats) {
    const fold = foldOf(graph, repeat, manifest);
    loops.push({ repeat, fold, replicas: replicasOf(repeat, fold, regions, segments, loops) });
  }
  const body: Statement[] = [];
  let at = 0;
  const outside = (end: number): void => {
    for (; at < end; at++)
      for (const statement of segments[at]?.statements ?? []) body.push(renamed(statement, same, outsideLoops(loops, at)));
  };
  for (const { repeat, fold, replicas } of loops) {
    outside(repeat.first);
    body.push(...(segments[repeat.first]?.before ?? []));
    const inside = segments.slice(repeat.first, repeat.first + repeat.count).flatMap(({ statements }) => statements);
    const turn = inside.map((statement) => renamed(statement, fold.operator, (id) => replicas.get(id)?.template ?? id));
    body.push({ kind: 'loop', variable: VARIABLE, count: repeat.times, body: turn });
    at = repeat.first + repeat.count;
  }
  outside(segments.length);
  const declared = regions.flatMap((region): readonly Region[] => {
    const replica = loops.map(({ replicas }) => replicas.get(region.id)).find((candidate) => (candidate?.declared.length ?? 0) > 0);
    return replica === undefined ? [region] : replica.declared.map(({ id, tensor }) => ({ ...region, id, tensor }));
  });
  return { manifest: wholeManifest(graph, plan), regions: declared, body };
}

/** Ids of regions in a segment outside the loops: as the last loop before it left them, or the next one will find them. */
function outsideLoops(loops: readonly LoopNames[], segment: number): (id: RegionId) => RegionId {
  return (id) => {
    const past = loops.findLast(({ repeat, replicas }) => repeat.first < segment && replicas.has(id));
    const next = loops.find(({ repeat, replicas }) => repeat.first > segment && replicas.has(id));
    return past?.replicas.get(id)?.behind ?? next?.replicas.get(id)?.before ?? id;
  };
}

function same(id: string): string {
  return id;
}

type Cut = Pick<OperatorPlan, 'parent' | 'piece'>;

/** The manifest of the whole graph, the pieces of a fold's operators those of every instance. */
function wholeManifest(graph: Graph, plan: Plan): Manifest {
  const position = new Map(graph.operators.map(({ id }, i) => [id, i]));
  const pieces = plan.segments.flatMap(({ operators }, s): readonly Cut[] => {
    const repeat = plan.repeats.find(({ first, count }) => first <= s && s < first + count);
    const block = repeat && graph.blocks[repeat.block];
    if (block === undefined) return operators;
    return Array.from({ length: block.count }, (_, k) =>
      operators.map(({ parent, piece }) => ({
        parent: graph.operators[(position.get(parent) ?? 0) + k * block.length]?.id ?? parent,
        piece,
      })),
    ).flat();
  });
  return manifestOf(graph, pieces, plan.precision);
}

interface FoldNames {
  /** Operator id of the first instance -> its id in the loop. */
  readonly operator: (id: string) => string;
  /** Tensor of the first instance -> those of all instances. */
  readonly tensors: (id: TensorId) => readonly TensorId[];
  /** Carried tensors: what the first instance reads, and what each makes in that place. */
  readonly initial: ReadonlyMap<TensorId, TensorId>;
}

function foldOf(graph: Graph, { block: index, times }: Repeat, folded: Manifest): FoldNames {
  const block = graph.blocks[index];
  if (block === undefined) throw internal(`the graph has no block ${index}`);
  const byInstance = tensorsByInstance(graph, block);
  // A program knows no views: what a turn hands on is what the view is of.
  const viewed = new Map(graph.operators.flatMap(({ kind, inputs, output }) => (kind === 'view' ? [[output, inputs[0]?.tensor]] : [])));
  const sourceOf = (id: TensorId): TensorId => {
    const source = viewed.get(id);
    return source === undefined ? id : sourceOf(source);
  };
  const operators = new Map<string, string>();
  const partials = new Map<TensorId, readonly TensorId[]>();
  for (let place = 0; place < block.length; place++) {
    const ids = Array.from({ length: times }, (_, k) => graph.operators[block.first + k * block.length + place]?.id ?? '');
    const [first = ''] = ids;
    const numbered = numberedAs(ids, block.number);
    if (numbered !== undefined) operators.set(first, `${numbered.prefix}${variable(block.number)}${numbered.suffix}`);
    for (const { tensor } of folded.operators.find(({ id }) => id === first)?.partials ?? [])
      partials.set(
        tensor,
        ids.map((id) => id + tensor.slice(first.length)),
      );
  }
  return {
    operator: (id) => operators.get(id) ?? id,
    tensors: (id) => partials.get(id) ?? byInstance.get(id) ?? Array.from({ length: times }, () => id),
    initial: new Map(block.carried.map(({ initial, next }) => [sourceOf(initial), sourceOf(next)])),
  };
}

/** `$i`, or `$(i+n)` where names begin with another number than the loop. */
function variable(offset: number): string {
  return offset === 0 ? `$${VARIABLE}` : `$(${VARIABLE}+${offset})`;
}

/**
 * Regions of a fold. Its own, and homes of tensors that differ between instances, are there once an instance. A carried tensor's
 * home is external: what instance k makes, k + 1 reads; number 0 is what comes from before the loop.
 */
function replicasOf(
  repeat: Repeat,
  fold: FoldNames,
  regions: readonly Region[],
  segments: readonly EmittedSegment[],
  earlier: readonly LoopNames[],
): ReadonlyMap<RegionId, Replica> {
  const from = segments[repeat.first]?.regionsBefore ?? 0;
  const to = segments[repeat.first + repeat.count]?.regionsBefore ?? regions.length;
  const replicas = new Map<RegionId, Replica>();
  const homeOf = (tensor: TensorId, until: number): Region | undefined =>
    regions.slice(0, until).find((region) => region.tensor === tensor && region.place.kind === 'external');
  for (const [initial, next] of fold.initial) {
    const reads = homeOf(initial, from);
    const writes = homeOf(next, to);
    if (reads === undefined || writes === undefined) throw internal(`'${initial}' or '${next}' has no home outside the loop`);
    const row = earlier.map(({ replicas: known }) => known.get(reads.id)?.row).findLast((found) => found !== undefined);
    const name = row?.name ?? writes.id;
    const offset = row?.next ?? 0;
    const id = (k: number): RegionId => `${name}.${offset + k}`;
    replicas.set(reads.id, {
      template: `${name}.${variable(offset)}`,
      before: id(0),
      behind: id(0),
      declared: row === undefined ? [{ id: id(0), tensor: initial }] : [],
    });
    replicas.set(writes.id, {
      template: `${name}.${variable(offset + 1)}`,
      before: id(0),
      behind: id(repeat.times),
      declared: fold.tensors(next).map((tensor, k) => ({ id: id(k + 1), tensor })),
      row: { name, next: offset + repeat.times },
    });
  }
  for (const [index, region] of regions.entries()) {
    if (replicas.has(region.id)) continue;
    const tensors = fold.tensors(region.tensor);
    const own = index >= from && index < to;
    if (!own && (tensors.every((id) => id === region.tensor) || fold.initial.has(region.tensor))) continue;
    replicas.set(region.id, {
      template: `${region.id}.${variable(0)}`,
      before: `${region.id}.0`,
      behind: `${region.id}.${repeat.times - 1}`,
      declared: tensors.map((tensor, k) => ({ id: `${region.id}.${k}`, tensor })),
    });
  }
  return replicas;
}

function renamed(statement: Statement, operator: (id: string) => string, region: (id: RegionId) => RegionId): Statement {
  switch (statement.kind) {
    case 'parallel':
      return { ...statement, body: statement.body.map((op) => renamed(op, operator, region) as MetaOp) };
    case 'CM.switch':
    case 'loop':
      return statement;
    case 'CIM.write':
      return { ...statement, operator: operator(statement.operator), from: statement.from.map(region) };
    case 'CIM.mvm':
    case 'VEC.run':
      return { ...statement, operator: operator(statement.operator), from: statement.from.map(region), to: statement.to.map(region) };
    case 'MEM.move':
      return { ...statement, from: statement.from.map(region), to: statement.to.map(region) };
  }
}

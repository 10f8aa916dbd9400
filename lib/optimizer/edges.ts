// OUT_i and IN_j of constraint (6): which sub-operator's data another takes in, and how much of it.
// Flattened graph -> edges, only between those that can ever be in one segment.

import type { Range } from '../base/shapes.ts';
import type { Bytes } from '../base/units.ts';
import { manifestOf } from '../dataflow/manifest.ts';
import { type Step, stepMaker, tensorBytes } from '../dataflow/steps.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Graph, TensorId } from '../ir/graph.ts';
import type { Flattened, SubOperator } from './flatten.ts';
import type { Edge } from './sharing.ts';

/** Bytes that `producer`, or a vector operator riding with it, makes and `consumer` takes in: |OUT_i intersect IN_j|. */
export interface DataEdge {
  readonly producer: number;
  readonly consumer: number;
  readonly bytes: Bytes;
}

/** Whether operators share memory arrays, (6), and how its |OUT_i intersect IN_j| / array size becomes a whole number. */
export type SharingRule = 'up' | 'down' | false;

/** How many arrays each edge can share. Deviation: rounded up by default, or a vector of 4 KB would never share an array. */
export function shareable(edges: readonly DataEdge[], { memoryBytesPerArray, dualMode }: Hardware, rule: SharingRule): readonly Edge[] {
  if (rule === false || !dualMode) return [];
  const round = rule === 'up' ? Math.ceil : Math.floor;
  return edges
    .map(({ producer, consumer, bytes }) => ({ producer, consumer, mostShared: round(bytes / memoryBytesPerArray) }))
    .filter(({ mostShared }) => mostShared > 0);
}

/**
 * Edges by consumer, then by producer. What an operator takes in: its stream, the operands of its steps (residuals) and
 * partial sums; not a dynamic product's right operand, which is made in an earlier segment and written into its arrays.
 */
export function edgesOf(graph: Graph, { subOperators, riders }: Flattened, hardware: Hardware): readonly DataEdge[] {
  const manifest = manifestOf(graph, subOperators, hardware.precision);
  const stepOf = stepMaker(manifest);
  const ridesWith = new Map(riders.map(({ id, after }) => [id, Math.max(0, after)]));
  const together = firstTogether(subOperators, hardware.arrays);
  const made = new Map<TensorId, { readonly by: number; readonly step: Step }[]>();
  const edges: DataEdge[] = [];
  let consumer = 0;
  const add = (step: Step, by: number): void => {
    const makers = made.get(step.output.id);
    if (makers === undefined) made.set(step.output.id, [{ by, step }]);
    else makers.push({ by, step });
  };
  for (const operator of manifest.operators) {
    const rider = ridesWith.get(operator.id);
    if (rider !== undefined) {
      add(stepOf(operator), rider);
      continue;
    }
    for (; subOperators[consumer]?.parent === operator.id; consumer++) {
      const step = stepOf(operator, subOperators[consumer]?.piece);
      const bytes = new Map<number, Bytes>();
      for (const { tensor, features } of step.reads) {
        const makers = made.get(tensor.id) ?? [];
        for (let k = makers.length - 1; k >= 0; k--) {
          const { by, step: maker } = makers[k]!;
          if (by < together[consumer]!) break;
          const common = tensorBytes(tensor, overlap(maker.outputs, features));
          if (by < consumer && common > 0) bytes.set(by, (bytes.get(by) ?? 0) + common);
        }
      }
      for (const [producer, common] of [...bytes].sort(([a], [b]) => a - b)) edges.push({ producer, consumer, bytes: common });
      add(step, consumer);
    }
  }
  return edges;
}

/** For each sub-operator the first one that may share a segment with it: one copy of each between them fits the chip. */
function firstTogether(subOperators: readonly SubOperator[], arrays: number): readonly number[] {
  let first = 0;
  let tiles = 0;
  return subOperators.map(({ demand, after }, last) => {
    tiles += demand.tiles;
    for (; first < last && (tiles > arrays || first <= after); first++) tiles -= subOperators[first]!.demand.tiles;
    return first;
  });
}

function overlap(a: Range, b: Range): Range {
  const from = Math.max(a.from, b.from);
  return { from, to: Math.max(from, Math.min(a.to, b.to)) };
}

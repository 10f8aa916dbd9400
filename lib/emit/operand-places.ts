// Right operands that a plan keeps in place: the tiles their makers write. Plan + graph -> places by tensor.

import { internal } from '../base/problem.ts';
import type { Manifest } from '../dataflow/manifest.ts';
import { operandLayouts } from '../dataflow/operands.ts';
import type { Graph, TensorId } from '../ir/graph.ts';
import type { OperatorPlan, Plan } from '../optimizer/plan.ts';
import type { OperandTiles } from '../program/program.ts';

export class OperandPlaces {
  /** Pieces that find their right operand in their arrays. */
  readonly inPlace: ReadonlySet<OperatorPlan['id']>;
  /** By segment, in which tiles each tensor is written. */
  private readonly places = new Map<number, Map<TensorId, OperandTiles[]>>();

  constructor({ segments }: Plan, graph: Graph, { operators }: Manifest) {
    const pieces = new Map(segments.flatMap((segment) => segment.operators.map((piece) => [piece.id, piece])));
    const layouts = operandLayouts(graph);
    const inPlace = new Set<OperatorPlan['id']>();
    for (const { id: segment, kept } of segments) {
      for (const { tensor, place } of kept) {
        if (place.kind !== 'operand') continue;
        const piece = pieces.get(place.operator);
        const matrix = operators.find(({ id }) => id === piece?.parent)?.matrix;
        const by = layouts.get(piece?.parent ?? '');
        if (piece === undefined || matrix === undefined || by === undefined)
          throw internal(`'${place.operator}' takes no operand in place`);
        const { n, k, groups } = matrix;
        const byTensor = this.places.get(segment) ?? new Map<TensorId, OperandTiles[]>();
        this.places.set(segment, byTensor);
        const tiles = { kind: 'tiles', by, n, k, groups, copies: piece.copies, arrays: piece.compute } as const;
        byTensor.set(tensor, [...(byTensor.get(tensor) ?? []), tiles]);
        inPlace.add(piece.id);
      }
    }
    this.inPlace = inPlace;
  }

  /** Tiles that a segment writes a tensor into. */
  of(tensor: TensorId, segment: number): readonly OperandTiles[] {
    return this.places.get(segment)?.get(tensor) ?? [];
  }
}

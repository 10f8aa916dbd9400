// Rotary position embeddings: pairs of a head's features are turned by angles that depend on the token's position.
// A step on the vectors of one token; parameters: heads, features turned (0 for all), 1 if pairs are neighbours, and the axis
// that counts the tokens where it is not the last but one.

import type { DraftInput, StepBody } from '../draft.ts';
import { shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { sameAxes } from './move.ts';

export interface Rotation {
  readonly heads: number;
  readonly features: number;
  readonly interleaved: boolean;
}

/** The step that turns `x` by tables of cosines and sines, and perhaps positions to look up in them. */
export function rotaryStep({ heads, features, interleaved }: Rotation): Omit<StepBody, 'kind' | 'operands'> {
  return { class: 'elementwise', function: 'rotary', parameters: [heads, features, interleaved ? 1 : 0] };
}

/** What the step reads: the vectors one by one, all of the tables and positions. */
export function rotaryInputs(x: Value, others: readonly Value[]): DraftInput[] {
  return [
    { value: x.id, reach: { kind: 'aligned' }, axes: sameAxes(x.shape.length) },
    ...others.filter(({ constant }) => !constant).map(({ id }) => ({ value: id, reach: { kind: 'whole', samples: 1 } as const })),
  ];
}

/** `tables`: places of cosines, sines and positions among the inputs. */
export function rotaryRule(tables: readonly number[], since?: number): OperatorRule {
  return {
    ...(since === undefined ? {} : { since }),
    infer(view) {
      const { dtype, shape } = view.value(0);
      if (shape.length !== 3 && shape.length !== 4) view.refuse(`its input has shape ${shapeText(shape)}; it needs 3 or 4 dimensions`);
      return [{ dtype, shape }];
    },
    lower(view) {
      const x = view.value(0);
      const others = tables.flatMap((i) => view.optional(i) ?? []);
      const step = rotaryStep(rotationOf(view));
      return [{ body: { kind: 'step', ...step, operands: [x, ...others].map(({ id }) => id) }, inputs: rotaryInputs(x, others) }];
    },
  };
}

function rotationOf(view: NodeView): Rotation {
  const heads = view.rank(0) === 4 ? 1 : Math.max(1, view.int('num_heads', 1));
  return { heads, features: view.int('rotary_embedding_dim', 0), interleaved: view.int('interleaved', 0) !== 0 };
}

export const ROTARY: OperatorRules = {
  RotaryEmbedding: rotaryRule([1, 2, 3], 23),
};

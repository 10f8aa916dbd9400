// Plan + manifest -> what each segment does, statement by statement, and how long data must live.

import { internal } from '../base/problem.ts';
import type { Manifest } from '../dataflow/manifest.ts';
import { type Step as DataStep, stepMaker } from '../dataflow/steps.ts';
import type { OperatorPlan, Plan } from '../optimizer/plan.ts';
import type { TensorId } from '../program/program.ts';

/** A step in its segment, with its arrays if it is a product. */
export interface Step extends DataStep {
  readonly product?: OperatorPlan;
  readonly segment: number;
}

/** Segments that make and use a tensor. */
export interface Life {
  readonly first: number;
  readonly last: number;
  /** The network's output, which must reach external memory. */
  readonly leaves: boolean;
}

export type Lives = ReadonlyMap<TensorId, Life>;

export function stepsOf(plan: Plan, manifest: Manifest): readonly (readonly Step[])[] {
  const position = new Map(manifest.operators.map((operator, i) => [operator.id, i]));
  const stepOf = stepMaker(manifest);
  return plan.segments.map((segment) => {
    const products = segment.operators.map((product) => ({ id: product.parent, product }));
    const vectors = segment.vectorOperators.map((id) => ({ id, product: undefined }));
    return [...products, ...vectors]
      .map((entry) => ({ ...entry, at: position.get(entry.id) ?? lost(entry.id) }))
      .sort((a, b) => a.at - b.at)
      .map(({ at, product }) => ({
        ...stepOf(manifest.operators[at] ?? lost(`${at}`), product?.piece),
        segment: segment.id,
        ...(product && { product }),
      }));
  });
}

/**
 * How long each tensor is needed, in segments, but for pieces that find their right operand `inPlace`. Network inputs live from before
 * the first.
 */
export function livesOf(segments: readonly (readonly Step[])[], manifest: Manifest, inPlace: ReadonlySet<OperatorPlan['id']>): Lives {
  const lives = new Map<TensorId, { first: number; last: number; leaves: boolean }>();
  for (const tensor of manifest.tensors) {
    const given = tensor.role === 'input' || tensor.role === 'state';
    lives.set(tensor.id, { first: given ? -1 : Number.POSITIVE_INFINITY, last: -1, leaves: tensor.role === 'output' });
  }
  for (const step of segments.flat()) {
    const made = lives.get(step.output.id);
    if (made !== undefined) made.first = Math.min(made.first, step.segment);
    const operand = step.stationary && !inPlace.has(step.product?.id ?? '') ? [step.stationary] : [];
    for (const tensor of [...step.reads.map((read) => read.tensor), ...operand]) {
      const used = lives.get(tensor.id);
      if (used !== undefined) used.last = Math.max(used.last, step.segment);
    }
  }
  return lives;
}

function lost(id: string): never {
  throw internal(`the plan names '${id}', which the graph does not have`);
}

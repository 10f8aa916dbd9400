// What every operator that moves data shares: its draft, and its folding.

import type { DraftInput, DraftSpec } from '../draft.ts';
import type { NodeView } from '../node-view.ts';
import { alignedAxes } from './broadcast.ts';

/** An input that is moved, by its place among the node's inputs. */
export interface Moved extends Omit<DraftInput, 'value'> {
  readonly input: number;
}

/**
 * A move reading `moved` inputs, constants among them as operands. Parameter `operandAt`: the operands' places among
 * the moved inputs, given where not all of those are activations.
 */
export function moveDraft(
  view: NodeView,
  name: string,
  parameters: Readonly<Record<string, readonly number[]>>,
  moved: readonly Moved[],
): DraftSpec {
  const isConstant = ({ input }: Moved): boolean => view.value(input).constant;
  const operands = moved.filter(isConstant).map(({ input }) => view.value(input).id);
  const operandAt = moved.flatMap((one, i) => (isConstant(one) ? [i] : []));
  return {
    body: {
      kind: 'move',
      attrs:
        operands.length === 0 ? { function: name, parameters } : { function: name, parameters: { ...parameters, operandAt }, operands },
    },
    inputs: moved.filter((one) => !isConstant(one)).map(({ input, ...rest }) => ({ value: view.value(input).id, ...rest })),
  };
}

/** Axes of the output are those of the input. */
export function sameAxes(rank: number): number[] {
  return alignedAxes(rank, rank);
}

// What every operator that moves data shares: its draft.

import type { DraftInput, DraftSpec } from '../draft.ts';
import type { Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { alignedAxes } from './broadcast.ts';

/** An input that is moved, by its place among the node's inputs. */
export interface Moved extends Omit<DraftInput, 'value'> {
  readonly input: number;
}

/** A value that is moved. */
export interface MovedValue extends Omit<DraftInput, 'value'> {
  readonly value: Value;
}

type Parameters = Readonly<Record<string, readonly number[]>>;

/** A move reading `moved` inputs; see moveOf. */
export function moveDraft(view: NodeView, name: string, parameters: Parameters, moved: readonly Moved[]): DraftSpec {
  return moveOf(
    name,
    parameters,
    moved.map(({ input, ...rest }) => ({ ...rest, value: view.value(input) })),
  );
}

/**
 * A move reading `moved`, constants among them as operands. Parameter `operandAt`: the operands' places among what is
 * moved, given where not all of it are activations.
 */
export function moveOf(name: string, parameters: Parameters, moved: readonly MovedValue[]): DraftSpec {
  const operands = moved.filter(({ value }) => value.constant).map(({ value }) => value.id);
  const operandAt = moved.flatMap(({ value }, i) => (value.constant ? [i] : []));
  return {
    body: {
      kind: 'move',
      attrs:
        operands.length === 0 ? { function: name, parameters } : { function: name, parameters: { ...parameters, operandAt }, operands },
    },
    inputs: moved.filter(({ value }) => !value.constant).map(({ value, ...rest }) => ({ value: value.id, ...rest })),
  };
}

/** Values joined along one axis of theirs; those without elements are left out. */
export function concatOf(values: readonly Value[], axis: number): DraftSpec {
  const moved = values.map((value) => ({ value, reach: { kind: 'along', axes: [axis] }, axes: sameAxes(value.shape.length) }) as const);
  return moveOf('concat', { axis: [axis] }, moved);
}

/** Axes of the output are those of the input. */
export function sameAxes(rank: number): number[] {
  return alignedAxes(rank, rank);
}

/** The move or view that puts axes in another order; undefined if that is the order they have. */
export function transposeDraft(value: Value, perm: readonly number[]): DraftSpec | undefined {
  if (perm.every((axis, i) => axis === i)) return undefined;
  const { id, shape } = value;
  const rank = shape.length;
  const wide = perm.filter((axis) => shape[axis] !== 1);
  // Axes of one element may go anywhere: the order of the others decides whether data moves.
  const inOrder = wide.every((axis, i) => i === 0 || axis > (wide[i - 1] ?? 0));
  const axes = [...perm.map((_, axis) => perm.indexOf(axis)), rank];
  if (inOrder)
    return { body: { kind: 'view', attrs: { function: 'transpose' } }, inputs: [{ value: id, reach: { kind: 'contiguous' }, axes }] };
  const samples = perm[0] === 0 ? (shape[0] ?? 1) : 1;
  return moveOf('transpose', { perm }, [{ value, reach: { kind: 'whole', samples }, axes, prefers: rank - 1 }]);
}

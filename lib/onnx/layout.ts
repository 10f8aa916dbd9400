// Layout: which axis of each tensor holds the features; all others, in row-major order, count the positions.
// Matrix products and pooling decide it for what they read and make; elementwise operators, slices and transposes pass it
// on, backwards and forwards; what is left is channels-first with four dimensions, otherwise the last axis.

import { usualAxis } from '../ir/graph.ts';
import type { Draft, DraftInput } from './draft.ts';
import type { ImportState } from './import-state.ts';
import { elementCount } from './model.ts';

export function layout(state: ImportState): string {
  const { drafts, values, model } = state;
  const rankOf = (value: string): number => values.get(value)?.shape.length ?? 0;
  const wanted = backwards(drafts, ({ wants }) => wants);
  const preferred = backwards(drafts, ({ prefers }) => prefers);
  const axes = new Map<string, number>();
  const own = (value: string): number => wanted.get(value) ?? preferred.get(value) ?? usualAxis(rankOf(value));

  for (const { name } of model.inputs) axes.set(name, own(name));
  for (const { axis, inputs, output } of drafts) axes.set(output, axis ?? passedOn(inputs, axes) ?? own(output));
  state.axes = axes;
  return `${axes.size} tensors`;
}

/** Positions and features of a tensor whose features are on `axis`; the rank stands for one feature a position. */
export function streamed(shape: readonly number[], axis: number): { positions: number; features: number } {
  const features = shape[axis] ?? 1;
  return { positions: elementCount(shape) / features, features };
}

/** For every value, what its consumers ask for: the first that asks for itself, else what is asked of one's output. */
function backwards(drafts: readonly Draft[], ask: (input: DraftInput) => number | undefined): Map<string, number> {
  const asked = new Map<string, number>();
  const forItself = new Set<string>();
  for (const { inputs, output, axis } of drafts.toReversed()) {
    const ofOutput = axis === undefined ? asked.get(output) : undefined;
    for (const input of inputs) {
      const own = ask(input);
      const mapped = ofOutput === undefined ? -1 : (input.axes?.indexOf(ofOutput) ?? -1);
      if (own !== undefined) {
        asked.set(input.value, own);
        forItself.add(input.value);
      } else if (mapped >= 0 && !forItself.has(input.value)) asked.set(input.value, mapped);
    }
  }
  return asked;
}

function passedOn(inputs: readonly DraftInput[], axes: ReadonlyMap<string, number>): number | undefined {
  for (const { value, axes: map } of inputs) {
    const axis = axes.get(value);
    if (map !== undefined && axis !== undefined) return map[axis];
  }
  return undefined;
}

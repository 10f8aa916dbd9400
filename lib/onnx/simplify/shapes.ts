// Shapes: a product whose result is read under another shape of the same vectors writes it so, with the steps behind it.
// [64, 768] -> [1, 64, 768]: positions are counted otherwise, and the features stay what they are.

import type { Draft } from '../draft.ts';
import { sameAxes } from '../operators/move.ts';
import { isStep, type Network } from './network.ts';

export function withShapes(network: Network): Draft[] {
  const { values, uses, outputs } = network;
  const drafts: (Draft | undefined)[] = [...network.drafts];
  /** Value -> index of the draft that makes it, as rewritten. */
  const at = new Map(network.drafts.map(({ output }, i) => [output, i]));
  for (const [i, draft] of network.drafts.entries()) {
    if (draft.body.kind !== 'view' || !['reshape', 'flatten', 'squeeze', 'unsqueeze', 'transpose'].includes(draft.body.attrs.function))
      continue;
    const shape = values.get(draft.output)?.shape ?? [];
    const chain = chainTo(draft.inputs[0]?.value ?? '', shape);
    const last = chain?.at(-1);
    if (chain === undefined || last === undefined) continue;
    for (const index of chain) {
      const one = drafts[index] as Draft;
      const output = index === last ? draft.output : one.output;
      const value = values.get(one.output);
      if (value !== undefined && index !== last) values.set(output, { ...value, shape });
      drafts[index] = { ...reshapedDraft(one, shape.length), output };
    }
    at.set(draft.output, last);
    drafts[i] = undefined;
  }
  return drafts.filter((draft) => draft !== undefined);

  /** The product and steps behind each other that end in `value`, if all may have another shape. */
  function chainTo(value: string, shape: readonly number[]): number[] | undefined {
    const own = values.get(value)?.shape ?? [];
    if (shape.length === 0 || own.length === 0 || own.at(-1) !== shape.at(-1)) return undefined;
    const chain: number[] = [];
    for (let name = value; ; ) {
      const index = at.get(name);
      const draft = index === undefined ? undefined : drafts[index];
      if (index === undefined || draft === undefined || uses.get(name) !== 1 || outputs.has(name)) return undefined;
      chain.unshift(index);
      if (isWriter(draft, own.length)) return chain;
      if (!isStep(draft) || draft.inputs.length !== 1 || values.get(draft.inputs[0]?.value ?? '')?.shape.join() !== own.join())
        return undefined;
      const [running] = draft.inputs;
      const others = draft.body.operands.filter((operand) => operand !== running?.value);
      if (!others.every((operand) => isRow(values.get(operand)?.shape ?? []))) return undefined;
      name = running?.value ?? '';
    }
  }
}

/** Whether an operator makes vectors one by one along the last axis, whatever the shape they are counted in. */
function isWriter({ body, axis }: Draft, rank: number): boolean {
  return (body.kind === 'matMul' && axis === rank - 1) || (body.kind === 'move' && body.attrs.function === 'combine');
}

/** Whether a constant is one vector for all positions. */
function isRow(shape: readonly number[]): boolean {
  return shape.length <= 1;
}

function reshapedDraft(draft: Draft, rank: number): Draft {
  if (draft.body.kind === 'matMul' || draft.body.kind === 'move') return { ...draft, axis: rank - 1 };
  return { ...draft, inputs: draft.inputs.map((input) => ({ ...input, axes: sameAxes(rank) })) };
}

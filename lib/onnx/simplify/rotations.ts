// Rotations: rotary embeddings that exporters write as arithmetic on halves become one step on the vectors of a head.
//   x * cos + concat(-x[half..], x[..half]) * sin

import type { Draft } from '../draft.ts';
import { rotaryInputs, rotaryStep } from '../operators/rotary.ts';
import { isStep, type Network, type StepDraft, scalarOf } from './network.ts';

export function withRotations(network: Network): Draft[] {
  return network.drafts.map((draft) => recognised(draft, network) ?? draft);
}

function recognised(draft: Draft, network: Network): Draft | undefined {
  if (!isStep(draft) || draft.body.function !== 'add' || draft.body.operands.length !== 2) return undefined;
  const [a = '', b = ''] = draft.body.operands;
  for (const [plain, turned] of [
    [a, b],
    [b, a],
  ]) {
    for (const [rotated, sine] of factors(turned ?? '', network)) {
      const x = rotatedHalf(rotated, network);
      const cosine = x === undefined ? undefined : factors(plain ?? '', network).find(([value]) => value === x)?.[1];
      const [value, cos, sin] = [x ?? '', cosine ?? '', sine].map((id) => network.values.get(id));
      if (value === undefined || cos === undefined || sin === undefined) continue;
      if (value.shape.join() !== network.values.get(draft.output)?.shape.join()) continue;
      const step = rotaryStep({ heads: 1, features: 0, interleaved: false });
      return {
        ...draft,
        body: { kind: 'step', ...step, operands: [value, cos, sin].map(({ id }) => id) },
        inputs: rotaryInputs(value, [cos, sin]),
      };
    }
  }
  return undefined;
}

/** Both orders of the operands of a product that nobody else reads. */
function factors(value: string, { producer, uses }: Network): [string, string][] {
  const product = producer.get(value);
  if (!isStep(product) || product.body.function !== 'mul' || product.body.operands.length !== 2 || uses.get(value) !== 1) return [];
  const [a = '', b = ''] = product.body.operands;
  return [
    [a, b],
    [b, a],
  ];
}

/** x where `value` is its second half, negated, before its first. */
function rotatedHalf(value: string, network: Network): string | undefined {
  const joined = network.producer.get(value);
  if (joined?.body.kind !== 'move' || joined.body.attrs.function !== 'concat' || joined.inputs.length !== 2) return undefined;
  const [second, first] = joined.inputs.map((input) => network.producer.get(input.value));
  const negated = negationOf(second, network);
  const [upper, lower] = [sliceOf(negated, network), sliceOf(first, network)];
  const x = upper?.of;
  if (upper === undefined || lower === undefined || x === undefined || lower.of !== x) return undefined;
  const shape = network.values.get(x)?.shape ?? [];
  const axis = shape.length - 1;
  const half = (shape[axis] ?? 0) / 2;
  const isLast = joined.body.attrs.parameters.axis?.[0] === axis;
  return isLast && upper.starts.join() === shape.map((_, i) => (i === axis ? half : 0)).join() && lower.starts.every((start) => start === 0)
    ? x
    : undefined;
}

function negationOf(draft: Draft | undefined, network: Network): Draft | undefined {
  if (!isStep(draft)) return undefined;
  const byMinusOne = draft.body.function === 'mul' && draft.body.operands.some((operand) => scalarOf(network, operand) === -1);
  return draft.body.function === 'neg' || byMinusOne ? network.producer.get((draft as StepDraft).inputs[0]?.value ?? '') : undefined;
}

function sliceOf(draft: Draft | undefined, { values }: Network): { of: string; starts: readonly number[] } | undefined {
  if (draft?.body.kind !== 'move' || draft.body.attrs.function !== 'slice') return undefined;
  const { starts = [], steps = [] } = draft.body.attrs.parameters;
  const of = draft.inputs[0]?.value ?? '';
  const shape = values.get(of)?.shape ?? [];
  const size = values.get(draft.output)?.shape.at(-1) ?? 0;
  return steps.every((step) => step === 1) && size * 2 === shape.at(-1) ? { of, starts } : undefined;
}

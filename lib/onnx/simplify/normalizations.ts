// Normalizations: root-mean-square and layer normalisation that exporters write as arithmetic become one operator.
//   rms    x * 1 / sqrt(mean(x^2) + epsilon)                     then * scale
//   layer  (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) then * scale, + shift
// Both over the last axis. Precision casts in between are looked through.

import type { Draft } from '../draft.ts';
import { normalizeDraft } from '../operators/normalize.ts';
import { isStep, type Network, type StepDraft, scalarOf } from './network.ts';

export function withNormalizations(network: Network): Draft[] {
  const found = new Map<string, Draft>();
  for (const draft of network.drafts) {
    const normalized = recognised(draft, network);
    if (normalized !== undefined) found.set(draft.output, normalized);
  }
  if (found.size === 0) return [...network.drafts];
  const uses = (value: string): number => network.uses.get(value) ?? 0;
  // Scale and shift behind a normalisation are its operands.
  const scaled = new Map<string, Draft>();
  for (const draft of network.drafts) {
    if (!isStep(draft)) continue;
    const [name, count] = draft.body.function === 'mul' ? ['mul', 0] : ['add', 1];
    if (draft.body.function !== name) continue;
    const from = draft.inputs.length === 1 ? uncast(draft.inputs[0]?.value ?? '', network) : '';
    const host = scaled.get(from) ?? found.get(from);
    const operand = draft.body.operands.find((value) => value !== draft.inputs[0]?.value);
    if (host?.body.kind !== 'normalize' || operand === undefined || host.body.attrs.operands.length !== count) continue;
    const { function: kind } = host.body.attrs;
    const fits = network.values.get(operand)?.shape.join() === `${network.values.get(draft.output)?.shape.at(-1)}`;
    if (!fits || uses(from) !== 1 || (name === 'add' && kind !== 'layerNorm')) continue;
    scaled.set(draft.output, {
      ...host,
      id: draft.id,
      output: draft.output,
      body: { kind: 'normalize', attrs: { ...host.body.attrs, operands: [...host.body.attrs.operands, operand] } },
    });
  }
  return network.drafts.map((draft) => scaled.get(draft.output) ?? found.get(draft.output) ?? draft);
}

/** The value a cast between floats was made of, through any number of them. */
function uncast(value: string, { producer }: Pick<Network, 'producer'>): string {
  let at = value;
  for (let draft = producer.get(at); draft?.body.kind === 'view' && draft.body.attrs.function === 'cast'; draft = producer.get(at))
    at = draft.inputs[0]?.value ?? '';
  return at;
}

/** The step of that function that makes a value, casts looked through. */
function stepOf(value: string, name: string, network: Network): StepDraft | undefined {
  const draft = network.producer.get(uncast(value, network));
  return isStep(draft) && draft.body.function === name ? draft : undefined;
}

/** What a step computes from: its only running operand, casts looked through. */
function inputOf(draft: Draft, network: Network): string {
  return uncast(draft.inputs[0]?.value ?? '', network);
}

/** Last two steps of a normalisation: x times, or divided by, a deviation. */
function recognised(draft: Draft, network: Network): Draft | undefined {
  if (!isStep(draft) || !['mul', 'div'].includes(draft.body.function) || draft.body.operands.length !== 2) return undefined;
  const [a = '', b = ''] = draft.body.operands;
  for (const [x, deviation] of draft.body.function === 'mul'
    ? [
        [a, b],
        [b, a],
      ]
    : [[a, b]]) {
    const root = draft.body.function === 'div' ? (deviation ?? '') : inverted(deviation ?? '', network);
    const found = root === undefined ? undefined : squaredMean(root, network);
    if (found === undefined) continue;
    const centred = uncast(x ?? '', network);
    if (uncast(found.of, network) !== centred) continue;
    const mean = centredOn(centred, network);
    const from = network.values.get(mean ?? centred);
    if (from === undefined || from.constant) return undefined;
    const how = { function: mean === undefined ? 'rmsNorm' : 'layerNorm', axes: [from.shape.length - 1], epsilon: found.epsilon };
    return { id: draft.id, onnxType: draft.onnxType, output: draft.output, ...normalizeDraft(from, how) } as Draft;
  }
  return undefined;
}

/** The square root that a reciprocal was taken of. */
function inverted(value: string, network: Network): string | undefined {
  const reciprocal = stepOf(value, 'reciprocal', network);
  if (reciprocal !== undefined) return inputOf(reciprocal, network);
  const quotient = stepOf(value, 'div', network) ?? stepOf(value, 'reverseDiv', network);
  const [one = '', root = ''] = quotient?.body.operands ?? [];
  return scalarOf(network, one) === 1 ? root : undefined;
}

/** sqrt(mean(of^2) + epsilon) over the last axis. */
function squaredMean(value: string, network: Network): { of: string; epsilon: number } | undefined {
  const root = stepOf(value, 'sqrt', network);
  const sum = root === undefined ? undefined : stepOf(inputOf(root, network), 'add', network);
  if (sum === undefined || sum.inputs.length !== 1) return undefined;
  const epsilon = sum.body.operands.map((operand) => scalarOf(network, operand)).find((scalar) => scalar !== undefined);
  const mean = network.producer.get(inputOf(sum, network));
  if (epsilon === undefined || mean?.body.kind !== 'reduce' || !overLastAxis(mean, network)) return undefined;
  const square = network.producer.get(inputOf(mean, network));
  if (!isStep(square)) return undefined;
  const [a = '', b = ''] = square.body.operands;
  const squared = square.body.function === 'pow' ? scalarOf(network, b) === 2 : square.body.function === 'mul' && a === b;
  return squared ? { of: a, epsilon } : undefined;
}

/** Whether a reduction is a mean over the last axis that leaves it with one element. */
function overLastAxis(draft: Draft, { values }: Network): boolean {
  if (draft.body.kind !== 'reduce' || draft.body.attrs.function !== 'mean' || !draft.body.attrs.keepDims) return false;
  const rank = values.get(draft.inputs[0]?.value ?? '')?.shape.length ?? 0;
  return draft.body.attrs.axes.join() === `${rank - 1}`;
}

/** x where `value` is x - mean(x). */
function centredOn(value: string, network: Network): string | undefined {
  const difference = stepOf(value, 'sub', network);
  const [x = '', m = ''] = difference?.body.operands ?? [];
  const mean = network.producer.get(uncast(m, network));
  if (difference === undefined || mean === undefined || !overLastAxis(mean, network)) return undefined;
  return inputOf(mean, network) === uncast(x, network) ? uncast(x, network) : undefined;
}

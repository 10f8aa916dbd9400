// Chain: operators one after another for an ONNX node that stands for many (attention, einsum, mixtures of experts).
// Each method adds one and returns the value it makes; nothing is added where nothing would be done.

import type { DraftSpec, StepBody } from '../draft.ts';
import { elementCount, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { alignedAxes, broadcastShape } from './broadcast.ts';
import { concatOf, moveOf, sameAxes, transposeDraft } from './move.ts';
import { type Normalization, normalizeDraft } from './normalize.ts';
import { type Product, productDraft, productShape } from './product.ts';
import { softmaxDraft } from './softmax.ts';

/** Where a value goes: the node's output of that number if it is read, else between operators. */
export interface Made {
  readonly name: string;
  readonly output?: number;
}

export class Chain {
  readonly drafts: DraftSpec[] = [];
  readonly #view: NodeView;

  constructor(view: NodeView) {
    this.#view = view;
  }

  /** Adds an operator. */
  add(spec: DraftSpec, shape: readonly number[], { name, output }: Made, dtype = this.#view.dtype(0)): Value {
    const named = output !== undefined && this.#view.makes(output);
    const between = this.#view.between(name, shape, dtype);
    const value = named ? { ...between, id: this.#view.node.outputs[output] ?? '' } : between;
    this.drafts.push({ ...spec, output: named ? output : value, ...(output === 0 && named ? {} : { suffix: name }) });
    return value;
  }

  /** The same elements under another shape. */
  reshape(from: Value, shape: readonly number[], made: Made): Value {
    if (from.shape.join() === shape.join() && made.output === undefined) return from;
    if (from.constant) return this.#constant(from, shape, made.name);
    return this.add(
      { body: { kind: 'view', attrs: { function: 'reshape' } }, inputs: [{ value: from.id, reach: { kind: 'contiguous' } }] },
      shape,
      made,
      from.dtype,
    );
  }

  /** Axes in another order. */
  transpose(from: Value, perm: readonly number[], made: Made): Value {
    const shape = perm.map((axis) => from.shape[axis] ?? 1);
    const draft = transposeDraft(from, perm);
    if (draft === undefined && made.output === undefined) return from;
    if (from.constant) return this.#constant(from, shape, made.name);
    return this.add(
      draft ?? {
        body: { kind: 'view', attrs: { function: 'identity' } },
        inputs: [{ value: from.id, reach: { kind: 'contiguous' }, axes: sameAxes(shape.length) }],
      },
      shape,
      made,
      from.dtype,
    );
  }

  /** Part of an axis. */
  slice(from: Value, axis: number, start: number, size: number, made: Made): Value {
    if (start === 0 && size === from.shape[axis] && made.output === undefined) return from;
    const shape = from.shape.with(axis, size);
    if (from.constant) return this.#constant(from, shape, made.name);
    const starts = from.shape.map((_, a) => (a === axis ? start : 0));
    const parameters = { starts, steps: from.shape.map(() => 1) };
    const moved = { value: from, reach: { kind: 'along', axes: [axis] }, axes: sameAxes(shape.length) } as const;
    return this.add(moveOf('slice', parameters, [moved]), shape, made, from.dtype);
  }

  /** Values joined along an axis; those without elements are left out. */
  concat(values: readonly Value[], axis: number, made: Made): Value {
    const parts = values.filter(({ shape }) => elementCount(shape) > 0);
    const [first] = parts;
    if (first === undefined) return this.#view.refuse('it joins values without elements');
    if (parts.length === 1 && made.output === undefined) return first;
    const size = parts.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
    if (parts.length === 1) return this.reshape(first, first.shape, made);
    return this.add(concatOf(parts, axis), first.shape.with(axis, size), made, first.dtype);
  }

  product(product: Product, made: Made): Value {
    return this.add(productDraft(this.#view, product), productShape(this.#view, product), made, product.left.dtype);
  }

  softmax(from: Value, made: Made): Value {
    return this.add(softmaxDraft(from, from.shape.length - 1), from.shape, made, from.dtype);
  }

  normalize(from: Value, how: Normalization, operands: readonly Value[], made: Made): Value {
    return this.add(normalizeDraft(from, how, operands), from.shape, made, from.dtype);
  }

  /** A function of each element of `from` and the operands, broadcast to one shape. */
  step(from: Value, step: Omit<StepBody, 'kind' | 'operands'>, operands: readonly Value[], made: Made): Value {
    const all = [from, ...operands];
    const shape = broadcastShape(
      this.#view,
      all.map((value) => value.shape),
    );
    const inputs = all
      .filter(({ constant }) => !constant)
      .map((value) => ({ value: value.id, reach: { kind: 'aligned' } as const, axes: alignedAxes(value.shape.length, shape.length) }));
    const body = { kind: 'step', ...step, operands: all.map(({ id }) => id) } as const;
    return this.add({ body, inputs }, shape, made, from.dtype);
  }

  activation(from: Value, name: string, parameters: readonly number[], made: Made): Value {
    return this.step(from, { class: 'activation', function: name, parameters }, [], made);
  }

  /** A commutative function of two values. */
  join(name: 'add' | 'mul', a: Value, b: Value, made: Made): Value {
    const [from, other] = a.constant ? [b, a] : [a, b];
    return this.step(from, { class: 'elementwise', function: name, parameters: [], reversed: name }, [other], made);
  }

  /** A weight in another form: nothing is computed, the form is a value of its own. */
  #constant(from: Value, shape: readonly number[], name: string): Value {
    const value = { ...from, ...this.#view.between(name, shape, from.dtype), constant: true };
    this.constants.push(value);
    return value;
  }

  readonly constants: Value[] = [];

  /** All that was added; forms of weights are told with the first. */
  get lowering(): readonly DraftSpec[] {
    const [first, ...rest] = this.drafts;
    return first === undefined ? [] : [{ ...first, values: [...(first.values ?? []), ...this.constants] }, ...rest];
  }
}

// Views: reshapes, transposes, repeats and casts in a row become at most one of each, made where they are first needed.
// Steps and rotations behind a view are taken on its source, so that they join what makes that.

import type { Draft, DraftInput } from '../draft.ts';
import { elementCount } from '../model.ts';
import { moveOf, sameAxes } from '../operators/move.ts';
import { rotaryInputs } from '../operators/rotary.ts';
import { freshName, isStep, type Network, type StepDraft, scalarOf } from './network.ts';
import { readingProduct } from './products.ts';
import { expanded, isInOrder, itself, merged, reshaped, type Strided, transposed } from './strided.ts';
import { ViewTable } from './view-table.ts';

export function withViews(network: Network): Draft[] {
  return new Rewriter(network).run();
}

class Rewriter {
  readonly #table: ViewTable;

  constructor(network: Network) {
    this.#table = new ViewTable(network);
  }

  run(): Draft[] {
    const { network, drafts } = this.#table;
    for (const draft of network.drafts) {
      const view = this.#viewOf(draft) ?? this.#partOf(draft);
      if (view === undefined) drafts.push(this.#rewritten(draft));
      else {
        this.#table.declare(draft.output, view, draft);
        if (network.outputs.has(draft.output)) this.#table.materialize(draft.output, true);
      }
    }
    return drafts;
  }

  /** What a view makes of its input; undefined for operators that are none. */
  #viewOf(draft: Draft): Strided | undefined {
    const [input] = draft.inputs;
    if (input === undefined || draft.inputs.length !== 1) return undefined;
    const from = this.#table.stridedOf(input.value);
    const shape = this.#table.value(draft.output).shape;
    const { body } = draft;
    if (body.kind === 'view') {
      if (body.attrs.function === 'bitCast') return undefined;
      if (body.attrs.function === 'transpose') return this.#turned(draft, from);
      return reshaped(from, shape);
    }
    if (body.kind !== 'move' || body.attrs.operands !== undefined) return undefined;
    if (body.attrs.function === 'transpose') return transposed(from, body.attrs.parameters.perm ?? []);
    return body.attrs.function === 'expand' ? expanded(from, shape) : undefined;
  }

  /** Part of a transposed view: taken of the source, and seen as before. Only for parts along one axis of the source. */
  #partOf(draft: Draft): Strided | undefined {
    const part = this.#cut(draft);
    const view = this.#table.views.get(draft.inputs[0]?.value ?? '');
    if (part === undefined || view === undefined || isInOrder(view)) return undefined;
    const dims = view.dims.map(merged);
    const [factor, ...more] = dims[part.axis] ?? [];
    const factors = dims.flat();
    if (factor === undefined || more.length > 0 || factors.some(({ stride }) => stride === 0)) return undefined;
    // The source with an axis for each factor, of which one is cut.
    const own = [...factors].sort((x, y) => y.stride - x.stride);
    const at = own.indexOf(factor);
    const sizes = own.map(({ size }) => size);
    const whole = this.#table.value(this.#table.reshape(view.source, sizes, draft));
    const shape = sizes.with(at, part.size);
    const made = this.#table.between(draft.output, 'part', shape);
    const parameters = { starts: own.map((_, axis) => (axis === at ? part.start : 0)), steps: own.map(() => 1) };
    this.#table.emit(
      draft,
      moveOf('slice', parameters, [{ value: whole, reach: { kind: 'along', axes: [at] }, axes: sameAxes(own.length) }]),
      made,
    );
    const left = itself(made, shape);
    const seen = dims.map((list) => list.flatMap((one) => left.dims[own.indexOf(one)] ?? []));
    return { source: made, dims: part.drops ? seen.toSpliced(part.axis, 1) : seen };
  }

  /** The range of one axis that a slice keeps, or the one index a gather takes, which drops the axis. */
  #cut(draft: Draft): { axis: number; start: number; size: number; drops: boolean } | undefined {
    const { body, inputs } = draft;
    if (body.kind !== 'move' || inputs.length !== 1) return undefined;
    const { shape: from } = this.#table.value(inputs[0]?.value ?? '');
    const { shape: to } = this.#table.value(draft.output);
    if (body.attrs.function === 'slice' && body.attrs.operands === undefined) {
      const { starts = [], steps = [] } = body.attrs.parameters;
      const axes = from.flatMap((size, axis) => (size === to[axis] ? [] : [axis]));
      const [axis] = axes;
      if (axes.length !== 1 || axis === undefined || steps.some((step) => step !== 1)) return undefined;
      return { axis, start: starts[axis] ?? 0, size: to[axis] ?? 0, drops: false };
    }
    const [index] = body.attrs.function === 'gather' ? (body.attrs.operands ?? []) : [];
    const [axis] = body.attrs.parameters.axis ?? [];
    const chosen = index === undefined || this.#table.value(index).shape.length > 0 ? undefined : scalarOf(this.#table.network, index);
    if (chosen === undefined || axis === undefined || body.attrs.parameters.operandAt?.[0] !== 1) return undefined;
    return { axis, start: chosen < 0 ? chosen + (from[axis] ?? 0) : chosen, size: 1, drops: true };
  }

  /** A transpose that moves dimensions of one element only: `axes` says where each went. */
  #turned(draft: Draft, from: Strided): Strided | undefined {
    const axes = draft.inputs[0]?.axes;
    if (axes === undefined) return reshaped(from, this.#table.value(draft.output).shape);
    const perm = from.dims.map((_, axis) => axes.indexOf(axis));
    return transposed(from, perm);
  }

  /** A draft that reads what there is. */
  #rewritten(draft: Draft): Draft {
    if (draft.body.kind === 'matMul') return readingProduct(this.#table, draft, draft.body.attrs);
    if (isStep(draft)) {
      const moved = draft.body.function === 'rotary' ? this.#rotation(draft) : this.#stepBefore(draft);
      if (moved !== undefined) return moved;
    }
    return this.#reading(draft);
  }

  #reading(draft: Draft): Draft {
    const names = new Map<string, string>();
    const inputs = draft.inputs.map((input) => {
      const name = this.#table.materialize(input.value);
      names.set(input.value, name);
      return { ...input, value: name };
    });
    return { ...draft, inputs, body: renamed(draft.body, names) };
  }

  /** A step with constants of one element is taken on the source of a view, which then is a view of the result. */
  #stepBefore(draft: StepDraft): Draft | undefined {
    const [input] = draft.inputs;
    const view = input === undefined ? undefined : this.#table.views.get(input.value);
    if (input === undefined || view === undefined || draft.inputs.length !== 1) return undefined;
    const others = draft.body.operands.filter((operand) => operand !== input.value);
    const scalars = others.every((operand) => elementCount(this.#table.value(operand).shape) === 1 && this.#table.value(operand).constant);
    const sameShape = this.#table.value(input.value).shape.join() === this.#table.value(draft.output).shape.join();
    if (!scalars || !sameShape || this.#table.network.outputs.has(draft.output)) return undefined;
    return this.#onSource(draft, view, this.#table.value(view.source).shape);
  }

  /** `draft` on the source of `view`; its output is the same view of what that makes. */
  #onSource(draft: StepDraft, view: Strided, shape: readonly number[], body = draft.body, others: readonly DraftInput[] = []): Draft {
    const made = freshName(this.#table.network, `${draft.output}.whole`);
    this.#table.network.values.set(made, { ...this.#table.value(draft.output), id: made, shape });
    this.#table.declare(draft.output, { source: made, dims: view.dims }, { ...draft, id: `${draft.id}.view` });
    const read = draft.inputs[0]?.value ?? '';
    const operands = body.operands.map((operand) => (operand === read ? view.source : operand));
    const input: DraftInput = { value: view.source, reach: { kind: 'aligned' }, axes: sameAxes(shape.length) };
    const moved = { ...draft, body: { ...body, operands }, inputs: [input, ...others], output: made };
    this.#table.moved.set(draft.output, moved);
    return moved;
  }

  /** A rotation of heads that lie side by side in the source's vectors is a step on those vectors. */
  #rotation(draft: StepDraft): Draft | undefined {
    const [x = '', ...tables] = draft.body.operands;
    const view = this.#table.views.get(x);
    const [heads = 1, features = 0, interleaved = 0] = draft.body.parameters;
    if (view === undefined || heads !== 1 || this.#table.network.outputs.has(draft.output)) return undefined;
    const { shape } = this.#table.value(view.source);
    const size = this.#table.value(x).shape.at(-1) ?? 1;
    const last = merged(view.dims.at(-1) ?? []);
    const width = shape.at(-1) ?? 1;
    const repeated = view.dims.flat().some(({ stride }) => stride === 0);
    // The vectors of a head must be whole, and lie in the source's last axis.
    if (
      repeated ||
      size === 1 ||
      last.length !== 1 ||
      last[0]?.stride !== 1 ||
      width % size !== 0 ||
      elementCount(shape) !== elementCount(this.#table.value(x).shape)
    )
      return undefined;
    // Tokens are the last axis but one of x, and here perhaps another.
    const [tokens, ...rest] = merged(view.dims.at(-2) ?? []);
    const axes = itself('', shape).dims.map(([factor]) => factor);
    const axis =
      tokens === undefined ? shape.length - 2 : axes.findIndex((one) => one?.size === tokens.size && one.stride === tokens.stride);
    if (axis < 0 || rest.length > 0) return undefined;
    const read = tables.map((table) => this.#table.value(this.#table.materialize(table)));
    const parameters = [width / size, features, interleaved, ...(axis === shape.length - 2 ? [] : [axis])];
    const body = { ...draft.body, parameters, operands: [x, ...read.map(({ id }) => id)] };
    return this.#onSource(draft, view, shape, body, rotaryInputs(this.#table.value(view.source), read).slice(1));
  }
}

/** A body whose operands are called as `names` says. */
function renamed(body: Draft['body'], names: ReadonlyMap<string, string>): Draft['body'] {
  const nameOf = (id: string): string => names.get(id) ?? id;
  if (body.kind === 'step') return { ...body, operands: body.operands.map(nameOf) };
  if (body.kind === 'matMul') return { ...body, attrs: { ...body.attrs, weight: nameOf(body.attrs.weight) } };
  if (body.kind === 'elementwise' || body.kind === 'normalize')
    return { ...body, attrs: { ...body.attrs, operands: body.attrs.operands.map(nameOf) } } as Draft['body'];
  return body;
}

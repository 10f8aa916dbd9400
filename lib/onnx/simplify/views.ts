// Views: reshapes, transposes, repeats and casts in a row become at most one of each, made where they are first needed.
// Products read their stationary operand as it lies: a transpose of its last two axes is their own, a repeated group
// (heads that share keys) is read once for all its vectors, and a scalar factor is the product's scale.

import type { OperatorAttrs } from '../../ir/graph.ts';
import type { Draft, DraftInput } from '../draft.ts';
import { elementCount, unknownElements, type Value } from '../model.ts';
import { alignedAxes } from '../operators/broadcast.ts';
import { moveOf, sameAxes, transposeDraft } from '../operators/move.ts';
import { rotaryInputs } from '../operators/rotary.ts';
import { freshName, isStep, type Network, type StepDraft, scalarOf } from './network.ts';
import {
  expanded,
  type Factor,
  isInOrder,
  itself,
  keyOf,
  merged,
  orderOf,
  reshaped,
  type Strided,
  shapeOf,
  transposed,
} from './strided.ts';

export function withViews(network: Network): Draft[] {
  return new Rewriter(network).run();
}

class Rewriter {
  readonly #network: Network;
  readonly #drafts: Draft[] = [];
  /** Values that are views, by name. */
  readonly #views = new Map<string, Strided>();
  /** Names under which views have been made, and of any one that has the same elements in the same order. */
  readonly #made = new Map<string, string>();
  readonly #ordered = new Map<string, string>();
  /** The model's names of views, and of any one that has the same elements in the same order. */
  readonly #declared = new Map<string, string>();
  readonly #named = new Map<string, string>();
  /** Steps that were taken on the source of a view: the view they would have made -> the step. */
  readonly #moved = new Map<string, StepDraft>();
  /** The node that would have made a view, for its name. */
  readonly #origin = new Map<string, Draft>();

  constructor(network: Network) {
    this.#network = network;
  }

  run(): Draft[] {
    for (const draft of this.#network.drafts) {
      const view = this.#viewOf(draft) ?? this.#partOf(draft);
      if (view === undefined) this.#drafts.push(this.#rewritten(draft));
      else {
        this.#declare(draft.output, view, draft);
        if (this.#network.outputs.has(draft.output)) this.#materialize(draft.output, true);
      }
    }
    return this.#drafts;
  }

  #declare(id: string, view: Strided, origin: Draft): void {
    this.#views.set(id, view);
    this.#origin.set(id, origin);
    const key = keyOf(view);
    if (!this.#declared.has(key)) this.#declared.set(key, id);
    const order = orderOf(view);
    if (!this.#named.has(order)) this.#named.set(order, id);
  }

  #value(id: string): Value {
    return this.#network.values.get(id) as Value;
  }

  #stridedOf(id: string): Strided {
    return this.#views.get(id) ?? itself(id, this.#value(id).shape);
  }

  /** What a view makes of its input; undefined for operators that are none. */
  #viewOf(draft: Draft): Strided | undefined {
    const [input] = draft.inputs;
    if (input === undefined || draft.inputs.length !== 1) return undefined;
    const from = this.#stridedOf(input.value);
    const shape = this.#value(draft.output).shape;
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
    const view = this.#views.get(draft.inputs[0]?.value ?? '');
    if (part === undefined || view === undefined || isInOrder(view)) return undefined;
    const dims = view.dims.map(merged);
    const [factor, ...more] = dims[part.axis] ?? [];
    const factors = dims.flat();
    if (factor === undefined || more.length > 0 || factors.some(({ stride }) => stride === 0)) return undefined;
    // The source with an axis for each factor, of which one is cut.
    const own = [...factors].sort((x, y) => y.stride - x.stride);
    const at = own.indexOf(factor);
    const sizes = own.map(({ size }) => size);
    const whole = this.#value(this.#reshape(view.source, sizes, draft));
    const shape = sizes.with(at, part.size);
    const made = this.#between(draft.output, 'part', shape);
    const parameters = { starts: own.map((_, axis) => (axis === at ? part.start : 0)), steps: own.map(() => 1) };
    this.#emit(
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
    const { shape: from } = this.#value(inputs[0]?.value ?? '');
    const { shape: to } = this.#value(draft.output);
    if (body.attrs.function === 'slice' && body.attrs.operands === undefined) {
      const { starts = [], steps = [] } = body.attrs.parameters;
      const axes = from.flatMap((size, axis) => (size === to[axis] ? [] : [axis]));
      const [axis] = axes;
      if (axes.length !== 1 || axis === undefined || steps.some((step) => step !== 1)) return undefined;
      return { axis, start: starts[axis] ?? 0, size: to[axis] ?? 0, drops: false };
    }
    const [index] = body.attrs.function === 'gather' ? (body.attrs.operands ?? []) : [];
    const [axis] = body.attrs.parameters.axis ?? [];
    const chosen = index === undefined || this.#value(index).shape.length > 0 ? undefined : scalarOf(this.#network, index);
    if (chosen === undefined || axis === undefined || body.attrs.parameters.operandAt?.[0] !== 1) return undefined;
    return { axis, start: chosen < 0 ? chosen + (from[axis] ?? 0) : chosen, size: 1, drops: true };
  }

  /** A transpose that moves dimensions of one element only: `axes` says where each went. */
  #turned(draft: Draft, from: Strided): Strided | undefined {
    const axes = draft.inputs[0]?.axes;
    if (axes === undefined) return reshaped(from, this.#value(draft.output).shape);
    const perm = from.dims.map((_, axis) => axes.indexOf(axis));
    return transposed(from, perm);
  }

  /** The name under which a value can be read. */
  #materialize(id: string, keepName = false): string {
    const view = this.#views.get(id);
    if (view === undefined) return id;
    const { shape } = this.#value(id);
    const key = keyOf(view);
    const known = this.#made.get(key);
    if (known !== undefined && !keepName) return known;
    const origin = this.#origin.get(id) as Draft;
    if (known !== undefined) return this.#emitReshape(known, id, origin);
    if (isInOrder(view) && this.#value(view.source).shape.join() === shape.join() && !keepName) return view.source;
    const order = orderOf(view);
    // An output of the network needs its own name anyway; others go by the first that has their elements in order.
    const named = keepName ? id : (this.#named.get(order) ?? id);
    const before = this.#ordered.get(order) ?? (named === id || isInOrder(view) ? undefined : this.#materialize(named));
    if (!this.#made.has(key)) this.#made.set(key, id);
    const alike = isInOrder(view) ? view.source : before;
    if (alike !== undefined) return this.#emitReshape(alike, id, origin);
    this.#ordered.set(order, id);
    return this.#rearrange(view, id, origin);
  }

  /** Emits the transpose, the repeat and the reshapes that make a view of its source. */
  #rearrange(view: Strided, id: string, origin: Draft): string {
    const shape = this.#value(id).shape;
    const own = permutation(view, this.#value(view.source).shape);
    if (own !== undefined) return this.#emitTranspose(view.source, own, id, origin);
    const plain = expanded(itself(view.source, this.#value(view.source).shape), shape);
    if (plain !== undefined && keyOf(plain) === keyOf(view)) return this.#emitExpand(view.source, id, origin);
    const factors = merged(view.dims.flat());
    const kept = factors.filter(({ stride }) => stride !== 0);
    const order = kept.map((_, i) => i).sort((a, b) => (kept[b]?.stride ?? 0) - (kept[a]?.stride ?? 0));
    const inSource = order.map((i) => kept[i]?.size ?? 1);
    const perm = kept.map((_, i) => order.indexOf(i));
    const turnedShape = kept.map(({ size }) => size);
    const repeats = kept.length < factors.length;
    const simple = shape.filter((size) => size !== 1).join() === turnedShape.join() && !repeats;
    if (simple) {
      // Dimensions of one element go along, so the transpose makes the shape that is asked for.
      const ones = shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
      const wide = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]));
      const before = this.#reshape(view.source, [...ones.map(() => 1), ...inSource], origin);
      const full = shape.map((size, axis) => (size === 1 ? ones.indexOf(axis) : ones.length + (perm[wide.indexOf(axis)] ?? 0)));
      return this.#emitTranspose(before, full, id, origin);
    }
    const before = this.#reshape(view.source, inSource, origin);
    const inOrder = perm.every((axis, i) => axis === i);
    let at = before;
    if (!inOrder) {
      const last = !repeats && turnedShape.join() === shape.join();
      at = this.#emitTranspose(before, perm, last ? id : this.#between(id, 'turned', turnedShape), origin);
      if (last) return at;
    }
    if (repeats) {
      const ones = factors.map(({ size, stride }) => (stride === 0 ? 1 : size));
      const first = ones.findIndex((size) => size !== 1);
      const apart = ones.slice(first < 0 ? ones.length : first);
      const together = factors.map(({ size }) => size);
      at = this.#reshape(at, apart, origin);
      at = this.#emitExpand(at, together.join() === shape.join() ? id : this.#between(id, 'repeated', together), origin);
    }
    return at === id ? id : this.#emitReshape(at, id, origin);
  }

  #between(id: string, name: string, shape: readonly number[]): string {
    const fresh = freshName(this.#network, `${id}.${name}`);
    this.#network.values.set(fresh, { id: fresh, dtype: this.#value(id).dtype, shape, constant: false, elements: unknownElements });
    return fresh;
  }

  /** `from` under another shape: itself, one that is there already or has a name, or a new view. */
  #reshape(from: string, shape: readonly number[], origin: Draft): string {
    if (this.#value(from).shape.join() === shape.join()) return from;
    const view = reshaped(itself(from, this.#value(from).shape), shape);
    const key = view === undefined ? '' : keyOf(view);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const named = this.#declared.get(key);
    if (named !== undefined) return this.#materialize(named);
    const made = this.#between(origin.output, 'view', shape);
    if (view !== undefined) this.#made.set(key, made);
    return this.#emitReshape(from, made, origin);
  }

  #emitReshape(from: string, to: string, origin: Draft): string {
    const same = this.#value(from).shape.join() === this.#value(to).shape.join();
    const axes = same ? { axes: sameAxes(this.#value(to).shape.length) } : {};
    const inputs: DraftInput[] = [{ value: from, reach: { kind: 'contiguous' }, ...axes }];
    return this.#emit(origin, { body: { kind: 'view', attrs: { function: same ? 'identity' : 'reshape' } }, inputs }, to);
  }

  #emitTranspose(from: string, perm: readonly number[], to: string, origin: Draft): string {
    const draft = transposeDraft(this.#value(from), perm);
    return draft === undefined ? this.#emitReshape(from, to, origin) : this.#emit(origin, draft, to);
  }

  #emitExpand(from: string, to: string, origin: Draft): string {
    const value = this.#value(from);
    const axes = alignedAxes(value.shape.length, this.#value(to).shape.length);
    return this.#emit(origin, moveOf('expand', {}, [{ value, reach: { kind: 'aligned' }, axes }]), to);
  }

  /** Adds an operator called like the node that made `to`, or like the value if that is none of the model's. */
  #emit(origin: Draft, { body, inputs }: Pick<Draft, 'body' | 'inputs'>, to: string): string {
    const id = to === origin.output ? origin.id : `${origin.id}.${to.slice(to.lastIndexOf('.') + 1)}`;
    this.#drafts.push({ id: this.#freshId(id), onnxType: origin.onnxType, body, inputs, output: to });
    return to;
  }

  readonly #ids = new Set<string>();

  #freshId(id: string): string {
    let fresh = id;
    while (this.#ids.has(fresh)) fresh += '_';
    this.#ids.add(fresh);
    return fresh;
  }

  /** A draft that reads what there is. */
  #rewritten(draft: Draft): Draft {
    if (draft.body.kind === 'matMul') return this.#product(draft, draft.body.attrs);
    if (isStep(draft)) {
      const moved = draft.body.function === 'rotary' ? this.#rotation(draft) : this.#stepBefore(draft);
      if (moved !== undefined) return moved;
    }
    return this.#reading(draft);
  }

  #reading(draft: Draft): Draft {
    const names = new Map<string, string>();
    const inputs = draft.inputs.map((input) => {
      const name = this.#materialize(input.value);
      names.set(input.value, name);
      return { ...input, value: name };
    });
    return { ...draft, inputs, body: renamed(draft.body, names) };
  }

  /** A step with constants of one element is taken on the source of a view, which then is a view of the result. */
  #stepBefore(draft: StepDraft): Draft | undefined {
    const [input] = draft.inputs;
    const view = input === undefined ? undefined : this.#views.get(input.value);
    if (input === undefined || view === undefined || draft.inputs.length !== 1) return undefined;
    const others = draft.body.operands.filter((operand) => operand !== input.value);
    const scalars = others.every((operand) => elementCount(this.#value(operand).shape) === 1 && this.#value(operand).constant);
    const sameShape = this.#value(input.value).shape.join() === this.#value(draft.output).shape.join();
    if (!scalars || !sameShape || this.#network.outputs.has(draft.output)) return undefined;
    return this.#onSource(draft, view, this.#value(view.source).shape);
  }

  /** `draft` on the source of `view`; its output is the same view of what that makes. */
  #onSource(draft: StepDraft, view: Strided, shape: readonly number[], body = draft.body, others: readonly DraftInput[] = []): Draft {
    const made = freshName(this.#network, `${draft.output}.whole`);
    this.#network.values.set(made, { ...this.#value(draft.output), id: made, shape });
    this.#declare(draft.output, { source: made, dims: view.dims }, { ...draft, id: `${draft.id}.view` });
    const read = draft.inputs[0]?.value ?? '';
    const operands = body.operands.map((operand) => (operand === read ? view.source : operand));
    const input: DraftInput = { value: view.source, reach: { kind: 'aligned' }, axes: sameAxes(shape.length) };
    const moved = { ...draft, body: { ...body, operands }, inputs: [input, ...others], output: made };
    this.#moved.set(draft.output, moved);
    return moved;
  }

  /** A rotation of heads that lie side by side in the source's vectors is a step on those vectors. */
  #rotation(draft: StepDraft): Draft | undefined {
    const [x = '', ...tables] = draft.body.operands;
    const view = this.#views.get(x);
    const [heads = 1, features = 0, interleaved = 0] = draft.body.parameters;
    if (view === undefined || heads !== 1 || this.#network.outputs.has(draft.output)) return undefined;
    const { shape } = this.#value(view.source);
    const size = this.#value(x).shape.at(-1) ?? 1;
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
      elementCount(shape) !== elementCount(this.#value(x).shape)
    )
      return undefined;
    const read = tables.map((table) => this.#value(this.#materialize(table)));
    const body = { ...draft.body, parameters: [width / size, features, interleaved], operands: [x, ...read.map(({ id }) => id)] };
    return this.#onSource(draft, view, shape, body, rotaryInputs(this.#value(view.source), read).slice(1));
  }

  #product(draft: Draft, attrs: OperatorAttrs['matMul']): Draft {
    const [streamed, stationary] = draft.inputs;
    if (streamed === undefined) return this.#reading(draft);
    let scale = attrs.scale ?? 1;
    const unscaled = (input: DraftInput): string => {
      const factor = this.#factorOf(input.value);
      if (factor === undefined) return input.value;
      scale *= factor.scale;
      return factor.of;
    };
    const rank = this.#value(streamed.value).shape.length;
    const isLast = streamed.wants === rank - 1;
    const left = this.#vectors(unscaled(streamed), isLast);
    const input: DraftInput = { ...streamed, value: left, ...(isLast ? { wants: this.#value(left).shape.length - 1 } : {}) };
    const { scale: _, ...others } = attrs;
    const told = (): { readonly scale?: number } => (scale === 1 ? {} : { scale });
    if (stationary === undefined) return { ...draft, inputs: [input], body: { kind: 'matMul', attrs: { ...others, ...told() } } };
    const { value, transposeWeight, repeats } = this.#matrix(unscaled(stationary), attrs.transposeWeight);
    const { m, n, k, groups } = attrs.matrix;
    const weight = this.#value(value);
    return {
      ...draft,
      inputs: [input, { ...stationary, value, prefers: Math.max(0, weight.shape.length - 1) }],
      body: {
        kind: 'matMul',
        attrs: { ...others, ...told(), matrix: { m: m * repeats, n, k, groups: groups / repeats }, weight: value, transposeWeight },
      },
    };
  }

  /** The value that was multiplied by a number to make `value`, which nobody else reads. */
  #factorOf(value: string): { of: string; scale: number } | undefined {
    const { producer, uses } = this.#network;
    const view = this.#views.get(value);
    const step = view === undefined ? producer.get(value) : this.#moved.get(value);
    if (!isStep(step) || step.body.function !== 'mul' || uses.get(value) !== 1) return undefined;
    const found = this.#split(step, step.inputs[0]?.value ?? '');
    if (found === undefined || view === undefined) return found;
    // The step was taken on the source: what it read there, seen as before.
    const before = { source: found.of, dims: view.dims };
    const named = this.#declared.get(keyOf(before));
    if (named !== undefined) return { of: named, scale: found.scale };
    const of = freshName(this.#network, `${value}.unscaled`);
    this.#network.values.set(of, { ...this.#value(value), id: of });
    this.#declare(of, before, { ...step, output: of });
    return { of, scale: found.scale };
  }

  #split(step: StepDraft, of: string): { of: string; scale: number } | undefined {
    if (step.inputs.length !== 1 || this.#value(of).shape.join() !== this.#value(step.output).shape.join()) return undefined;
    const other = step.body.operands.find((operand) => operand !== of);
    const scale = other === undefined ? undefined : scalarOf(this.#network, other);
    return scale === undefined ? undefined : { of, scale };
  }

  /** Vectors to be streamed: the source itself where only other dimensions than the last were regrouped. */
  #vectors(value: string, isLast: boolean): string {
    const view = this.#views.get(value);
    if (view === undefined || !isLast || !isInOrder(view)) return this.#materialize(value);
    const { shape } = this.#value(view.source);
    return shape.length > 0 && shape.at(-1) === this.#value(value).shape.at(-1) ? view.source : this.#materialize(value);
  }

  /** A stationary operand as it lies: what repeats is read once, and the last two axes may be either way round. */
  #matrix(value: string, transposeWeight: boolean): { value: string; transposeWeight: boolean; repeats: number } {
    const view = this.#views.get(value);
    if (view === undefined || view.dims.length < 2) return { value: this.#materialize(value), transposeWeight, repeats: 1 };
    const { once, repeats } = withoutRepeats(view.dims.slice(0, -2));
    const [rows = [], columns = []] = view.dims.slice(-2);
    const ways = [
      { view: { source: view.source, dims: [...once, rows, columns] }, transposeWeight },
      { view: { source: view.source, dims: [...once, columns, rows] }, transposeWeight: !transposeWeight },
    ];
    const [first] = ways as [(typeof ways)[number]];
    // Best as it lies, or as it has been laid out for somebody; else with whole vectors, which move as one.
    const way =
      ways.find((one) => isInOrder(one.view)) ??
      ways.find((one) => this.#ordered.has(orderOf(one.view))) ??
      ways.find((one) => one.view.dims.at(-1)?.at(-1)?.stride === 1) ??
      first;
    if (way === first && repeats === 1) return { value: this.#matrixOf(value), transposeWeight, repeats };
    const named = this.#declared.get(keyOf(way.view));
    if (named !== undefined) return { ...way, value: this.#matrixOf(named), repeats };
    const laid = freshName(this.#network, `${value}.laid`);
    this.#network.values.set(laid, { ...this.#value(value), id: laid, shape: shapeOf(way.view) });
    this.#declare(laid, way.view, { ...(this.#origin.get(value) as Draft), output: laid });
    return { ...way, value: this.#matrixOf(laid), repeats };
  }

  /** Matrices of a view, under the name of anything that has them one behind the other in the same order. */
  #matrixOf(value: string): string {
    const view = this.#views.get(value);
    if (view === undefined) return value;
    const known = isInOrder(view) ? view.source : (this.#ordered.get(orderOf(view)) ?? '');
    const [own, other] = [this.#value(value).shape, this.#network.values.get(known)?.shape ?? []];
    const fits = other.length >= 2 && own.slice(-2).join() === other.slice(-2).join();
    return fits ? known : this.#materialize(value);
  }
}

/** The order of the source's own axes that a view is; undefined if it is more than that. */
function permutation(view: Strided, shape: readonly number[]): number[] | undefined {
  if (view.dims.length !== shape.length) return undefined;
  const axes = itself(view.source, shape).dims.map(([factor]) => factor);
  const ones = shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  const perm = view.dims.map((factors) => {
    const [factor, ...more] = merged(factors);
    if (factor === undefined) return ones.shift() ?? -1;
    return more.length > 0 ? -1 : axes.findIndex((axis) => axis?.size === factor.size && axis.stride === factor.stride);
  });
  return perm.includes(-1) ? undefined : perm;
}

/** Groups without the innermost repeats: neighbours that share a matrix. */
function withoutRepeats(groups: Strided['dims']): { once: Factor[][]; repeats: number } {
  const once = groups.map((factors) => [...factors]);
  let repeats = 1;
  for (let axis = once.length - 1; axis >= 0; axis--) {
    const factors = once[axis] ?? [];
    for (let last = factors.at(-1); last?.stride === 0; last = factors.at(-1)) {
      repeats *= last.size;
      factors.pop();
    }
    if (factors.length > 0) break;
  }
  return { once, repeats };
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

// ViewTable: the views of a network, and the operators that make them where somebody has to read them.
// A view that has been made once is read by all that want the same elements in the same order.

import type { Draft, DraftInput } from '../draft.ts';
import { unknownElements, type Value } from '../model.ts';
import { alignedAxes } from '../operators/broadcast.ts';
import { moveOf, sameAxes, transposeDraft } from '../operators/move.ts';
import { freshName, type Network, type StepDraft } from './network.ts';
import { expanded, isInOrder, itself, keyOf, merged, orderOf, reshaped, type Strided } from './strided.ts';

export class ViewTable {
  readonly network: Network;
  /** The rewritten network so far. */
  readonly drafts: Draft[] = [];
  /** Values that are views, by name. */
  readonly views = new Map<string, Strided>();
  /** Names under which views have been made, and of any one that has the same elements in the same order. */
  readonly #made = new Map<string, string>();
  readonly #ordered = new Map<string, string>();
  /** The model's names of views, and of any one that has the same elements in the same order. */
  readonly #declared = new Map<string, string>();
  readonly #named = new Map<string, string>();
  /** The node that would have made a view, for its name. */
  readonly #origin = new Map<string, Draft>();
  /** Steps that were taken on the source of a view: the view they would have made -> the step. */
  readonly moved = new Map<string, StepDraft>();
  readonly #ids = new Set<string>();

  constructor(network: Network) {
    this.network = network;
  }

  /** Tells that `id` is a view, made by nobody so far. */
  declare(id: string, view: Strided, origin: Draft): void {
    this.views.set(id, view);
    this.#origin.set(id, origin);
    const key = keyOf(view);
    if (!this.#declared.has(key)) this.#declared.set(key, id);
    const order = orderOf(view);
    if (!this.#named.has(order)) this.#named.set(order, id);
  }

  /** A declared view like this one, by name. */
  declared(view: Strided): string | undefined {
    return this.#declared.get(keyOf(view));
  }

  /** Something that has been made of these elements in this order, whatever its shape, by name. */
  laidOut(view: Strided): string | undefined {
    return this.#ordered.get(orderOf(view));
  }

  /** A view that takes the place of `id`, under a new name. */
  declareBeside(id: string, name: string, view: Strided, shape: readonly number[]): string {
    const fresh = freshName(this.network, `${id}.${name}`);
    this.network.values.set(fresh, { ...this.value(id), id: fresh, shape });
    this.declare(fresh, view, { ...this.originOf(id), output: fresh });
    return fresh;
  }

  /** The node a view is of. */
  originOf(id: string): Draft {
    return this.#origin.get(id) ?? (this.network.producer.get(id) as Draft);
  }

  value(id: string): Value {
    return this.network.values.get(id) as Value;
  }

  stridedOf(id: string): Strided {
    return this.views.get(id) ?? itself(id, this.value(id).shape);
  }

  /** The name under which a value can be read. */
  materialize(id: string, keepName = false): string {
    const view = this.views.get(id);
    if (view === undefined) return id;
    const { shape } = this.value(id);
    const key = keyOf(view);
    const known = this.#made.get(key);
    if (known !== undefined && !keepName) return known;
    const origin = this.originOf(id);
    if (known !== undefined) return this.#emitReshape(known, id, origin);
    if (isInOrder(view) && this.value(view.source).shape.join() === shape.join() && !keepName) return view.source;
    const order = orderOf(view);
    // An output of the network needs its own name anyway; others go by the first that has their elements in order.
    const named = keepName ? id : (this.#named.get(order) ?? id);
    const before = this.#ordered.get(order) ?? (named === id || isInOrder(view) ? undefined : this.materialize(named));
    if (!this.#made.has(key)) this.#made.set(key, id);
    const alike = isInOrder(view) ? view.source : before;
    if (alike !== undefined) return this.#emitReshape(alike, id, origin);
    this.#ordered.set(order, id);
    return this.#rearrange(view, id, origin);
  }

  /** Emits the transpose, the repeat and the reshapes that make a view of its source. */
  #rearrange(view: Strided, id: string, origin: Draft): string {
    const shape = this.value(id).shape;
    const own = permutation(view, this.value(view.source).shape);
    if (own !== undefined) return this.#emitTranspose(view.source, own, id, origin);
    const plain = expanded(itself(view.source, this.value(view.source).shape), shape);
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
      const before = this.reshape(view.source, [...ones.map(() => 1), ...inSource], origin);
      const full = shape.map((size, axis) => (size === 1 ? ones.indexOf(axis) : ones.length + (perm[wide.indexOf(axis)] ?? 0)));
      return this.#emitTranspose(before, full, id, origin);
    }
    const before = this.reshape(view.source, inSource, origin);
    const inOrder = perm.every((axis, i) => axis === i);
    let at = before;
    if (!inOrder) {
      const last = !repeats && turnedShape.join() === shape.join();
      at = this.#emitTranspose(before, perm, last ? id : this.between(id, 'turned', turnedShape), origin);
      if (last) return at;
    }
    if (repeats) {
      const ones = factors.map(({ size, stride }) => (stride === 0 ? 1 : size));
      const first = ones.findIndex((size) => size !== 1);
      const apart = ones.slice(first < 0 ? ones.length : first);
      const together = factors.map(({ size }) => size);
      at = this.reshape(at, apart, origin);
      at = this.#emitExpand(at, together.join() === shape.join() ? id : this.between(id, 'repeated', together), origin);
    }
    return at === id ? id : this.#emitReshape(at, id, origin);
  }

  between(id: string, name: string, shape: readonly number[]): string {
    const fresh = freshName(this.network, `${id}.${name}`);
    this.network.values.set(fresh, { id: fresh, dtype: this.value(id).dtype, shape, constant: false, elements: unknownElements });
    return fresh;
  }

  /** `from` under another shape: itself, one that is there already or has a name, or a new view. */
  reshape(from: string, shape: readonly number[], origin: Draft): string {
    if (this.value(from).shape.join() === shape.join()) return from;
    const view = reshaped(itself(from, this.value(from).shape), shape);
    const key = view === undefined ? '' : keyOf(view);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const named = this.#declared.get(key);
    if (named !== undefined) return this.materialize(named);
    const made = this.between(origin.output, 'view', shape);
    if (view !== undefined) this.#made.set(key, made);
    return this.#emitReshape(from, made, origin);
  }

  #emitReshape(from: string, to: string, origin: Draft): string {
    const same = this.value(from).shape.join() === this.value(to).shape.join();
    const axes = same ? { axes: sameAxes(this.value(to).shape.length) } : {};
    const inputs: DraftInput[] = [{ value: from, reach: { kind: 'contiguous' }, ...axes }];
    return this.emit(origin, { body: { kind: 'view', attrs: { function: same ? 'identity' : 'reshape' } }, inputs }, to);
  }

  #emitTranspose(from: string, perm: readonly number[], to: string, origin: Draft): string {
    const draft = transposeDraft(this.value(from), perm);
    return draft === undefined ? this.#emitReshape(from, to, origin) : this.emit(origin, draft, to);
  }

  #emitExpand(from: string, to: string, origin: Draft): string {
    const value = this.value(from);
    const axes = alignedAxes(value.shape.length, this.value(to).shape.length);
    return this.emit(origin, moveOf('expand', {}, [{ value, reach: { kind: 'aligned' }, axes }]), to);
  }

  /** Adds an operator called like the node that made `to`, or like the value if that is none of the model's. */
  emit(origin: Draft, { body, inputs }: Pick<Draft, 'body' | 'inputs'>, to: string): string {
    const id = to === origin.output ? origin.id : `${origin.id}.${to.slice(to.lastIndexOf('.') + 1)}`;
    this.drafts.push({ id: this.#freshId(id), onnxType: origin.onnxType, body, inputs, output: to });
    return to;
  }

  #freshId(id: string): string {
    let fresh = id;
    while (this.#ids.has(fresh)) fresh += '_';
    this.#ids.add(fresh);
    return fresh;
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

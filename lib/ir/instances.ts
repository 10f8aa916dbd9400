// Instances: are consecutive ranges of operators the same work on other tensors, so that one may be compiled for all?
// Operator k of each range must have the same kind, attributes, steps, windows and shapes. What it reads must be
//   its own      made at the same place of its range; or a weight or input of the network that takes the same part in it
//   shared       one tensor from before the first range, the same for all of them
//   carried      made at the same place of the range before; for the first range, by whatever comes before
// Nothing else may read what a range makes, except that what the last one would carry on is free to be read by all.

import type { Block, Graph, Operator, OperatorId, Tensor, TensorId } from './graph.ts';
import { operandsOf } from './graph.ts';

/** What one look at every operator tells, for comparing them. Arrays are indexed like `operators`. */
export interface Structure {
  readonly operators: readonly Operator[];
  readonly tensors: ReadonlyMap<TensorId, Tensor>;
  /** Tensor -> index of the operator that makes it. */
  readonly madeBy: ReadonlyMap<TensorId, number>;
  /** Index of the last operator that reads the output; -1 if none does. */
  readonly lastUse: Int32Array;
  /** The same number for operators that differ in nothing but which tensors they read. */
  readonly forms: Int32Array;
  /** Tensors read: activations, then operands, then what all of them are quantised by. */
  readonly reads: readonly (readonly TensorId[])[];
}

export type Range = Pick<Block, 'first' | 'length'>;
/** Tensors of one instance -> those in their place in the next: made, read, weights. */
export type Counterparts = ReadonlyMap<TensorId, TensorId>;

/** Of the graphs looked at before; nobody changes a graph. */
const KNOWN = new WeakMap<readonly Operator[], { readonly tensors: readonly Tensor[]; readonly structure: Structure }>();

export function structureOf(graph: Pick<Graph, 'operators' | 'tensors'>): Structure {
  const { operators, tensors } = graph;
  const known = KNOWN.get(operators);
  if (known?.tensors === tensors) return known.structure;
  const structure = findStructure(graph);
  KNOWN.set(operators, { tensors, structure });
  return structure;
}

function findStructure({ operators, tensors: list }: Pick<Graph, 'operators' | 'tensors'>): Structure {
  const tensors = new Map(list.map((tensor) => [tensor.id, tensor]));
  const madeBy = new Map<TensorId, number>();
  const lastUse = new Int32Array(operators.length).fill(-1);
  const forms = new Int32Array(operators.length);
  const reads: TensorId[][] = [];
  const seen = new Map<string, number>();
  const tensorForms = new Map<TensorId, string>();
  const tensorForm = (id: TensorId): string => {
    const known = tensorForms.get(id) ?? formOfTensor(tensors.get(id));
    tensorForms.set(id, known);
    return known;
  };
  for (const [i, operator] of operators.entries()) {
    const named = [...operator.inputs.map(({ tensor }) => tensor), ...operandsOf(operator)];
    const read = [...named, ...[...named, operator.output].flatMap((id) => quantizersOf(tensors.get(id)))];
    const form = `${formOf(operator)};${[...read, operator.output].map(tensorForm).join(';')}`;
    forms[i] = seen.get(form) ?? seen.size;
    if (forms[i] === seen.size) seen.set(form, seen.size);
    for (const id of read) {
      const maker = madeBy.get(id);
      if (maker !== undefined) lastUse[maker] = i;
    }
    reads.push(read);
    madeBy.set(operator.output, i);
  }
  return { operators, tensors, madeBy, lastUse, forms, reads };
}

/** Scale and zero point of a tensor. */
function quantizersOf(tensor: Tensor | undefined): TensorId[] {
  const { scale, zeroPoint } = tensor?.quantization ?? {};
  return [scale, zeroPoint].filter((id) => id !== undefined);
}

/** All that tells operators apart, but for names; which ONNX operator they were makes no difference. */
function formOf({ kind, attrs, inputs, epilogue }: Operator): string {
  const { weight, bias, producer, operands, ...rest } = attrs as {
    weight?: TensorId;
    bias?: TensorId;
    producer?: OperatorId;
    operands?: readonly TensorId[];
  };
  const named = [weight !== undefined, bias !== undefined, producer !== undefined, operands?.length ?? 0];
  const windows = inputs.map(({ window }) => Object.values(window));
  const steps = epilogue.map((step) => [step.class, step.function, step.parameters, step.operands.length]);
  return JSON.stringify([kind, rest, named, windows, steps]);
}

function formOfTensor(tensor: Tensor | undefined): string {
  if (tensor === undefined) return '';
  const { role, dtype, shape, positions, features, axis: featureAxis, quantization } = tensor;
  const axis = quantization === undefined ? '' : `quantised ${quantization.axis}`;
  return `${role === 'weight' ? 'weight ' : ''}${dtype} ${shape.join()} ${positions} ${features} ${featureAxis ?? ''} ${axis}`;
}

/** What takes the place of each tensor of instance `instance` in the one behind it; undefined if the two are not alike. */
export function counterparts(structure: Structure, range: Range, instance: number): Counterparts | undefined {
  const { operators, forms, reads } = structure;
  const { first, length } = range;
  const from = first + instance * length;
  if (from + 2 * length > operators.length) return undefined;
  const forward = new Map<TensorId, TensorId>();
  const backward = new Map<TensorId, TensorId>();
  const join = (a: TensorId, b: TensorId): boolean => {
    if ((forward.get(a) ?? b) !== b || (backward.get(b) ?? a) !== a) return false;
    forward.set(a, b);
    backward.set(b, a);
    return true;
  };
  for (let i = from; i < from + length; i++) {
    if (forms[i] !== forms[i + length]) return undefined;
    const others = reads[i + length] ?? [];
    for (const [place, a] of (reads[i] ?? []).entries()) {
      const b = others[place] ?? '';
      if (!mayCorrespond(structure, range, instance, a, b) || !join(a, b)) return undefined;
    }
    if (!join(operators[i]?.output ?? '', operators[i + length]?.output ?? '')) return undefined;
  }
  return forward;
}

/** Whether an operator may read `a` in one instance and `b` in the next. */
function mayCorrespond({ madeBy, tensors }: Structure, { first, length }: Range, instance: number, a: TensorId, b: TensorId): boolean {
  const [i, j] = [madeBy.get(a), madeBy.get(b)];
  if (a === b) return i === undefined || i < first;
  if (i !== undefined && i >= first) return j === i + length;
  if (j === undefined) return i === undefined && tensors.get(a)?.role === tensors.get(b)?.role;
  return instance === 0 && j >= first && j < first + length;
}

export interface Instances {
  readonly count: number;
  readonly carried: Block['carried'];
}

/** How many interchangeable instances follow one another from `first` on, at least 1 and at most `most`. Takes what it compares off `budget`. */
export function countInstances(structure: Structure, range: Range, most: number, budget: { left: number }): Instances {
  const { madeBy } = structure;
  const { first, length } = range;
  let carried: Block['carried'] = [];
  let places = new Set<number>();
  let count = 1;
  while (count < most && budget.left > 0) {
    budget.left -= length;
    const pair = counterparts(structure, range, count - 1);
    if (pair === undefined) break;
    if (count === 1) {
      const place = (id: TensorId): number => (madeBy.get(id) ?? -1) - first;
      const entering = [...pair].filter(([a, b]) => place(a) < 0 && place(b) >= 0);
      carried = entering.map(([initial, next]) => ({ initial, next }));
      places = new Set(entering.map(([, b]) => place(b)));
    }
    if (!usedWithin(structure, range, places, count - 1, false) || !usedWithin(structure, range, places, count, true)) break;
    const changed = changedRoles(structure, range, count);
    if (changed.some((place) => !places.has(place))) break;
    count++;
    // Only the last instance may carry on what is also an output of the network.
    if (changed.length > 0) break;
  }
  return { count, carried };
}

/** Whether an instance's outputs are read by itself only or, if they are carried, by the next one; the last one's by anybody. */
function usedWithin(
  { lastUse }: Structure,
  { first, length }: Range,
  carried: ReadonlySet<number>,
  instance: number,
  isLast: boolean,
): boolean {
  const from = first + instance * length;
  for (let place = 0; place < length; place++) {
    if (carried.has(place) && isLast) continue;
    if ((lastUse[from + place] ?? -1) >= from + length * (carried.has(place) ? 2 : 1)) return false;
  }
  return true;
}

/** Places whose output has another role than in the instance before: only one of the two is an output of the network. */
function changedRoles({ operators, tensors }: Structure, { first, length }: Range, instance: number): number[] {
  const role = (i: number): string | undefined => tensors.get(operators[i]?.output ?? '')?.role;
  const from = first + instance * length;
  return Array.from({ length }, (_, place) => place).filter((place) => role(from + place) !== role(from + place - length));
}

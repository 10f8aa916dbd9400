// Values of a model's constants, whatever their size: stored ones by a reader, the others from the nodes that make them,
// by the same rules that fold shape arithmetic on import. Nothing is kept between two calls.

import { fail, internal } from '../base/problem.ts';
import { elementArray, type TensorElements } from '../ir/elements.ts';
import { tensorAttribute } from './attribute.ts';
import type { Imported } from './import-onnx.ts';
import { nodeProblem, refusalProblem } from './infer.ts';
import { type OnnxNode, opsetOf, type StoredTensor, type Value } from './model.ts';
import { NodeView } from './node-view.ts';
import { readsOf, ruleOf } from './operators.ts';
import { inOrder } from './sort.ts';

export type TensorReader = (tensor: StoredTensor) => TensorElements;

/** Elements of one computed constant: folding works on numbers of 8 bytes. */
const MOST_COMPUTED = 2 ** 27;

/** The values of a constant of the model, by name. Throws `onnx-node` for one that can't be computed, and what `read` throws. */
export function constantValues({ model, values, fates }: Imported, read: TensorReader): (name: string) => TensorElements {
  const stored = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const order = inOrder(model.nodes.filter(({ id }) => fates.get(id) === 'folded'));
  if ('cycle' in order) throw internal('the import left a cycle');

  return (name) => {
    const own = stored.get(name);
    if (own !== undefined) return read(own);
    const known = new Map<string, Value>();
    const lookUp = (id: string): Value | undefined => {
      const tensor = stored.get(id);
      if (tensor !== undefined && !known.has(id)) {
        const { dtype, shape } = tensor;
        known.set(id, { id, dtype, shape, constant: true, elements: once(() => numbersOf(tensor, read)) });
      }
      return known.get(id) ?? values.get(id);
    };
    for (const node of neededFor(name, order)) {
      const budget = { left: MOST_COMPUTED, most: MOST_COMPUTED };
      for (const value of made(new NodeView(node, opsetOf(model, node), lookUp, budget), read)) known.set(value.id, value);
    }
    const { dtype, shape, elements } = known.get(name) ?? notComputed(name, order);
    const numbers = elements();
    if (numbers === undefined || dtype === 'string') return notComputed(name, order);
    return { dtype, shape, elements: elementArray(dtype, numbers) };
  };
}

/** The nodes that `name` depends on, in their order. */
function neededFor(name: string, nodes: readonly OnnxNode[]): OnnxNode[] {
  const needed = new Set([name]);
  const found = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of readsOf(node)) needed.add(input);
    return true;
  });
  return found.reverse();
}

/** The outputs of a node whose inputs are known. */
function made(view: NodeView, read: TensorReader): Value[] {
  const { node } = view;
  try {
    const tensor = node.opType === 'Constant' ? tensorAttribute(node, 'value') : undefined;
    const literal = tensor === undefined || 'reason' in tensor ? undefined : { ...tensor, name: node.outputs[0] ?? '' };
    return (ruleOf(node)?.infer(view) ?? []).map(({ dtype, shape, elements }, i) => {
      const id = node.outputs[i] ?? '';
      return { id, dtype, shape, constant: true, elements: literal === undefined ? () => elements : once(() => numbersOf(literal, read)) };
    });
  } catch (error) {
    return fail(refusalProblem(node, error));
  }
}

/** Folding is written for plain arrays: a typed one would cut off what its type can't hold. */
function numbersOf(tensor: StoredTensor, read: TensorReader): readonly number[] {
  return Array.from(read(tensor).elements);
}

function once<T>(make: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => {
    result ??= { value: make() };
    return result.value;
  };
}

function notComputed(name: string, nodes: readonly OnnxNode[]): never {
  const node = nodes.find(({ outputs }) => outputs.includes(name));
  if (node === undefined) throw internal(`nothing makes constant '${name}'`);
  const reason = `makes constant '${name}', and its values are not computed: there is no rule for them, or more than ${MOST_COMPUTED}`;
  return fail(nodeProblem(node, reason, 'Fold the constants of the model first.'));
}

// Caches: which inputs and outputs of a network are its KV cache. Graph -> what each attention keeps of earlier tokens.
// An attention is a product whose vectors come from a softmax of another product's: the first one's right operand holds
// the keys, the second one's the values. What that operand is made of, if an input of the network is part of it or an
// output holds it, is cached.

import type { Cache, Graph, MatrixOperator, Operator, TensorId } from './graph.ts';
import { tensorsOf } from './graph.ts';

type Product = MatrixOperator & { readonly kind: 'matMul' };

/** Moves that put new entries beside or into old ones. */
const JOINING = new Set(['concat', 'tensorScatter', 'scatterNd', 'scatterElements']);
/** Moves behind which entries are the same, elsewhere. */
const KEEPING = new Set(['transpose', 'expand', 'tile', 'slice', 'pad', 'gather']);

/** In the order of the products that read them. */
export function findCaches(graph: Omit<Graph, 'caches'>): Cache[] {
  const tensors = tensorsOf({ ...graph, caches: [] });
  const maker = new Map(graph.operators.map((operator) => [operator.output, operator]));
  const inputs = new Set(graph.inputs);
  const outputs = new Set(graph.outputs);
  const elements = (id: TensorId): number => {
    const { positions = 0, features = 0 } = tensors.get(id) ?? {};
    return positions * features;
  };

  /** The input a right operand has its old entries from, and the output that holds it. */
  const cached = (weight: TensorId): { past?: TensorId; present?: TensorId } => {
    let present: TensorId | undefined;
    for (let id = weight; ; ) {
      if (outputs.has(id)) present ??= id;
      const operator = maker.get(id);
      const [first] = operator?.inputs ?? [];
      if (operator === undefined || first === undefined)
        return { ...(inputs.has(id) ? { past: id } : {}), ...(present ? { present } : {}) };
      if (operator.kind === 'move' && JOINING.has(operator.attrs.function)) {
        const past = operator.inputs.map(({ tensor }) => sourceOf(tensor, maker)).find((tensor) => inputs.has(tensor));
        return { ...(past === undefined ? {} : { past }), ...(present ? { present } : {}) };
      }
      if (operator.kind !== 'view' && !(operator.kind === 'move' && KEEPING.has(operator.attrs.function)))
        return present ? { present } : {};
      id = first.tensor;
    }
  };

  const found = graph.operators.flatMap((operator): Cache[] => {
    if (!isDynamic(operator)) return [];
    const scores = scoresOf(operator, maker);
    if (scores === undefined) return [];
    const { n, k } = operator.attrs.matrix;
    return (
      [
        { kind: 'key', product: scores, tokens: n },
        { kind: 'value', product: operator, tokens: n },
      ] as const
    ).flatMap(({ kind, product, tokens }) => {
      const { past, present } = cached(product.attrs.weight);
      const held = present ?? past;
      if (held === undefined || k < 1) return [];
      const place = { ...(past === undefined ? {} : { past }), ...(present === undefined ? {} : { present }) };
      return [{ kind, operator: product.id, ...place, tokens, elementsPerToken: elements(held) / tokens }];
    });
  });
  // A cache that several attentions read is one.
  const seen = new Set<string>();
  return found.filter(({ kind, past, present }) => {
    const key = JSON.stringify([kind, past, present]);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function isDynamic(operator: Operator | undefined): operator is Product {
  return operator?.kind === 'matMul' && operator.attrs.dynamic;
}

/** The product whose scores, as shares, are the vectors of this one; undefined if it isn't that of an attention. */
function scoresOf(operator: Product, maker: ReadonlyMap<TensorId, Operator>): Product | undefined {
  let softmax = false;
  for (let at = maker.get(operator.inputs[0]?.tensor ?? ''); at !== undefined; at = maker.get(at.inputs[0]?.tensor ?? '')) {
    if (softmax && isDynamic(at)) return at;
    softmax ||= at.kind === 'softmax';
    const passes =
      ['softmax', 'view', 'activation', 'elementwise'].includes(at.kind) || (at.kind === 'move' && KEEPING.has(at.attrs.function));
    if (!passes) return undefined;
  }
  return undefined;
}

/** What a tensor is a view or another order of. */
function sourceOf(tensor: TensorId, maker: ReadonlyMap<TensorId, Operator>): TensorId {
  let id = tensor;
  for (let operator = maker.get(id); operator !== undefined; operator = maker.get(id)) {
    const keeps = operator.kind === 'view' || (operator.kind === 'move' && KEEPING.has(operator.attrs.function));
    const [first] = operator.inputs;
    if (!keeps || first === undefined) break;
    id = first.tensor;
  }
  return id;
}

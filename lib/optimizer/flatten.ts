// Graph -> the list the segmentation works on: sub-operators in topological order, the vector
// operators that ride along, and what data must outlive a segment (Zhao et al. 2025, sec. 4.3.1).

import type { MatrixShape } from '../base/shapes.ts';
import { type Bytes, bytesOf, WIDE_BITS } from '../base/units.ts';
import { demandOf } from '../cost/paper.ts';
import type { Piece } from '../dataflow/manifest.ts';
import type { Hardware } from '../hardware/hardware.ts';
import type { Fold } from '../ir/fold.ts';
import { type Graph, isMatrix, type MatrixOperator, type OperatorId, type TensorId, tensorsOf } from '../ir/graph.ts';
import type { Claim } from './allocation.ts';
import { splitOperator } from './split.ts';

/** A matrix operator, or the piece of one that is scheduled as a whole. */
export interface SubOperator {
  readonly id: string;
  readonly parent: OperatorId;
  readonly piece: Piece;
  readonly shape: MatrixShape;
  readonly demand: Claim;
  /** Last sub-operator that a run-time operand depends on; it must be in an earlier segment. -1 if there is none. */
  readonly after: number;
}

/** Bytes that sub-operator `producer` (or a vector operator riding with it) leaves for `lastUse` and those before. */
export interface Flow {
  readonly tensor: TensorId;
  readonly producer: number;
  readonly lastUse: number;
  readonly bytes: Bytes;
}

export interface Flattened {
  readonly subOperators: readonly SubOperator[];
  /** Vector operators, each in the segment of sub-operator `after` (-1: before the first), in graph order. */
  readonly riders: readonly { readonly id: OperatorId; readonly after: number }[];
  readonly flows: readonly Flow[];
  /** Sub-operators first .. last that stand for `times` instances of a block: their segments are theirs alone. */
  readonly repeats: readonly { readonly first: number; readonly last: number; readonly times: number }[];
}

export interface FlattenOptions {
  /** Most arrays one copy of a piece may take, of every operator or of each. */
  readonly mostArrays: number | ((operator: MatrixOperator) => number);
  /** Most tiles one above the other in a piece of an operator that is cut: low and wide pieces read less. All that fit if absent. */
  readonly mostRows?: number | ((operator: MatrixOperator) => number);
  /** Parts of the graph that stand for all instances of a block. */
  readonly folds?: readonly Fold[];
}

export function flatten(graph: Graph, hardware: Hardware, { mostArrays, mostRows, folds = [] }: FlattenOptions): Flattened {
  const subOperators: SubOperator[] = [];
  const riders: { id: OperatorId; after: number }[] = [];
  let leads = false;
  const tensors = tensorsOf(graph);
  /** Tensor -> where its bytes are made; a view shares its source's entry. */
  const made = new Map<TensorId, { tensor: TensorId; pieces: { producer: number; share: number }[]; lastUse: number }>();

  const use = (tensor: TensorId, by: number): number => {
    const entry = made.get(tensor);
    if (entry === undefined) return -1;
    entry.lastUse = Math.max(entry.lastUse, by);
    return entry.pieces.at(-1)?.producer ?? -1;
  };

  /** First sub-operator that what comes now may ride with: nothing crosses the border of a fold. */
  let floor = 0;
  let folded = false;
  const repeats: { first: number; last: number; times: number }[] = [];

  for (const [index, operator] of graph.operators.entries()) {
    for (const { first, length, times } of folds) {
      if (index === first + length) repeats.push({ first: floor, last: subOperators.length - 1, times });
      if (index !== first && index !== first + length) continue;
      leads ||= subOperators.length === 0 && riders.length > 0;
      floor = subOperators.length;
      folded = true;
    }
    const depends = Math.max(-1, ...operator.inputs.map(({ tensor }) => made.get(tensor)?.pieces.at(-1)?.producer ?? -1));
    if (operator.kind === 'view') {
      const source = made.get(operator.inputs[0]?.tensor ?? '');
      if (source !== undefined) made.set(operator.output, source);
      continue;
    }
    if (!isMatrix(operator)) {
      const after = folded ? Math.max(floor, depends) : depends;
      riders.push({ id: operator.id, after });
      for (const { tensor } of operator.inputs) use(tensor, Math.max(0, after));
      made.set(operator.output, { tensor: operator.output, pieces: [{ producer: after, share: 1 }], lastUse: Math.max(0, after) });
      continue;
    }
    const rows = typeof mostRows === 'function' ? mostRows(operator) : mostRows;
    const cut = splitOperator(operator, hardware, typeof mostArrays === 'number' ? mostArrays : mostArrays(operator), rows);
    const first = subOperators.length;
    const maker =
      operator.kind === 'matMul' && operator.attrs.dynamic ? made.get(operator.attrs.weight)?.pieces.at(-1)?.producer : undefined;
    leads ||= maker === -1;
    for (const [i, { piece, shape }] of cut.entries()) {
      subOperators.push({
        id: cut.length === 1 ? operator.id : `${operator.id}#${i}`,
        parent: operator.id,
        piece,
        shape,
        demand: { ...demandOf(shape, hardware), mostCopies: shape.m },
        after: Math.max(maker ?? -1, floor - 1),
      });
    }
    const features = operator.attrs.matrix.k * operator.attrs.matrix.groups;
    const last = subOperators.length - 1;
    for (const { tensor } of operator.inputs) use(tensor, last);
    const pieces = cut.map(({ piece }, i) => ({
      producer: first + i,
      share: piece.inner.to === operator.attrs.matrix.n ? (piece.outputs.to - piece.outputs.from) / features : 0,
    }));
    made.set(operator.output, { tensor: operator.output, pieces, lastUse: last });
  }

  const flows: Flow[] = [];
  for (const entry of new Set(made.values())) {
    const tensor = tensors.get(entry.tensor);
    if (tensor === undefined) continue;
    const elements = tensor.positions * tensor.features;
    for (const { producer, share } of entry.pieces) {
      const from = Math.max(0, producer);
      if (share === 0 || entry.lastUse <= from) continue;
      const bytes = bytesOf(elements * share, hardware.precision.activationBits);
      flows.push({ tensor: tensor.id, producer: from, lastUse: entry.lastUse, bytes });
    }
  }
  for (const [i, { id, shape, parent, piece }] of subOperators.entries()) {
    const next = subOperators[i + 1];
    if (next?.parent === parent && next.piece.inner.from > piece.inner.from) {
      flows.push({
        tensor: `${id}.partial`,
        producer: i,
        lastUse: i + 1,
        bytes: bytesOf(shape.m * shape.k * shape.groups, WIDE_BITS),
      });
    }
  }
  // What needs no product rides with the first one, unless a product has to wait until it is done.
  return { subOperators, riders: leads ? riders : riders.map(({ id, after }) => ({ id, after: Math.max(0, after) })), flows, repeats };
}

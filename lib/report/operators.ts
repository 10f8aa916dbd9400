// Operators: a graph's matrix operators as rows of a table, and as a danfojs DataFrame.

import type { DataFrame } from 'danfojs';
import { type Graph, isMatrix, type MatrixOperator, type Tensor, tensorsOf } from '../ir/graph.ts';
import { loadDanfo } from './table.ts';

/** A row's keys are the titles of its columns. */
export type OperatorRow = {
  readonly id: string;
  readonly kind: string;
  /** Vectors, inner size and outputs of the product, for each of `groups`. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly groups: number;
  readonly MACs: number;
  /** KB of 1,024 bytes. */
  readonly 'weight KB': number;
  /** MACs per input element, the intensity of Zhao et al. 2025, Eq. (10): equals k. */
  readonly inputReuse: number;
  /** 2 * MACs / (inputs + weights + outputs, in elements), the intensity of its Fig. 5 and 6. */
  readonly flopsPerMop: number;
};

/** One row a matrix operator, in order. `weightBits`: bits of a stored weight, 8 unless given. */
export function operatorRows(graph: Graph, weightBits = 8): readonly OperatorRow[] {
  const tensors = tensorsOf(graph);
  return graph.operators.filter(isMatrix).map((operator) => {
    const { m, n, k, groups } = operator.attrs.matrix;
    const macs = m * n * k * groups;
    const weights = n * k * groups;
    const elements = elementsOf(tensors.get(streamedInput(operator))) + weights + elementsOf(tensors.get(operator.output));
    return {
      id: operator.id,
      kind: operator.kind,
      m,
      n,
      k,
      groups,
      MACs: macs,
      'weight KB': Math.ceil((weights * weightBits) / 8) / 1024,
      inputReuse: k,
      flopsPerMop: (2 * macs) / elements,
    };
  });
}

/** The operand that streams through the arrays: the first input that is not the stationary one. */
function streamedInput({ inputs, attrs }: MatrixOperator): string {
  const streamed = inputs.find((input) => input.tensor !== attrs.weight) ?? inputs[0];
  return streamed?.tensor ?? '';
}

function elementsOf(tensor: Tensor | undefined): number {
  return tensor === undefined ? 0 : tensor.positions * tensor.features;
}

/** A danfojs DataFrame of the matrix operators: id, kind, m, n, k, groups, MACs, weight KB, inputReuse, flopsPerMop. */
export async function operatorFrame(graph: Graph, weightBits = 8): Promise<DataFrame> {
  const danfo = await loadDanfo();
  return new danfo.DataFrame(operatorRows(graph, weightBits).map((row) => ({ ...row })));
}

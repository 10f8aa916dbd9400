// Operators: a graph's matrix operators as rows of a table, and as a danfojs DataFrame.

import type { DataFrame } from 'danfojs';
import type { Graph } from '../ir/graph.ts';
import { inspect } from '../ir/inspect.ts';
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
  return inspect(graph, { weightBits, activationBits: 8 }).operators.flatMap(
    ({ id, kind, m, n, k, groups, macs, weightBytes, inputReuse, flopsPerMop }) =>
      m === null || n === null || k === null || groups === null || inputReuse === null || flopsPerMop === null
        ? []
        : [{ id, kind, m, n, k, groups, MACs: macs, 'weight KB': weightBytes / 1024, inputReuse, flopsPerMop }],
  );
}

/** A danfojs DataFrame of the matrix operators: id, kind, m, n, k, groups, MACs, weight KB, inputReuse, flopsPerMop. */
export async function operatorFrame(graph: Graph, weightBits = 8): Promise<DataFrame> {
  const danfo = await loadDanfo();
  return new danfo.DataFrame(operatorRows(graph, weightBits).map((row) => ({ ...row })));
}

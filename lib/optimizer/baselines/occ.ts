// OCC (Siemieniuk et al., TCAD 2021) as a scheduling policy: one operator at a time, as a GEMM (convolutions by
// im2col), in tiles of array size. Its loops are interchanged so that a written tile serves all of its input
// rows, and its reduction loop is unrolled over parallel arrays: a segment is one column of tiles.
// Deviations: a column taller than the chip is cut along the reduction with its partial sums kept right behind
// each other (OCC finishes a block of the reduction for all columns first: the same writes, more traffic);
// groups of a grouped convolution share a tile. Vector operators run with the operator before them.

import { tileGrid } from '../../hardware/tile.ts';
import type { MatrixOperator } from '../../ir/graph.ts';
import { flatten } from '../flatten.ts';
import type { Optimizer } from '../optimizer.ts';
import { allCompute } from './pipeline.ts';

/**
 * as-published: only the reduction is unrolled. same-cost: columns are unrolled as well, as far as the chip goes:
 * Eq. (2) charges the same writes either way, and fewer passes over the input always take less by Eq. (10).
 */
export const occ: Optimizer = {
  name: 'occ',
  segment: ({ graph, folds, hardware, form, mostArrays = hardware.arrays }) => {
    const most = Math.min(hardware.arrays, mostArrays);
    const column = ({ attrs }: MatrixOperator): number => Math.min(most, tileGrid(attrs.matrix, hardware).rowTiles);
    const flat = flatten(graph, hardware, { mostArrays: form === 'same-cost' ? most : column, folds });
    const drafts = flat.subOperators.map((operator, first) => allCompute({ first, operators: [operator] }, [1], hardware));
    return { flat, drafts, frozenMemory: 0 };
  },
};

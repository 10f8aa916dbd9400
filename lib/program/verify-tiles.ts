// Verifier: right operands that are written into the very tiles that compute on them.

import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import type { Findings } from './findings.ts';
import { union } from './geometry.ts';
import type { ManifestTensor, OperandTiles, Region } from './program.ts';
import type { State, Weights } from './verify-state.ts';

/** A right operand lies in its tiles whole. */
export function checkTiles(place: OperandTiles, region: Region, tensor: ManifestTensor, hardware: Hardware, findings: Findings): void {
  const where = `region ${region.id}`;
  const { by, n, k, groups, copies, arrays } = place;
  const size = tensor.positions * tensor.features;
  const width = by === 'columns' ? n : k;
  if (n * k * groups !== size || size === 0 || tensor.features % width !== 0) {
    findings.add(
      'shape',
      where,
      `is ${groups} matrices of ${n} x ${k}, by ${by}; '${tensor.id}' has ${tensor.positions} positions of ${tensor.features} features`,
      'Make n * k * groups equal positions * features, and a position whole columns (n) or rows (k).',
    );
    return;
  }
  if (region.features.to - region.features.from < tensor.features || region.window < tensor.positions)
    findings.add('shape', where, `holds a part of '${tensor.id}' as tiles`, 'Give all features and positions, or another place.');
  const { tiles } = tileGrid({ n, k, groups }, hardware);
  if (copies < 1 || copies * tiles !== arrays.length)
    findings.add('shape', where, `lists ${arrays.length} arrays for ${copies} copies of ${tiles} tiles`, `List ${copies * tiles}.`);
}

/** Data that is complete in its tiles is the weights of the product that takes it as its right operand. */
export function operandWeights({ id, features, place }: Region, tensor: ManifestTensor, { index, data }: State): Weights | undefined {
  if (place.kind !== 'tiles') return undefined;
  const written = union(data.get(id)?.features ?? []);
  if (!written.some(({ from, to }) => from <= features.from && features.to <= to)) return undefined;
  const { n, k, groups, arrays } = place;
  for (const { id: operator, matrix, inputs } of index.operators.values()) {
    if (matrix?.n !== n || matrix.k !== k || matrix.groups !== groups) continue;
    if (!inputs.some(({ use, tensor: input }) => use === 'stationary' && input === tensor.id)) continue;
    return { operator, outputs: { from: 0, to: k * groups }, inner: { from: 0, to: n }, arrays, region: id };
  }
  return undefined;
}

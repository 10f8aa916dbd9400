// A plan for a graph that differs from the one it was made for in the sizes of its run-time operands only: a language model with
// fewer tokens in its cache. Weights stay exactly where they are. Plan + graph -> Plan.

import { lowerBound } from '../cost/bound.ts';
import { workOf } from '../cost/machine/work.ts';
import { manifestOf } from '../dataflow/manifest.ts';
import { tensorBytes } from '../dataflow/steps.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { tileGrid } from '../hardware/tile.ts';
import type { Graph } from '../ir/graph.ts';
import { type Flattened, flatten } from './flatten.ts';
import { totalCycles } from './folding.ts';
import { priceOnMachine } from './joint/price.ts';
import type { OperatorPlan, Plan, SegmentPlan } from './plan.ts';

/**
 * The plan with each piece on the first of its arrays, in the machine's figures; undefined if the graph is cut into other pieces or
 * needs more. `again`: its bound is that of a run after another.
 */
export function carryOver(plan: Plan, graph: Graph, hardware: Hardware, again = false): Plan | undefined {
  const fitted = refit(plan, graph, hardware);
  if (fitted === undefined) return undefined;
  const priced = priceOnMachine(workOf(graph, fitted.flat, hardware), fitted.plan.segments, hardware);
  const { againCycles: _again, ...rest } = fitted.plan;
  return {
    ...rest,
    figures: 'machine',
    segments: priced.segments,
    analyticCycles: totalCycles(priced.segments, []),
    analyticPicojoules: priced.cost.energy,
    lowerBoundCycles: lowerBound(graph, hardware, again).cycles,
  };
}

/** The same, good enough for a program: figures are still those of the plan's own graph. */
export function refit(plan: Plan, graph: Graph, hardware: Hardware): { readonly plan: Plan; readonly flat: Flattened } | undefined {
  if (plan.repeats.length > 0) return undefined;
  const operators = plan.segments.flatMap((segment) => segment.operators);
  const sizes = new Map<string, { arrays: number; rows: number }>();
  for (const { parent, tiles, ...shape } of operators) {
    const { arrays = 0, rows = 0 } = sizes.get(parent) ?? {};
    sizes.set(parent, { arrays: Math.max(arrays, tiles), rows: Math.max(rows, tileGrid(shape, hardware).rowTiles) });
  }
  const flat = flatten(graph, hardware, {
    mostArrays: ({ id }) => sizes.get(id)?.arrays ?? hardware.arrays,
    mostRows: ({ id }) => sizes.get(id)?.rows ?? hardware.arrays,
  });
  const subs = new Map(flat.subOperators.map((sub) => [sub.id, sub]));
  if (flat.subOperators.length !== operators.length || !operators.every(({ id }) => subs.has(id))) return undefined;
  const manifest = manifestOf(graph, flat.subOperators, plan.precision);
  const bytes = new Map(manifest.tensors.map((tensor) => [tensor.id, tensorBytes(tensor, { from: 0, to: tensor.features })]));
  const fits = operators.every(({ id, tiles }) => (subs.get(id)?.demand.tiles ?? 0) <= tiles);
  if (!fits) return undefined;
  const resized = (operator: OperatorPlan): OperatorPlan => {
    const { piece, shape, demand } = subs.get(operator.id)!;
    const { tiles } = demand;
    const copies = Math.min(operator.copies, shape.m);
    return { ...operator, ...shape, piece, tiles, copies, compute: operator.compute.slice(0, copies * tiles) };
  };
  const segments = plan.segments.map(
    (segment): SegmentPlan => ({
      ...segment,
      operators: segment.operators.map(resized),
      kept: segment.kept.flatMap((kept) => {
        const most = bytes.get(kept.tensor);
        return most === undefined ? [] : [{ ...kept, bytes: Math.min(kept.bytes, most) }];
      }),
    }),
  );
  return { plan: { ...plan, model: { name: graph.name, hash: graph.hash }, segments }, flat };
}

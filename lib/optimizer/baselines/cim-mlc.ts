// CIM-MLC (Qu et al., ASPLOS 2024) as a scheduling policy: greedy segments, spare arrays to convolutions by a
// knapsack, copies balanced from the head of the pipeline, all arrays computing. After its paper and its
// released code, written anew. Deviations:
// - Its core and crossbar levels are one here: a core is an array. Its word-line level is the emitter's business.
// - Mapping is the one common to all optimizers, so groups share a tile and operators larger than the chip are
//   cut; the released code maps groups as a dense matrix and lets no operator be that large.
// - Its batch is 1. A larger batch lengthens m; copies still have to divide the output height.

import type { Graph, Operator } from '../../ir/graph.ts';
import { decide, type Judging } from '../decide.ts';
import { flatten, type SubOperator } from '../flatten.ts';
import type { Drafted, Optimizer, OptimizerRequest } from '../optimizer.ts';
import { balanceCopies, type Stage } from './balance.ts';
import { type Item, knapsackCopies } from './knapsack.ts';
import { allCompute, arraysFor, type CopyRule, cheapest, fittingCopies, greedySegments, ownUnlessSameCost, priceOn } from './pipeline.ts';

/**
 * as-published: least sum of latency / copies, weight writes free. same-cost: the choice that costs least, balanced in the same way; tried are the published choice and, for each load, the fewest copies that bear it.
 */
export const cimMlc: Optimizer = {
  name: 'cim-mlc',
  objectives: ownUnlessSameCost,
  segment: (request) => (request.form === 'same-cost' ? decide(request, (judging) => draft(request, judging)) : draft(request)),
};

function draft({ graph, folds, hardware, mostArrays = hardware.arrays }: OptimizerRequest, judging?: Judging): Drafted {
  const arrays = arraysFor(hardware, judging);
  const flat = flatten(graph, hardware, { mostArrays: Math.min(arrays, mostArrays), folds });
  const policy = policyFor(graph);
  const price = judging && priceOn(flat, judging, hardware);
  const drafts = greedySegments(flat, arrays).map((members) => {
    const { operators } = members;
    const stages = operators.map((operator, i) => policy.stage(operator, operators[0], operators[i - 1]));
    const items = operators.map((operator) => policy.item(operator));
    const published = balanceCopies(stages, knapsackCopies(items, arrays));
    if (price === undefined) return allCompute(members, published, hardware);
    const fewest: CopyRule = (load) => items.map((item, i) => copiesFor(item, operators[i]?.shape.m ?? 1, load));
    const others = fittingCopies(operators, fewest, arrays).map((copies) => balanceCopies(stages, copies));
    return allCompute(members, cheapest(members, [...others, published], price), hardware);
  });
  return { flat, drafts, frozenMemory: 0 };
}

/** The fewest copies that leave each with at most `load` of `positions`, or as many as it may have. */
function copiesFor({ allowed }: Item, positions: number, load: number): number {
  return allowed.find((copies) => positions / copies <= load) ?? allowed.at(-1) ?? 1;
}

/** What the policy reads off the graph: output heights for copies, strides for balancing. */
function policyFor(graph: Graph) {
  const position = new Map(graph.operators.map(({ id }, i) => [id, i]));
  const operatorOf = ({ parent }: SubOperator): Operator | undefined => graph.operators[position.get(parent) ?? -1];
  return {
    /** Its copies divide a convolution's output height; a matrix product has one. */
    item: (operator: SubOperator): Item => {
      const { tiles, computeCycles } = operator.demand;
      const source = operatorOf(operator);
      const allowed = source?.kind === 'conv' ? divisorsOf(source.inputs[0]?.window.rowsOut ?? 1) : [1];
      return { arrays: tiles, latency: computeCycles, allowed };
    },
    stage: (operator: SubOperator, head: SubOperator | undefined, before: SubOperator | undefined): Stage => {
      const from = position.get(head?.parent ?? '') ?? 0;
      const to = position.get(operator.parent) ?? from;
      return {
        convolution: operatorOf(operator)?.kind === 'conv',
        stride: before?.parent === operator.parent ? 1 : strideOf(operatorOf(operator)),
        scale: graph.operators.slice(from + 1, to + 1).reduce((product, between) => product * strideOf(between), 1),
      };
    },
  };
}

function strideOf(operator: Operator | undefined): number {
  return operator?.kind === 'conv' || operator?.kind === 'pool' ? (operator.attrs.strides[0] ?? 1) : 1;
}

function divisorsOf(value: number): readonly number[] {
  return Array.from({ length: value }, (_, i) => i + 1).filter((divisor) => value % divisor === 0);
}

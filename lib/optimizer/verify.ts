// Every broken invariant of a plan: Plan (+ the Graph it is for) -> Problems.

import type { Problem } from '../base/problem.ts';
import { foldGraph } from '../ir/fold.ts';
import { type Graph, isMatrix, type OperatorId, type TensorId } from '../ir/graph.ts';
import type { ArrayId, OperatorPlan, Plan, SegmentPlan } from './plan.ts';

export function verifyPlan(plan: Plan, graph: Graph): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (where: string, reason: string): void => {
    problems.push({ kind: 'plan', where, reason, next: 'This plan was not made by schedule, or was changed afterwards.' });
  };
  if (plan.model.hash !== graph.hash) add('model', `is for model ${plan.model.hash.slice(0, 12)}, the graph is ${graph.hash.slice(0, 12)}`);
  const feeds = feedingIn(graph);
  for (const segment of plan.segments) {
    checkSegment(segment, plan.hardware.arrays, (reason) => add(`segment ${segment.id}`, reason));
    checkSharing(segment, feeds, (reason) => add(`segment ${segment.id}`, reason));
  }
  for (const { id, kept } of plan.segments) {
    for (const { tensor, place } of kept)
      if (place.kind === 'operand') checkOperand(plan, id, place.operator, (reason) => add(`operand ${tensor}`, reason));
  }
  const folded = foldGraph(
    graph,
    plan.repeats.map(({ block }) => block),
  );
  checkComplete(plan, folded.graph, add);
  return problems;
}

function checkSegment(segment: SegmentPlan, arrays: number, add: (reason: string) => void): void {
  const memoryMode = new Set(segment.memoryMode);
  const role = new Map<ArrayId, string>();
  const take = (list: readonly ArrayId[], what: string, shared: ReadonlySet<ArrayId> = new Set()): void => {
    for (const array of list) {
      const other = role.get(array);
      if (array < 0 || array >= arrays) add(`${what} uses array ${array} of ${arrays}`);
      if (other !== undefined && !shared.has(array)) add(`array ${array} is both ${other} and ${what}`);
      role.set(array, what);
    }
  };
  for (const operator of segment.operators) {
    take(operator.compute, `compute of ${operator.id}`);
    take(operator.memoryOut, `output memory of ${operator.id}`);
    const needed = operator.copies * operator.tiles;
    if (operator.copies < 1 || Math.abs(needed - operator.compute.length) > 1e-9) {
      add(`${operator.id} has ${operator.compute.length} compute arrays for ${operator.copies} copies of ${operator.tiles} tiles`);
    }
    const computing = operator.compute.find((array) => memoryMode.has(array));
    if (computing !== undefined) add(`array ${computing} computes for ${operator.id} in memory mode`);
  }
  for (const operator of segment.operators) {
    take(operator.memoryIn, `input memory of ${operator.id}`, new Set(operator.sharedIn));
    const storing = [...operator.memoryIn, ...operator.memoryOut].find((array) => !memoryMode.has(array));
    if (storing !== undefined) add(`array ${storing} is memory of ${operator.id} in compute mode`);
  }
  for (const { operator, arrays: staging } of segment.staged) take(staging, `staged for ${operator}`);
  if (role.size > arrays) add(`uses ${role.size} arrays; the chip has ${arrays}`);
  const { writeBack, switch: switching, rewrite } = segment.interCycles;
  for (const cycles of [segment.intraCycles, writeBack, switching, rewrite]) {
    if (!Number.isFinite(cycles) || cycles < 0) add(`has a latency of ${cycles} cycles`);
  }
}

/** An operand waits in its operator's arrays, which are memory and have no other role from the segment that makes it on. */
function checkOperand({ segments }: Plan, from: number, operator: OperatorPlan['id'], add: (reason: string) => void): void {
  const taker = segments.find(({ operators }) => operators.some(({ id }) => id === operator));
  const piece = taker?.operators.find(({ id }) => id === operator);
  if (taker === undefined || piece === undefined || taker.id <= from) {
    add(`is kept in place for ${operator}, which does not come later`);
    return;
  }
  for (const { id, memoryMode, operators, staged } of segments.slice(from, taker.id)) {
    const memory = new Set(memoryMode);
    const computing = piece.compute.find((array) => !memory.has(array));
    if (computing !== undefined) add(`waits for ${operator} in array ${computing}, which is in compute mode in segment ${id}`);
    const others = [
      ...operators.flatMap(({ memoryIn, memoryOut }) => [...memoryIn, ...memoryOut]),
      ...staged.flatMap(({ arrays }) => arrays),
    ];
    const taken = others.find((array) => piece.compute.includes(array));
    if (taken !== undefined) add(`waits for ${operator} in array ${taken}, which has another role in segment ${id}`);
  }
}

/** (6) and (7): a shared array is output memory of one operator and input memory of one other, which takes in what the first makes. */
function checkSharing({ operators }: SegmentPlan, feeds: Feeds, add: (reason: string) => void): void {
  const owners = new Map<ArrayId, OperatorPlan>();
  for (const operator of operators) for (const array of operator.memoryOut) owners.set(array, operator);
  const takers = new Map<ArrayId, string>();
  for (const operator of operators) {
    const input = new Set(operator.memoryIn);
    for (const array of operator.sharedIn) {
      const owner = owners.get(array);
      const taker = takers.get(array);
      if (!input.has(array)) add(`array ${array} is shared by ${operator.id}, but not its input memory`);
      if (owner === undefined) add(`array ${array} is shared by ${operator.id}, but is nobody's output memory`);
      else if (!feeds(owner, operator)) add(`${operator.id} shares array ${array} with ${owner.id}, which does not feed it`);
      if (taker !== undefined) add(`array ${array} is shared by ${taker} and ${operator.id}`);
      takers.set(array, operator.id);
    }
  }
}

/** Whether one piece takes in what another makes, at first hand or through vector operators. */
type Feeds = (producer: OperatorPlan, consumer: OperatorPlan) => boolean;

function feedingIn(graph: Graph): Feeds {
  const makers = new Map(graph.operators.map((operator) => [operator.output, operator]));
  const operators = new Map(graph.operators.map((operator) => [operator.id, operator]));
  const sources = new Map<OperatorId, ReadonlySet<OperatorId>>();
  const sourcesOf = (id: OperatorId): ReadonlySet<OperatorId> => {
    const known = sources.get(id);
    if (known !== undefined) return known;
    const found = new Set<OperatorId>();
    const seen = new Set<TensorId>();
    const open = (operators.get(id)?.inputs ?? []).map(({ tensor }) => tensor);
    for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
      const maker = makers.get(tensor);
      if (maker === undefined || seen.has(tensor)) continue;
      seen.add(tensor);
      if (isMatrix(maker)) found.add(maker.id);
      else open.push(...maker.inputs.map((input) => input.tensor));
    }
    sources.set(id, found);
    return found;
  };
  return (producer, consumer) =>
    producer.parent === consumer.parent
      ? producer.piece.inner.to === consumer.piece.inner.from
      : sourcesOf(consumer.parent).has(producer.parent);
}

/** Each weight of each matrix operator is used by exactly one piece; each vector operator rides once. */
function checkComplete(plan: Plan, graph: Graph, add: (where: string, reason: string) => void): void {
  const pieces = new Map<string, OperatorPlan[]>();
  for (const operator of plan.segments.flatMap((segment) => segment.operators)) {
    pieces.set(operator.parent, [...(pieces.get(operator.parent) ?? []), operator]);
  }
  const riding = new Map<string, number>();
  for (const id of plan.segments.flatMap((segment) => segment.vectorOperators)) riding.set(id, (riding.get(id) ?? 0) + 1);
  for (const operator of graph.operators) {
    if (isMatrix(operator)) {
      const { n, k, groups } = operator.attrs.matrix;
      const area = (pieces.get(operator.id) ?? []).reduce(
        (sum, { piece }) => sum + (piece.outputs.to - piece.outputs.from) * (piece.inner.to - piece.inner.from),
        0,
      );
      if (area !== n * k * groups) add(`operator ${operator.id}`, `${area} of its ${n * k * groups} weights are scheduled`);
      pieces.delete(operator.id);
    } else if (operator.kind !== 'view') {
      const times = riding.get(operator.id) ?? 0;
      if (times !== 1) add(`operator ${operator.id}`, `is scheduled ${times} times`);
      riding.delete(operator.id);
    }
  }
  for (const id of [...pieces.keys(), ...riding.keys()]) add(`operator ${id}`, 'is not in the graph');
}

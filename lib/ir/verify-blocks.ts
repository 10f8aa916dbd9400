// Verify, the blocks: ranges within the graph that do not overlap, whose instances are alike and numbered.

import { tensorsByInstance } from './blocks.ts';
import type { Block, Graph } from './graph.ts';
import { countInstances, type Structure, structureOf } from './instances.ts';
import { numberedAs } from './numbering.ts';

/** `report` is called with what is wrong with a block. */
export function verifyBlocks(graph: Graph, report: (where: string, reason: string) => void): void {
  if (graph.blocks.length === 0) return;
  const structure = structureOf(graph);
  let free = 0;
  for (const block of graph.blocks) {
    const reason =
      rangeProblem(block, free, graph.operators.length) ?? likenessProblem(structure, block) ?? numberProblem(graph, structure, block);
    if (reason !== undefined) report(`block of ${block.count} x ${block.length} operators from operator ${block.first} on`, reason);
    free = Math.max(free, block.first + block.length * block.count);
  }
}

function rangeProblem({ first, length, count, number }: Block, free: number, operators: number): string | undefined {
  if (![first, length, count, number].every((value) => Number.isSafeInteger(value) && value >= 0) || length < 1 || count < 2)
    return 'is not a range of operators that is there at least twice';
  if (first < free) return `begins before operator ${free}, up to which there is another block`;
  return first + length * count > operators ? `goes on behind the last of ${operators} operators` : undefined;
}

function likenessProblem(structure: Structure, { first, length, count, carried }: Block): string | undefined {
  const found = countInstances(structure, { first, length }, count, { left: Number.POSITIVE_INFINITY });
  if (found.count < count) return `has an instance ${found.count} that is not like the one before it`;
  const text = (list: Block['carried']): string => list.map(({ initial, next }) => `${initial} -> ${next}`).join(', ');
  return text(found.carried) === text(carried) ? undefined : `carries ${text(found.carried)}, and says ${text(carried) || 'nothing'}`;
}

function numberProblem(graph: Graph, structure: Structure, block: Block): string | undefined {
  const { first, length, count, number, carried } = block;
  const initial = new Set(carried.map((one) => one.initial));
  const tensors = [...tensorsByInstance(graph, block, structure).values()].filter(([id = '']) => !initial.has(id));
  const operators = graph.operators.slice(first, first + length);
  const ids = operators.map((_, place) => Array.from({ length: count }, (_, i) => graph.operators[first + i * length + place]?.id ?? ''));
  const odd = [...ids, ...tensors].find((names) => names[0] !== names[1] && numberedAs(names, number) === undefined);
  return odd === undefined ? undefined : `has '${odd[0]}' and '${odd[1]}' in one place, which are not numbered from ${number}`;
}

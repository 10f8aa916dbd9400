// Sort: nodes in topological order. ONNX asks for it, and files that already are keep their order.
// A cycle is an error that names its nodes.

import type { Problem } from '../base/problem.ts';
import type { ImportState } from './import-state.ts';
import type { OnnxNode } from './model.ts';

const MOST_NAMED = 8;

export function sort(state: ImportState, problems: Problem[]): string {
  const { nodes } = state.model;
  const order = inOrder(nodes);
  if ('cycle' in order) {
    problems.push(cycleProblem(order.cycle));
    return '';
  }
  const moved = order.some((node, i) => node !== nodes[i]);
  state.nodes = order;
  return moved ? 'nodes reordered' : 'nodes already in order';
}

/** The nodes in topological order, those that are already in their order; or a cycle, each node reading what the next one makes. */
export function inOrder(nodes: readonly OnnxNode[]): OnnxNode[] | { readonly cycle: readonly OnnxNode[] } {
  const producer = new Map<string, number>();
  for (const [i, node] of nodes.entries()) for (const value of node.outputs) if (value !== '') producer.set(value, i);

  const UNSEEN = 0;
  const OPEN = 1;
  const DONE = 2;
  const marks = new Uint8Array(nodes.length);
  const order: OnnxNode[] = [];
  // Depth first with a stack of our own: a chain of a million nodes is a valid model.
  const path: { node: OnnxNode; index: number; nextInput: number }[] = [];
  const open = (index: number): void => {
    marks[index] = OPEN;
    path.push({ node: nodes[index] as OnnxNode, index, nextInput: 0 });
  };
  for (let start = 0; start < nodes.length; start++) {
    if (marks[start] === UNSEEN) open(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const input = top.node.inputs[top.nextInput++];
      if (input === undefined) {
        marks[top.index] = DONE;
        order.push(top.node);
        path.pop();
        continue;
      }
      const before = producer.get(input);
      if (before === undefined || marks[before] === DONE) continue;
      if (marks[before] === UNSEEN) open(before);
      else return { cycle: path.slice(path.findIndex(({ index }) => index === before)).map(({ node }) => node) };
    }
  }
  return order;
}

/** `cycle`: each node reads what the one behind it makes, the last what the first makes. */
export function cycleProblem(cycle: readonly OnnxNode[]): Problem {
  const names = cycle.map(({ id }) => `'${id}'`).reverse();
  const shown = names.length > MOST_NAMED ? [...names.slice(0, MOST_NAMED), `${names.length - MOST_NAMED} more`] : names;
  const [first] = cycle as [OnnxNode];
  return {
    kind: 'onnx-node',
    node: first.id,
    onnxType: first.opType,
    reason: `its output is needed for its own input: ${[...shown, names[0]].join(' -> ')}`,
    next: 'A network has no cycles; export the model again.',
  };
}

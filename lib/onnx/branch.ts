// Branch: an If whose condition is known -> the nodes of the branch it takes. The condition is often shape arithmetic, so
// it is known only while shapes are inferred, in the middle of the walk.

import type { Problem } from '../base/problem.ts';
import { unknownOperators } from './check.ts';
import type { ImportState } from './import-state.ts';
import { expand } from './inline.ts';
import { instantiate, type ModelNames, namesOf } from './instantiate.ts';
import type { OnnxNode, StoredTensor } from './model.ts';
import { cycleProblem, inOrder } from './sort.ts';

/**
 * The nodes in topological order, with those of a branch in the place of an If whose condition has a value by the time it
 * is reached. In the end the state has these nodes, and the branches' initialisers.
 */
export function* withBranchesTaken(state: ImportState, problems: Problem[]): Generator<OnnxNode> {
  const walked: OnnxNode[] = [];
  const initializers: StoredTensor[] = [];
  const open: Iterator<OnnxNode>[] = [state.nodes.values()];
  let names: ModelNames | undefined;
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { value: node, done } = top.next();
    if (done) {
      open.pop();
      continue;
    }
    const condition = node.branches === undefined ? undefined : state.values.get(node.inputs[0] ?? '')?.elements();
    if (node.branches === undefined || condition === undefined || condition.length !== 1) {
      walked.push(node);
      yield node;
      continue;
    }
    names ??= namesOf(state.model);
    const taken = take(node, condition[0] === 0 ? 'else' : 'then', state, names, problems);
    for (const { name, dtype, shape, elements, frame } of taken.initializers) {
      initializers.push({ name, dtype, shape, elements, ...(frame === undefined ? {} : { frame }) });
      state.values.set(name, { id: name, dtype, shape, constant: true, elements });
    }
    open.push(taken.nodes.values());
  }
  if (names === undefined) return;
  state.nodes = walked;
  state.model = { ...state.model, nodes: walked, initializers: [...state.model.initializers, ...initializers] };
}

function take(
  { id, outputs, branches }: OnnxNode,
  branch: 'then' | 'else',
  { model }: ImportState,
  names: ModelNames,
  problems: Problem[],
): { readonly nodes: readonly OnnxNode[]; readonly initializers: readonly StoredTensor[] } {
  const nothing = { nodes: [], initializers: [] };
  const body = branches?.[branch] ?? { inputs: [], outputs: [], initializers: [], nodes: [] };
  const bad = (reason: string, next: string): typeof nothing => {
    problems.push({ kind: 'onnx-node', node: id, onnxType: 'If', reason, next });
    return nothing;
  };
  if (body.outputs.length !== outputs.length) {
    return bad(`its ${branch} branch has ${body.outputs.length} outputs, and the node ${outputs.length}`, 'Export the model again.');
  }
  const { nodes, initializers } = instantiate(body, { id, inputs: [], outputs, attributes: [] }, names);
  const expanded = expand(nodes, model, names, problems);
  if (expanded === undefined) return nothing;
  const unknown = unknownOperators(expanded, model);
  for (const problem of unknown) problems.push(problem);
  const order = inOrder(expanded);
  if ('cycle' in order) problems.push(cycleProblem(order.cycle));
  return unknown.length > 0 || 'cycle' in order ? nothing : { nodes: order, initializers };
}

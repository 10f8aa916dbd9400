// Infer: one walk in topological order gives every value its type and shape, and folds what depends on constants only.
// Shape arithmetic (Shape, Gather, Concat, Reshape's operand) and decisions made by it (If) disappear here. Every node
// that fails is reported; those that depend on one are passed over.

import type { Problem } from '../base/problem.ts';
import { withBranchesTaken } from './branch.ts';
import type { ImportState } from './import-state.ts';
import { elementCount, MOST_DIMENSIONS, type OnnxNode, opsetOf, shapeText, unknownElements, type Value } from './model.ts';
import { FOLD_BUDGET, NodeView, Refusal } from './node-view.ts';
import { readsOf, ruleOf } from './operators.ts';
import type { Inferred } from './rule.ts';

export function infer(state: ImportState, problems: Problem[]): string {
  const { model, values } = state;
  const budget = { left: FOLD_BUDGET };
  const maker = new Map<string, OnnxNode>();
  /** Outputs of nodes that failed, or of nodes behind them. */
  const lost = new Set<string>();
  const lookUp = (name: string): Value | undefined => values.get(name);

  /** A value nobody made although its node was inferred is an output its rule doesn't have. */
  const refuseUnmade = (name: string, use: string): void => {
    const node = maker.get(name);
    if (node === undefined || lost.has(name)) return;
    lost.add(name);
    problems.push(
      nodeProblem(
        node,
        `its output '${name}' is used (${use}), and only the ones before it are supported`,
        'Export the model for inference.',
      ),
    );
  };

  for (const node of withBranchesTaken(state, problems)) {
    for (const name of node.outputs) maker.set(name, node);
    const missing = node.inputs.filter((name) => name !== '' && !values.has(name));
    for (const name of missing) refuseUnmade(name, `by node '${node.id}'`);
    const inferred = missing.length > 0 ? undefined : inferNode(new NodeView(node, opsetOf(model, node), lookUp, budget), problems);
    if (inferred === undefined) {
      for (const name of node.outputs) lost.add(name);
      continue;
    }
    const fromConstants = readsOf(node).every((name) => name === '' || values.get(name)?.constant);
    for (const [i, { dtype, shape, elements, constant = false, quantized }] of inferred.entries()) {
      const id = node.outputs[i] ?? '';
      if (id === '') continue;
      // A tensor without elements is as well known as a tensor can be.
      const known = elementCount(shape) === 0 ? [] : elements;
      values.set(id, {
        id,
        dtype,
        shape,
        constant: constant || fromConstants || known !== undefined,
        elements: known === undefined ? unknownElements : () => known,
        ...(quantized === undefined ? {} : { quantized }),
      });
    }
  }
  for (const name of model.outputs) if (!values.has(name)) refuseUnmade(name, 'as an output of the network');
  const folded = state.nodes.filter(({ outputs }) => outputs.every((name) => values.get(name)?.constant !== false)).length;
  return `${values.size} values, ${folded} of ${state.nodes.length} nodes constant`;
}

function inferNode(view: NodeView, problems: Problem[]): readonly Inferred[] | undefined {
  const { node } = view;
  try {
    const inferred = ruleOf(node)?.infer(view) ?? [];
    for (const { shape } of inferred) {
      if (shape.length > MOST_DIMENSIONS)
        view.refuse(`its output would have ${shape.length} dimensions; tensors of up to ${MOST_DIMENSIONS} are read`);
      const bad =
        shape.some((dimension) => !Number.isSafeInteger(dimension) || dimension < 0) || !Number.isSafeInteger(elementCount(shape));
      if (bad) view.refuse(`its output would have shape ${shapeText(shape)}`);
    }
    return inferred;
  } catch (error) {
    problems.push(refusalProblem(node, error));
    return undefined;
  }
}

/** The problem a rule's refusal amounts to; anything else that was thrown is thrown on. */
export function refusalProblem(node: OnnxNode, error: unknown): Problem {
  if (error instanceof Refusal) return nodeProblem(node, error.message, error.next);
  throw error;
}

/** What is wrong with a node, as a problem that names it. */
export function nodeProblem(node: OnnxNode, reason: string, next: string): Problem {
  return { kind: 'onnx-node', node: node.id, onnxType: node.domain === '' ? node.opType : `${node.domain}.${node.opType}`, reason, next };
}

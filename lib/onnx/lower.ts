// Lower: every node that runs becomes one operator or more, or nothing where its output is one of its inputs.

import type { Problem } from '../base/problem.ts';
import type { Draft, DraftSpec, Lowering } from './draft.ts';
import type { ImportState } from './import-state.ts';
import { refusalProblem } from './infer.ts';
import { elementCount, type OnnxNode, opsetOf, shapeText, type Value } from './model.ts';
import { FOLD_BUDGET, NodeView } from './node-view.ts';
import { ruleOf } from './operators.ts';
import { withoutUnread } from './simplify/network.ts';

export function lower(state: ImportState, problems: Problem[]): string {
  const { model, values, fates } = state;
  const drafts: Draft[] = [];
  const ids = new Set(model.nodes.map(({ id }) => id));
  const outputs = new Set(model.outputs);
  /** Value -> the one it is another name of. */
  const same = new Map<string, Value>();
  const budget = { left: FOLD_BUDGET };
  const lookUp = (name: string): Value | undefined => same.get(name) ?? values.get(name);
  checkOutputs(state, problems);

  for (const node of state.nodes) {
    const view = new NodeView(node, opsetOf(model, node), lookUp, budget);
    const lowered = lowerNode(view, problems);
    if (lowered === undefined) continue;
    const output = node.outputs[0] ?? '';
    if ('sameAs' in lowered && !outputs.has(output)) {
      same.set(output, view.value(lowered.sameAs));
      fates.set(node.id, 'view');
      continue;
    }
    fates.set(node.id, 'operator');
    // An output of the network keeps its name, even if it is only another name.
    const specs = 'sameAs' in lowered ? [identity(view.value(lowered.sameAs))] : lowered;
    for (const spec of specs) drafts.push(toDraft(spec, node, values, ids));
  }
  state.drafts = withoutUnread(drafts, outputs);
  return `${state.drafts.length} operators`;
}

function checkOutputs({ model, values, bindings }: ImportState, problems: Problem[]): void {
  const none = Object.entries(bindings).flatMap(([name, size]) => (size === 0 ? [`'${name}'`] : []));
  const next = none.length === 0 ? 'Bind its dimensions to other sizes.' : `Bind ${none.join(' or ')} to more than 0.`;
  for (const value of model.outputs) {
    const shape = values.get(value)?.shape ?? [];
    if (elementCount(shape) > 0) continue;
    const reason = `is an output of shape ${shapeText(shape)}, which has no elements`;
    problems.push({ kind: 'onnx-value', value, reason, next });
  }
}

function lowerNode(view: NodeView, problems: Problem[]): Lowering | undefined {
  try {
    const lowered = ruleOf(view.node)?.lower(view);
    // The first operand of a function without an exchanged form has to be the one that runs.
    for (const { body } of lowered === undefined || 'sameAs' in lowered ? [] : lowered) {
      if (body.kind !== 'step' || body.symmetric || body.placed || body.reversed !== undefined) continue;
      const [first = ''] = body.operands;
      if (view.node.inputs.includes(first) && view.value(view.node.inputs.indexOf(first)).constant) {
        view.refuse('its first input is a constant, and another one is not');
      }
    }
    return lowered;
  } catch (error) {
    problems.push(refusalProblem(view.node, error));
    return undefined;
  }
}

function identity({ id, shape }: Value): DraftSpec {
  const axes = Array.from({ length: shape.length + 1 }, (_, axis) => axis);
  return { body: { kind: 'view', attrs: { function: 'identity' } }, inputs: [{ value: id, reach: { kind: 'contiguous' }, axes }] };
}

function toDraft(spec: DraftSpec, node: OnnxNode, values: Map<string, Value>, ids: Set<string>): Draft {
  const { body, inputs, axis, output = 0, suffix, values: others = [] } = spec;
  let id = suffix === undefined ? node.id : `${node.id}.${suffix}`;
  while (suffix !== undefined && ids.has(id)) id += '_';
  ids.add(id);
  for (const value of typeof output === 'number' ? others : [...others, output]) values.set(value.id, value);
  return {
    id,
    onnxType: node.domain === '' ? node.opType : `${node.domain}.${node.opType}`,
    body,
    inputs,
    output: typeof output === 'number' ? (node.outputs[output] ?? '') : output.id,
    ...(axis === undefined ? {} : { axis }),
  };
}

// Check: is this a graph that can be walked? Operators and opsets known, every value defined once and before any use.
// All unknown operators are reported at once, grouped by type.

import type { Problem } from '../base/problem.ts';
import type { ImportState } from './import-state.ts';
import { type Model, type OnnxNode, opsetOf } from './model.ts';
import { ruleOf } from './operators.ts';

/** Older ones mean other things by the same operators. */
const OLDEST_OPSET = 7;
/** ONNX 1.23's. */
const NEWEST_OPSET = 28;

export function check(state: ImportState, problems: Problem[]): string {
  const { model } = state;
  checkOpset(model, state.path, problems);
  for (const problem of unknownOperators(model.nodes, model)) problems.push(problem);
  checkValues(model, problems);
  return `${model.nodes.length} nodes of known types`;
}

/** The model's own version of ONNX's operators, and those of its functions. */
function checkOpset(model: Model, path: string, problems: Problem[]): void {
  const versions = new Set(model.nodes.filter(({ domain }) => domain === '').map(({ opsets = model.opsets }) => opsets.get('')));
  if (model.opsets.has('')) versions.add(model.opsets.get(''));
  for (const opset of versions) {
    if (opset === undefined) {
      const reason = "doesn't say which ONNX opset its operators are of";
      problems.push({ kind: 'onnx-file', path, reason, next: 'The file may be truncated; export it again.' });
    } else if (!(opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
      const reason = `is of ONNX opset ${opset}; those from ${OLDEST_OPSET} to ${NEWEST_OPSET} are read`;
      problems.push({ kind: 'onnx-file', path, reason, next: 'Export it for another opset, or convert it with onnx.version_converter.' });
    }
  }
}

/** A problem for each operator type that there is no rule for. */
export function unknownOperators(nodes: readonly OnnxNode[], model: Pick<Model, 'opsets'>): Problem[] {
  const unknown = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    const rule = ruleOf(node);
    if (rule !== undefined && (rule.since ?? OLDEST_OPSET) <= Math.max(OLDEST_OPSET, opsetOf(model, node))) continue;
    const key = `${node.domain} ${node.opType}`;
    const nodes = unknown.get(key);
    if (nodes === undefined) unknown.set(key, [node]);
    else nodes.push(node);
  }
  return [...unknown.values()].map((nodes) => {
    const first = nodes[0] as OnnxNode;
    const { opType, domain } = first;
    return { kind: 'onnx-operator', nodes: nodes.map(({ id }) => id), onnxType: opType, domain, opset: opsetOf(model, first) };
  });
}

function checkValues(model: Model, problems: Problem[]): void {
  const source = new Map<string, string>();
  const define = (value: string, by: string): void => {
    const other = source.get(value);
    if (other === undefined) source.set(value, by);
    else
      problems.push({
        kind: 'onnx-value',
        value,
        reason: `is defined twice, by ${other} and ${by}`,
        next: 'Give each value a name of its own.',
      });
  };
  for (const { name } of model.inputs) define(name, 'the inputs');
  for (const { name } of model.initializers) define(name, 'the initialisers');
  for (const node of model.nodes) {
    for (const value of node.outputs) if (value !== '') define(value, `node '${node.id}'`);
  }
  const missing = new Map<string, string>();
  for (const node of model.nodes) {
    for (const value of node.inputs) if (value !== '' && !source.has(value)) missing.set(value, `node '${node.id}' reads it`);
  }
  for (const value of model.outputs) if (!source.has(value)) missing.set(value, 'it is an output');
  for (const [value, use] of missing) {
    problems.push({ kind: 'onnx-value', value, reason: `is not defined, and ${use}`, next: 'The file may be damaged; export it again.' });
  }
}

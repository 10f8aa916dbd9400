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
  checkOperators(model, problems);
  checkValues(model, problems);
  return `${model.nodes.length} nodes of known types`;
}

function checkOpset(model: Model, path: string, problems: Problem[]): void {
  const opset = model.opsets.get('');
  if (opset === undefined) {
    if (!model.nodes.some(({ domain }) => domain === '')) return;
    problems.push({
      kind: 'onnx-file',
      path,
      reason: "doesn't say which ONNX opset its operators are of",
      next: 'The file may be truncated; export it again.',
    });
  } else if (!(opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
    problems.push({
      kind: 'onnx-file',
      path,
      reason: `is of ONNX opset ${opset}; those from ${OLDEST_OPSET} to ${NEWEST_OPSET} are read`,
      next: 'Export it for another opset, or convert it with onnx.version_converter.',
    });
  }
}

function checkOperators(model: Model, problems: Problem[]): void {
  const unknown = new Map<string, OnnxNode[]>();
  for (const node of model.nodes) {
    const rule = ruleOf(node);
    if (rule !== undefined && (rule.since ?? OLDEST_OPSET) <= Math.max(OLDEST_OPSET, opsetOf(model, node.domain))) continue;
    const key = `${node.domain} ${node.opType}`;
    const nodes = unknown.get(key);
    if (nodes === undefined) unknown.set(key, [node]);
    else nodes.push(node);
  }
  for (const nodes of unknown.values()) {
    const { opType, domain } = nodes[0] as OnnxNode;
    problems.push({ kind: 'onnx-operator', nodes: nodes.map(({ id }) => id), onnxType: opType, domain, opset: opsetOf(model, domain) });
  }
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

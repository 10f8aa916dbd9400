// Inline: nodes that call functions of the model -> the functions' own nodes, down to operators.
// A function that has an operator's name and domain is that operator: its rule knows more than its parts do.

import type { Problem } from '../base/problem.ts';
import type { ImportState } from './import-state.ts';
import { type Call, instantiate, type ModelNames, namesOf } from './instantiate.ts';
import { functionKey, type Model, type ModelFunction, type OnnxNode } from './model.ts';
import { layerNames, uniqueIds } from './names.ts';
import { ruleOf } from './operators.ts';
import { MOST_NODES } from './read-graph.ts';

export function inline(state: ImportState, problems: Problem[]): string {
  const { model } = state;
  if (model.functions.size === 0) return 'no functions';
  const names = namesOf(model);
  const inlined = expand(model.nodes, model, names, problems);
  if (inlined === undefined) return '';
  // Layers may have their weights' names only now that their parameters are.
  const initialized = new Set(model.initializers.map(({ name }) => name));
  const layers = layerNames(
    inlined.map(({ id, inputs }) => ({ name: id, inputs })),
    initialized,
  );
  const ids = uniqueIds(inlined.map(({ opType }, i) => ({ name: layers[i] ?? '', type: opType })));
  const nodes = inlined.map((node, i) => ({ ...node, id: ids[i] ?? '' }));
  state.model = { ...model, nodes };
  return `${model.functions.size} functions made ${model.nodes.length} nodes ${nodes.length}`;
}

/** The function that a node calls, if it is not an operator. */
export function calledBy(node: OnnxNode, { functions }: Pick<Model, 'functions'>): ModelFunction | undefined {
  return functions.size === 0 || ruleOf(node) !== undefined ? undefined : functions.get(functionKey(node));
}

/** Nodes without calls, in the order of the calls; undefined, and a problem, if there is no end of them. */
export function expand(nodes: readonly OnnxNode[], model: Model, names: ModelNames, problems: Problem[]): OnnxNode[] | undefined {
  const made: OnnxNode[] = [];
  let left = MOST_NODES;
  /** Functions whose nodes are being looked at, from the outermost inwards; first the nodes themselves. */
  const open: { readonly callee: ModelFunction | undefined; readonly nodes: Iterator<OnnxNode> }[] = [
    { callee: undefined, nodes: nodes.values() },
  ];
  const active = new Set<ModelFunction | undefined>();
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { value: node, done } = top.nodes.next();
    if (done) {
      active.delete(open.pop()?.callee);
      continue;
    }
    const callee = calledBy(node, model);
    const reason = left-- <= 0 ? `its functions make more than ${MOST_NODES} nodes` : badCall(node, callee, active);
    if (reason !== undefined) {
      problems.push({ kind: 'onnx-node', node: node.id, onnxType: typeOf(node), reason, next: 'Export the model without functions.' });
      return undefined;
    }
    if (callee === undefined) made.push(node);
    else {
      open.push({ callee, nodes: instantiate(callee, callOf(node, callee), names).nodes.values() });
      active.add(callee);
    }
  }
  return made;
}

/** Why a call can't be; undefined if it can. */
function badCall(
  { inputs, outputs }: OnnxNode,
  callee: ModelFunction | undefined,
  active: ReadonlySet<ModelFunction | undefined>,
): string | undefined {
  if (callee === undefined) return undefined;
  if (active.has(callee)) return 'it is a function that calls itself';
  if (inputs.length <= callee.inputs.length && outputs.length <= callee.outputs.length) return undefined;
  const sizes = (of: { readonly inputs: readonly string[]; readonly outputs: readonly string[] }): string =>
    `${of.inputs.length} inputs and ${of.outputs.length} outputs`;
  return `it has ${sizes({ inputs, outputs })}, and its function ${sizes(callee)}`;
}

function callOf({ id, inputs, outputs, attributes }: OnnxNode, { opsets, defaults }: ModelFunction): Call {
  const given = new Set(attributes.map(({ name }) => name));
  return { id, inputs, outputs, attributes: [...attributes, ...defaults.filter(({ name }) => !given.has(name))], opsets };
}

function typeOf({ domain, opType }: OnnxNode): string {
  return domain === '' ? opType : `${domain}.${opType}`;
}

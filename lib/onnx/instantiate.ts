// Instantiate: the nodes inside a function or a branch -> nodes in the place of the node that calls it.
// What is the body's own gets names nobody else has; inputs, outputs and attributes become those of the call.

import type { Attribute, Body, Model, OnnxNode, StoredTensor } from './model.ts';
import { shortName } from './names.ts';

export interface Call {
  /** Beginning of the names of what is inside. */
  readonly id: string;
  /** Values given for the body's inputs; left out are '' and those behind the last. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that those of the body stand for. */
  readonly attributes: readonly Attribute[];
  /** Opset versions of the body, where they aren't the model's. */
  readonly opsets?: ReadonlyMap<string, number>;
}

/** Names of nodes, or of values. */
export class Names {
  readonly #taken: Set<string>;
  /** How often each name was asked for again. */
  readonly #again = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** The name, or one like it that nobody has; it is taken then. */
  unique(name: string): string {
    let chosen = shortName(name);
    for (let n = this.#again.get(chosen) ?? 1; this.#taken.has(chosen); n++) {
      this.#again.set(shortName(name), n + 1);
      chosen = shortName(`${name}_${n}`);
    }
    this.#taken.add(chosen);
    return chosen;
  }
}

/** All names in a model; instantiating adds to them. */
export interface ModelNames {
  readonly nodes: Names;
  readonly values: Names;
}

export function namesOf({ nodes, inputs, initializers }: Pick<Model, 'nodes' | 'inputs' | 'initializers'>): ModelNames {
  const values = [...inputs, ...initializers].map(({ name }) => name);
  for (const node of nodes) for (const name of node.outputs) values.push(name);
  return { nodes: new Names(nodes.map(({ id }) => id)), values: new Names(values) };
}

export interface Instance {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly StoredTensor[];
}

/** A body as `call` uses it. Values it reads and doesn't make keep their names: they are around the call. */
export function instantiate(body: Body, call: Call, names: ModelNames): Instance {
  const renamed = new Map<string, string>([['', '']]);
  for (const [i, input] of body.inputs.entries()) renamed.set(input, call.inputs[i] ?? '');
  /** Of what the body makes: the first name it is handed out by. */
  const handed = new Map<string, string>();
  for (const [i, output] of body.outputs.entries()) {
    const out = call.outputs[i] ?? '';
    if (out !== '' && !handed.has(output)) handed.set(output, out);
  }
  const own = (name: string): string => names.values.unique(`${call.id}/${name}`);
  const initializers = body.initializers.map((tensor) => {
    const name = own(tensor.name);
    renamed.set(tensor.name, name);
    return { ...tensor, name };
  });
  for (const { outputs } of body.nodes) {
    for (const output of outputs) if (!renamed.has(output)) renamed.set(output, handed.get(output) ?? own(output));
  }
  const value = (name: string): string => renamed.get(name) ?? name;
  const nodes = body.nodes.map((node) => instantiated(node, call, value, names));
  // What is handed out as it came in, or twice.
  for (const [i, output] of body.outputs.entries()) {
    const out = call.outputs[i] ?? '';
    if (out === '' || value(output) === out) continue;
    const id = names.nodes.unique(`${call.id}/${output}`);
    nodes.push({ id, opType: 'Identity', domain: '', inputs: [value(output)], outputs: [out], attributes: [] });
  }
  return { nodes, initializers };
}

function instantiated(node: OnnxNode, call: Call, value: (name: string) => string, names: ModelNames): OnnxNode {
  const { branches } = node;
  return {
    ...node,
    id: names.nodes.unique(`${call.id}/${node.id || node.opType}`),
    inputs: node.inputs.map(value),
    outputs: node.outputs.map(value),
    attributes: attributesOf(node.attributes, call),
    ...(branches === undefined ? {} : { branches: { then: within(branches.then, call, value), else: within(branches.else, call, value) } }),
    ...(call.opsets === undefined ? {} : { opsets: call.opsets }),
  };
}

/** Attributes with those of the call in the place of references to them; one the call doesn't give is absent. */
function attributesOf(attributes: readonly Attribute[], call: Call): Attribute[] {
  return attributes.flatMap(({ name, frame, from }) => {
    if (from === undefined) return [{ name, frame }];
    const given = call.attributes.find((attribute) => attribute.name === from);
    return given === undefined ? [] : [{ ...given, name }];
  });
}

/** A branch inside a body: what it reads from around it has other names now. */
function within(body: Body, call: Call, value: (name: string) => string): Body {
  const own = new Set([...body.initializers.map(({ name }) => name), ...body.nodes.flatMap(({ outputs }) => outputs)]);
  const around = (name: string): string => (own.has(name) ? name : value(name));
  return {
    inputs: body.inputs,
    outputs: body.outputs.map(around),
    initializers: body.initializers,
    nodes: body.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(around),
      attributes: attributesOf(node.attributes, call),
      ...(node.branches === undefined
        ? {}
        : { branches: { then: within(node.branches.then, call, around), else: within(node.branches.else, call, around) } }),
      ...(call.opsets === undefined ? {} : { opsets: call.opsets }),
    })),
  };
}

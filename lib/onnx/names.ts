// Names of nodes and values: any text the file has, kept short, and unique where they become ids.

import { createHash } from 'node:crypto';

const LONGEST = 200;
const HEAD = 180;

/** The name itself, or its beginning and a digest of all of it if it has more than 200 characters. */
export function shortName(name: string): string {
  if (name.length <= LONGEST) return name;
  return `${name.slice(0, HEAD)}#${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}

/** Ids for named things: the name where nothing else has it, else `${type}_${n}`, n counting from 0 for each type. */
export function uniqueIds(things: readonly { readonly name: string; readonly type: string }[]): string[] {
  const uses = new Map<string, number>();
  for (const { name } of things) uses.set(name, (uses.get(name) ?? 0) + 1);
  const next = new Map<string, number>();
  return things.map(({ name, type }) => {
    if (name !== '' && uses.get(name) === 1) return name;
    let n = next.get(type) ?? 0;
    while (uses.has(`${type}_${n}`)) n++;
    next.set(type, n + 1);
    return `${type}_${n}`;
  });
}

const WEIGHT = '.weight';

/**
 * What an architect would call each node: the module whose weight it uses, as PyTorch names it
 * ('layer1.0.conv1' for 'layer1.0.conv1.weight'), where only one node does; else the node's own name.
 */
export function layerNames(
  nodes: readonly { readonly name: string; readonly inputs: readonly string[] }[],
  initializers: ReadonlySet<string>,
): string[] {
  const layers = nodes.map(({ inputs }) => {
    const weight = inputs.find((input) => input.length > WEIGHT.length && input.endsWith(WEIGHT) && initializers.has(input));
    return weight?.slice(0, -WEIGHT.length);
  });
  const uses = new Map<string | undefined, number>();
  for (const layer of layers) uses.set(layer, (uses.get(layer) ?? 0) + 1);
  return nodes.map(({ name }, i) => {
    const layer = layers[i];
    return layer !== undefined && uses.get(layer) === 1 ? layer : name;
  });
}

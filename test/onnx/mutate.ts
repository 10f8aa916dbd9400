// Damage to valid ONNX files: bytes changed anywhere, and messages changed where their meaning is, so that the damage gets
// past decoding. The bytes and random numbers -> other bytes, and what was done to them in a few words.

import proto, { type onnx } from 'onnx-proto';
import { type Random, wholeBelow } from '../../lib/base/random.ts';

export interface Mutated {
  readonly bytes: Uint8Array;
  readonly changes: readonly string[];
}

/** Numbers at which something ends: of sizes, of integers, of what doubles hold. */
const EDGES = [
  0,
  1,
  -1,
  2,
  3,
  4,
  7,
  8,
  63,
  64,
  65,
  255,
  256,
  1000,
  65_535,
  65_536,
  65_537,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 40,
  2 ** 53,
];
const LOWEST = { low: 0, high: -(2 ** 31), unsigned: false };
const HIGHEST = { low: -1, high: 2 ** 31 - 1, unsigned: false };
/** int64 fields take numbers or pairs of 32 bits; the types know numbers only. */
const LONG_EDGES = [LOWEST, HIGHEST] as unknown as readonly number[];
const DATA_TYPES = 27;
const TEXTS = [
  '',
  'x',
  'ij,jk->ik',
  '...a->a',
  'linear',
  'SAME_UPPER',
  'VALID',
  'NOTSET',
  'constructor',
  '__proto__',
  'a'.repeat(300),
  '\u0000',
];

/** The file with one to four changes of either sort. `opTypes`: operators that a node may become. */
export function mutated(bytes: Uint8Array, opTypes: readonly string[], random: Random): Mutated {
  if (random() < 0.2) return inBytes(bytes, random);
  const model = proto.onnx.ModelProto.toObject(proto.onnx.ModelProto.decode(bytes)) as onnx.IModelProto;
  const changes = Array.from({ length: 1 + wholeBelow(random, 4) }, () => inModel(model, opTypes, random));
  return { bytes: proto.onnx.ModelProto.encode(proto.onnx.ModelProto.fromObject(model)).finish(), changes };
}

function pick<T>(random: Random, from: readonly T[] | null | undefined): T | undefined {
  return from?.length ? from[wholeBelow(random, from.length)] : undefined;
}

function edge(random: Random): number {
  return pick(random, random() < 0.1 ? LONG_EDGES : EDGES) ?? 0;
}

function inBytes(bytes: Uint8Array, random: Random): Mutated {
  const at = wholeBelow(random, bytes.length);
  const length = 1 + wholeBelow(random, random() < 0.5 ? 8 : bytes.length - at);
  const part = bytes.subarray(at, at + length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + part.length)];
  switch (wholeBelow(random, 5)) {
    case 0:
      return { bytes: before, changes: [`cut at ${at}`] };
    case 1:
      return { bytes: Buffer.concat([before, after]), changes: [`${part.length} bytes less at ${at}`] };
    case 2:
      return { bytes: Buffer.concat([before, part, part, after]), changes: [`${part.length} bytes twice at ${at}`] };
    case 3: {
      const noise = Buffer.from(Array.from({ length: 1 + wholeBelow(random, 16) }, () => wholeBelow(random, 256)));
      return { bytes: Buffer.concat([before, noise, after]), changes: [`${noise.length} bytes more at ${at}`] };
    }
    default: {
      const flipped = Buffer.from(bytes);
      const count = 1 + wholeBelow(random, 10);
      for (let i = 0; i < count; i++) {
        const place = wholeBelow(random, flipped.length);
        flipped[place] = (flipped[place] ?? 0) ^ (1 << wholeBelow(random, 8));
      }
      return { bytes: flipped, changes: [`${count} bits flipped`] };
    }
  }
}

function inModel(model: onnx.IModelProto, opTypes: readonly string[], random: Random): string {
  const graph = model.graph ?? {};
  const weights = graph.initializer ?? [];
  switch (wholeBelow(random, 12)) {
    case 0: {
      const opset = pick(random, model.opsetImport);
      if (opset) opset.version = random() < 0.7 ? 7 + wholeBelow(random, 20) : edge(random);
      return `opset ${opset?.version}`;
    }
    case 1:
    case 2: {
      const type = pick(random, graph.input)?.type?.tensorType;
      if (type && random() < 0.3) type.elemType = wholeBelow(random, DATA_TYPES);
      else if (type?.shape) type.shape.dim = changedList(type.shape.dim ?? [], () => dimension(random), random);
      return 'input type';
    }
    case 3: {
      const weight = pick(random, weights);
      if (weight && random() < 0.3) weight.dataType = wholeBelow(random, DATA_TYPES);
      else if (weight) weight.dims = changedList(weight.dims ?? [], () => edge(random), random);
      return `type of weight ${weight?.name}`;
    }
    case 4: {
      const weight = pick(random, weights);
      if (weight?.int64Data?.length) weight.int64Data = changedList(weight.int64Data, () => edge(random), random);
      else if (weight?.rawData?.length)
        weight.rawData = Buffer.from(weight.rawData).fill(wholeBelow(random, 256), wholeBelow(random, weight.rawData.length));
      return `values of weight ${weight?.name}`;
    }
    case 5:
      return listChange('nodes', graph.node ?? [], random);
    case 6:
      return random() < 0.5 ? listChange('weights', weights, random) : listChange('outputs', graph.output ?? [], random);
    default: {
      const node = pick(random, graph.node);
      return node ? inNode(node, graph, opTypes, random) : 'nothing';
    }
  }
}

function dimension(random: Random): onnx.TensorShapeProto.IDimension {
  const kind = random();
  return kind < 0.1
    ? {}
    : kind < 0.2
      ? { dimParam: pick(random, ['batch', 'q', 'past + sequence', '((', 'constructor']) ?? '' }
      : { dimValue: edge(random) };
}

function inNode(node: onnx.INodeProto, graph: onnx.IGraphProto, opTypes: readonly string[], random: Random): string {
  const values = [
    ...(graph.node ?? []).flatMap(({ output }) => output ?? []),
    ...(graph.initializer ?? []).map(({ name }) => name ?? ''),
    '',
  ];
  const id = node.name || node.opType;
  const attributes = node.attribute ?? [];
  switch (wholeBelow(random, 6)) {
    case 0:
      [node.domain = '', node.opType = ''] = (pick(random, opTypes) ?? ' ').split(' ');
      return `${id} becomes ${node.domain} ${node.opType}`;
    case 1:
      node.input = changedList(node.input ?? [], () => pick(random, values) ?? '', random);
      return `inputs of ${id}`;
    case 2:
      node.output = changedList(node.output ?? [], () => pick(random, [...values, 'new', 'other']) ?? '', random);
      return `outputs of ${id}`;
    case 3:
      return `${listChange('attributes', attributes, random)} of ${id}`;
    case 4: {
      const attribute = pick(random, attributes);
      const name = pick(random, graph.node)?.attribute?.[0]?.name;
      if (attribute && name) attribute.name = name;
      return `name of an attribute of ${id}`;
    }
    default: {
      const attribute = pick(random, attributes);
      if (attribute) changeAttribute(attribute, random);
      return `attribute ${attribute?.name} of ${id}`;
    }
  }
}

function changeAttribute(attribute: onnx.IAttributeProto, random: Random): void {
  if (attribute.t?.dims && random() < 0.7) attribute.t.dims = changedList(attribute.t.dims, () => edge(random), random);
  else if (attribute.ints?.length) attribute.ints = changedList(attribute.ints, () => edge(random), random);
  else if (attribute.floats?.length)
    attribute.floats = changedList(attribute.floats, () => pick(random, [0, -1, Number.NaN, 1e38]) ?? 0, random);
  else if (attribute.s?.length) attribute.s = Buffer.from(pick(random, TEXTS) ?? '');
  else if (random() < 0.8) attribute.i = edge(random);
  else attribute.f = pick(random, [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-45]) ?? 0;
}

/** The list with an entry replaced, left out, put in, doubled, or all of them gone. */
function changedList<T>(list: readonly T[], make: () => T, random: Random): T[] {
  const at = wholeBelow(random, list.length + 1);
  switch (wholeBelow(random, 8)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, make());
    case 2:
      return list.toSpliced(at, 0, ...list.slice(at, at + 1));
    case 3:
      return random() < 0.2 ? [] : [...list].reverse();
    default:
      return list.toSpliced(Math.min(at, Math.max(0, list.length - 1)), 1, make());
  }
}

/** Drops, doubles or moves one entry, in place. */
function listChange(what: string, list: unknown[], random: Random): string {
  const at = wholeBelow(random, Math.max(1, list.length));
  const [one] = list.slice(at, at + 1);
  if (one === undefined) return `no ${what}`;
  const kind = wholeBelow(random, 3);
  if (kind === 0) list.splice(at, 1);
  else if (kind === 1) list.splice(at, 0, structuredClone(one));
  else list.push(...list.splice(at, 1));
  return `${what}: ${['one dropped', 'one doubled', 'one moved'][kind]}`;
}

// Seeded numbers for a model's weights as the bytes of the files it names: what other tools need to run a model of datasets/.

import proto from 'onnx-proto';
import type { ElementArray } from '../../lib/ir/elements.ts';
import type { DType } from '../../lib/ir/graph.ts';
import { dtypeOf, typeName } from '../../lib/onnx/dtype.ts';
import { smallFloats } from '../../lib/onnx/small-float.ts';
import { seededWeights } from '../../lib/workload/seeded-weights.ts';

/** The files with all external initialisers of a model, by location; the same numbers as `openWeights` with `seededWeights(seed)`. */
export function externalWeights(model: Uint8Array, seed: number): Map<string, Uint8Array> {
  const parts = (proto.onnx.ModelProto.decode(model).graph?.initializer ?? []).flatMap((tensor) => {
    if (tensor.dataLocation !== proto.onnx.TensorProto.DataLocation.EXTERNAL) return [];
    const said = Object.fromEntries((tensor.externalData ?? []).map(({ key, value }) => [key, value]));
    return [{ tensor, location: said.location ?? '', offset: Number(said.offset ?? 0), length: Number(said.length ?? 0) }];
  });
  const sizes = new Map<string, number>();
  for (const { location, offset, length } of parts) sizes.set(location, Math.max(sizes.get(location) ?? 0, offset + length));
  const files = new Map([...sizes].map(([location, size]) => [location, new Uint8Array(size)]));
  const values = seededWeights(seed);
  for (const { tensor, location, offset } of parts) {
    const type = tensor.dataType ?? 0;
    const dtype = dtypeOf(type) ?? 'float32';
    const bytes = rawBytes(values({ name: tensor.name ?? '', dtype, shape: (tensor.dims ?? []).map(Number) }), dtype, typeName(type));
    files.get(location)?.set(bytes, offset);
  }
  return files;
}

/** Elements as raw_data has them, on a little-endian machine. */
function rawBytes(elements: ElementArray, dtype: DType, type: string): Uint8Array {
  const table = smallFloats(type);
  if (table !== undefined) {
    const bitsOf = new Map(Array.from(table, (value, bits) => [value, bits] as const).reverse());
    const bits = Array.from(elements, (value) => bitsOf.get(value) ?? 0);
    return table.length > 256 ? bytesOf(Uint16Array.from(bits)) : Uint8Array.from(bits);
  }
  if (dtype === 'int64' || dtype === 'uint64') return bytesOf(BigInt64Array.from(Array.from(elements, BigInt)));
  return bytesOf(elements);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

import fc from 'fast-check';
import proto from 'onnx-proto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { decodeModel } from '../../lib/onnx/decode.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { appendIntegers, forEachField } from '../../lib/onnx/wire.ts';
import { buildModel, FLOAT, INT64, node } from './build.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: decoding');

const spec = {
  inputs: { x: [2, 3] },
  outputs: ['y'],
  nodes: [node('Gemm', ['x', 'w', 'b'], ['y'])],
  weights: { w: { shape: [3, 4] }, b: { shape: [4] } },
} as const;

/** The model of `spec` with its first initialiser changed. */
function changed(change: Record<string, unknown>): Uint8Array {
  const model = proto.onnx.ModelProto.decode(buildModel(spec));
  Object.assign(model.graph?.initializer?.[0] ?? {}, change);
  return proto.onnx.ModelProto.encode(model).finish();
}

test('weights inside the file, beside it or nowhere give the same graph', () => {
  const outside = importOnnx(buildModel(spec));
  const inside = importOnnx(changed({ dataLocation: 0, externalData: [], rawData: Buffer.alloc(48) }));
  const typed = importOnnx(changed({ dataLocation: 0, externalData: [], floatData: Array<number>(12).fill(1) }));
  for (const graph of [inside, typed]) assert.equal({ ...graph, hash: '' }, { ...outside, hash: '' });
});

test('raw bytes that are not those of the shape are reported', () => {
  assert.throws(
    () => importOnnx(changed({ dataLocation: 0, rawData: Buffer.alloc(40) })),
    /'w' holds 40 bytes of values, and its shape \[3, 4\] needs 48/,
  );
});

test('an initialiser that is listed as an input, too, is a weight', () => {
  const model = proto.onnx.ModelProto.decode(buildModel(spec));
  model.graph?.input?.push(
    proto.onnx.ValueInfoProto.create({
      name: 'w',
      type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimValue: 3 }, { dimValue: 4 }] } } },
    }),
  );
  const graph = importOnnx(proto.onnx.ModelProto.encode(model).finish());
  assert.equal(graph.inputs, ['x']);
  assert.is(graph.tensors.find(({ id }) => id === 'w')?.role, 'weight');
});

test('sparse initialisers have the shape of the tensor they stand for', () => {
  const model = proto.onnx.ModelProto.decode(buildModel({ ...spec, weights: { b: { shape: [4] } } }));
  model.graph?.sparseInitializer?.push(
    proto.onnx.SparseTensorProto.create({
      values: { name: 'w', dims: [2], dataType: FLOAT, floatData: [1, 2] },
      indices: { dims: [2], dataType: INT64, int64Data: [0, 5] },
      dims: [3, 4],
    }),
  );
  const graph = importOnnx(proto.onnx.ModelProto.encode(model).finish());
  assert.equal(graph.tensors.find(({ id }) => id === 'w')?.shape, [3, 4]);
});

test('small values of every type are read from both of their encodings', () => {
  const cases: readonly (readonly [type: number, raw: readonly number[], typed: Record<string, number[]>, expected: readonly number[]])[] =
    [
      [1, [0, 0, 128, 191], { floatData: [-1] }, [-1]],
      [2, [200], { int32Data: [200] }, [200]],
      [3, [200], { int32Data: [-56] }, [-56]],
      [4, [1, 2], { int32Data: [513] }, [513]],
      [5, [255, 255], { int32Data: [-1] }, [-1]],
      [6, [254, 255, 255, 255], { int32Data: [-2] }, [-2]],
      [7, [253, 255, 255, 255, 255, 255, 255, 255], { int64Data: [-3] }, [-3]],
      [9, [1], { int32Data: [1] }, [1]],
      [10, [0, 60], { int32Data: [0x3c00] }, [1]],
      [11, [0, 0, 0, 0, 0, 0, 0, 64], { doubleData: [2] }, [2]],
      [12, [255, 255, 255, 255], { uint64Data: [4294967295] }, [4294967295]],
      [13, [5, 0, 0, 0, 0, 0, 0, 0], { uint64Data: [5] }, [5]],
      [16, [128, 191], { int32Data: [0xbf80] }, [-1]],
      [21, [0x0f], { int32Data: [0x0f] }, [15]],
      [22, [0x0f], { int32Data: [0x0f] }, [-1]],
    ];
  for (const [type, raw, typed, expected] of cases) {
    for (const data of [{ rawData: Buffer.from(raw) }, typed]) {
      const bytes = changed({ dims: [1], dataType: type, dataLocation: 0, externalData: [], ...data });
      const { model } = decodeModel(Buffer.from(bytes), 'MODEL');
      assert.equal(model?.initializers[0]?.elements(), expected, `type ${type}`);
    }
  }
});

test('numbers are read as protobuf writes them, negative ones included', () => {
  const property = fc.property(fc.array(fc.maxSafeInteger(), { maxLength: 20 }), (dims) => {
    const bytes = Buffer.from(proto.onnx.TensorProto.encode({ dims: dims.map(exactLong) }).finish());
    const read: number[] = [];
    forEachField({ bytes, from: 0, to: bytes.length }, (field) => appendIntegers(field, read));
    assert.equal(read, dims);
  });
  fc.assert(property, { seed: 41, numRuns: 300 });
});

/** protobufjs writes numbers of 64 bits as pairs of 32. */
function exactLong(value: number): never {
  const bits = BigInt.asUintN(64, BigInt(value));
  return { low: Number(BigInt.asIntN(32, bits)), high: Number(BigInt.asIntN(32, bits >> 32n)), unsigned: false } as never;
}

test('unknown fields, as later versions of ONNX have them, are passed over', () => {
  const bytes = Buffer.concat([buildModel(spec), Buffer.from([0xa2, 0x1f, 3, 1, 2, 3])]);
  assert.equal({ ...importOnnx(bytes), hash: '' }, { ...importOnnx(buildModel(spec)), hash: '' });
});

test('inputs that are no tensors, or have no shape, are reported together', () => {
  const model = proto.onnx.ModelProto.decode(buildModel(spec));
  model.graph?.input?.push(
    proto.onnx.ValueInfoProto.create({ name: 's', type: { sequenceType: { elemType: { tensorType: { elemType: FLOAT } } } } }),
    proto.onnx.ValueInfoProto.create({ name: 't', type: { tensorType: { elemType: FLOAT } } }),
  );
  try {
    importOnnx(proto.onnx.ModelProto.encode(model).finish());
    impossible();
  } catch (error) {
    assert.instance(error, CompileError);
    assert.equal(
      (error as CompileError).problems.map((problem) => problem.kind === 'onnx-value' && problem.value),
      ['s', 't'],
    );
  }
});

test('a chain of 30,000 nodes, written backwards, is a graph like any other', () => {
  const nodes = Array.from({ length: 30_000 }, (_, i) => node('Relu', [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`]));
  const { graph } = runImport(buildModel({ inputs: { x: [2] }, outputs: ['v29999'], nodes: nodes.reverse() }));
  assert.is(graph?.operators.length, 1);
  assert.is(graph?.operators[0]?.epilogue.length, 29_999);
});

test.run();

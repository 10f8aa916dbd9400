import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findBlocks, placeIn, tensorsByInstance } from '../../lib/ir/blocks.ts';
import { type Block, type Graph, isMatrix, type Operator, operandsOf } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { buildModel, type ModelSpec, type NodeSpec, node } from '../onnx/build.ts';
import { impossible } from '../onnx/impossible.ts';
import { MODELS, modelPath } from '../onnx/models.ts';

const test = suite('ir: blocks');

const sizes = ({ blocks }: Graph): number[][] => blocks.map(({ count, length }) => [count, length]);

/** What a loop over instances relies on: instance k is instance 0 with its numbers counted up, and one step back for what is carried. */
function checkUnrolled(graph: Graph): void {
  for (const block of graph.blocks) {
    const { first, length, count, number, carried } = block;
    const byInstance = tensorsByInstance(graph, block);
    const initial = new Map(carried.map((one) => [one.initial, one.next]));
    const counted = (id: string, k: number): string => {
      const all = byInstance.get(id) ?? impossible(id);
      if (all[0] === all[1]) return id;
      const [from, to] = [String(number), String(number + k)];
      const candidates = [...id.matchAll(/\d+/g)].filter(([digits]) => digits === from);
      const names = candidates.map(({ index }) => id.slice(0, index) + to + id.slice(index + from.length));
      return names.find((name) => name === all[k]) ?? impossible(`${id} in instance ${k}`);
    };
    const tensor =
      (k: number) =>
      (id: string): string => {
        const next = initial.get(id);
        return next === undefined ? counted(id, k) : k === 0 ? id : counted(next, k - 1);
      };
    const told = (operator: Operator, name: (id: string) => string): unknown => ({
      kind: operator.kind,
      inputs: operator.inputs.map((input) => ({ ...input, tensor: name(input.tensor) })),
      output: name(operator.output),
      operands: operandsOf(operator).map(name),
      matrix: isMatrix(operator) ? operator.attrs.matrix : undefined,
      steps: operator.epilogue.map((step) => [step.function, ...step.operands.map(name)]),
    });
    for (let i = 0; i < length * count; i++) {
      const { instance = 0, place = 0 } = placeIn(block, first + i) ?? {};
      const [one, other] = [graph.operators[first + place], graph.operators[first + i]];
      if (one === undefined || other === undefined) continue;
      assert.equal(
        told(one, tensor(instance)),
        told(other, (id) => id),
        `${other.id} is instance ${instance} of ${one.id}`,
      );
    }
  }
}

test('the layers of the shipped networks are found, as many as published', () => {
  const found = (name: string): number[][] => sizes(importOnnx(modelPath(name), { bind: { batch: 1 } }));
  // Twelve encoder layers; stages of 3, 4, 6 and 3 bottlenecks, the first of each with another shape; no two alike in VGG-16.
  assert.equal(
    found('vitb16').map(([count]) => count),
    [12],
  );
  assert.equal(found('resnet50'), [
    [2, 3],
    [3, 3],
    [5, 3],
    [2, 3],
  ]);
  assert.equal(found('resnet18'), [[2, 2]]);
  assert.equal(found('vgg16'), []);
});

test('each instance is the first one with its numbers counted up', () => {
  for (const name of MODELS) checkUnrolled(importOnnx(modelPath(name), { bind: { batch: 1 } }));
});

test('names that count already stay, others are put below them, and tell what they were', () => {
  const graph = importOnnx(modelPath('vitb16'), { bind: { batch: 1 } });
  const [block] = graph.blocks;
  assert.is(graph.operators[block?.first ?? 0]?.id, 'encoder.layers.encoder_layer_0.ln_1');
  const scores = graph.operators.find(({ source }) => source === 'node_MatMul_85');
  assert.is(scores?.id, 'encoder.layers.encoder_layer_0.node_MatMul_85');
  assert.is(graph.operators.find(({ id }) => id === 'encoder.layers.encoder_layer_3.node_MatMul_85')?.kind, 'matMul');
  assert.ok(
    graph.tensors.some(({ id, source }) => id === 'encoder.layers.encoder_layer_11.self_attention.out_proj.weight' && source === undefined),
  );
});

/** Layers of two products with a residual; `change` may alter one. */
function layers(
  count: number,
  change: (nodes: NodeSpec[], k: number) => NodeSpec[] = (nodes) => nodes,
  rest: Partial<ModelSpec> = {},
): Graph {
  const nodes: NodeSpec[] = [];
  for (let k = 0; k < count; k++) {
    const from = k === 0 ? 'start' : `r${k - 1}`;
    const layer = [
      node('MatMul', [from, `up.${k}`], [`u${k}`]),
      node('Relu', [`u${k}`], [`a${k}`]),
      node('MatMul', [`a${k}`, `down.${k}`], [`d${k}`]),
      node('Mul', [`d${k}`, 'gate'], [`g${k}`]),
      node('Add', [`g${k}`, from], [`r${k}`]),
    ];
    nodes.push(...change(layer, k));
  }
  const weights = Object.fromEntries(
    Array.from({ length: count }, (_, k) => [
      [`up.${k}`, { shape: [8, 16] }],
      [`down.${k}`, { shape: [16, 8] }],
    ]).flat(),
  );
  const graph = importOnnx(
    buildModel({
      inputs: { x: [4, 8] },
      outputs: ['y'],
      nodes: [node('Softmax', ['x'], ['start']), node('Sigmoid', ['x'], ['gate']), ...nodes, node('Softmax', [`r${count - 1}`], ['y'])],
      weights,
      ...rest,
    }),
  );
  assert.equal(verifyGraph(graph), []);
  checkUnrolled(graph);
  return graph;
}

test('what is carried, shared and own is told apart', () => {
  const graph = layers(5);
  assert.equal(sizes(graph), [[5, 2]]);
  const [block] = graph.blocks;
  assert.equal(block?.carried, [{ initial: 'start', next: 'r0' }]);
  assert.is(block?.number, 0);
  const tensors = tensorsByInstance(graph, block as Block);
  assert.equal(tensors.get('gate'), ['gate', 'gate', 'gate', 'gate', 'gate']);
  assert.equal(tensors.get('up.0'), ['up.0', 'up.1', 'up.2', 'up.3', 'up.4']);
  assert.equal(tensors.get('start'), ['start', 'r0', 'r1', 'r2', 'r3']);
});

test('a layer that is different ends a run: another shape, function, window, or what it reads', () => {
  const at =
    (k: number, change: (nodes: NodeSpec[]) => NodeSpec[]) =>
    (nodes: NodeSpec[], i: number): NodeSpec[] =>
      i === k ? change(nodes) : nodes;
  const tanh = at(2, ([up, relu, ...rest]) => [up as NodeSpec, { ...(relu as NodeSpec), op: 'Tanh' }, ...rest]);
  assert.equal(sizes(layers(6, tanh)), [
    [2, 2],
    [3, 2],
  ]);
  // Reads the input of the layer before it, which is not carried that far.
  const skip = at(3, (nodes) => nodes.map((one) => (one.op === 'Add' ? { ...one, inputs: ['g3', 'r1'] } : one)));
  assert.equal(
    sizes(layers(6, skip)).some(([count = 0]) => count > 3),
    false,
  );
  const outside = at(3, (nodes) => nodes.map((one) => (one.op === 'Mul' ? { ...one, inputs: ['d3', 'start'] } : one)));
  assert.equal(sizes(layers(6, outside))[0], [3, 2]);
});

test('layers that write a cache of their own, read as inputs, are alike', () => {
  const count = 4;
  const numbers = Array.from({ length: count }, (_, k) => k);
  const nodes = numbers.flatMap((k) => [
    node('MatMul', [k === 0 ? 'x' : `r${k - 1}`, `w.${k}`], [`u${k}`]),
    node('Concat', [`past.${k}`, `u${k}`], [`present.${k}`], { axis: 0 }),
    node('ReduceMean', [`present.${k}`, 'zero'], [`m${k}`]),
    node('MatMul', [`m${k}`, `v.${k}`], [`r${k}`]),
  ]);
  const graph = importOnnx(
    buildModel({
      inputs: { x: [1, 8], ...Object.fromEntries(numbers.map((k) => [`past.${k}`, [3, 8]])) },
      outputs: [`r${count - 1}`, ...numbers.map((k) => `present.${k}`)],
      nodes,
      weights: {
        zero: { shape: [1], values: [0] },
        ...Object.fromEntries(numbers.flatMap((k) => [`w.${k}`, `v.${k}`].map((name) => [name, { shape: [8, 8] }]))),
      },
    }),
  );
  assert.equal(sizes(graph), [[count, 4]]);
  checkUnrolled(graph);
  const tensors = tensorsByInstance(graph, graph.blocks[0] as Block);
  assert.equal(tensors.get('past.0'), ['past.0', 'past.1', 'past.2', 'past.3']);
  assert.equal(tensors.get('present.0'), ['present.0', 'present.1', 'present.2', 'present.3']);
});

/** A layer of random operators, each reading earlier values of its layer, what is carried, or one of two shared values. */
const body = fc.array(fc.tuple(fc.constantFrom('MatMul', 'MatMul', 'Add', 'Softmax', 'Relu'), fc.nat(20), fc.nat(20)), {
  minLength: 2,
  maxLength: 8,
});

test('random layers repeated under random names are valid blocks, whatever is changed in one of them', () => {
  const property = fc.property(
    body,
    fc.integer({ min: 2, max: 6 }),
    fc.option(fc.tuple(fc.nat(5), fc.nat(7), fc.nat(20))),
    fc.boolean(),
    (ops, count, odd, named) => {
      const nodes: NodeSpec[] = [node('Softmax', ['x'], ['s']), node('Relu', ['x'], ['c'])];
      const weights: Record<string, { shape: number[] }> = {};
      let carried = 'c';
      let serial = 0;
      for (let k = 0; k < count; k++) {
        const values = [carried, 's', 'x'];
        for (const [at, [op, a, b]] of ops.entries()) {
          const changed = odd !== null && odd[0] === k && odd[1] === at ? odd[2] : a;
          const out = named ? `layer${k}_v${at}` : `v${serial++}`;
          const left = values[changed % values.length] ?? '';
          const weight = `w${serial++}`;
          if (op === 'MatMul') weights[weight] = { shape: [8, 8] };
          nodes.push(node(op, op === 'MatMul' ? [left, weight] : op === 'Add' ? [left, values[b % values.length] ?? ''] : [left], [out]));
          values.push(out);
        }
        carried = values.at(-1) ?? '';
      }
      const graph = importOnnx(buildModel({ inputs: { x: [4, 8] }, outputs: [carried], nodes, weights }));
      assert.equal(verifyGraph(graph), []);
      checkUnrolled(graph);
    },
  );
  fc.assert(property, { seed: 43, numRuns: 300 });
});

test('a layer whose inside is read from elsewhere is in no block; what the last one carries on may be read by all', () => {
  const readers = (read: string): Graph => {
    const nodes = ['x', 'r0', 'r1', 'r2', 'r3'].flatMap((from, k) => [
      node('MatMul', [from, `w${2 * k}`], [`u${k}`]),
      node('MatMul', [`u${k}`, `w${2 * k + 1}`], [`r${k}`]),
    ]);
    const weights = Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`w${k}`, { shape: [8, 8] }]));
    return importOnnx(
      buildModel({ inputs: { x: [4, 8] }, outputs: ['r4', 'y'], nodes: [...nodes, node('Softmax', [read], ['y'])], weights }),
    );
  };
  assert.equal(sizes(readers('r4')), [[5, 2]]);
  assert.equal(sizes(readers('r3')), [[4, 2]]);
  // Its layers fall into two runs, on either side of the value that is kept.
  assert.equal(sizes(readers('r1')), [
    [2, 2],
    [3, 2],
  ]);
  assert.equal(sizes(readers('u4')), [[4, 2]]);
});

test('a long network that is its own copy but for one operator is searched within bounds', () => {
  // Compared at every operator up to the odd one, this would take a hundred million comparisons.
  const count = 20_000;
  const nodes = Array.from({ length: count }, (_, k) => {
    const place = k % (count / 2);
    const from = k === 0 ? 'x' : k === count - 2 ? 'x' : `v${k - 1}`;
    return node(place % 2 === 0 ? 'MatMul' : 'Softmax', place % 2 === 0 ? [from, `w${place % 8}`] : [from], [`v${k}`], { axis: 1 });
  });
  const weights = Object.fromEntries(Array.from({ length: 8 }, (_, k) => [`w${k}`, { shape: [2, 2] }]));
  const bytes = buildModel({ inputs: { x: [2, 2] }, outputs: [`v${count - 1}`, `v${count - 3}`], nodes, weights });
  const graph = runImport(bytes, {}, 'link').graph ?? impossible();
  const found = findBlocks(graph);
  assert.ok(found.every(({ first, length, count }) => first + length * count <= graph.operators.length));
});

test.run();

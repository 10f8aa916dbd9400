import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { positionsNeeded, positionsReleased } from '../../lib/base/shapes.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import { runImport } from '../../lib/onnx/import-onnx.ts';
import { type AttributeValue, buildModel, INT64, type NodeSpec, node, type WeightSpec } from './build.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: windows of data movement');

/** One operator over x (and perhaps z), and what else it reads. */
interface Case {
  readonly shape: readonly number[];
  readonly op: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly weights?: Readonly<Record<string, WeightSpec>>;
}

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
const ints = (values: readonly number[]): WeightSpec => ({ shape: [values.length], values });
const elements = (shape: readonly number[]): number => shape.reduce((count, size) => count * size, 1);

const transpose = shapes.chain((shape) =>
  fc
    .shuffledSubarray(
      shape.map((_, axis) => axis),
      { minLength: shape.length },
    )
    .map((perm): Case => ({ shape, op: 'Transpose', attributes: { perm } })),
);
const reshape = fc.tuple(shapes, shapes).chain(([shape, other]) => {
  // Any two shapes become ones of a size by giving each the other's dimensions, too.
  const from = [...shape, ...other].slice(0, 6);
  return fc
    .shuffledSubarray(from, { minLength: from.length })
    .map((to): Case => ({ shape: from, op: 'Reshape', weights: { to: ints(mergeSome(to)) } }));
});
const slice = shapes.chain((shape) =>
  fc
    .tuple(fc.nat(shape.length - 1), fc.nat(3), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 2 }))
    .map(([axis, start, length, step]): Case => {
      const begin = Math.min(start, (shape[axis] ?? 1) - 1);
      return {
        shape,
        op: 'Slice',
        weights: { begins: ints([begin]), ends: ints([begin + length]), axes: ints([axis]), steps: ints([step]) },
      };
    }),
);
const gather = shapes.chain((shape) =>
  fc
    .tuple(fc.nat(shape.length - 1), fc.array(fc.nat(100), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([axis, picks, scalar]): Case => {
      const values = picks.map((pick) => pick % (shape[axis] ?? 1));
      return {
        shape,
        op: 'Gather',
        attributes: { axis },
        weights: { i: scalar ? { shape: [], values: values.slice(0, 1) } : ints(values) },
      };
    }),
);
const tile = shapes.chain((shape) =>
  fc
    .array(fc.integer({ min: 1, max: 3 }), { minLength: shape.length, maxLength: shape.length })
    .map((by): Case => ({ shape, op: 'Tile', weights: { by: ints(by) } })),
);
const expand = shapes.chain((shape) =>
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 0, maxLength: 5 }).map((to): Case => {
    const rank = Math.max(shape.length, to.length);
    const target = Array.from({ length: rank }, (_, i) => {
      const own = shape[i - rank + shape.length] ?? 1;
      return own === 1 ? (to[i - rank + to.length] ?? 1) : own;
    });
    return { shape, op: 'Expand', weights: { to: ints(target) } };
  }),
);
const flatten = shapes.chain((shape) => fc.nat(shape.length).map((axis): Case => ({ shape, op: 'Flatten', attributes: { axis } })));
const unsqueeze = shapes.chain((shape) =>
  fc.nat(shape.length).map((axis): Case => ({ shape, op: 'Unsqueeze', weights: { axes: ints([axis]) } })),
);

function mergeSome(shape: readonly number[]): number[] {
  return shape.length < 3 ? [...shape] : [(shape[0] ?? 1) * (shape[1] ?? 1), ...shape.slice(2)];
}

/** Streaming position of element `index` of a tensor whose features are on `axis`. */
function positionOf(index: number, shape: readonly number[], axis: number): number {
  const inner = elements(shape.slice(axis + 1));
  return Math.floor(index / (inner * (shape[axis] ?? 1))) * inner + (index % inner);
}

/**
 * Checks the windows of the operator that makes y: for each output element, the input element it is a copy of (found by
 * folding the operator over numbered elements) is among those needed, and not among those released before.
 */
function checkWindows({ shape, op, attributes = {}, weights = {} }: Case, axisIn: number, axisOut: number): void {
  const readers = (rankOut: number): NodeSpec[] => [
    // Who reads a tensor decides its layout: softmax prefers its axis to hold the features.
    node('Softmax', ['x'], ['p'], { axis: axisIn % shape.length }),
    ...(rankOut === 0 ? [] : [node('Softmax', ['y'], ['q'], { axis: axisOut % rankOut })]),
  ];
  const mover = node(op, ['x', ...Object.keys(weights)], ['y'], attributes);
  const numbered = { shape, values: Array.from({ length: elements(shape) }, (_, i) => i), type: INT64 };
  const folded = runImport(
    buildModel({ inputs: {}, outputs: ['y'], nodes: [mover], weights: { ...weights, x: numbered } }),
    {},
    'infer',
  ).values.get('y');
  const sources = folded?.elements() ?? impossible('not folded');
  const shapeOut = folded?.shape ?? [];
  if (sources.length === 0) return;

  const nodes = [mover, ...readers(shapeOut.length)];
  const outputs = ['y', 'p', ...(shapeOut.length === 0 ? [] : ['q'])];
  const { graph, axes } = runImport(buildModel({ inputs: { x: shape }, outputs, nodes, weights }));
  const operator = (graph as Graph).operators.find(({ output }) => output === 'y');
  const window = operator?.inputs[0]?.window ?? impossible('no window');
  const [from, to] = [axes.get('x') ?? 0, axes.get('y') ?? 0];
  for (const [at, source] of sources.entries()) {
    const [positionIn, positionOut] = [positionOf(source, shape, from), positionOf(at, shapeOut, to)];
    assert.ok(positionIn < positionsNeeded(window, positionOut + 1), `output ${at} needs input ${source} of [${shape}]`);
    assert.ok(positionIn >= positionsReleased(window, positionOut), `input ${source} of [${shape}] is gone before output ${at}`);
  }
}

for (const [name, cases] of Object.entries({ transpose, reshape, slice, gather, tile, expand, flatten, unsqueeze })) {
  test(`${name} never needs what its window doesn't have, whatever the layouts`, () => {
    fc.assert(fc.property(cases, fc.nat(5), fc.nat(5), checkWindows), { seed: 21, numRuns: 400 });
  });
}

test('splitting heads and joining them again streams token by token', () => {
  const bytes = buildModel({
    inputs: { x: [2, 8, 64] },
    outputs: ['z'],
    nodes: [node('Reshape', ['x', 's'], ['y']), node('Softmax', ['y'], ['p'], { axis: -1 }), node('Reshape', ['p', 't'], ['z'])],
    weights: { s: ints([2, 8, 4, 16]), t: ints([2, 8, 64]) },
  });
  const [split, , join] = (runImport(bytes).graph as Graph).operators;
  assert.equal(split?.inputs[0]?.window, { samples: 1, rowsOut: 16, widthOut: 4, rowsIn: 16, widthIn: 1, stride: 1, reach: 1, lead: 0 });
  assert.equal(join?.inputs[0]?.window, { samples: 1, rowsOut: 16, widthOut: 1, rowsIn: 16, widthIn: 4, stride: 1, reach: 1, lead: 0 });
});

test('flattening a feature map needs a sample whole', () => {
  const bytes = buildModel({
    inputs: { x: [2, 3, 4, 4] },
    outputs: ['z'],
    nodes: [node('MaxPool', ['x'], ['y'], { kernel_shape: [2, 2], strides: [2, 2] }), node('Flatten', ['y'], ['z'])],
  });
  const [, flat] = (runImport(bytes).graph as Graph).operators;
  assert.equal(flat?.inputs[0]?.window, { samples: 2, rowsOut: 1, widthOut: 1, rowsIn: 1, widthIn: 4, stride: 1, reach: 1, lead: 0 });
});

test.run();

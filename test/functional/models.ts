// Small ONNX models with weights inside, of every operator that can be run, for the functional tests.

import { buildModel, FLOAT, float, INT64, type ModelSpec, type NodeSpec, node, type WeightSpec } from '../onnx/build.ts';
import { randomFrom } from '../support/networks.ts';

/** Weights drawn from a seed as they are asked for. */
export class Weights {
  readonly all: Record<string, WeightSpec> = {};
  private readonly random: (least: number, most: number) => number;

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  /** Real numbers within `low` .. `high`; returns the name. */
  real(name: string, shape: readonly number[], low = -1, high = 1): string {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, () => Math.fround(low + ((high - low) * this.random(0, 4096)) / 4096));
    this.all[name] = { shape, values, type: FLOAT };
    return name;
  }

  whole(name: string, values: readonly number[], shape: readonly number[] = [values.length]): string {
    this.all[name] = { shape, values, type: INT64 };
    return name;
  }
}

/** One encoder layer: normalisation, attention of two heads, residual, GELU network, residual, classifier of the first token. */
export function encoder(tokens = 6, width = 8, heads = 2): Uint8Array {
  const weights = new Weights(3);
  const nodes: NodeSpec[] = [];
  const add = (op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): string => {
    const name = `${op.toLowerCase()}${nodes.length}`;
    nodes.push(node(op, inputs, [name], attributes));
    return name;
  };
  const norm = (x: string, name: string): string =>
    add('LayerNormalization', [x, weights.real(`${name}.scale`, [width], 0.5, 1.5), weights.real(`${name}.shift`, [width])], { axis: -1 });
  const linear = (x: string, name: string, from: number, to: number): string =>
    add('Add', [add('MatMul', [x, weights.real(`${name}.weight`, [from, to])]), weights.real(`${name}.bias`, [to])]);
  const split = weights.whole('split', [1, tokens, heads, width / heads]);
  const join = weights.whole('join', [1, tokens, width]);
  const headsOf = (x: string, perm: readonly number[]): string => add('Transpose', [add('Reshape', [x, split])], { perm });
  const first = norm('x', 'norm1');
  const q = headsOf(linear(first, 'q', width, width), [0, 2, 1, 3]);
  const k = headsOf(linear(first, 'k', width, width), [0, 2, 3, 1]);
  const v = headsOf(linear(first, 'v', width, width), [0, 2, 1, 3]);
  const scores = add('Div', [add('MatMul', [q, k]), weights.real('scale', [], 2, 2)]);
  const mixed = add('MatMul', [add('Softmax', [scores], { axis: -1 }), v]);
  const together = add('Reshape', [add('Transpose', [mixed], { perm: [0, 2, 1, 3] }), join]);
  const attended = add('Add', ['x', linear(together, 'out', width, width)]);
  const hidden = add('Gelu', [linear(norm(attended, 'norm2'), 'up', width, 2 * width)]);
  const result = add('Add', [attended, linear(hidden, 'down', 2 * width, width)]);
  const token = add('Gather', [result, weights.whole('first', [0], [])], { axis: 1 });
  nodes.push(node('Gemm', [token, weights.real('head.weight', [5, width]), weights.real('head.bias', [5])], ['y'], { transB: 1 }));
  return buildModel({ inputs: { x: [1, tokens, width] }, outputs: ['y'], nodes, weights: weights.all });
}

/** Depthwise and pointwise convolutions, squeeze-and-excitation, batch normalisation, all kinds of pooling, a classifier. */
export function mobileBlock(): Uint8Array {
  const weights = new Weights(5);
  const bn = (x: string, y: string, channels: number): NodeSpec =>
    node(
      'BatchNormalization',
      [
        x,
        weights.real(`${y}.s`, [channels], 0.5, 1.5),
        weights.real(`${y}.b`, [channels]),
        weights.real(`${y}.m`, [channels]),
        weights.real(`${y}.v`, [channels], 0.5, 1.5),
      ],
      [y],
      { epsilon: float(1e-5) },
    );
  const spec: ModelSpec = {
    inputs: { x: [2, 3, 11, 9] },
    outputs: ['y', 'z'],
    nodes: [
      node('Conv', ['x', weights.real('c1', [12, 3, 3, 3]), weights.real('b1', [12])], ['a'], { pads: [1, 1, 1, 1], strides: [2, 1] }),
      bn('a', 'n', 12),
      node('HardSwish', ['n'], ['h']),
      node('Conv', ['h', weights.real('c2', [12, 1, 3, 3])], ['d'], { group: 12, pads: [1, 0, 1, 2], dilations: [1, 1] }),
      node('GlobalAveragePool', ['d'], ['g']),
      node('Conv', ['g', weights.real('c3', [4, 12, 1, 1]), weights.real('b3', [4])], ['s1']),
      node('Relu', ['s1'], ['s2']),
      node('Conv', ['s2', weights.real('c4', [12, 4, 1, 1])], ['s3']),
      node('Sigmoid', ['s3'], ['s4']),
      node('Mul', ['d', 's4'], ['e']),
      node('Conv', ['e', weights.real('c5', [12, 6, 1, 1])], ['f'], { group: 2 }),
      node('Add', ['f', 'h'], ['r']),
      node('MaxPool', ['r'], ['p'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      node('AveragePool', ['r'], ['q'], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1, ceil_mode: 0 }),
      node('AveragePool', ['r'], ['q2'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      node('Concat', ['p', 'q2'], ['pq'], { axis: 1 }),
      node('ReduceMax', ['q', weights.whole('axes', [2, 3])], ['m'], { keepdims: 0 }),
      node('ReduceMean', ['pq', weights.whole('axes2', [2, 3])], ['t'], { keepdims: 0 }),
      node(
        'Slice',
        ['t', weights.whole('from', [1]), weights.whole('to', [23]), weights.whole('along', [1]), weights.whole('by', [2])],
        ['t2'],
      ),
      node('Pad', ['t2', weights.whole('pads', [0, 1, 0, 0])], ['t3']),
      node('Sub', ['m', 't3'], ['mt']),
      node('Gemm', ['mt', weights.real('fc', [12, 7]), weights.real('fcb', [7])], ['y'], { alpha: float(0.5) }),
      node('Tanh', ['t3'], ['z']),
    ],
    weights: weights.all,
  };
  return buildModel(spec);
}

/** Every function and move that is not in the others, one output each, with a convolution in front of some. */
export function functions(): Uint8Array {
  const weights = new Weights(9);
  const nodes: NodeSpec[] = [node('Conv', ['x', weights.real('w', [4, 3, 1, 1])], ['c'])];
  const outputs: string[] = [];
  const add = (op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): void => {
    outputs.push(`${op.toLowerCase()}${outputs.length}`);
    nodes.push(node(op, inputs, [outputs.at(-1) ?? ''], attributes));
  };
  for (const op of [
    'LeakyRelu',
    'Elu',
    'Celu',
    'Selu',
    'HardSigmoid',
    'Mish',
    'Softplus',
    'Softsign',
    'Erf',
    'Exp',
    'Abs',
    'Neg',
    'Floor',
    'Ceil',
    'Round',
    'Sin',
    'Cos',
    'Atan',
  ])
    add(op, ['x']);
  for (const op of ['Add', 'Sub', 'Mul', 'Div', 'PRelu', 'Min', 'Max', 'Mean'])
    add(op, ['c', weights.real(`${op}.by`, [4, 1, 1], 0.5, 1.5)]);
  for (const op of ['Less', 'GreaterOrEqual', 'Equal']) {
    nodes.push(node(op, ['c', weights.real(`${op}.by`, [1])], [`${op}.truth`]));
    add('Cast', [`${op}.truth`], { to: FLOAT });
  }
  add('Where', ['Less.truth', 'c', weights.real('other', [5])]);
  for (const op of ['ReduceSum', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp'])
    add(op, ['x', weights.whole(`${op}.axes`, [1, 3])]);
  nodes.push(node('ArgMax', ['x'], ['largest'], { axis: 3 }));
  add('Cast', ['largest'], { to: FLOAT });
  add('Softmax', ['x'], { axis: 1 });
  add('LogSoftmax', ['x'], { axis: 3 });
  add('LpNormalization', ['x'], { axis: 1 });
  add('InstanceNormalization', ['x', weights.real('scale', [3]), weights.real('shift', [3])]);
  for (const mode of ['constant', 'reflect', 'edge']) add('Pad', ['x', weights.whole(`pads.${mode}`, [0, 0, 1, 2, 0, 1, 0, 1])], { mode });
  add('Tile', ['x', weights.whole('repeats', [1, 2, 1, 3])]);
  add('Expand', ['x', weights.whole('shape', [2, 3, 4, 5])]);
  add('Transpose', ['c'], { perm: [0, 3, 1, 2] });
  add('MatMul', [weights.real('left', [6, 4]), 'c']);
  add('Gather', ['x', weights.whole('rows', [2, 0])], { axis: 3 });
  return buildModel({ inputs: { x: [1, 3, 4, 5] }, outputs, nodes, weights: weights.all });
}

// Small networks for tests, written as Graphs: a builder, and random ones from a seed.

import { elementwiseWindow, type Window, wholeWindow } from '../../lib/base/shapes.ts';
import type { EpilogueStep, Graph, Input, Operator, Tensor } from '../../lib/ir/graph.ts';

/** Deterministic random numbers: mulberry32. */
export function randomFrom(seed: number): (least: number, most: number) => number {
  let state = seed >>> 0;
  return (least, most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    const unit = ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    return least + Math.floor(unit * (most - least + 1));
  };
}

/** A feature map [batch, channels, height, width] under construction. */
export interface Map4 {
  readonly id: string;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export class NetworkBuilder {
  private readonly tensors: Tensor[] = [];
  private readonly operators: Operator[] = [];
  private readonly inputs: string[] = [];

  input(batch: number, channels: number, height: number, width: number): Map4 {
    const map = this.map('input', batch, channels, height, width, 'input');
    this.inputs.push(map.id);
    return map;
  }

  conv(from: Map4, outputs: number, options: { kernel?: number; stride?: number; groups?: number; relu?: boolean; add?: Map4 } = {}): Map4 {
    const { kernel = 3, stride = 1, groups = 1, relu = false, add } = options;
    const pad = Math.floor(kernel / 2);
    const height = Math.floor((from.height + 2 * pad - kernel) / stride) + 1;
    const width = Math.floor((from.width + 2 * pad - kernel) / stride) + 1;
    const id = `conv${this.operators.length}`;
    const to = this.map(`${id}.out`, from.batch, outputs, height, width);
    const positions = to.batch * height * width;
    const epilogue: EpilogueStep[] = [];
    const inputs: Input[] = [{ tensor: from.id, window: mapWindow(from, to, kernel, stride, pad) }];
    if (add !== undefined) {
      epilogue.push({ id: `${id}.add`, class: 'elementwise', function: 'add', parameters: [], operands: [add.id] });
      inputs.push({ tensor: add.id, window: elementwiseWindow(positions) });
    }
    if (relu) epilogue.push({ id: `${id}.relu`, class: 'activation', function: 'relu', parameters: [], operands: [] });
    this.operators.push({
      id,
      kind: 'conv',
      onnxType: 'Conv',
      inputs,
      output: to.id,
      epilogue,
      attrs: {
        matrix: { m: positions, n: (from.channels / groups) * kernel * kernel, k: outputs / groups, groups },
        weight: `${id}.weight`,
        kernel: [kernel, kernel],
        strides: [stride, stride],
        dilations: [1, 1],
        pads: [pad, pad, pad, pad],
      },
    });
    return to;
  }

  pool(from: Map4, kernel = 2): Map4 {
    const id = `pool${this.operators.length}`;
    const to = this.map(`${id}.out`, from.batch, from.channels, Math.floor(from.height / kernel), Math.floor(from.width / kernel));
    this.operators.push({
      id,
      kind: 'pool',
      onnxType: 'MaxPool',
      output: to.id,
      epilogue: [],
      inputs: [{ tensor: from.id, window: mapWindow(from, to, kernel, kernel, 0) }],
      attrs: {
        function: 'max',
        kernel: [kernel, kernel],
        strides: [kernel, kernel],
        dilations: [1, 1],
        pads: [0, 0, 0, 0],
        ceilMode: false,
        countIncludePad: false,
      },
    });
    return to;
  }

  /** Flatten and a fully connected layer. */
  dense(from: Map4, outputs: number): Map4 {
    const flat = `flat${this.operators.length}`;
    const n = from.channels * from.height * from.width;
    this.tensor(flat, [from.batch, n], from.batch, n, 'activation');
    const perSample = from.height * from.width;
    this.operators.push({
      id: flat,
      kind: 'view',
      onnxType: 'Flatten',
      output: flat,
      epilogue: [],
      inputs: [{ tensor: from.id, window: wholeWindow(from.batch, from.batch * perSample, from.batch) }],
      attrs: { function: 'flatten' },
    });
    const id = `dense${this.operators.length}`;
    const to = this.rows(`${id}.out`, [from.batch, outputs], from.batch, 1);
    this.operators.push({
      id,
      kind: 'matMul',
      onnxType: 'Gemm',
      output: to.id,
      epilogue: [],
      inputs: [{ tensor: flat, window: elementwiseWindow(from.batch) }],
      attrs: { matrix: { m: from.batch, n, k: outputs, groups: 1 }, weight: `${id}.weight`, transposeWeight: false, dynamic: false },
    });
    return to;
  }

  /** `tokens` x n times n x k. */
  tokens(count: number, features: number): Map4 {
    const map = this.rows('input', [1, count, features], 1, count, 'input');
    this.inputs.push(map.id);
    return map;
  }

  linear(from: Map4, outputs: number): Map4 {
    const id = `linear${this.operators.length}`;
    const to = this.rows(`${id}.out`, [from.batch, from.height, outputs], from.batch, from.height);
    const m = from.batch * from.height;
    this.operators.push({
      id,
      kind: 'matMul',
      onnxType: 'MatMul',
      output: to.id,
      epilogue: [],
      inputs: [{ tensor: from.id, window: elementwiseWindow(m) }],
      attrs: { matrix: { m, n: from.channels, k: outputs, groups: 1 }, weight: `${id}.weight`, transposeWeight: false, dynamic: false },
    });
    return to;
  }

  /** Rows of `from` times `right` transposed: QK^T of one head. */
  product(from: Map4, right: Map4): Map4 {
    const id = `product${this.operators.length}`;
    const m = from.batch * from.height;
    const to = this.rows(`${id}.out`, [from.batch, from.height, right.height], from.batch, from.height);
    this.operators.push({
      id,
      kind: 'matMul',
      onnxType: 'MatMul',
      output: to.id,
      epilogue: [],
      inputs: [
        { tensor: from.id, window: elementwiseWindow(m) },
        { tensor: right.id, window: wholeWindow(1, right.batch * right.height, m) },
      ],
      attrs: { matrix: { m, n: from.channels, k: right.height, groups: 1 }, weight: right.id, transposeWeight: true, dynamic: true },
    });
    return to;
  }

  /** Attention over `groups` heads: projections, heads moved apart, QK^T, softmax, times V, heads moved together. */
  attention(from: Map4, groups: number): Map4 {
    const tokens = from.height;
    const width = from.channels / groups;
    const heads = (map: Map4, features: number): Map4 => this.move(map, groups, tokens, features);
    const [q, k, v] = [this.linear(from, from.channels), this.linear(from, from.channels), this.linear(from, from.channels)];
    const scores = this.batched(heads(q, width), heads(k, tokens), { m: tokens, n: width, k: tokens, groups });
    const shares = this.softmax(scores);
    const mixed = this.batched(shares, heads(v, width), { m: tokens, n: tokens, k: width, groups });
    return this.linear(this.move(mixed, 1, tokens, from.channels), from.channels);
  }

  /** `groups` matrices of `rows` x `features`, in any order of their elements. */
  private move(from: Map4, groups: number, rows: number, features: number): Map4 {
    const id = `move${this.operators.length}`;
    const to = this.map(`${id}.out`, groups, features, rows, 1);
    const window = wholeWindow(1, from.batch * from.height, groups * rows);
    const operator = {
      id,
      kind: 'move',
      onnxType: 'Transpose',
      inputs: [{ tensor: from.id, window }],
      output: to.id,
      epilogue: [],
    } as const;
    this.operators.push({ ...operator, attrs: { function: 'transpose', parameters: {} } });
    return to;
  }

  private softmax(from: Map4): Map4 {
    const id = `softmax${this.operators.length}`;
    const to = this.map(`${id}.out`, from.batch, from.channels, from.height, 1);
    const inputs = [{ tensor: from.id, window: elementwiseWindow(from.batch * from.height) }];
    this.operators.push({ id, kind: 'softmax', onnxType: 'Softmax', inputs, output: to.id, epilogue: [], attrs: { axis: 2 } });
    return to;
  }

  private batched(left: Map4, right: Map4, matrix: { m: number; n: number; k: number; groups: number }): Map4 {
    const id = `heads${this.operators.length}`;
    const to = this.map(`${id}.out`, matrix.groups, matrix.k, matrix.m, 1);
    const positions = matrix.groups * matrix.m;
    const inputs = [
      { tensor: left.id, window: elementwiseWindow(positions) },
      { tensor: right.id, window: wholeWindow(1, right.batch * right.height, positions) },
    ];
    const attrs = { matrix, weight: right.id, transposeWeight: false, dynamic: true };
    this.operators.push({ id, kind: 'matMul', onnxType: 'MatMul', inputs, output: to.id, epilogue: [], attrs });
    return to;
  }

  finish(outputs: readonly Map4[], name = 'network'): Graph {
    const leaving = new Set(outputs.map(({ id }) => id));
    return {
      noun: 'graph',
      schemaVersion: 1,
      name,
      hash: '0'.repeat(64),
      bindings: {},
      inputs: this.inputs,
      outputs: [...leaving],
      tensors: this.tensors.map((tensor) => (leaving.has(tensor.id) ? { ...tensor, role: 'output' as const } : tensor)),
      operators: this.operators,
      blocks: [],
      caches: [],
    };
  }

  private map(id: string, batch: number, channels: number, height: number, width: number, role: Tensor['role'] = 'activation'): Map4 {
    this.tensor(id, [batch, channels, height, width], batch * height * width, channels, role);
    return { id, batch, channels, height, width };
  }

  /** Vectors of features, the last axis: `height` for each sample. */
  private rows(id: string, shape: readonly number[], batch: number, height: number, role: Tensor['role'] = 'activation'): Map4 {
    const channels = shape.at(-1) ?? 1;
    this.tensor(id, shape, batch * height, channels, role);
    return { id, batch, channels, height, width: 1 };
  }

  private tensor(id: string, shape: readonly number[], positions: number, features: number, role: Tensor['role']): void {
    this.tensors.push({ id, role, dtype: 'float32', shape, positions, features });
  }
}

function mapWindow(from: Map4, to: Map4, kernel: number, stride: number, pad: number): Window {
  return {
    samples: from.batch,
    rowsOut: to.height,
    widthOut: to.width,
    rowsIn: from.height,
    widthIn: from.width,
    stride,
    reach: kernel - pad,
    lead: pad,
  };
}

/** A random convolutional network: chains, residuals, grouped and depthwise layers, pools, a classifier. */
export function randomNetwork(seed: number): Graph {
  const random = randomFrom(seed);
  const net = new NetworkBuilder();
  const batch = random(1, 3);
  let map = net.input(batch, random(1, 8), random(4, 20), random(4, 20));
  const layers = random(1, 7);
  for (let i = 0; i < layers; i++) {
    const kind = random(0, 6);
    const outputs = random(1, 48) * 4;
    const relu = random(0, 1) === 1;
    if (kind === 0 && map.height >= 4 && map.width >= 4) map = net.pool(map);
    else if (kind === 1) map = net.conv(map, map.channels, { groups: map.channels, relu });
    else if (kind === 2) {
      const wide = net.conv(map, map.channels, { relu: true });
      map = net.conv(wide, map.channels, { relu, add: map });
    } else if (kind === 3 && map.channels % 4 === 0) map = net.conv(map, outputs, { groups: 4, relu });
    else
      map = net.conv(map, outputs, {
        kernel: random(0, 1) === 0 ? 1 : 3,
        stride: map.height > 3 && map.width > 3 ? random(1, 2) : 1,
        relu,
      });
  }
  const output = random(0, 2) === 0 ? map : net.dense(map, random(1, 200));
  return net.finish([output], `random${seed}`);
}

// Small nouns made by hand for the tests of charts, tables and summaries: a chip of eight arrays, a plan of three
// segments in which every role occurs, the second segment standing for four, and what its run might have looked like.

import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import type { Graph } from '../../lib/ir/graph.ts';
import type { OperatorPlan, Plan, SegmentPlan } from '../../lib/optimizer/plan.ts';
import type { Program } from '../../lib/program/program.ts';
import type { StatementTrace, Trace } from '../../lib/simulator/trace.ts';

/** A name that is markup in every language a name is shown in. */
export const HOSTILE = `<script>alert(1)</script><img src=x onerror="alert(2)"><b>$x$ %{x} &lt; '\u202e\u001b[31m`;

export function chip(): Hardware {
  return { ...loadHardware('hw/dynaplasia-paper.json'), name: 'small', title: 'A small chip', arrays: 8, grid: { x: 4, y: 2 } };
}

const MODEL = { name: 'two-convolutions', hash: 'ab'.repeat(32) };
const CHIP = { name: 'small', hash: 'cd'.repeat(32), arrays: 8 };

function operatorPlan(id: string, arrays: Pick<OperatorPlan, 'compute' | 'memoryIn' | 'memoryOut' | 'sharedIn'>): OperatorPlan {
  return {
    id,
    parent: id,
    piece: { outputs: { from: 0, to: 16 }, inner: { from: 0, to: 27 } },
    m: 64,
    n: 27,
    k: 16,
    groups: 1,
    tiles: arrays.compute.length,
    copies: 1,
    ...arrays,
    latencyCycles: 500,
    binding: 'compute',
  };
}

function segment(id: number, changes: Partial<SegmentPlan>): SegmentPlan {
  return {
    id,
    operators: [],
    vectorOperators: [],
    staged: [],
    kept: [],
    memoryMode: [],
    intraCycles: 1000,
    interCycles: { writeBack: 20, switch: 3, rewrite: 400 },
    ...changes,
  };
}

/** `name`: id of the first operator. */
export function plan(name = 'conv1'): Plan {
  const segments = [
    segment(0, {
      operators: [
        operatorPlan(name, { compute: [0, 1], memoryIn: [2], memoryOut: [3], sharedIn: [] }),
        operatorPlan('conv2', { compute: [4, 5], memoryIn: [3], memoryOut: [6], sharedIn: [3] }),
      ],
      kept: [{ tensor: 'conv2_out', bytes: 100, place: { kind: 'arrays', arrays: [6] } }],
      memoryMode: [2, 3, 6],
    }),
    segment(1, {
      operators: [operatorPlan('conv3', { compute: [0, 1, 2], memoryIn: [3], memoryOut: [], sharedIn: [] })],
      staged: [{ operator: 'fc', arrays: [4, 5] }],
      memoryMode: [3, 6],
    }),
    segment(2, { operators: [operatorPlan('fc', { compute: [4, 5], memoryIn: [], memoryOut: [], sharedIn: [] })] }),
  ];
  return {
    noun: 'plan',
    schemaVersion: 1,
    model: MODEL,
    hardware: CHIP,
    precision: { weightBits: 8, activationBits: 8 },
    optimizer: 'cmswitch',
    solver: 'exact',
    cost: 'paper',
    objective: 'latency',
    figures: 'paper',
    prefetch: false,
    computeOnly: false,
    seed: 0,
    segments,
    repeats: [{ block: 0, first: 1, count: 1, times: 4 }],
    analyticCycles: 6 * 1423,
    lowerBoundCycles: 5000,
  };
}

function statement(kind: StatementTrace['kind'], label: string, start: number, end: number): StatementTrace {
  return { kind, label, start, end, jobs: 1, busy: [{ resource: 'external channel', cycles: end - start }], arrays: [] };
}

export function trace(name = 'conv1'): Trace {
  return {
    noun: 'trace',
    schemaVersion: 1,
    model: MODEL,
    hardware: CHIP,
    makespanCycles: 3000,
    boundaryCycles: 0,
    clockHz: 200e6,
    segments: [
      {
        id: 0,
        boundaryStart: 0,
        start: 300,
        end: 1700,
        boundary: [statement('CM.switch', 'TOM', 0, 1), statement('CIM.write', name, 1, 300)],
        statements: [
          statement('MEM.move', 'image', 300, 1200),
          statement('CIM.mvm', name, 320, 1600),
          statement('VEC.run', 'softmax', 400, 1700),
        ],
        memoryMode: [2, 3, 6],
      },
      {
        id: 1,
        boundaryStart: 1700,
        start: 2000,
        end: 3000,
        boundary: [statement('CIM.write', 'conv3', 1700, 2000)],
        statements: [statement('CIM.mvm', 'conv3', 2000, 3000)],
        memoryMode: [3, 6],
      },
    ],
    resources: [
      { id: 'external channel', busyCycles: 1500 },
      { id: 'array 10', busyCycles: 2500 },
    ],
    bytes: { externalRead: 4096, externalWrite: 1024, buffer: 8192, memoryArrays: 2048, weightsFetched: 512 },
    energyPicojoules: {
      mvm: 5e6,
      adc: 0,
      memoryArrays: 2e6,
      weightWrite: 1e6,
      buffer: 5e5,
      external: 9e6,
      vector: 1e5,
      switch: 10,
      refresh: 0,
      leakage: 4e5,
    },
    usage: {
      mac: 35e6,
      weightWriteByte: 512,
      memoryReadByte: 1024,
      memoryWriteByte: 1024,
      bufferReadByte: 4096,
      bufferWriteByte: 4096,
      externalByte: 5632,
      vectorElement: 1000,
      switchArray: 3,
      leakagePerCycle: 3000,
      refreshPerCycle: 3000,
    },
    energyRangePicojoules: { least: 9e6, greatest: 31e6 },
    operators: [
      {
        id: name,
        kind: 'operator',
        macs: 35e6,
        energyPicojoules: { ...NO_ENERGY, mvm: 5e6, memoryArrays: 2e6, weightWrite: 1e6, buffer: 5e5, external: 9e6, vector: 1e5 },
      },
      { id: 'switches', kind: 'switches', macs: 0, energyPicojoules: { ...NO_ENERGY, switch: 10 } },
      { id: 'leakage and refresh', kind: 'static', macs: 0, energyPicojoules: { ...NO_ENERGY, leakage: 4e5 } },
    ],
    criticalPath: [
      { segment: 0, statement: 0, label: 'TOM', resource: 'switch line', start: 0, end: 1 },
      { segment: 0, statement: 1, label: name, resource: 'external channel', start: 1, end: 1200 },
      { segment: 0, statement: 3, label: name, resource: 'arrays computing', start: 1200, end: 1700 },
      { segment: 1, statement: 0, label: 'conv3', resource: 'external channel', start: 1700, end: 2000 },
      { segment: 1, statement: 1, label: 'conv3', resource: 'arrays computing', start: 2000, end: 3000 },
    ],
    memoryModeShare: 0.375,
    events: 1234,
  };
}

const NO_ENERGY = { mvm: 0, adc: 0, memoryArrays: 0, weightWrite: 0, buffer: 0, external: 0, vector: 0, switch: 0, refresh: 0, leakage: 0 };

const WINDOW = { samples: 1, rowsOut: 8, widthOut: 8, rowsIn: 8, widthIn: 8, stride: 1, reach: 2, lead: 1 };

/** A convolution, a rectifier, and a product of activations. `name`: id of the convolution. */
export function graph(name = 'conv1'): Graph {
  const activation = { role: 'activation', dtype: 'float32' } as const;
  return {
    noun: 'graph',
    schemaVersion: 1,
    name: MODEL.name,
    hash: MODEL.hash,
    bindings: { batch: 1 },
    inputs: ['image'],
    outputs: ['scores'],
    tensors: [
      { ...activation, id: 'image', role: 'input', shape: [1, 3, 8, 8], positions: 64, features: 3 },
      { ...activation, id: 'weight', role: 'weight', shape: [16, 3, 3, 3], positions: 16, features: 27 },
      { ...activation, id: 'features', shape: [1, 16, 8, 8], positions: 64, features: 16 },
      { ...activation, id: 'keys', shape: [16, 32], positions: 16, features: 32 },
      { ...activation, id: 'scores', role: 'output', shape: [64, 32], positions: 64, features: 32 },
    ],
    operators: [
      {
        id: name,
        kind: 'conv',
        onnxType: 'Conv',
        inputs: [{ tensor: 'image', window: WINDOW }],
        output: 'features',
        epilogue: [],
        attrs: {
          matrix: { m: 64, n: 27, k: 16, groups: 1 },
          weight: 'weight',
          kernel: [3, 3],
          strides: [1, 1],
          dilations: [1, 1],
          pads: [1, 1, 1, 1],
        },
      },
      {
        id: 'relu',
        kind: 'activation',
        onnxType: 'Relu',
        inputs: [{ tensor: 'features', window: WINDOW }],
        output: 'features',
        epilogue: [],
        attrs: { function: 'relu', parameters: [] },
      },
      {
        id: 'scores',
        kind: 'matMul',
        onnxType: 'MatMul',
        inputs: [
          { tensor: 'features', window: WINDOW },
          { tensor: 'keys', window: WINDOW },
        ],
        output: 'scores',
        epilogue: [],
        attrs: { matrix: { m: 64, n: 16, k: 32, groups: 1 }, weight: 'keys', transposeWeight: false, dynamic: true },
      },
    ],
    blocks: [],
    caches: [],
  };
}

export function program(name = 'conv1'): Program {
  const mvm = { kind: 'CIM.mvm', operator: name, outputs: { from: 0, to: 16 }, inner: { from: 0, to: 27 } } as const;
  const work = { ...mvm, copies: 1, arrays: [0], chunks: 1, from: [], to: [] } as const;
  return {
    noun: 'program',
    schemaVersion: 1,
    model: MODEL,
    hardware: CHIP,
    precision: { weightBits: 8, activationBits: 8 },
    tensors: [],
    operators: [],
    regions: [],
    body: [
      { kind: 'CM.switch', to: 'TOM', arrays: [2, 3] },
      { kind: 'parallel', body: [work] },
      { kind: 'loop', variable: 'i', count: 4, body: [{ kind: 'parallel', body: [work, work] }] },
    ],
  };
}

export const COMPARISON = [
  { optimizer: 'cmswitch', cycles: { analytic: 900, simulated: 1000, lowerBound: 800 }, memoryModeShare: 0.25 },
  { optimizer: 'static:1', cycles: { analytic: 1100, simulated: 1500, lowerBound: 800 }, memoryModeShare: 0 },
];

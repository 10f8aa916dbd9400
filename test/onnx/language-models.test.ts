import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Graph, isMatrix, tensorsOf } from '../../lib/ir/graph.ts';
import { inspect } from '../../lib/ir/inspect.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { matchesGolden } from './golden.ts';
import { type Bindings, countsOf, datasetsPath, isDynamic, LANGUAGE_MODELS, modelPath, totalMacs } from './models.ts';

const test = suite('onnx: the language models of datasets/');

/** The architectures as their papers and configurations have them. */
interface Architecture {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  /** Heads of keys and values. */
  readonly cached: number;
  readonly headSize: number;
  readonly inner: number;
  /** Matrices of a feed-forward network: two, or three of a gated one. */
  readonly matrices: number;
  readonly vocabulary: number;
  /** Experts, and how many of them a token goes through. */
  readonly experts?: readonly [number, number];
}

const OPT = { heads: 32, cached: 32, headSize: 128, matrices: 2, vocabulary: 50272 };
const ARCHITECTURES: Readonly<Record<(typeof LANGUAGE_MODELS)[number], Architecture>> = {
  'bert-large': { layers: 24, hidden: 1024, heads: 16, cached: 16, headSize: 64, inner: 4096, matrices: 2, vocabulary: 0 },
  gpt2: { layers: 12, hidden: 768, heads: 12, cached: 12, headSize: 64, inner: 3072, matrices: 2, vocabulary: 50257 },
  'opt-6.7b': { ...OPT, layers: 32, hidden: 4096, inner: 16384 },
  'opt-13b': { ...OPT, layers: 40, hidden: 5120, inner: 20480, heads: 40, cached: 40 },
  'llama2-7b': { layers: 32, hidden: 4096, heads: 32, cached: 32, headSize: 128, inner: 11008, matrices: 3, vocabulary: 32000 },
  'qwen3-8b': { layers: 36, hidden: 4096, heads: 32, cached: 8, headSize: 128, inner: 12288, matrices: 3, vocabulary: 151936 },
  'mixtral-8x7b': {
    ...{ layers: 32, hidden: 4096, heads: 32, cached: 8, headSize: 128, inner: 14336, matrices: 3, vocabulary: 32000 },
    experts: [8, 2],
  },
};

const graphs = new Map<string, Graph>();
function graphOf(name: string, bind: Bindings): Graph {
  const key = `${name} ${JSON.stringify(bind)}`;
  const graph = graphs.get(key) ?? importOnnx(modelPath(name), { bind });
  graphs.set(key, graph);
  return graph;
}

/** Multiply-accumulates of one pass over `sequence` tokens behind `past` others. */
function closedForm(
  { layers, hidden, heads, cached, headSize, inner, matrices, vocabulary, experts }: Architecture,
  { batch = 1, sequence = 1, past = 0 }: Bindings,
): number {
  const tokens = batch * sequence;
  const projections = hidden * headSize * (heads + 2 * cached + heads);
  const [routes, active] = experts ?? [0, 1];
  const feedForward = hidden * (active * matrices * inner + routes);
  const attention = 2 * tokens * heads * headSize * (past + sequence);
  const head = vocabulary === 0 ? batch * hidden * hidden : tokens * hidden * vocabulary;
  return layers * (tokens * (projections + feedForward) + attention) + head;
}

test("the products of a pass are those of a closed form, and those PyTorch's own counter counts", () => {
  const counts = countsOf();
  for (const name of LANGUAGE_MODELS) {
    const recorded = counts[name]?.macs ?? [];
    assert.ok(recorded.length >= 2, name);
    for (const { bind, macs } of recorded) {
      assert.is(totalMacs(graphOf(name, bind)), macs, `${name} ${JSON.stringify(bind)}`);
      assert.is(closedForm(ARCHITECTURES[name], bind), macs, `${name} ${JSON.stringify(bind)}`);
    }
  }
});

test('the parameters are those PyTorch counts', () => {
  const counts = countsOf();
  for (const name of LANGUAGE_MODELS) {
    const { initializers } = runImport(modelPath(name), {}, 'decode').model;
    const sizes = initializers.filter(({ dtype }) => dtype.includes('float')).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    const { layers, headSize } = ARCHITECTURES[name];
    // What is in the file besides: constants of a few numbers, and the frequencies of rotary embeddings.
    const parameters = sizes.filter((size) => size > headSize);
    const norms = name === 'qwen3-8b' ? 2 * layers * headSize : 0;
    assert.is(parameters.reduce((a, b) => a + b, 0) + norms, counts[name]?.parameters, name);
  }
});

test('a layer is a block, with as many products as its architecture has', () => {
  const products = { 'bert-large': 8, gpt2: 6, 'opt-6.7b': 8, 'opt-13b': 8, 'llama2-7b': 9, 'qwen3-8b': 9 };
  for (const [name, expected] of Object.entries(products)) {
    const { layers } = ARCHITECTURES[name as keyof typeof products];
    const bind = name === 'bert-large' ? { batch: 1, sequence: 64 } : { batch: 1, sequence: 1, past: 64 };
    const { blocks, operators } = graphOf(name, bind);
    assert.equal(
      blocks.map(({ count }) => count),
      [layers],
      name,
    );
    const { first, length } = blocks[0] ?? { first: 0, length: 0 };
    const layer = operators.slice(first, first + length).filter(isMatrix);
    assert.is(layer.length, expected, name);
    assert.is(layer.filter(isDynamic).length, 2, name);
  }
});

test('every layer keeps keys and values, a head at a time', () => {
  for (const name of LANGUAGE_MODELS) {
    if (name === 'bert-large') continue;
    const { layers, cached, headSize } = ARCHITECTURES[name];
    const graph = graphOf(name, { batch: 1, sequence: 1, past: 64 });
    const states = [...tensorsOf(graph).values()].filter(({ role, id }) => role === 'state' && id.startsWith('past_key_values.'));
    assert.is(states.length, 2 * layers, name);
    for (const { shape } of states) assert.equal(shape, [1, cached, 64, headSize], name);
    assert.is(graph.outputs.filter((id) => id.startsWith('present.')).length, 2 * layers, name);
  }
});

test('an expert sees the vectors that are expected of tokens, experts, and experts for a token', () => {
  const experts = (sequence: number, past: number): { m: number; groups: number }[] =>
    graphOf('mixtral-8x7b', { batch: 1, sequence, past })
      .operators.filter(isMatrix)
      .map(({ attrs }) => attrs.matrix)
      .filter(({ n, k }) => n === 14336 || k === 14336)
      .map(({ m, groups }) => ({ m, groups }));
  // 64 tokens, two of eight experts each: 16 for every expert. One token: two experts.
  assert.equal(new Set(experts(64, 0).map((matrix) => JSON.stringify(matrix))), new Set(['{"m":16,"groups":8}']));
  assert.equal(new Set(experts(1, 64).map((matrix) => JSON.stringify(matrix))), new Set(['{"m":1,"groups":2}']));
});

/** Arithmetic intensity of all products together, as Fig. 5c and 6 count it. */
function intensity(graph: Graph): number {
  return inspect(graph).model.flopsPerMop ?? Number.NaN;
}

test('intensities are those recorded: of the layers of ResNet-50, and of BERT-large against the sequence', () => {
  const resnet = inspect(importOnnx(modelPath('resnet50'), { bind: { batch: 1 } })).operators.flatMap(({ id, flopsPerMop }) =>
    flopsPerMop === null ? [] : [{ id, flopsPerMop }],
  );
  const inner = resnet.slice(1, -1).map(({ flopsPerMop }) => flopsPerMop);
  assert.ok(Math.min(...inner) < 100 && Math.max(...inner) > 600);
  const rows = [
    'FLOPs/MOP = 2 * MACs over elements of inputs, weights and outputs (Zhao et al. 2025, Fig. 5c and 6), batch 1',
    ...resnet.map(({ id, flopsPerMop }) => `resnet50 ${id} ${flopsPerMop.toPrecision(4)}`),
    ...[32, 64, 128, 256, 512].map((sequence) => {
      const graph = graphOf('bert-large', { batch: 1, sequence });
      return `bert-large sequence=${sequence} ${intensity(graph).toPrecision(4)}`;
    }),
    `llama2-7b sequence=64,past=0 ${intensity(graphOf('llama2-7b', { batch: 1, sequence: 64, past: 0 })).toPrecision(4)}`,
    `llama2-7b sequence=1,past=64 ${intensity(graphOf('llama2-7b', { batch: 1, sequence: 1, past: 64 })).toPrecision(4)}`,
  ];
  matchesGolden('onnx/intensity.txt', `${rows.join('\n')}\n`);
});

test('counts and README agree', () => {
  const readme = readFileSync(datasetsPath('README.md'), 'utf8');
  for (const [name, { parameters }] of Object.entries(countsOf())) {
    if (name.startsWith('narrow/')) continue;
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}.onnx\``));
    assert.ok(row, name);
    assert.ok(row.includes(parameters.toLocaleString('en-US')), `${name}: ${parameters} parameters`);
  }
});

test.run();

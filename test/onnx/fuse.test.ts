import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { EpilogueStep, Graph, Operator } from '../../lib/ir/graph.ts';
import { verifyGraph } from '../../lib/ir/verify.ts';
import { type Imported, importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { buildModel, FLOAT, type NodeSpec, node } from './build.ts';
import { impossible } from './impossible.ts';
import { MODELS, modelPath } from './models.ts';

const test = suite('onnx: fusing');

/** Fails unless each node is exactly one of: operator, step, folded, dropped view, part of others, unused. */
function checkFates({ model, fates, graph }: Imported): void {
  const { operators } = graph as Graph;
  const ids = operators.flatMap(({ id, epilogue }) => [id, ...epilogue.map((step) => step.id)]);
  const seen = new Map<string, number>();
  for (const id of ids) seen.set(id, (seen.get(id) ?? 0) + 1);
  const steps = new Set(operators.flatMap(({ epilogue }) => epilogue.map(({ id }) => id)));
  for (const { id } of model.nodes) {
    const fate = fates.get(id);
    const runs = fate === 'operator' || fate === 'step';
    assert.is(seen.get(id) ?? 0, runs ? 1 : 0, `${id} is ${fate} and there ${seen.get(id) ?? 0} times`);
    if (runs) assert.is(steps.has(id), fate === 'step', id);
    else assert.ok(fate === 'folded' || fate === 'view' || fate === 'merged' || fate === 'unused', `${id} is ${fate}`);
  }
  // What is not a node is called like the one it comes from.
  const nodes = new Set(model.nodes.map(({ id }) => id));
  for (const id of ids) assert.ok(nodes.has(id) || [...nodes].some((node) => id.startsWith(`${node}.`)), `${id} is no node`);
}

test('each node of the shipped models is there exactly once', () => {
  for (const name of MODELS) checkFates(runImport(modelPath(name), { bind: { batch: 1 } }, 'link'));
});

const UNARY = { Relu: (x: number) => Math.max(0, x), Neg: (x: number) => -x, Abs: Math.abs } as const;
const BINARY = {
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Max: Math.max,
} as const;

/** What a graph's functions compute: x is the running value. */
function apply(name: string, parameters: readonly number[], x: number, others: readonly number[]): number {
  const [y = 0, z = 0] = others;
  switch (name) {
    case 'relu':
      return Math.max(0, x);
    case 'neg':
      return -x;
    case 'abs':
      return Math.abs(x);
    case 'add':
      return x + y;
    case 'sub':
      return x - y;
    case 'reverseSub':
      return y - x;
    case 'mul':
      return x * y;
    case 'max':
      return Math.max(x, y);
    case 'where':
      return parameters[0] === 0 ? (x !== 0 ? y : z) : parameters[0] === 1 ? (y !== 0 ? x : z) : y !== 0 ? z : x;
    case 'sum':
      return x;
    default:
      return impossible(name);
  }
}

function evaluate(graph: Graph, values: Map<string, number>): void {
  const valuesOf = (ids: readonly string[]): number[] => ids.map((id) => values.get(id) ?? impossible(`${id} is not computed yet`));
  const step = (x: number, { function: name, parameters, operands }: EpilogueStep): number =>
    apply(name, parameters, x, valuesOf(operands));
  const own = (operator: Operator): number => {
    const [x = 0] = valuesOf(operator.inputs.slice(0, 1).map(({ tensor }) => tensor));
    switch (operator.kind) {
      case 'activation':
        return apply(operator.attrs.function, operator.attrs.parameters, x, []);
      case 'elementwise':
        return apply(operator.attrs.function, operator.attrs.parameters ?? [], x, valuesOf(operator.attrs.operands));
      case 'reduce':
        return x;
      case 'view':
        return x;
      default:
        return impossible(operator.kind);
    }
  };
  for (const operator of graph.operators) values.set(operator.output, operator.epilogue.reduce(step, own(operator)));
}

type Pick = readonly [op: string, operands: readonly number[]];

const picks: fc.Arbitrary<Pick[]> = fc.array(
  fc.tuple(
    fc.constantFrom('Relu', 'Neg', 'Abs', 'Add', 'Sub', 'Mul', 'Max', 'Where', 'ReduceSum', 'Identity', 'Unsqueeze'),
    fc.array(fc.nat(60), { minLength: 3, maxLength: 3 }),
  ),
  { minLength: 1, maxLength: 25 },
);

test('a random network of elementwise operators computes the same before and after', () => {
  const property = fc.property(picks, fc.nat(3), (chosen, outputs) => {
    const values = new Map<string, number>([
      ['x', 3],
      ['y', -2],
      ['c', 5],
      ['zero', 0],
    ]);
    const ranks = new Map<string, number>([
      ['x', 1],
      ['y', 1],
      ['c', 1],
      ['zero', 1],
    ]);
    const names = ['x', 'y', 'c', 'zero'];
    const nodes: NodeSpec[] = [];
    for (const [i, [op, operands]] of chosen.entries()) {
      const [a = '', b = '', c = ''] = operands.map((pick) => names[pick % names.length] ?? '');
      const [va = 0, vb = 0, vc = 0] = [a, b, c].map((name) => values.get(name));
      const id = `v${i}`;
      const many = op in BINARY ? [a, b] : op === 'Where' ? [a, b, c] : [a];
      const rank = Math.max(...many.map((name) => ranks.get(name) ?? 0)) + (op === 'Unsqueeze' ? 1 : 0);
      if (rank > 6) continue;
      const result =
        op in UNARY
          ? UNARY[op as keyof typeof UNARY](va)
          : op in BINARY
            ? (BINARY[op as keyof typeof BINARY]?.(va, vb) ?? 0)
            : op === 'Where'
              ? va !== 0
                ? vb
                : vc
              : va;
      if (Math.abs(result) > 1e6) continue;
      nodes.push(node(op, op === 'Unsqueeze' ? [a, 'first'] : many, [id], op === 'ReduceSum' ? { keepdims: 1 } : {}));
      values.set(id, result);
      ranks.set(id, rank);
      names.push(id);
    }
    if (nodes.length === 0) return;
    const bytes = buildModel({
      inputs: { x: [1], y: [1] },
      outputs: [...new Set(Array.from({ length: outputs + 1 }, (_, i) => nodes.at(-1 - i)?.outputs[0] ?? nodes.at(-1)?.outputs[0] ?? ''))],
      nodes,
      weights: {
        c: { shape: [1], values: [5], type: FLOAT },
        zero: { shape: [1], values: [0], type: FLOAT },
        first: { shape: [1], values: [0] },
      },
    });
    const imported = runImport(bytes);
    const graph = imported.graph as Graph;
    checkFates(imported);
    const computed = new Map<string, number>();
    for (const { id, role } of graph.tensors) {
      if (role === 'input') computed.set(id, values.get(id) ?? 0);
      if (role === 'weight') computed.set(id, imported.values.get(id)?.elements()?.[0] ?? impossible());
    }
    evaluate(graph, computed);
    for (const id of graph.outputs) assert.is(computed.get(id), values.get(id) === 0 ? computed.get(id) && 0 : values.get(id), id);
  });
  fc.assert(property, { seed: 31, numRuns: 600 });
});

const conv = (from: string, to: string): NodeSpec => node('Conv', [from, 'w'], [to], { pads: [1, 1, 1, 1] }, to);
const weights = { w: { shape: [4, 4, 3, 3] }, s: { shape: [4] }, b: { shape: [4, 1, 1] } } as const;
const build = (nodes: readonly NodeSpec[], outputs: readonly string[]): Graph =>
  importOnnx(buildModel({ inputs: { x: [2, 4, 8, 8] }, outputs, nodes, weights }));
const listing = (graph: Graph): string[] => graph.operators.map(({ id, epilogue }) => [id, ...epilogue.map((step) => step.id)].join(' + '));

test('a residual addition joins the later of its producers', () => {
  const graph = build(
    [conv('x', 'a'), conv('a', 'c'), conv('x', 'd'), node('Add', ['c', 'd'], ['e'], {}, 'e'), node('Relu', ['e'], ['f'], {}, 'f')],
    ['f'],
  );
  assert.equal(listing(graph), ['a', 'c', 'd + e + f']);
  const last = graph.operators[2];
  assert.equal(
    last?.inputs.map(({ tensor }) => tensor),
    ['x', 'c'],
  );
  assert.equal(last?.epilogue[0], { id: 'e', class: 'elementwise', function: 'add', parameters: [], operands: ['c'] });
  assert.is(last?.inputs[1]?.window.rowsOut, 128);
});

test('a value that is used twice, or is an output, stays to be read', () => {
  const relu = node('Relu', ['a'], ['r'], {}, 'r');
  assert.equal(listing(build([conv('x', 'a'), relu, conv('a', 'c')], ['r', 'c'])), ['a', 'r', 'c']);
  assert.equal(listing(build([conv('x', 'a'), relu], ['a', 'r'])), ['a', 'r']);
  assert.equal(listing(build([conv('x', 'a'), node('Add', ['a', 'a'], ['r'], {}, 'r')], ['r'])), ['a', 'r']);
});

test('a step that changes the shape, or follows a view, stays an operator', () => {
  assert.equal(listing(build([node('ReduceMean', ['x'], ['m'], {}, 'm'), node('Mul', ['m', 'x'], ['y'], {}, 'y')], ['y'])), ['m', 'y']);
  assert.equal(listing(build([node('Flatten', ['x'], ['f'], {}, 'f'), node('Relu', ['f'], ['y'], {}, 'y')], ['y'])), ['f', 'y']);
});

test('a gate that is ready before the product joins it; one that comes after does not', () => {
  const squeeze = [node('GlobalAveragePool', ['a'], ['p'], {}, 'p'), node('Sigmoid', ['p'], ['g'], {}, 'g')];
  const after = build([conv('x', 'a'), ...squeeze, node('Mul', ['a', 'g'], ['y'], {}, 'y')], ['y']);
  assert.equal(listing(after), ['a', 'p + g', 'y']);
  // Each position of a sample needs the one position of the gate.
  assert.equal(
    after.operators[2]?.inputs.map(({ window }) => window.samples),
    [1, 2],
  );
  const before = build([node('GlobalAveragePool', ['x'], ['p'], {}, 'p'), conv('x', 'a'), node('Mul', ['p', 'a'], ['y'], {}, 'y')], ['y']);
  assert.equal(listing(before), ['p', 'a + y']);
});

test('batch normalisation and scales by constants join, with their operands', () => {
  const graph = build(
    [conv('x', 'a'), node('BatchNormalization', ['a', 's', 's', 's', 's'], ['n'], {}, 'n'), node('Add', ['b', 'n'], ['y'], {}, 'y')],
    ['y'],
  );
  assert.equal(listing(graph), ['a + n + y']);
  assert.equal(
    graph.operators[0]?.epilogue.map(({ function: name, operands }) => [name, ...operands]),
    [
      ['batchNorm', 's', 's', 's', 's'],
      ['add', 'b'],
    ],
  );
  assert.equal(verifyGraph(graph), []);
});

test('a subtraction from a constant is told from one of a constant', () => {
  const [from, of] = [
    ['b', 'a'],
    ['a', 'b'],
  ].map((inputs) => build([conv('x', 'a'), node('Sub', inputs, ['y'], {}, 'y')], ['y']).operators[0]?.epilogue[0]);
  assert.is(from?.function, 'reverseSub');
  assert.is(of?.function, 'sub');
});

test.run();

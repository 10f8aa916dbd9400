// Functions: activations that exporters write as arithmetic become the one function they are (x * sigmoid(x): swish).
// An expression of one value is recognised by what it computes: it is evaluated at some points and compared with the
// functions known here, so that it doesn't matter how it is written.

import type { Draft } from '../draft.ts';
import { BINARY_FOLDS } from '../operators/binary.ts';
import { GELU, GELU_TANH, UNARY_FOLDS } from '../operators/unary.ts';
import { isStep, type Network, type StepDraft, scalarOf, unaryStep } from './network.ts';

/** Largest expression looked at, in steps: the longest GELU has nine. */
const MOST_STEPS = 16;
const POINTS = [-4.75, -3.2, -2.5, -1.7, -0.9, -0.35, 0.2, 0.8, 1.3, 2.1, 2.9, 3.6, 5.1];
/** Relative; exporters' constants have seven digits. */
const SAME = 1e-5;
type Function = (x: number) => number;

interface Known {
  readonly function: string;
  readonly parameters: readonly number[];
  readonly at: Function;
}

const swish = (alpha: number): Known => ({
  function: 'swish',
  parameters: [alpha],
  at: (x) => UNARY_FOLDS.get('swish')?.(x, alpha, 0) ?? Number.NaN,
});
const plain = (name: string): Known => ({ function: name, parameters: [], at: (x) => UNARY_FOLDS.get(name)?.(x, 0, 0) ?? Number.NaN });

/** In the order they are tried; swish with a factor of its own is found by `swishOf`. GELU's two forms differ by 5e-4. */
const KNOWN: readonly Known[] = [
  { function: 'gelu', parameters: [], at: GELU },
  { function: 'geluTanh', parameters: [], at: GELU_TANH },
  plain('hardSwish'),
  plain('mish'),
];

/** What a function computes of its operands, in ONNX order; undefined if it isn't arithmetic. */
function arithmetic(name: string): ((operands: readonly number[], parameters: readonly number[]) => number) | undefined {
  const [unary, binary] = [UNARY_FOLDS.get(name), BINARY_FOLDS.get(name)];
  if (unary !== undefined) return ([x = 0], [a = 0, b = 0]) => unary(x, a, b);
  if (binary !== undefined) return ([a = 0, b = 0]) => binary(a, b);
  if (name === 'min' || name === 'max') return (operands) => Math[name](...operands);
  return name === 'clip' ? ([x = 0], [low = 0, high = 0]) => Math.min(Math.max(x, low), high) : undefined;
}

export function withFunctions(network: Network): Draft[] {
  const leaves = new Map<string, string | undefined>();
  return network.drafts.map((draft) => {
    if (!isStep(draft)) return draft;
    const leaf = leafOf(draft, network, leaves);
    leaves.set(draft.output, leaf);
    // The expression may end in a product of both halves, or in a factor behind that.
    for (const from of leaf === undefined ? [] : [leaf, leaves.get(leaf)]) {
      const known = from === undefined ? undefined : recognised(draft, from, network);
      if (known !== undefined && from !== undefined) {
        leaves.set(draft.output, from);
        return unaryStep(draft, from, known.function, known.parameters, network.values.get(from)?.shape.length ?? 0);
      }
    }
    return draft;
  });
}

/** The nearest value that all of a step's running operands are computed from, through steps. */
function leafOf({ body, inputs }: StepDraft, network: Network, leaves: ReadonlyMap<string, string | undefined>): string | undefined {
  const running = [...new Set(inputs.map(({ value }) => value))];
  const known = body.operands.every((operand) => running.includes(operand) || scalarOf(network, operand) !== undefined);
  const [first, ...others] = running;
  if (!known || first === undefined) return undefined;
  const ancestors = [first];
  for (let at = leaves.get(first); at !== undefined && ancestors.length < MOST_STEPS; at = leaves.get(at)) ancestors.push(at);
  let found = 0;
  for (const other of others) {
    let at: string | undefined = other;
    for (let steps = 0; at !== undefined && ancestors.indexOf(at) < found && steps < MOST_STEPS; steps++) at = leaves.get(at);
    found = at === undefined ? -1 : ancestors.indexOf(at);
    if (found < 0) return undefined;
  }
  return ancestors[found];
}

/** The function of `leaf` that a step computes, if it is a known one and nobody reads what is in between. */
function recognised(draft: StepDraft, leaf: string, network: Network): Known | undefined {
  const inside = expressionOf(draft, leaf, network);
  if (inside === undefined || inside.length < 2) return undefined;
  const shape = (value: string): string => network.values.get(value)?.shape.join() ?? '';
  const own = inside.every(({ output }) => shape(output) === shape(leaf));
  const last = draft.output;
  const within = new Map<string, number>();
  for (const { inputs } of inside)
    for (const value of new Set(inputs.map((input) => input.value))) within.set(value, (within.get(value) ?? 0) + 1);
  const hidden = inside.every(({ output }) => output === last || within.get(output) === network.uses.get(output));
  if (!own || !hidden) return undefined;
  const computed = POINTS.map((x) => evaluate(inside, leaf, x, network));
  if (computed.some((y) => !Number.isFinite(y))) return undefined;
  const matches = ({ at }: Known): boolean => POINTS.every((x, i) => Math.abs((computed[i] ?? 0) - at(x)) <= SAME * (1 + Math.abs(at(x))));
  const factor = swishOf(computed);
  return [...KNOWN, ...(factor === undefined ? [] : [swish(factor)])].find(matches);
}

/** The a for which x * sigmoid(a * x) has its value at one point; undefined if there is none. */
function swishOf(computed: readonly number[]): number | undefined {
  const x = 0.8;
  const share = (computed[POINTS.indexOf(x)] ?? 0) / x;
  // Single precision and exporters' roundings leave four digits.
  return share > 0 && share < 1 ? Number((Math.log(share / (1 - share)) / x).toPrecision(4)) : undefined;
}

/** The steps between `leaf` and a step, in order; undefined if there are others, or too many. */
function expressionOf(draft: StepDraft, leaf: string, network: Network): StepDraft[] | undefined {
  const found = new Map<string, StepDraft>();
  const order: StepDraft[] = [];
  const visit = (step: StepDraft): boolean => {
    if (found.has(step.output)) return true;
    if (found.size >= MOST_STEPS || arithmetic(step.body.function) === undefined) return false;
    found.set(step.output, step);
    for (const { value } of step.inputs) {
      const before = network.producer.get(value);
      if (value !== leaf && !(isStep(before) && visit(before))) return false;
    }
    order.push(step);
    return true;
  };
  return visit(draft) ? order : undefined;
}

function evaluate(steps: readonly StepDraft[], leaf: string, x: number, network: Network): number {
  const values = new Map([[leaf, x]]);
  let result = Number.NaN;
  for (const { body, output } of steps) {
    const operands = body.operands.map((operand) => values.get(operand) ?? scalarOf(network, operand) ?? Number.NaN);
    result = arithmetic(body.function)?.(operands, body.parameters) ?? Number.NaN;
    values.set(output, result);
  }
  return result;
}

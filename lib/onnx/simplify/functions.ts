// Functions: activations that exporters write as arithmetic become the one function they are (x * sigmoid(x): swish).
// An expression of one value is recognised by what it computes: it is evaluated at some points and compared with the
// functions known here, so that it doesn't matter how it is written.

import type { Draft } from '../draft.ts';
import { isStep, type Network, type StepDraft, scalarOf, unaryStep } from './network.ts';

/** Largest expression looked at, in steps: the longest GELU has nine. */
const MOST_STEPS = 16;
const POINTS = [-4.75, -3.2, -2.5, -1.7, -0.9, -0.35, 0.2, 0.8, 1.3, 2.1, 2.9, 3.6, 5.1];
/** Relative; exporters' constants have seven digits. */
const SAME = 1e-5;
/** GELU's two forms differ by 5e-4 at most, so one isn't taken for the other. */

type Function = (x: number) => number;

const sigmoid: Function = (x) => 1 / (1 + Math.exp(-x));
const softplus: Function = (x) => Math.log1p(Math.exp(x));

interface Known {
  readonly function: string;
  readonly parameters: readonly number[];
  readonly at: Function;
}

/** In the order they are tried; swish with a factor of its own is found by `swishOf`. */
const KNOWN: readonly Known[] = [
  { function: 'gelu', parameters: [], at: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)) },
  { function: 'geluTanh', parameters: [], at: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) },
  { function: 'hardSwish', parameters: [], at: (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)) },
  { function: 'mish', parameters: [], at: (x) => x * Math.tanh(softplus(x)) },
];

/** Functions expressions are made of. */
const FUNCTIONS: Readonly<Record<string, (operands: readonly number[], parameters: readonly number[]) => number>> = {
  add: ([a = 0, b = 0]) => a + b,
  sub: ([a = 0, b = 0]) => a - b,
  mul: ([a = 0, b = 0]) => a * b,
  div: ([a = 0, b = 0]) => a / b,
  pow: ([a = 0, b = 0]) => a ** b,
  neg: ([a = 0]) => -a,
  exp: ([a = 0]) => Math.exp(a),
  log: ([a = 0]) => Math.log(a),
  sqrt: ([a = 0]) => Math.sqrt(a),
  reciprocal: ([a = 0]) => 1 / a,
  tanh: ([a = 0]) => Math.tanh(a),
  erf: ([a = 0]) => erf(a),
  sigmoid: ([a = 0]) => sigmoid(a),
  softplus: ([a = 0]) => softplus(a),
  relu: ([a = 0]) => Math.max(0, a),
  min: (operands) => Math.min(...operands),
  max: (operands) => Math.max(...operands),
  clip: ([a = 0], [low = 0, high = 0]) => Math.min(Math.max(a, low), high),
  hardSigmoid: ([a = 0], [alpha = 0, beta = 0]) => Math.max(0, Math.min(1, alpha * a + beta)),
  swish: ([a = 0], [alpha = 1]) => a * sigmoid(alpha * a),
};

/** Error function, to about 1e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
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
  for (const { inputs } of inside) for (const value of new Set(inputs.map((input) => input.value))) within.set(value, (within.get(value) ?? 0) + 1);
  const hidden = inside.every(({ output }) => output === last || within.get(output) === network.uses.get(output));
  if (!own || !hidden) return undefined;
  const computed = POINTS.map((x) => evaluate(inside, leaf, x, network));
  if (computed.some((y) => !Number.isFinite(y))) return undefined;
  const matches = ({ at }: Known): boolean => POINTS.every((x, i) => Math.abs((computed[i] ?? 0) - at(x)) <= SAME * (1 + Math.abs(at(x))));
  const swish = swishOf(computed);
  return [...KNOWN, ...(swish === undefined ? [] : [swish])].find(matches);
}

/** x * sigmoid(a * x) for the a that one point asks for. */
function swishOf(computed: readonly number[]): Known | undefined {
  const at = POINTS.indexOf(0.8);
  const share = (computed[at] ?? 0) / 0.8;
  if (!(share > 0 && share < 1)) return undefined;
  const factor = Math.log(share / (1 - share)) / 0.8;
  // Single precision and exporters' roundings leave six digits.
  const alpha = Number(factor.toPrecision(4));
  return { function: 'swish', parameters: [alpha], at: (x) => x * sigmoid(alpha * x) };
}

/** The steps between `leaf` and a step, in order; undefined if there are others, or too many. */
function expressionOf(draft: StepDraft, leaf: string, network: Network): StepDraft[] | undefined {
  const found = new Map<string, StepDraft>();
  const order: StepDraft[] = [];
  const visit = (step: StepDraft): boolean => {
    if (found.has(step.output)) return true;
    if (found.size >= MOST_STEPS || FUNCTIONS[step.body.function] === undefined) return false;
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
    result = FUNCTIONS[body.function]?.(operands, body.parameters) ?? Number.NaN;
    values.set(output, result);
  }
  return result;
}

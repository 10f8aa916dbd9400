// What the elementwise functions of a Graph compute: name and parameters -> function of the running value and its operands.
// In double precision. Definitions only: both evaluators (the machine's vector unit and the reference) go by them, and
// tests compare them with ONNX Runtime.

import { roundHalfToEven } from './number-format.ts';

/** `operands`: the others at the same element, in the step's order. */
export type ScalarFunction = (x: number, operands: ArrayLike<number>) => number;

type Unary = (x: number, a: number, b: number) => number;

const sigmoid: Unary = (x) => 1 / (1 + Math.exp(-x));
const geluTanh: Unary = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const softplus: Unary = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));

/** Parameters in the order of lib/onnx/operators/unary.ts. */
const UNARY: Readonly<Record<string, Unary>> = {
  relu: (x) => Math.max(0, x),
  leakyRelu: (x, alpha) => (x < 0 ? alpha * x : x),
  thresholdedRelu: (x, alpha) => (x > alpha ? x : 0),
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  celu: (x, alpha) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
  selu: (x, alpha, gamma) => gamma * (x > 0 ? x : alpha * Math.expm1(x)),
  shrink: (x, lambda, bias) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0),
  sigmoid,
  hardSigmoid: (x, alpha, beta) => Math.max(0, Math.min(1, alpha * x + beta)),
  hardSwish: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  swish: (x, alpha) => x / (1 + Math.exp(-alpha * x)),
  mish: (x) => x * Math.tanh(softplus(x, 0, 0)),
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  softcap: (x, cap) => cap * Math.tanh(x / cap),
  clip: (x, low, high) => Math.min(Math.max(x, low), high),
  tanh: (x) => Math.tanh(x),
  erf: (x) => erf(x),
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  geluTanh,
  quickGelu: (x, alpha) => x / (1 + Math.exp(-alpha * x)),
  fastGelu: geluTanh,
  sqrt: (x) => Math.sqrt(x),
  exp: (x) => Math.exp(x),
  log: (x) => Math.log(x),
  reciprocal: (x) => 1 / x,
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  sign: (x) => Math.sign(x),
  floor: (x) => Math.floor(x),
  ceil: (x) => Math.ceil(x),
  round: (x) => roundHalfToEven(x),
  sin: (x) => Math.sin(x),
  cos: (x) => Math.cos(x),
  tan: (x) => Math.tan(x),
  asin: (x) => Math.asin(x),
  acos: (x) => Math.acos(x),
  atan: (x) => Math.atan(x),
  sinh: (x) => Math.sinh(x),
  cosh: (x) => Math.cosh(x),
  asinh: (x) => Math.asinh(x),
  acosh: (x) => Math.acosh(x),
  atanh: (x) => Math.atanh(x),
  not: (x) => (x === 0 ? 1 : 0),
  isNaN: (x) => (Number.isNaN(x) ? 1 : 0),
  isInf: (x, negative, positive) => ((x === Infinity && positive !== 0) || (x === -Infinity && negative !== 0) ? 1 : 0),
};

const divide = (a: number, b: number, whole: boolean): number => (whole ? Math.trunc(a / b) : a / b);
const modulo = (a: number, b: number): number => a - b * Math.floor(a / b);

type Binary = (x: number, y: number, whole: boolean) => number;

/** `whole`: both are integers. Names as in lib/onnx/operators/binary.ts. */
const BINARY: Readonly<Record<string, Binary>> = {
  add: (x, y) => x + y,
  addToChannels: (x, y) => x + y,
  sub: (x, y) => x - y,
  reverseSub: (x, y) => y - x,
  mul: (x, y) => x * y,
  div: (x, y, whole) => divide(x, y, whole),
  reverseDiv: (x, y, whole) => divide(y, x, whole),
  pow: (x, y) => x ** y,
  reversePow: (x, y) => y ** x,
  pRelu: (x, y) => (x < 0 ? x * y : x),
  equal: (x, y) => (x === y ? 1 : 0),
  less: (x, y) => (x < y ? 1 : 0),
  lessOrEqual: (x, y) => (x <= y ? 1 : 0),
  greater: (x, y) => (x > y ? 1 : 0),
  greaterOrEqual: (x, y) => (x >= y ? 1 : 0),
  and: (x, y) => (x !== 0 && y !== 0 ? 1 : 0),
  or: (x, y) => (x !== 0 || y !== 0 ? 1 : 0),
  xor: (x, y) => ((x !== 0) !== (y !== 0) ? 1 : 0),
  mod: (x, y) => modulo(x, y),
  reverseMod: (x, y) => modulo(y, x),
  fmod: (x, y) => x % y,
  reverseFmod: (x, y) => y % x,
  mask: (x, y) => (y === 0 ? Number.NEGATIVE_INFINITY : x),
};

/** Functions of any number of values, all alike. */
const MANY: Readonly<Record<string, (values: readonly number[]) => number>> = {
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  sum: (values) => values.reduce((a, b) => a + b, 0),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
};

/** The function, or undefined if it cannot be computed element by element. `whole`: the values are integers. */
export function scalarFunction(name: string, parameters: readonly number[], operands: number, whole: boolean): ScalarFunction | undefined {
  const [a = 0, b = 0] = parameters;
  if (operands === 0) {
    if (name === 'cast') return whole ? (x) => Math.trunc(x) : (x) => x;
    const unary = UNARY[name];
    return unary && ((x) => unary(x, a, b));
  }
  if (name === 'batchNorm') return (x, by) => ((x - by[2]!) / Math.sqrt(by[3]! + a)) * by[0]! + by[1]!;
  if (name === 'addScaled') return (x, others) => x + a * (others[0] ?? 0);
  if (name === 'clip')
    return (x, others) => Math.min(Math.max(x, others[0] ?? Number.NEGATIVE_INFINITY), others[1] ?? Number.POSITIVE_INFINITY);
  if (name === 'where') return whereWith(a);
  const many = MANY[name];
  if (many !== undefined) return (x, others) => many([x, ...Array.from(others).slice(0, operands)]);
  const binary = BINARY[name];
  return binary && ((x, others) => binary(x, others[0] ?? 0, whole));
}

/** condition ? a : b, with the running value in the given place of the three. */
function whereWith(place: number): ScalarFunction {
  if (place === 0) return (x, others) => (x !== 0 ? (others[0] ?? 0) : (others[1] ?? 0));
  if (place === 1) return (x, others) => ((others[0] ?? 0) !== 0 ? x : (others[1] ?? 0));
  return (x, others) => ((others[0] ?? 0) !== 0 ? (others[1] ?? 0) : x);
}

/** 2 / sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (2n+1)!!, all of one sign (Abramowitz and Stegun 7.1.6). */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

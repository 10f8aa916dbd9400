// Functions of one value: relu, sigmoid, exp, ... One row each, with what it computes, for constants and for recognising
// activations that are written as arithmetic.

import { erf } from '../../base/erf.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { finite, rounded, stepDraft } from './step.ts';

interface Unary {
  readonly function: string;
  readonly since?: number;
  /** Attributes by name with ONNX's defaults; they become the function's parameters, in this order. */
  readonly attributes?: Readonly<Record<string, number>>;
  /** The value for x; parameters in the order of `attributes`. */
  readonly fold?: (x: number, a: number, b: number) => number;
  /** The output is bool whatever the input. */
  readonly predicate?: boolean;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));

export const GELU = (x: number): number => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
export const GELU_TANH = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

const UNARY: Readonly<Record<string, Unary>> = {
  Relu: { function: 'relu', fold: (x) => Math.max(0, x) },
  LeakyRelu: { function: 'leakyRelu', attributes: { alpha: 0.01 }, fold: (x, alpha) => (x < 0 ? alpha * x : x) },
  ThresholdedRelu: { function: 'thresholdedRelu', since: 10, attributes: { alpha: 1 }, fold: (x, alpha) => (x > alpha ? x : 0) },
  Elu: { function: 'elu', attributes: { alpha: 1 }, fold: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x) },
  Celu: {
    function: 'celu',
    since: 12,
    attributes: { alpha: 1 },
    fold: (x, alpha) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
  },
  Selu: {
    function: 'selu',
    attributes: { alpha: 1.6732632, gamma: 1.050701 },
    fold: (x, alpha, gamma) => gamma * (x > 0 ? x : alpha * Math.expm1(x)),
  },
  Shrink: {
    function: 'shrink',
    since: 9,
    attributes: { lambd: 0.5, bias: 0 },
    fold: (x, lambda, bias) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0),
  },
  Sigmoid: { function: 'sigmoid', fold: sigmoid },
  HardSigmoid: {
    function: 'hardSigmoid',
    attributes: { alpha: 0.2, beta: 0.5 },
    fold: (x, alpha, beta) => Math.max(0, Math.min(1, alpha * x + beta)),
  },
  HardSwish: { function: 'hardSwish', since: 14, fold: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)) },
  Swish: { function: 'swish', since: 24, attributes: { alpha: 1 }, fold: (x, alpha) => x * sigmoid(alpha * x) },
  Mish: { function: 'mish', since: 18, fold: (x) => x * Math.tanh(softplus(x)) },
  Softplus: { function: 'softplus', fold: softplus },
  Softsign: { function: 'softsign', fold: (x) => x / (1 + Math.abs(x)) },
  Tanh: { function: 'tanh', fold: Math.tanh },
  Erf: { function: 'erf', since: 9, fold: erf },
  Sqrt: { function: 'sqrt', fold: Math.sqrt },
  Exp: { function: 'exp', fold: Math.exp },
  Log: { function: 'log', fold: Math.log },
  Reciprocal: { function: 'reciprocal', fold: (x) => 1 / x },
  Neg: { function: 'neg', fold: (x) => -x },
  Abs: { function: 'abs', fold: Math.abs },
  Sign: { function: 'sign', since: 9, fold: Math.sign },
  Floor: { function: 'floor', fold: Math.floor },
  Ceil: { function: 'ceil', fold: Math.ceil },
  Round: { function: 'round', since: 11, fold: roundHalfToEven },
  Sin: { function: 'sin', fold: Math.sin },
  Cos: { function: 'cos', fold: Math.cos },
  Tan: { function: 'tan', fold: Math.tan },
  Asin: { function: 'asin', fold: Math.asin },
  Acos: { function: 'acos', fold: Math.acos },
  Atan: { function: 'atan', fold: Math.atan },
  Sinh: { function: 'sinh', since: 9, fold: Math.sinh },
  Cosh: { function: 'cosh', since: 9, fold: Math.cosh },
  Asinh: { function: 'asinh', since: 9, fold: Math.asinh },
  Acosh: { function: 'acosh', since: 9, fold: Math.acosh },
  Atanh: { function: 'atanh', since: 9, fold: Math.atanh },
  Not: { function: 'not', fold: (x) => (x === 0 ? 1 : 0) },
  BitwiseNot: { function: 'bitwiseNot', since: 18 },
  IsNaN: { function: 'isNaN', since: 9, predicate: true },
  IsInf: { function: 'isInf', since: 10, attributes: { detect_negative: 1, detect_positive: 1 }, predicate: true },
};

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function unaryRule(unary: Unary): OperatorRule {
  const { fold, since, attributes = {}, predicate = false } = unary;
  const parametersOf = (view: NodeView): number[] =>
    Object.entries(attributes).map(([name, otherwise]) => attribute(view, name, otherwise));
  return {
    ...(since === undefined ? {} : { since }),
    infer(view) {
      const dtype = predicate ? 'bool' : view.dtype(0);
      const shape = view.shape(0);
      const [a = 0, b = 0] = parametersOf(view);
      const elements = fold && view.fold(shape, ([x = []]) => x.map((value) => rounded(fold(value, a, b), dtype)));
      return [{ dtype, shape, elements }];
    },
    lower(view) {
      return [stepDraft(view, view.rank(0), { class: 'activation', function: unary.function, parameters: parametersOf(view) })];
    },
  };
}

/** A number that may be stored as a float or, for flags, as an integer. */
function attribute(view: NodeView, name: string, otherwise: number): number {
  if (!view.has(name)) return otherwise;
  return finite(name.startsWith('detect') ? view.int(name, otherwise) : view.float(name, otherwise));
}

export const UNARY_FUNCTIONS: OperatorRules = {
  ...Object.fromEntries(Object.entries(UNARY).map(([opType, unary]) => [opType, unaryRule(unary)])),

  Gelu: {
    since: 20,
    infer(view) {
      const { dtype, shape } = view.value(0);
      const fold = isTanh(view) ? GELU_TANH : GELU;
      return [{ dtype, shape, elements: view.fold(shape, ([x = []]) => x.map((value) => rounded(fold(value), dtype))) }];
    },
    lower: (view) => [stepDraft(view, view.rank(0), { class: 'activation', function: isTanh(view) ? 'geluTanh' : 'gelu', parameters: [] })],
  },

  /** Bounds are attributes before opset 11, inputs from then on; a bound left out is the type's own. */
  Clip: {
    infer(view) {
      const [dtype, shape] = [view.dtype(0), view.shape(0)];
      const [low, high] = bounds(view);
      const elements =
        low &&
        high &&
        view.fold(shape, ([x = []]) =>
          x.map((value) => Math.min(Math.max(value, low[0] ?? Number.NEGATIVE_INFINITY), high[0] ?? Number.POSITIVE_INFINITY)),
        );
      return [{ dtype, shape, elements }];
    },
    lower(view) {
      const [low, high] = bounds(view);
      if (view.value(0).constant || !low || !high)
        return [stepDraft(view, view.rank(0), { class: 'elementwise', function: 'clip', parameters: [] })];
      const parameters = [finite(low[0] ?? Number.NEGATIVE_INFINITY), finite(high[0] ?? Number.POSITIVE_INFINITY)];
      return [stepDraft(view, view.rank(0), { class: 'activation', function: 'clip', parameters }, [view.value(0)])];
    },
  },
};

function isTanh(view: NodeView): boolean {
  return view.text('approximate', 'none') === 'tanh';
}

/** What the functions compute, by their names in the graph. */
export const UNARY_FOLDS: ReadonlyMap<string, (x: number, a: number, b: number) => number> = new Map(
  Object.values(UNARY).flatMap(({ function: name, fold }) => (fold === undefined ? [] : [[name, fold] as const])),
);

/** Lower and upper bound: [] for one left out, undefined for one that isn't known here. */
function bounds(view: NodeView): [readonly number[] | undefined, readonly number[] | undefined] {
  const fromAttribute = (name: string): readonly number[] => (view.has(name) ? [view.float(name, 0)] : []);
  if (view.opset < 11) return [fromAttribute('min'), fromAttribute('max')];
  const fromInput = (i: number): readonly number[] | undefined => {
    const value = view.optional(i);
    return value === undefined ? [] : value.elements();
  };
  return [fromInput(1), fromInput(2)];
}

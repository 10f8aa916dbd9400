// Functions of two or more values, broadcast against each other: add, mul, compare, where, ... One row each.

import type { DType } from '../../ir/graph.ts';
import { isInteger } from '../dtype.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { broadcastElements, broadcastShape } from './broadcast.ts';
import { rounded, stepDraft } from './step.ts';

interface Binary {
  readonly function: string;
  readonly since?: number;
  readonly fold?: (a: number, b: number, dtype: DType) => number;
  /** The function's name with its operands exchanged; the function itself where that makes no difference. */
  readonly reversed?: string;
  readonly compares?: boolean;
}

/** Integer division rounds towards zero. */
const divide = (a: number, b: number, dtype: DType): number => (isInteger(dtype) ? Math.trunc(a / b) : a / b);

const BINARY: Readonly<Record<string, Binary>> = {
  Add: { function: 'add', reversed: 'add', fold: (a, b) => a + b },
  Sub: { function: 'sub', reversed: 'reverseSub', fold: (a, b) => a - b },
  Mul: { function: 'mul', reversed: 'mul', fold: (a, b) => a * b },
  Div: { function: 'div', reversed: 'reverseDiv', fold: divide },
  Pow: { function: 'pow', reversed: 'reversePow', fold: (a, b) => a ** b },
  PRelu: { function: 'pRelu' },
  Equal: { function: 'equal', reversed: 'equal', compares: true, fold: (a, b) => (a === b ? 1 : 0) },
  Less: { function: 'less', reversed: 'greater', compares: true, fold: (a, b) => (a < b ? 1 : 0) },
  LessOrEqual: { function: 'lessOrEqual', since: 12, reversed: 'greaterOrEqual', compares: true, fold: (a, b) => (a <= b ? 1 : 0) },
  Greater: { function: 'greater', reversed: 'less', compares: true, fold: (a, b) => (a > b ? 1 : 0) },
  GreaterOrEqual: { function: 'greaterOrEqual', since: 12, reversed: 'lessOrEqual', compares: true, fold: (a, b) => (a >= b ? 1 : 0) },
  And: { function: 'and', reversed: 'and', compares: true, fold: (a, b) => (a !== 0 && b !== 0 ? 1 : 0) },
  Or: { function: 'or', reversed: 'or', compares: true, fold: (a, b) => (a !== 0 || b !== 0 ? 1 : 0) },
  BitwiseAnd: { function: 'bitwiseAnd', since: 18, reversed: 'bitwiseAnd' },
  BitwiseOr: { function: 'bitwiseOr', since: 18, reversed: 'bitwiseOr' },
  BitwiseXor: { function: 'bitwiseXor', since: 18, reversed: 'bitwiseXor' },
  Xor: { function: 'xor', reversed: 'xor', compares: true, fold: (a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0) },
};

function binaryRule(binary: Binary): OperatorRule {
  const { fold, since, reversed, compares = false } = binary;
  return {
    ...(since === undefined ? {} : { since }),
    infer(view) {
      const [left, right] = [view.shape(0), view.shape(1)];
      const shape = broadcastShape(view, [left, right]);
      const own = view.dtype(0);
      const dtype = compares ? 'bool' : own;
      const elements =
        fold &&
        view.fold(shape, ([a = [], b = []]) => {
          const others = broadcastElements(b, right, shape);
          return broadcastElements(a, left, shape).map((value, i) => rounded(fold(value, others[i] ?? 0, own), dtype));
        });
      return [{ dtype, shape, elements }];
    },
    lower(view) {
      const rank = Math.max(view.rank(0), view.rank(1));
      return [
        stepDraft(view, rank, { class: 'elementwise', function: binary.function, parameters: [], ...(reversed ? { reversed } : {}) }),
      ];
    },
  };
}

/** Functions of any number of values, all alike. */
function manyRule(name: string, fold: (values: readonly number[]) => number): OperatorRule {
  return {
    infer(view) {
      const values = view.values();
      const shape = broadcastShape(
        view,
        values.map((value) => value.shape),
      );
      const dtype = view.dtype(0);
      const elements = view.fold(shape, (inputs) => {
        const spread = inputs.map((input, i) => broadcastElements(input, values[i]?.shape ?? [], shape));
        return (spread[0] ?? []).map((_, at) => rounded(fold(spread.map((input) => input[at] ?? 0)), dtype));
      });
      return [{ dtype, shape, elements }];
    },
    lower(view) {
      if (view.inputs === 1) return { sameAs: 0 };
      const rank = Math.max(...view.values().map(({ shape }) => shape.length));
      return [stepDraft(view, rank, { class: 'elementwise', function: name, parameters: [], symmetric: true })];
    },
  };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const BINARY_FUNCTIONS: OperatorRules = {
  ...Object.fromEntries(Object.entries(BINARY).map(([opType, binary]) => [opType, binaryRule(binary)])),

  Min: manyRule('min', (values) => Math.min(...values)),
  Max: manyRule('max', (values) => Math.max(...values)),
  Sum: manyRule('sum', sum),
  Mean: manyRule('mean', (values) => sum(values) / values.length),

  Mod: {
    since: 10,
    infer(view) {
      const truncated = view.int('fmod', 0) !== 0;
      // Without fmod the result has the sign of the divisor.
      const remainder = (a: number, b: number): number => {
        const rest = a % b;
        return truncated || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
      };
      return binaryRule({ function: 'mod', fold: remainder }).infer(view);
    },
    lower(view) {
      const truncated = view.int('fmod', 0) !== 0;
      return binaryRule(truncated ? { function: 'fmod', reversed: 'reverseFmod' } : { function: 'mod', reversed: 'reverseMod' }).lower(
        view,
      );
    },
  },

  BitShift: {
    since: 11,
    infer: binaryRule({ function: 'shift' }).infer,
    lower(view) {
      const right = view.text('direction', 'LEFT') === 'RIGHT';
      const named = right
        ? { function: 'shiftRight', reversed: 'reverseShiftRight' }
        : { function: 'shiftLeft', reversed: 'reverseShiftLeft' };
      return binaryRule(named).lower(view);
    },
  },

  /** a * sigmoid(alpha * a) * b: the gate of a SwiGLU network. */
  SwiGLU: {
    since: 28,
    infer: binaryRule({ function: 'mul' }).infer,
    lower(view) {
      const gate = view.between('gate', view.shape(0));
      const swish = stepDraft(view, view.rank(0), { class: 'activation', function: 'swish', parameters: [view.float('alpha', 1)] }, [
        view.value(0),
      ]);
      const product = { class: 'elementwise', function: 'mul', parameters: [], reversed: 'mul' } as const;
      return [{ ...swish, output: gate, suffix: 'gate' }, stepDraft(view, view.rank(0), product, [gate, view.value(1)])];
    },
  },

  /** condition ? a : b. The parameter is the place of the running value among the three. */
  Where: {
    since: 9,
    infer(view) {
      const shapes = [0, 1, 2].map((i) => view.shape(i));
      const shape = broadcastShape(view, shapes);
      const elements = view.fold(shape, (inputs) => {
        const [condition = [], a = [], b = []] = inputs.map((input, i) => broadcastElements(input, shapes[i] ?? [], shape));
        return condition.map((chosen, i) => (chosen !== 0 ? a[i] : b[i]) ?? 0);
      });
      return [{ dtype: view.dtype(1), shape, elements }];
    },
    lower(view) {
      const rank = Math.max(...view.values().map(({ shape }) => shape.length));
      return [stepDraft(view, rank, { class: 'elementwise', function: 'where', parameters: [], placed: true })];
    },
  },
};

/** What the functions of two values compute, by their names in the graph; of real numbers. */
export const BINARY_FOLDS: ReadonlyMap<string, (a: number, b: number) => number> = new Map(
  Object.values(BINARY).flatMap(({ function: name, reversed, fold, compares }) => {
    if (fold === undefined || compares) return [];
    const own = (a: number, b: number): number => fold(a, b, 'float64');
    const exchanged = (a: number, b: number): number => own(b, a);
    return reversed === undefined || reversed === name ? [[name, own] as const] : [[name, own] as const, [reversed, exchanged] as const];
  }),
);

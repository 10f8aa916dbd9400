// All ONNX operators that are read: one table, by domain and type. To add one, write its entry in the file of its family.

import type { OnnxNode } from './model.ts';
import { BINARY_FUNCTIONS } from './operators/binary.ts';
import { CONSTANTS } from './operators/constants.ts';
import { CONVOLUTION } from './operators/convolution.ts';
import { MOVES } from './operators/moves.ts';
import { NORMALIZATIONS } from './operators/normalize.ts';
import { POOLING } from './operators/pooling.ts';
import { PRODUCTS } from './operators/product.ts';
import { REDUCTIONS } from './operators/reduce.ts';
import { SELECTIONS } from './operators/select.ts';
import { UNARY_FUNCTIONS } from './operators/unary.ts';
import { VIEWS } from './operators/views.ts';
import type { OperatorRule, OperatorRules } from './rule.ts';

/** By domain; '' is ONNX's own. */
const DOMAINS: Readonly<Record<string, OperatorRules>> = {
  '': {
    // Matrix products: what the arrays compute
    ...CONVOLUTION,
    ...PRODUCTS,
    // Element by element: fused into whatever makes their input
    ...UNARY_FUNCTIONS,
    ...BINARY_FUNCTIONS,
    // Over windows, axes, vectors
    ...POOLING,
    ...REDUCTIONS,
    ...NORMALIZATIONS,
    // Data in another order, or under another shape
    ...MOVES,
    ...SELECTIONS,
    ...VIEWS,
    // Shape arithmetic
    ...CONSTANTS,
  },
};

const TABLE = new Map(Object.entries(DOMAINS).map(([domain, rules]) => [domain, new Map(Object.entries(rules))]));

/** The rule of a node's operator, or undefined if there is none. */
export function ruleOf({ domain, opType }: OnnxNode): OperatorRule | undefined {
  return TABLE.get(domain)?.get(opType);
}

/** The inputs of a node whose elements its outputs depend on. */
export function readsOf(node: OnnxNode): readonly string[] {
  const reads = ruleOf(node)?.reads;
  return reads === undefined ? node.inputs : node.inputs.slice(0, reads);
}

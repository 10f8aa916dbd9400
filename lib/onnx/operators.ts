// All ONNX operators that are read: one table, by domain and type. To add one, write its entry in the file of its family.

import { MICROSOFT_ATTENTION } from './microsoft/attention.ts';
import { EXPERTS } from './microsoft/experts.ts';
import { FUSED } from './microsoft/fused.ts';
import { PACKED } from './microsoft/packed.ts';
import { QUANTIZED } from './microsoft/quantized.ts';
import type { OnnxNode } from './model.ts';
import { ARRANGEMENTS } from './operators/arrange.ts';
import { ATTENTION, FLEX_ATTENTION } from './operators/attention.ts';
import { BINARY_FUNCTIONS } from './operators/binary.ts';
import { CAUSAL_CONVOLUTION } from './operators/causal-convolution.ts';
import { CONSTANTS } from './operators/constants.ts';
import { CONVOLUTION } from './operators/convolution.ts';
import { DATA_DEPENDENT } from './operators/data-dependent.ts';
import { EINSUM } from './operators/einsum.ts';
import { LINEAR_ATTENTION } from './operators/linear-attention.ts';
import { LOSSES } from './operators/loss.ts';
import { MOVES } from './operators/moves.ts';
import { NORMALIZATIONS } from './operators/normalize.ts';
import { PATCHES } from './operators/patches.ts';
import { POOLING } from './operators/pooling.ts';
import { PRODUCTS } from './operators/product.ts';
import { QUANTIZATION } from './operators/quantize.ts';
import { QUANTIZED_PRODUCTS } from './operators/quantized-products.ts';
import { RANDOM } from './operators/random.ts';
import { RECURRENT } from './operators/recurrent.ts';
import { REDUCTIONS } from './operators/reduce.ts';
import { ROTARY } from './operators/rotary.ts';
import { SAMPLING } from './operators/sample.ts';
import { SCANS } from './operators/scan.ts';
import { SCATTERS } from './operators/scatter.ts';
import { SELECTIONS } from './operators/select.ts';
import { SIGNALS } from './operators/signal.ts';
import { SOFTMAX } from './operators/softmax.ts';
import { UNARY_FUNCTIONS } from './operators/unary.ts';
import { VIEWS } from './operators/views.ts';
import { REFUSED } from './refused.ts';
import type { OperatorRule, OperatorRules } from './rule.ts';

/** By domain; '' is ONNX's own. */
const DOMAINS: Readonly<Record<string, OperatorRules>> = {
  '': {
    // Matrix products: what the arrays compute
    ...CONVOLUTION,
    ...PATCHES,
    ...CAUSAL_CONVOLUTION,
    ...PRODUCTS,
    ...QUANTIZED_PRODUCTS,
    ...EINSUM,
    ...ATTENTION,
    ...LINEAR_ATTENTION,
    ...RECURRENT,
    // Element by element: fused into whatever makes their input
    ...UNARY_FUNCTIONS,
    ...BINARY_FUNCTIONS,
    ...QUANTIZATION,
    ...ROTARY,
    // Over windows, axes, vectors
    ...POOLING,
    ...REDUCTIONS,
    ...NORMALIZATIONS,
    ...SOFTMAX,
    ...SCANS,
    ...SIGNALS,
    ...LOSSES,
    // Data in another order, or under another shape
    ...MOVES,
    ...ARRANGEMENTS,
    ...SELECTIONS,
    ...SCATTERS,
    ...SAMPLING,
    ...VIEWS,
    // Shape arithmetic, and what has to be a constant
    ...CONSTANTS,
    ...RANDOM,
    ...DATA_DEPENDENT,
    // What isn't a network of tensors
    ...REFUSED,
  },
  'ai.onnx.preview': FLEX_ATTENTION,
  // ONNX Runtime's: fused and packed forms that its optimiser and model builder write
  'com.microsoft': {
    ...FUSED,
    ...PACKED,
    ...MICROSOFT_ATTENTION,
    ...EXPERTS,
    ...QUANTIZED,
    ...LINEAR_ATTENTION,
    ...anyVersion(CAUSAL_CONVOLUTION),
    ...anyVersion(QUANTIZATION),
  },
};

/** Rules of ONNX's operators that are in another domain, too, whose versions count from 1. */
function anyVersion(rules: OperatorRules): OperatorRules {
  return Object.fromEntries(Object.entries(rules).map(([opType, rule]) => [opType, { ...rule, since: 1 }]));
}

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

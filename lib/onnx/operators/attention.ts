// Scaled dot-product attention as operators: QK^T, softmax, SV, whatever node it comes from. Queries of a group share a
// key/value head: [B, Hq, S, D], [B, Hkv, T, D], [B, Hkv, T, Dv] -> [B, Hq, S, Dv], in B * Hkv groups of Hq / Hkv * S queries.
// K is the stationary operand of QK^T as it lies, so it is never transposed.

import type { DraftSpec } from '../draft.ts';
import { elementCount, shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { Chain, type Made } from './chain.ts';
import { sameAxes } from './move.ts';

export interface Attention {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly scale: number;
  /** Bound of the scores, by a hyperbolic tangent; 0 for none. */
  readonly softcap?: number;
  /** Query i sees keys up to i + offset, and `left` of those before; -1 for all. */
  readonly causal?: { readonly offset: number; readonly left: number };
  /** Added to the scores, or if boolean the scores that count; broadcast to [B, Hq, S, T]. */
  readonly masks?: readonly Value[];
  /** Names of subgraphs of our own kind between the products. */
  readonly scoreStep?: string;
  readonly shareStep?: string;
  /** Output that has the scores, and in which state. */
  readonly scores?: { readonly output: number; readonly after: 'product' | 'softcap' | 'mask' | 'softmax' };
}

/** Adds the operators to the chain; the result is [B, Hq, S, Dv]. */
export function attend(chain: Chain, view: NodeView, attention: Attention, made: Made): Value {
  const { q, k, v, scale, softcap = 0, causal, masks = [], scores: told } = attention;
  const [batch = 1, heads = 1, queries = 1, features = 1] = q.shape;
  const [, keyHeads = 1, keys = 1] = k.shape;
  const valueFeatures = v.shape[3] ?? 1;
  const fitting = [q, k, v].every(({ shape }) => shape.length === 4 && shape[0] === batch) && v.shape[1] === keyHeads;
  if (!fitting || heads % keyHeads !== 0 || k.shape[3] !== features || v.shape[2] !== keys)
    view.refuse(
      `its queries, keys and values have shapes ${[q, k, v].map(({ shape }) => shapeText(shape)).join(', ')}, which don't fit each other`,
    );
  const shared = heads / keyHeads;
  const groups = batch * keyHeads;
  const scoreShape = [batch, heads, queries, keys];
  const output = (after: string): { readonly output?: number } => (told?.after === after ? { output: told.output } : {});

  let scores = chain.add(
    productOf(q, k, { m: shared * queries, n: features, k: keys, groups }, true, scale),
    scoreShape,
    { name: 'scores', ...output('product') },
    q.dtype,
  );
  if (softcap !== 0) scores = chain.activation(scores, 'softcap', [softcap], { name: 'capped', ...output('softcap') });
  if (attention.scoreStep !== undefined) scores = chain.activation(scores, attention.scoreStep, [], { name: 'modified' });
  const last = masks.length - 1;
  for (const [i, mask] of masks.entries()) {
    const step = mask.dtype === 'bool' ? ({ function: 'mask' } as const) : ({ function: 'add', reversed: 'add' } as const);
    const fitted = fitMask(chain, mask, keys, `mask${i}`);
    const name = { name: `masked${i}`, ...(causal === undefined && i === last ? output('mask') : {}) };
    scores = chain.step(scores, { class: 'elementwise', parameters: [], ...step }, [fitted], name);
  }
  if (causal !== undefined)
    scores = chain.activation(scores, 'causalMask', [causal.offset, causal.left], { name: 'causal', ...output('mask') });
  let shares = chain.softmax(scores, { name: 'shares', ...output('softmax') });
  if (attention.shareStep !== undefined) shares = chain.activation(shares, attention.shareStep, [], { name: 'modifiedShares' });
  const product = productOf(shares, v, { m: shared * queries, n: keys, k: valueFeatures, groups }, false, 1);
  return chain.add(product, [batch, heads, queries, valueFeatures], made, q.dtype);
}

function productOf(
  stream: Value,
  stationary: Value,
  matrix: { readonly m: number; readonly n: number; readonly k: number; readonly groups: number },
  transposeWeight: boolean,
  scale: number,
): DraftSpec {
  const read = { value: stationary.id, reach: { kind: 'whole', samples: 1 }, prefers: 3 } as const;
  return {
    body: {
      kind: 'matMul',
      attrs: { matrix, weight: stationary.id, transposeWeight, dynamic: !stationary.constant, ...(scale === 1 ? {} : { scale }) },
    },
    inputs: [{ value: stream.id, reach: { kind: 'positionwise' }, wants: 3 }, ...(stationary.constant ? [] : [read])],
    axis: 3,
  };
}

/** A mask for as many keys as there are: shorter ones hide the rest, longer ones have room for more. */
function fitMask(chain: Chain, mask: Value, keys: number, name: string): Value {
  const size = mask.shape.at(-1) ?? 1;
  const axis = mask.shape.length - 1;
  if (size === keys || size === 1 || mask.constant) return mask;
  if (size > keys) return chain.slice(mask, axis, 0, keys, { name });
  const pads = mask.shape.flatMap(() => 0).concat(mask.shape.map((_, a) => (a === axis ? keys - size : 0)));
  const reach = { kind: 'along', axes: [axis] } as const;
  const body = { kind: 'move', attrs: { function: 'pad', parameters: { pads, value: [mask.dtype === 'bool' ? 0 : -3.4e38] } } } as const;
  return chain.add(
    { body, inputs: [{ value: mask.id, reach, axes: sameAxes(mask.shape.length) }] },
    mask.shape.with(axis, keys),
    { name },
    mask.dtype,
  );
}

/** [B, S, H * D] -> [B, H, S, D]. */
export function splitHeads(chain: Chain, value: Value, heads: number, made: Made): Value {
  const [batch = 1, tokens = 1, features = 1] = value.shape;
  const apart = chain.reshape(value, [batch, tokens, heads, features / heads], { name: `${made.name}Heads` });
  return chain.transpose(apart, [0, 2, 1, 3], made);
}

/** [B, H, S, D] -> [B, S, H * D]. */
export function joinHeads(chain: Chain, value: Value, made: Made): Value {
  const [batch = 1, heads = 1, tokens = 1, features = 1] = value.shape;
  const together = chain.transpose(value, [0, 2, 1, 3], { name: 'together' });
  return chain.reshape(together, [batch, tokens, heads * features], made);
}

/** What the cache holds with the new entries behind it, told as an output if that is read. */
export function extendCache(chain: Chain, past: Value | undefined, now: Value, made: Made): Value {
  if (past !== undefined && elementCount(past.shape) > 0) return chain.concat([past, now], 2, made);
  return chain.reshape(now, now.shape, made);
}

/** Queries, keys and values as [B, H, S, D]; 3-dimensional inputs have their heads side by side. */
function headsOf(view: NodeView): { q: readonly number[]; k: readonly number[]; v: readonly number[]; together: boolean } {
  const [q, k, v] = [view.shape(0), view.shape(1), view.shape(2)];
  if (q.length === 4) return { q, k, v, together: false };
  const [queryHeads, keyHeads] = [view.int('q_num_heads', 0), view.int('kv_num_heads', 0)];
  const apart = ([batch = 1, tokens = 1, features = 1]: readonly number[], heads: number): number[] =>
    heads >= 1 && features % heads === 0
      ? [batch, heads, tokens, features / heads]
      : view.refuse(`its ${features} features are no ${heads} heads`);
  return { q: apart(q, queryHeads), k: apart(k, keyHeads), v: apart(v, keyHeads), together: true };
}

const SCORES_AFTER = ['product', 'softcap', 'mask', 'softmax'] as const;

const attention: OperatorRule = {
  since: 23,
  infer(view) {
    const { q, k, v, together } = headsOf(view);
    const [batch = 1, heads = 1, queries = 1] = q;
    const past = view.optional(4)?.shape[2] ?? 0;
    const keys = past + (k[2] ?? 0);
    const [dtype, valueFeatures] = [view.dtype(0), v[3] ?? 1];
    return [
      { dtype, shape: together ? [batch, queries, heads * valueFeatures] : [batch, heads, queries, valueFeatures] },
      { dtype, shape: k.with(2, keys) },
      { dtype: view.dtype(2), shape: v.with(2, keys) },
      { dtype, shape: [batch, heads, queries, keys] },
    ];
  },
  lower(view) {
    const { q: shape, k: keyShape, together } = headsOf(view);
    const chain = new Chain(view);
    const heads = (i: number, count: number, name: string): Value =>
      together ? splitHeads(chain, view.value(i), count, { name }) : view.value(i);
    const q = heads(0, shape[1] ?? 1, 'q');
    const [pastKeys, pastValues] = [view.optional(4), view.optional(5)];
    const k = extendCache(chain, pastKeys, heads(1, keyShape[1] ?? 1, 'k'), { name: 'keys', ...outputIf(view, 1) });
    const v = extendCache(chain, pastValues, heads(2, keyShape[1] ?? 1, 'v'), { name: 'values', ...outputIf(view, 2) });
    const lengths = view.optional(6);
    const windows = [view.int('left_window_size', -1), view.int('right_window_size', -1)] as const;
    const causal = view.int('is_causal', 0) !== 0 || windows[0] >= 0 || windows[1] >= 0;
    const offset = lengths === undefined ? (pastKeys?.shape[2] ?? 0) : (k.shape[2] ?? 0) - (q.shape[2] ?? 0);
    const mask = view.optional(3);
    const y = attend(
      chain,
      view,
      {
        q,
        k,
        v,
        scale: view.float('scale', 1 / Math.sqrt(shape[3] ?? 1)),
        softcap: view.float('softcap', 0),
        ...(mask === undefined ? {} : { masks: [mask] }),
        ...(causal ? { causal: { offset, left: windows[0] } } : {}),
        ...(lengths === undefined ? {} : { scoreStep: 'maskLengths' }),
        scores: { output: 3, after: scoresAfter(view, mask !== undefined || causal) },
      },
      together ? { name: 'mixed' } : { name: 'y', output: 0 },
    );
    if (together) joinHeads(chain, y, { name: 'y', output: 0 });
    return chain.lowering;
  },
};

/** The state in which scores are an output; steps that aren't there leave them as they were. */
function scoresAfter(view: NodeView, masked: boolean): (typeof SCORES_AFTER)[number] {
  const mode = SCORES_AFTER[view.int('qk_matmul_output_mode', 0)] ?? 'product';
  const capped = view.float('softcap', 0) !== 0;
  if (mode === 'mask' && !masked) return capped ? 'softcap' : 'product';
  return mode === 'softcap' && !capped ? 'product' : mode;
}

export function outputIf(view: NodeView, output: number): { readonly output?: number } {
  return view.makes(output) ? { output } : {};
}

export const ATTENTION: OperatorRules = {
  Attention: attention,
};

/** Attention with subgraphs that change scores and shares; what they compute is vector work of unknown kind. */
export const FLEX_ATTENTION: OperatorRules = {
  FlexAttention: {
    infer: (view) => [{ dtype: view.dtype(0), shape: view.shape(0).with(3, view.shape(2)[3] ?? 1) }],
    lower(view) {
      const chain = new Chain(view);
      const [q, k, v] = [view.value(0), view.value(1), view.value(2)];
      attend(
        chain,
        view,
        {
          q,
          k,
          v,
          scale: view.float('scale', 1 / Math.sqrt(q.shape[3] ?? 1)),
          ...(view.has('score_mod') ? { scoreStep: 'scoreModification' } : {}),
          ...(view.has('prob_mod') ? { shareStep: 'shareModification' } : {}),
        },
        { name: 'y', output: 0 },
      );
      return chain.lowering;
    },
  },
};

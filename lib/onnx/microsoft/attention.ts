// Attention as ONNX Runtime has it: with projections, rotary embeddings and caches inside. Domain com.microsoft.
// A cache that an export declares longer than what it holds (one buffer for past and present) is sized by the inputs:
// present = past + new.

import type { Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { attend, extendCache, joinHeads, outputIf, splitHeads } from '../operators/attention.ts';
import { Chain } from '../operators/chain.ts';
import { rotaryInputs, rotaryRule, rotaryStep } from '../operators/rotary.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';

interface Grouped {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly features: number;
  /** Queries, keys and values side by side in input 0. */
  readonly packed: boolean;
}

function groupedOf(view: NodeView): Grouped {
  const [batch = 1, tokens = 1, width = 1] = view.shape(0);
  const [heads, keyHeads] = [view.int('num_heads', 0), view.int('kv_num_heads', 0)];
  const packed = view.optional(1) === undefined;
  const features = width / (packed ? heads + 2 * keyHeads : heads);
  if (!(heads > 0 && keyHeads > 0 && Number.isInteger(features) && heads % keyHeads === 0))
    view.refuse(`its ${width} features are not those of ${heads} heads, ${keyHeads} of them with keys and values`);
  return { batch, tokens, heads, keyHeads, features, packed };
}

const groupQueryAttention: OperatorRule = {
  infer(view): readonly Inferred[] {
    const { batch, tokens, heads, keyHeads, features } = groupedOf(view);
    const dtype = view.dtype(0);
    const keys = keysOf(view, 3, tokens);
    const cache = { dtype: view.optional(3)?.dtype ?? dtype, shape: [batch, keyHeads, keys, cachedFeatures(view, 3, features)] };
    return [{ dtype, shape: [batch, tokens, heads * features] }, cache, cache, { dtype, shape: [batch, heads, tokens, keys] }];
  },
  lower(view) {
    const { heads, keyHeads, features, packed } = groupedOf(view);
    const chain = new Chain(view);
    const part = (i: number, from: number, count: number, name: string): Value =>
      packed ? chain.slice(view.value(0), 2, from * features, count * features, { name: `${name}Part` }) : view.value(i);
    const tables = view.int('do_rotary', 0) === 0 ? [] : [7, 8, 9].flatMap((i) => view.optional(i) ?? []);
    const ready = (value: Value, count: number, norm: number, name: string): Value => {
      const turned = rotated(
        chain,
        perHeadNorm(chain, view, value, count, norm, name),
        count,
        tables,
        view.int('rotary_interleaved', 0) !== 0,
        name,
      );
      return splitHeads(chain, turned, count, { name });
    };
    const q = ready(part(0, 0, heads, 'q'), heads, 14, 'q');
    const now = ready(part(1, heads, keyHeads, 'k'), keyHeads, 15, 'k');
    const k = extendCache(chain, view.optional(3), now, { name: 'keys', ...outputIf(view, 1) });
    const nowValues = splitHeads(chain, part(2, heads + keyHeads, keyHeads, 'v'), keyHeads, { name: 'v' });
    const v = extendCache(chain, view.optional(4), nowValues, { name: 'values', ...outputIf(view, 2) });
    const mask = view.optional(10);
    const causal =
      view.int('causal', 1) === 0
        ? {}
        : { causal: { offset: (k.shape[2] ?? 0) - (q.shape[2] ?? 0), left: view.int('local_window_size', -1) } };
    const y = attend(
      chain,
      view,
      {
        q,
        k,
        v,
        scale: view.float('scale', 0) || 1 / Math.sqrt(features),
        softcap: view.float('softcap', 0),
        ...(mask === undefined ? {} : { masks: [mask] }),
        ...causal,
        scores: { output: 3, after: view.int('qk_output', 0) === 2 ? 'softmax' : 'product' },
      },
      { name: 'mixed' },
    );
    joinHeads(chain, y, { name: 'y', output: 0 });
    return chain.lowering;
  },
};

/** Entries the cache holds with the new ones. */
function keysOf(view: NodeView, past: number, now: number): number {
  return (view.optional(past)?.shape[2] ?? 0) + now;
}

/** 4-bit caches have two features a byte. */
function cachedFeatures(view: NodeView, past: number, features: number): number {
  return view.optional(past)?.shape[3] ?? features;
}

/** Vectors of each head normalised, if there is a scale for it. */
function perHeadNorm(chain: Chain, view: NodeView, value: Value, heads: number, scale: number, name: string): Value {
  const by = view.optional(scale);
  if (by === undefined) return value;
  const [batch = 1, tokens = 1, width = 1] = value.shape;
  const apart = chain.reshape(value, [batch, tokens, heads, width / heads], { name: `${name}PerHead` });
  const how = { function: 'rmsNorm', axes: [3], epsilon: view.float('qk_norm_epsilon', 1e-6) };
  return chain.reshape(chain.normalize(apart, how, [by], { name: `${name}Normalized` }), value.shape, { name: `${name}Together` });
}

function rotated(chain: Chain, value: Value, heads: number, tables: readonly Value[], interleaved: boolean, name: string): Value {
  if (tables.length < 2) return value;
  const body = {
    kind: 'step',
    ...rotaryStep({ heads, features: 0, interleaved }),
    operands: [value, ...tables].map(({ id }) => id),
  } as const;
  return chain.add({ body, inputs: rotaryInputs(value, tables) }, value.shape, { name: `${name}Rotated` }, value.dtype);
}

/** Sizes of MultiHeadAttention, whose keys may be packed with queries or values, or be the past ones of another layer. */
function manyHeadsOf(view: NodeView): {
  batch: number;
  tokens: number;
  heads: number;
  keys: number;
  features: number;
  valueFeatures: number;
} {
  const heads = view.int('num_heads', 1);
  const [query, key, value] = [view.shape(0), view.optional(1)?.shape, view.optional(2)?.shape];
  const [batch = 1, tokens = 1] = query;
  const features = query.length === 5 ? (query[4] ?? 1) : (query[2] ?? 1) / heads;
  const keys = key === undefined ? tokens : key.length === 4 ? (key[2] ?? 1) : (key[1] ?? 1);
  const valueFeatures = value === undefined ? features : value.length === 4 ? (value[3] ?? 1) : (value[2] ?? 1) / heads;
  return { batch, tokens, heads, keys, features, valueFeatures };
}

const multiHeadAttention: OperatorRule = {
  infer(view): readonly Inferred[] {
    const { batch, tokens, heads, keys, features, valueFeatures } = manyHeadsOf(view);
    const dtype = view.dtype(0);
    const all = keysOf(view, 6, keys);
    return [
      { dtype, shape: [batch, tokens, heads * valueFeatures] },
      { dtype, shape: [batch, heads, all, features] },
      { dtype, shape: [batch, heads, all, valueFeatures] },
      { dtype, shape: [batch, heads, tokens, all] },
    ];
  },
  lower(view) {
    const { batch, tokens, heads, features, valueFeatures } = manyHeadsOf(view);
    const chain = new Chain(view);
    const bias = view.optional(3);
    const biasOf = (at: number, size: number, name: string): Value | undefined =>
      bias === undefined ? undefined : chain.slice(bias, 0, at, size, { name: `${name}Bias` });
    const heads4 = (value: Value, at: number, size: number, name: string): Value => {
      if (value.shape.length === 4) return value;
      const by = biasOf(at, size, name);
      return splitHeads(chain, by === undefined ? value : chain.join('add', value, by, { name: `${name}Biased` }), heads, { name });
    };
    /** Part `index` of values packed as [B, L, H, parts, D]. */
    const partOf = (packed: Value, index: number, name: string): Value => {
      const part = chain.slice(packed, 3, index, 1, { name: `${name}Part` });
      const [b = 1, length = 1, h = 1, , d = 1] = packed.shape;
      return chain.reshape(part, [b, length, h * d], { name: `${name}Flat` });
    };
    const query = view.value(0);
    const key = view.optional(1);
    const parts: readonly [Value, Value, Value] =
      query.shape.length === 5
        ? [partOf(query, 0, 'q'), partOf(query, 1, 'k'), partOf(query, 2, 'v')]
        : key?.shape.length === 5
          ? [query, partOf(key, 0, 'k'), partOf(key, 1, 'v')]
          : [query, key ?? query, view.optional(2) ?? key ?? query];
    const width = heads * features;
    const q = heads4(parts[0], 0, width, 'q');
    const k = extendCache(chain, view.optional(6), heads4(parts[1], width, width, 'k'), { name: 'keys', ...outputIf(view, 1) });
    const v = extendCache(chain, view.optional(7), heads4(parts[2], 2 * width, heads * valueFeatures, 'v'), {
      name: 'values',
      ...outputIf(view, 2),
    });
    const masks = [paddingMask(chain, view.optional(4), batch, tokens), view.optional(5)].flatMap((mask) => mask ?? []);
    const y = attend(
      chain,
      view,
      {
        q,
        k,
        v,
        scale: view.float('scale', 0) || 1 / Math.sqrt(features),
        masks,
        ...(view.int('unidirectional', 0) === 0 ? {} : { causal: { offset: (k.shape[2] ?? 0) - tokens, left: -1 } }),
        scores: { output: 3, after: 'softmax' },
      },
      { name: 'mixed' },
    );
    joinHeads(chain, y, { name: 'y', output: 0 });
    return chain.lowering;
  },
};

/** Padding as [B, 1, 1 or S, T], true where keys count; other forms give lengths, which hide nothing that is counted here. */
function paddingMask(chain: Chain, mask: Value | undefined, batch: number, tokens: number): Value | undefined {
  if (mask === undefined || mask.constant) return undefined;
  const [first = 1, second = 1, third = 1] = mask.shape;
  const shape =
    mask.shape.length === 2 && first === batch
      ? [batch, 1, 1, second]
      : mask.shape.length === 3 && second === tokens
        ? [batch, 1, tokens, third]
        : undefined;
  return shape === undefined ? undefined : { ...chain.reshape(mask, shape, { name: 'padding' }), dtype: 'bool' };
}

/** Places of Attention's inputs, which its quantised form has elsewhere. */
interface Places {
  readonly bias: number;
  readonly mask: number;
  readonly past: number;
  readonly added: number;
}

/** Sizes of Attention, which projects its own queries, keys and values: input [B, S, I], weights [I, Q + K + V]. */
function projectedOf(
  view: NodeView,
  past: number,
): { batch: number; tokens: number; heads: number; widths: readonly number[]; keys: number } {
  const [batch = 1, tokens = 1] = view.shape(0);
  const total = view.shape(1)[1] ?? 3;
  const heads = view.int('num_heads', 1);
  const widths = view.ints('qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3];
  return { batch, tokens, heads, widths, keys: (view.optional(past)?.shape[3] ?? 0) + tokens };
}

function projectedAttention({ bias, mask, past, added }: Places): OperatorRule {
  return {
    infer(view): readonly Inferred[] {
      const { batch, tokens, heads, widths, keys } = projectedOf(view, past);
      const dtype = view.optional(bias)?.dtype ?? view.dtype(0);
      return [
        { dtype, shape: [batch, tokens, widths[2] ?? 1] },
        { dtype, shape: [2, batch, heads, keys, (widths[0] ?? 1) / heads] },
      ];
    },
    lower(view) {
      const { batch, tokens, heads, widths } = projectedOf(view, past);
      const chain = new Chain(view);
      const biasId = view.optional(bias);
      const projected = chain.product(
        { left: view.value(0), right: view.value(1), ...(biasId?.constant ? { bias: biasId.id } : {}) },
        { name: 'qkv' },
      );
      const starts = widths.map((_, i) => widths.slice(0, i).reduce((a, b) => a + b, 0));
      const [q, now, nowValues] = ['q', 'k', 'v'].map((name, i) =>
        splitHeads(chain, chain.slice(projected, 2, starts[i] ?? 0, widths[i] ?? 1, { name: `${name}Part` }), heads, { name }),
      ) as [Value, Value, Value];
      const features = (widths[0] ?? 1) / heads;
      const before = view.optional(past);
      const pastOf = (index: number, name: string): Value | undefined => {
        if (before === undefined) return undefined;
        const part = chain.slice(before, 0, index, 1, { name: `${name}Past` });
        return chain.reshape(part, before.shape.slice(1), { name: `${name}PastHeads` });
      };
      const k = extendCache(chain, pastOf(0, 'k'), now, { name: 'keys' });
      const v = extendCache(chain, pastOf(1, 'v'), nowValues, { name: 'values' });
      if (view.makes(1)) {
        const stacked = [k, v].map((value, i) => chain.reshape(value, [1, ...value.shape], { name: `present${i}` }));
        chain.concat(stacked, 0, { name: 'present', output: 1 });
      }
      const masks = [paddingMask(chain, view.optional(mask), batch, tokens), view.optional(added)].flatMap((value) => value ?? []);
      const y = attend(
        chain,
        view,
        {
          q,
          k,
          v,
          scale: view.float('scale', 0) || 1 / Math.sqrt(features),
          masks,
          ...(view.int('unidirectional', 0) === 0 ? {} : { causal: { offset: (k.shape[2] ?? 0) - tokens, left: -1 } }),
        },
        { name: 'mixed' },
      );
      joinHeads(chain, y, { name: 'y', output: 0 });
      return chain.lowering;
    },
  };
}

export const MICROSOFT_ATTENTION: OperatorRules = {
  GroupQueryAttention: groupQueryAttention,
  MultiHeadAttention: multiHeadAttention,
  Attention: projectedAttention({ bias: 2, mask: 3, past: 4, added: 5 }),
  QAttention: projectedAttention({ bias: 4, mask: 5, past: 8, added: -1 }),
  /** Positions are input 1 here. */
  RotaryEmbedding: rotaryRule([2, 3, 1]),
};

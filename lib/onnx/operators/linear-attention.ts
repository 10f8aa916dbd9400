// Linear attention: a state of a head's keys times values takes the place of the cache. [B, T, H * D] each -> [B, T, Hq * Dv].
// Assumption: K^T V is added to the state as one product over all tokens, then the queries read it; that a token reads the
// state as of its own time (or in what chunks) is not in the graph. MACs are those of the recurrence.

import type { Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { joinHeads, splitHeads } from './attention.ts';
import { Chain } from './chain.ts';

interface Heads {
  readonly batch: number;
  readonly tokens: number;
  readonly queryHeads: number;
  readonly heads: number;
  readonly keyFeatures: number;
  readonly valueFeatures: number;
}

function headsOf(view: NodeView): Heads {
  const [batch = 1, tokens = 1, keys = 1] = view.shape(1);
  const [queryHeads, heads] = [view.int('q_num_heads', 1), view.int('kv_num_heads', 1)];
  const [keyFeatures, valueFeatures] = [keys / heads, (view.shape(2)[2] ?? 1) / heads];
  if (![keyFeatures, valueFeatures, queryHeads / heads].every(Number.isInteger))
    view.refuse(`its features can't be divided into ${queryHeads} query heads and ${heads} heads of keys and values`);
  return { batch, tokens, queryHeads, heads, keyFeatures, valueFeatures };
}

export const LINEAR_ATTENTION: OperatorRules = {
  LinearAttention: {
    since: 1,
    infer(view) {
      const { batch, queryHeads, heads, keyFeatures, valueFeatures } = headsOf(view);
      return [
        { dtype: view.dtype(0), shape: [batch, view.shape(0)[1] ?? 1, queryHeads * valueFeatures] },
        { dtype: view.optional(3)?.dtype ?? view.dtype(0), shape: [batch, heads, keyFeatures, valueFeatures] },
      ];
    },
    lower(view) {
      const { batch, queryHeads, heads, keyFeatures, valueFeatures } = headsOf(view);
      const chain = new Chain(view);
      const [q, k, v] = [
        splitHeads(chain, view.value(0), queryHeads, { name: 'q' }),
        splitHeads(chain, view.value(1), heads, { name: 'k' }),
        splitHeads(chain, view.value(2), heads, { name: 'v' }),
      ];
      const past = view.optional(3);
      const rates = [4, 5].flatMap((i) => view.optional(i) ?? []);
      const rule = view.text('update_rule', 'gated_delta');
      const operands = [...(past === undefined ? [] : [past]), ...rates];
      let state: Value = chain.product(
        { left: k, right: v, transposeLeft: true },
        { name: 'update', ...(operands.length === 0 ? { output: 1 } : {}) },
      );
      if (operands.length > 0) {
        // Decay and rate of update are of the tokens, so the state needs them all.
        const inputs = [state, ...operands.filter(({ constant }) => !constant)].map(({ id }, i) => ({
          value: id,
          reach: i === 0 ? ({ kind: 'aligned' } as const) : ({ kind: 'whole', samples: 1 } as const),
          ...(i === 0 ? { axes: [0, 1, 2, 3, 4] } : {}),
        }));
        const body = {
          kind: 'step',
          class: 'elementwise',
          function: `${camel(rule)}Update`,
          parameters: [],
          operands: [state, ...operands].map(({ id }) => id),
        } as const;
        state = chain.add({ body, inputs }, state.shape, { name: 'state', output: 1 }, state.dtype);
      }
      const shared = queryHeads / heads;
      const tokens = q.shape[2] ?? 1;
      const given = view.float('scale', 0);
      const scale = given === 0 ? 1 / Math.sqrt(keyFeatures) : given;
      const read = chain.add(
        {
          body: {
            kind: 'matMul',
            attrs: {
              matrix: { m: shared * tokens, n: keyFeatures, k: valueFeatures, groups: batch * heads },
              weight: state.id,
              transposeWeight: false,
              dynamic: true,
              ...(scale === 1 ? {} : { scale }),
            },
          },
          inputs: [
            { value: q.id, reach: { kind: 'positionwise' }, wants: 3 },
            { value: state.id, reach: { kind: 'whole', samples: 1 }, prefers: 3 },
          ],
          axis: 3,
        },
        [batch, queryHeads, tokens, valueFeatures],
        { name: 'read' },
      );
      joinHeads(chain, read, { name: 'y', output: 0 });
      return chain.lowering;
    },
  },
};

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

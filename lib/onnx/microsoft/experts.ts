// Mixtures of experts: a router sends each token to k of E experts, networks of two or three products each.
// Assumption: tokens fall on experts evenly, tokens * k / E each; with fewer choices than experts, as many experts as
// choices have one token each, and only their weights are read. Which ones is known when the network runs.

import type { DType } from '../../ir/graph.ts';
import { elementCount, shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { Chain, type Made } from '../operators/chain.ts';
import { moveOf, sameAxes } from '../operators/move.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';

/** Places of each layer's weights, scales and biases; -1 where there are none. */
interface Layer {
  readonly weight: number;
  readonly scale: number;
  readonly bias: number;
}

interface Places {
  readonly up: Layer;
  readonly down: Layer;
  /** The gate's partner, if gate and up are not one product. */
  readonly linear: Layer;
}

const REAL: Places = {
  up: { weight: 2, scale: -1, bias: 3 },
  down: { weight: 4, scale: -1, bias: 5 },
  linear: { weight: 6, scale: -1, bias: 7 },
};

const QUANTIZED: Places = {
  up: { weight: 2, scale: 3, bias: 4 },
  down: { weight: 5, scale: 6, bias: 7 },
  linear: { weight: 8, scale: 9, bias: 10 },
};

const PACKED_TYPES: Readonly<Record<number, DType>> = { 2: 'uint2', 4: 'uint4', 8: 'uint8' };

interface Load {
  readonly experts: number;
  /** Experts that have tokens, and how many each. */
  readonly active: number;
  readonly tokens: number;
}

function loadOf(view: NodeView): Load {
  const shape = view.shape(0);
  const tokens = elementCount(shape.slice(0, -1));
  const experts = view.shape(1).at(-1) ?? 1;
  const choices = tokens * Math.min(experts, view.int('k', 1));
  const active = Math.min(experts, choices);
  return { experts, active, tokens: Math.ceil(choices / active) };
}

function expertsRule(places: Places): OperatorRule {
  return {
    infer: (view) => [{ dtype: view.dtype(0), shape: view.shape(0) }],
    lower(view) {
      const load = loadOf(view);
      const chain = new Chain(view);
      const input = view.value(0);
      const features = input.shape.at(-1) ?? 1;
      const shares = chain.softmax(view.value(1), { name: 'shares' });
      const sent = chain.add(
        moveOf('dispatch', { experts: [load.experts], k: [view.int('k', 1)] }, [
          { value: input, reach: { kind: 'whole', samples: 1 }, wants: input.shape.length - 1 },
          { value: shares, reach: { kind: 'whole', samples: 1 } },
        ]),
        [load.active, load.tokens, features],
        { name: 'sent' },
      );
      const up = layer(chain, view, places.up, load, sent, { name: 'up' });
      const active = gate(chain, view, places, load, sent, up);
      const down = layer(chain, view, places.down, load, active, { name: 'down' });
      chain.add(
        moveOf('combine', { experts: [load.experts], k: [view.int('k', 1)] }, [
          { value: down, reach: { kind: 'whole', samples: 1 } },
          { value: shares, reach: { kind: 'whole', samples: 1 } },
        ]),
        input.shape,
        { name: 'y', output: 0 },
      );
      return chain.lowering;
    },
  };
}

/** [active, tokens, inputs] times the experts' [outputs, inputs], and their biases. */
function layer(chain: Chain, view: NodeView, { weight, scale, bias }: Layer, { active }: Load, from: Value, made: Made): Value {
  const stored = view.value(weight);
  if (!stored.constant) view.refuse(`its weight '${stored.id}' is computed when the network runs, and only stored ones are supported`);
  const [experts = 1, outputs = 1, columns = 1] = stored.shape;
  const inputs = from.shape[2] ?? 1;
  const bits = scale < 0 ? 0 : view.int('expert_weight_bits', 4);
  const packed = bits === 0 ? columns : columns * (8 / bits);
  if (packed !== inputs) view.refuse(`its experts' weights have shape ${shapeText(stored.shape)}, and their inputs ${inputs} features`);
  const by = view.optional(scale);
  const matrix: Value = {
    ...stored,
    ...(active === experts ? {} : { id: `${stored.id}.chosen` }),
    shape: [active, outputs, inputs],
    dtype: PACKED_TYPES[bits] ?? stored.dtype,
    ...(by === undefined ? {} : { quantized: { stored: stored.id, dtype: PACKED_TYPES[bits] ?? stored.dtype, scale: by.id, axis: 2 } }),
  };
  chain.constants.push(matrix);
  const added = view.optional(bias);
  if (added === undefined) return chain.product({ left: from, right: matrix, transposeRight: true }, made);
  const product = chain.product({ left: from, right: matrix, transposeRight: true }, { name: `${made.name}Product` });
  const chosen = { ...added, id: `${added.id}.${made.name}`, shape: [active, 1, outputs] };
  chain.constants.push(chosen);
  return chain.join('add', product, chosen, made);
}

/** What the up projection becomes before the down projection. */
function gate(chain: Chain, view: NodeView, places: Places, load: Load, sent: Value, up: Value): Value {
  const type = view.text('activation_type', 'relu');
  const alpha = view.float('activation_alpha', 1);
  const linear =
    view.optional(places.linear.weight) === undefined ? undefined : layer(chain, view, places.linear, load, sent, { name: 'linear' });
  const activate = (value: Value): Value => {
    if (type === 'identity') return value;
    const swish = type === 'silu' || type === 'swiglu';
    return chain.activation(value, swish ? 'swish' : type, swish ? [alpha] : [], { name: 'active' });
  };
  if (linear !== undefined) return chain.join('mul', linear, activate(up), { name: 'gated' });
  const fusion = view.int('swiglu_fusion', 0);
  if (type !== 'swiglu' || fusion === 0) return activate(up);
  // One product has both halves, side by side or taking turns.
  const half = (up.shape[2] ?? 2) / 2;
  const part = (index: number, name: string): Value => {
    if (fusion === 2) return chain.slice(up, 2, index * half, half, { name });
    const parameters = { starts: [0, 0, index], steps: [1, 1, 2] };
    const moved = { value: up, reach: { kind: 'along', axes: [2] }, axes: sameAxes(3) } as const;
    return chain.add(moveOf('slice', parameters, [moved]), up.shape.with(2, half), { name });
  };
  return chain.join('mul', part(1, 'linearPart'), activate(part(0, 'gatePart')), { name: 'gated' });
}

export const EXPERTS: OperatorRules = {
  MoE: expertsRule(REAL),
  QMoE: expertsRule(QUANTIZED),
};

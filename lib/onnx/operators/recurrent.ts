// Recurrent layers: LSTM, GRU, RNN. What depends on the input alone is one product over all positions; what depends on the
// state before is another, position by position.
// Assumption: the second product reads its states from a tensor of role `state`, so the graph has no cycle; that each of
// its vectors waits for the one before is not in the graph, and a latency computed from it is a lower bound.

import type { DraftSpec } from '../draft.ts';
import { shapeText, unknownElements, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { Inferred, OperatorRule, OperatorRules } from '../rule.ts';
import { constantWeight } from './convolution.ts';

interface Sizes {
  readonly length: number;
  readonly batch: number;
  readonly input: number;
  readonly hidden: number;
  readonly directions: number;
  /** Batch before length: [batch, length, ...] instead of [length, batch, ...]. */
  readonly batchFirst: boolean;
}

function sizesOf(view: NodeView, gates: number): Sizes {
  const [x, w, r] = [view.shape(0), view.shape(1), view.shape(2)];
  const batchFirst = view.int('layout', 0) !== 0;
  const [first = 0, second = 0, input = 0] = x;
  const [directions = 0, rows = 0, columns = 0] = w;
  const hidden = r[2] ?? 0;
  if (x.length !== 3 || columns !== input || rows !== gates * hidden || r.join() !== `${directions},${rows},${hidden}`)
    view.refuse(`its input has shape ${shapeText(x)}, its weights ${shapeText(w)} and ${shapeText(r)}, which don't fit each other`);
  return { length: batchFirst ? second : first, batch: batchFirst ? first : second, input, hidden, directions, batchFirst };
}

function recurrentRule(name: string, gates: number, states: number): OperatorRule {
  return {
    infer(view): readonly Inferred[] {
      const { length, batch, hidden, directions, batchFirst } = sizesOf(view, gates);
      const dtype = view.dtype(0);
      const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
      const all = batchFirst ? [batch, length, directions, hidden] : [length, directions, batch, hidden];
      return [{ dtype, shape: all }, ...Array.from({ length: states }, () => ({ dtype, shape: last }))];
    },
    lower: (view) => recurrentDrafts(view, name, gates, states),
  };
}

function recurrentDrafts(view: NodeView, name: string, gates: number, states: number): DraftSpec[] {
  const { length, batch, input, hidden, directions, batchFirst } = sizesOf(view, gates);
  const dtype = view.dtype(0);
  const positions = length * batch;
  const before: Value = {
    ...view.between('state', [directions, positions, hidden], dtype),
    id: `${view.node.id}.state`,
    elements: unknownElements,
  };
  const fromInput = view.between('fromInput', [positions, directions, gates * hidden], dtype);
  const fromState = view.between('fromState', [directions, positions, gates * hidden], dtype);
  const all = view.makes(0)
    ? undefined
    : view.between('all', batchFirst ? [batch, length, directions, hidden] : [length, directions, batch, hidden], dtype);
  const constants = [3, 5, 6, 7].flatMap((i) => (view.optional(i) === undefined ? [] : [constantWeight(view, i, 'parameter')]));
  const product = (
    weight: number,
    shape: { n: number; k: number; groups: number },
    of: string,
    output: Value,
    suffix: string,
  ): DraftSpec => ({
    body: {
      kind: 'matMul',
      attrs: { matrix: { m: positions, ...shape }, weight: constantWeight(view, weight, 'weight'), transposeWeight: true, dynamic: false },
    },
    inputs: [{ value: of, reach: { kind: 'positionwise' }, wants: 2 }],
    axis: 2,
    output,
    suffix,
  });
  const whole = { kind: 'whole', samples: 1 } as const;
  const cells: DraftSpec = {
    body: { kind: 'elementwise', attrs: { function: name, operands: [fromState.id, ...constants] } },
    inputs: [fromInput, fromState].map(({ id }) => ({ value: id, reach: whole })),
    axis: 3,
    ...(all === undefined ? {} : { output: all }),
    suffix: 'cells',
  };
  const allId = all?.id ?? view.node.outputs[0] ?? '';
  const last = (output: number): DraftSpec => ({
    body: { kind: 'move', attrs: { function: output === 1 ? 'lastState' : 'lastCell', parameters: {} } },
    inputs: [{ value: allId, reach: whole }],
    axis: 2,
    output,
    suffix: output === 1 ? 'last' : 'lastCell',
  });
  return [
    product(
      1,
      { n: input, k: directions * gates * hidden, groups: 1 },
      view.value(0).id,
      { ...fromInput, shape: [batchFirst ? batch : length, batchFirst ? length : batch, directions * gates * hidden] },
      'input',
    ),
    { ...product(2, { n: hidden, k: gates * hidden, groups: directions }, before.id, fromState, 'recurrent'), values: [before] },
    cells,
    ...Array.from({ length: states }, (_, i) => i + 1).flatMap((output) => (view.makes(output) ? [last(output)] : [])),
  ];
}

export const RECURRENT: OperatorRules = {
  LSTM: recurrentRule('lstm', 4, 2),
  GRU: recurrentRule('gru', 3, 1),
  RNN: recurrentRule('rnn', 1, 1),
};

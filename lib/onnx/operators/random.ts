// Random numbers: noise of a given shape. What it is can't matter to a compiler; it is a constant that nobody knows.

import { alwaysFolded, type OperatorRule, type OperatorRules } from '../rule.ts';
import { stepDraft } from './step.ts';

const noise: OperatorRule = {
  infer: (view) => [{ dtype: view.elementType('dtype') ?? 'float32', shape: view.ints('shape') ?? view.refuse('it has no shape') }],
  lower: alwaysFolded,
};

/** Of an input only shape and type count. */
const noiseLike: OperatorRule = {
  reads: 0,
  infer: (view) => [{ dtype: view.elementType('dtype') ?? view.dtype(0), shape: view.shape(0) }],
  lower: alwaysFolded,
};

export const RANDOM: OperatorRules = {
  RandomNormal: noise,
  RandomUniform: noise,
  RandomNormalLike: noiseLike,
  RandomUniformLike: noiseLike,

  /** 1 with the probability the input gives. */
  Bernoulli: {
    since: 15,
    infer: (view) => [{ dtype: view.elementType('dtype') ?? view.dtype(0), shape: view.shape(0) }],
    lower: (view) => [stepDraft(view, view.rank(0), { class: 'activation', function: 'bernoulli', parameters: [] })],
  },

  /** Draws from each row of [samples, classes]. */
  Multinomial: {
    infer: (view) => [{ dtype: view.elementType('dtype') ?? 'int32', shape: [view.shape(0)[0] ?? 1, view.int('sample_size', 1)] }],
    lower: (view) => [
      {
        body: { kind: 'reduce', attrs: { function: 'multinomial', axes: [1], keepDims: true } },
        inputs: [{ value: view.value(0).id, reach: { kind: 'along', axes: [1] }, wants: 1, axes: [0, 1, 2] }],
      },
    ],
  },
};

// Pooling over windows of a feature map: [N, C, ...] -> [N, C, ...]. Global pooling is a reduction.

import type { DraftSpec } from '../draft.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { CHANNELS } from './convolution.ts';
import { type SpatialGeometry, spatialGeometry, spatialSizes, spatialWindow } from './spatial.ts';

/** `name` of the elements of each window; a maximum's places are its second output. */
export function poolRule(name: 'max' | 'average' | 'lp'): OperatorRule {
  return {
    infer(view) {
      const { sizesOut } = poolGeometry(view);
      const shape = [...view.shape(0).slice(0, 2), ...sizesOut];
      return name === 'max'
        ? [
            { dtype: view.dtype(0), shape },
            { dtype: 'int64', shape },
          ]
        : [{ dtype: view.dtype(0), shape }];
    },

    lower(view) {
      const geometry = poolGeometry(view);
      const { sizesOut, ...spatial } = geometry;
      const sizesIn = spatialSizes(view);
      // AdaptiveAvgPool2d to the size it already has is exported as a pool of one element.
      const nothing =
        spatial.kernel.every((size) => size === 1) && sizesOut.join() === sizesIn.join() && spatial.pads.every((pad) => pad === 0);
      if (nothing && !view.makes(1)) return { sameAs: 0 };
      const window = spatialWindow(view.shape(0)[0] ?? 1, sizesIn, geometry);
      const pool = (what: 'max' | 'average' | 'lp' | 'maxIndices'): DraftSpec => ({
        body: {
          kind: 'pool',
          attrs: {
            ...spatial,
            function: what,
            ceilMode: view.int('ceil_mode', 0) !== 0,
            countIncludePad: view.int('count_include_pad', 0) !== 0,
          },
        },
        inputs: [{ value: view.value(0).id, reach: { kind: 'rows', window }, wants: CHANNELS }],
        axis: CHANNELS,
      });
      return view.makes(1) ? [pool(name), { ...pool('maxIndices'), output: 1, suffix: 'indices' }] : [pool(name)];
    },
  };
}

function poolGeometry(view: NodeView): SpatialGeometry {
  const kernel = view.ints('kernel_shape') ?? view.refuse('it has no kernel_shape');
  return spatialGeometry(view, spatialSizes(view), kernel, view.int('ceil_mode', 0) !== 0);
}

export const POOLING: OperatorRules = {
  MaxPool: poolRule('max'),
  AveragePool: poolRule('average'),
  LpPool: poolRule('lp'),
};

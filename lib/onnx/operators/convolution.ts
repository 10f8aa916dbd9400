// Conv: a matrix product over patches. [N, C, ...] and weights [K, C/groups, ...] -> [N, K, ...].

import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { type SpatialGeometry, spatialGeometry, spatialSizes, spatialWindow } from './spatial.ts';

/** Axis of the channels, for input and output. */
export const CHANNELS = 1;

export const CONVOLUTION: OperatorRules = {
  Conv: {
    infer(view) {
      const geometry = convGeometry(view);
      return [{ dtype: view.dtype(0), shape: [view.shape(0)[0] ?? 0, view.shape(1)[0] ?? 0, ...geometry.sizesOut] }];
    },

    lower(view) {
      const [samples = 0] = view.shape(0);
      const [outputs = 0] = view.shape(1);
      const sizesIn = spatialSizes(view);
      const { sizesOut, ...spatial } = convGeometry(view);
      const groups = view.int('group', 1);
      const weight = constantWeight(view, 1, 'weight');
      const bias = view.optional(2) === undefined ? {} : { bias: constantWeight(view, 2, 'bias') };
      const matrix = {
        m: samples * elementCount(sizesOut),
        n: elementCount(view.shape(1).slice(1)),
        k: outputs / groups,
        groups,
      };
      const window = spatialWindow(samples, sizesIn, { ...spatial, sizesOut });
      return [
        {
          body: { kind: 'conv', attrs: { ...spatial, matrix, weight, ...bias } },
          inputs: [{ value: view.value(0).id, reach: { kind: 'rows', window }, wants: CHANNELS }],
          axis: CHANNELS,
        },
      ];
    },
  },
};

function convGeometry(view: NodeView): SpatialGeometry {
  const sizesIn = spatialSizes(view);
  const weights = view.shape(1);
  const channels = view.shape(0)[1] ?? 0;
  const groups = view.int('group', 1);
  const [outputs = 0, perGroup = 0] = weights;
  if (weights.length !== sizesIn.length + 2) {
    view.refuse(`its weight has shape ${shapeText(weights)} and its input ${shapeText(view.shape(0))}; both need as many dimensions`);
  }
  if (groups < 1 || outputs % groups !== 0) view.refuse(`its ${outputs} outputs can't be divided into ${groups} groups`);
  if (perGroup * groups !== channels) {
    view.refuse(`its weight takes ${perGroup} channels for each of ${groups} groups, and its input has ${channels} channels in all`);
  }
  const bias = view.optional(2);
  if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== outputs)) {
    view.refuse(`its bias has shape ${shapeText(bias.shape)}; ${outputs} outputs need as many elements`);
  }
  const declared = view.ints('kernel_shape');
  const kernel = weights.slice(2);
  if (declared !== undefined && declared.length > 0 && declared.join() !== kernel.join()) {
    view.refuse(`its kernel_shape is ${shapeText(declared)}, and its weight has a kernel of ${shapeText(kernel)}`);
  }
  return spatialGeometry(view, sizesIn, kernel, false);
}

/** The id of an input that has to be the same in every run. */
export function constantWeight(view: NodeView, i: number, what: string): string {
  const value = view.value(i);
  if (!value.constant)
    view.refuse(
      `its ${what} '${value.id}' is computed when the network runs, and only stored ones are supported`,
      'Make it an initialiser.',
    );
  return value.id;
}

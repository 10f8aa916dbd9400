// Convolutions that work on patches: transposed ones multiply position by position and add up overlapping patches,
// deformable ones sample patches and then multiply.

import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { CHANNELS, channelBias, checkBias, constantWeight, convGeometry, convShape, kernelOf } from './convolution.ts';
import { moveOf } from './move.ts';
import { spatialSizes } from './spatial.ts';

export const PATCHES: OperatorRules = {
  /**
   * Weights [C, K/groups, ...]: each position makes a patch, k = K/groups * kernel area, and overlapping patches are added up.
   * MACs are those of the products, without the zeros between positions that some implementations multiply.
   */
  ConvTranspose: {
    infer: (view) => [{ dtype: view.dtype(0), shape: transposedShape(view) }],
    lower(view) {
      const shape = transposedShape(view);
      const [samples = 0, channels = 0, ...sizesIn] = view.shape(0);
      const groups = view.int('group', 1);
      const weights = view.shape(1);
      const k = elementCount(weights.slice(1));
      const patches = view.between('patches', [samples, k * groups, ...sizesIn]);
      const map = view.optional(2) === undefined ? undefined : view.between('map', shape);
      const parameters = { sizes: shape.slice(2), block: weights.slice(2), ...transposedGeometry(view) };
      return [
        {
          suffix: 'patches',
          body: {
            kind: 'matMul',
            attrs: {
              matrix: { m: samples * elementCount(sizesIn), n: channels / groups, k, groups },
              weight: constantWeight(view, 1, 'weight'),
              transposeWeight: false,
              dynamic: false,
              streamAxis: CHANNELS,
              outputAxis: CHANNELS,
            },
          },
          inputs: [{ value: view.value(0).id, reach: { kind: 'positionwise' }, wants: CHANNELS }],
          axis: CHANNELS,
          output: patches,
        },
        {
          body: { kind: 'move', attrs: { function: 'col2Im', parameters } },
          inputs: [{ value: patches.id, reach: { kind: 'whole', samples }, wants: CHANNELS }],
          axis: CHANNELS,
          ...(map === undefined ? {} : { output: map }),
        },
        ...(map === undefined ? [] : channelBias(view, 2, map)),
      ];
    },
  },

  /** Patches sampled where offsets say, perhaps weighed by a mask, then multiplied. Offsets and mask are inputs 2 and 4. */
  DeformConv: {
    since: 19,
    infer: (view) => [{ dtype: view.dtype(0), shape: convShape(view, { weight: 1, bias: 3 }) }],
    lower(view) {
      const inputs = { weight: 1, bias: 3 };
      const [samples = 0, outputs = 0, ...sizesOut] = convShape(view, inputs);
      const groups = view.int('group', 1);
      const n = elementCount(view.shape(1).slice(1));
      const { sizesOut: _, ...spatial } = convGeometry(view, inputs);
      const patches = view.between('patches', [samples, n * groups, ...sizesOut]);
      const bias = view.optional(3) === undefined ? {} : { bias: constantWeight(view, 3, 'bias') };
      const read = [0, 2, 4].flatMap((i) => view.optional(i) ?? []);
      return [
        {
          ...moveOf(
            'deformedPatches',
            { ...spatial },
            read.map((value) => ({ value, reach: { kind: 'whole', samples }, wants: CHANNELS })),
          ),
          suffix: 'patches',
          axis: CHANNELS,
          output: patches,
        },
        {
          body: {
            kind: 'matMul',
            attrs: {
              matrix: { m: samples * elementCount(sizesOut), n, k: outputs / groups, groups },
              weight: constantWeight(view, 1, 'weight'),
              transposeWeight: true,
              dynamic: false,
              streamAxis: CHANNELS,
              outputAxis: CHANNELS,
              ...bias,
            },
          },
          inputs: [{ value: patches.id, reach: { kind: 'positionwise' }, wants: CHANNELS }],
          axis: CHANNELS,
        },
      ];
    },
  },
};

/** Kernel, strides, dilations and pads with what output_shape and auto_pad make of them, and the sizes that follow. */
function transposedSizes(view: NodeView): { sizes: number[]; strides: readonly number[]; dilations: readonly number[]; pads: number[] } {
  const sizesIn = spatialSizes(view);
  const dims = sizesIn.length;
  const kernel = kernelOf(view, view.shape(1));
  const list = (name: string, length: number, fill: number): readonly number[] => {
    const given = view.ints(name);
    if (given === undefined || given.length === 0) return Array<number>(length).fill(fill);
    return given.length === length
      ? given
      : view.refuse(`its ${name} have ${given.length} entries; ${dims} spatial dimensions need ${length}`);
  };
  const [strides, dilations] = [list('strides', dims, 1), list('dilations', dims, 1)];
  const extra = list('output_padding', dims, 0);
  const explicit = list('pads', 2 * dims, 0);
  const wanted = view.ints('output_shape');
  const autoPad = view.text('auto_pad', 'NOTSET');
  const begins: number[] = [];
  const ends: number[] = [];
  const sizes = sizesIn.map((size, d) => {
    const [stride, extent] = [strides[d] ?? 1, ((kernel[d] ?? 1) - 1) * (dilations[d] ?? 1) + 1];
    const whole = stride * (size - 1) + (extra[d] ?? 0) + extent;
    const same = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
    const target = wanted !== undefined && wanted.length > 0 ? wanted.at(d - dims) : same ? size * stride : undefined;
    if (target === undefined) {
      const [before, after] = autoPad === 'VALID' ? [0, 0] : [explicit[d] ?? 0, explicit[d + dims] ?? 0];
      begins.push(before);
      ends.push(after);
      return whole - before - after;
    }
    const total = Math.max(0, whole - target);
    const half = Math.floor(total / 2);
    begins.push(autoPad === 'SAME_UPPER' ? half : total - half);
    ends.push(autoPad === 'SAME_UPPER' ? total - half : half);
    return target;
  });
  return { sizes, strides, dilations, pads: [...begins, ...ends] };
}

function transposedShape(view: NodeView): readonly number[] {
  const [samples = 0, channels = 0] = view.shape(0);
  const weights = view.shape(1);
  const groups = view.int('group', 1);
  if (weights[0] !== channels || channels % groups !== 0)
    view.refuse(`its weight has shape ${shapeText(weights)}, and its input ${channels} channels in ${groups} groups`);
  const outputs = (weights[1] ?? 0) * groups;
  checkBias(view, 2, outputs);
  return [samples, outputs, ...transposedSizes(view).sizes];
}

function transposedGeometry(view: NodeView): { strides: readonly number[]; dilations: readonly number[]; pads: readonly number[] } {
  const { strides, dilations, pads } = transposedSizes(view);
  return { strides, dilations, pads };
}

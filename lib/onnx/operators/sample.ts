// Operators that sample a feature map anew: resize, grid sampling, regions of interest, unpooling, blocks to depth.
// [N, C, ...] -> [N, C, ...] of another size, a channel at a time.

import { elementwiseWindow } from '../../base/shapes.ts';
import type { DraftInput } from '../draft.ts';
import { elementCount, shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRule, OperatorRules } from '../rule.ts';
import { CHANNELS } from './convolution.ts';
import { moveDraft, sameAxes } from './move.ts';
import { spatialSizes } from './spatial.ts';

const MODES = ['nearest', 'linear', 'cubic'];

/** Sizes are given, or follow from scales; for some axes only from opset 18 on. */
function resized(view: NodeView): readonly number[] {
  const shape = view.shape(0);
  const [scalesAt, sizesAt] = view.node.opType === 'Upsample' || view.opset < 11 ? [1, -1] : [2, 3];
  const attribute = view.node.opType === 'Upsample' && view.opset < 9 ? view.floats('scales') : undefined;
  const some = (i: number): readonly number[] | undefined => {
    const elements = i < 0 ? undefined : view.optionalElements(i);
    return elements === undefined || elements.length === 0 ? undefined : elements;
  };
  const [scales, sizes] = [attribute ?? some(scalesAt), some(sizesAt)];
  const axes = view.ints('axes')?.map((axis) => view.axis(axis, shape.length)) ?? shape.map((_, axis) => axis);
  const given = sizes ?? scales ?? view.refuse('it has neither scales nor sizes');
  if (given.length !== axes.length) view.refuse(`it has ${given.length} ${sizes ? 'sizes' : 'scales'} for ${axes.length} axes`);
  const result = [...shape];
  if (sizes !== undefined) {
    const ratios = axes.map((axis, i) => (sizes[i] ?? 0) / (shape[axis] ?? 1));
    const policy = view.text('keep_aspect_ratio_policy', 'stretch');
    const common = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    for (const [i, axis] of axes.entries()) result[axis] = policy === 'stretch' ? (sizes[i] ?? 0) : Math.round(common * (shape[axis] ?? 0));
    return result;
  }
  // Regions of interest count in one mode only; attributes and values are single precision, whose products ONNX rounds down.
  const crop = view.text('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize' ? view.optionalElements(1) : undefined;
  for (const [i, axis] of axes.entries()) {
    const part = crop === undefined ? 1 : (crop[i + axes.length] ?? 1) - (crop[i] ?? 0);
    result[axis] = Math.floor(Math.fround((shape[axis] ?? 0) * part * (given[i] ?? 1)));
  }
  return result;
}

const resize: OperatorRule = {
  infer: (view) => [{ dtype: view.dtype(0), shape: resized(view) }],
  lower(view) {
    const [from, to] = [view.shape(0), resized(view)];
    if (from.join() === to.join()) return { sameAs: 0 };
    const mode = view.text('mode', 'nearest');
    const axes = from.flatMap((size, axis) => (size === to[axis] ? [] : [axis]));
    const reach = axes.every((axis) => axis >= 2) ? rowsReach(from, to, mode) : ({ kind: 'whole', samples: 1 } as const);
    const mapped = { input: 0, reach, axes: sameAxes(from.length), prefers: Math.min(CHANNELS, from.length - 1) };
    return [moveDraft(view, 'resize', { mode: [MODES.indexOf(mode)], sizes: to }, [mapped])];
  },
};

/** By whole factors, rows of one side are groups of rows of the other; interpolation needs the rows next to its own. */
function rowsReach(from: readonly number[], to: readonly number[], mode: string): DraftInput['reach'] {
  const [samples = 1, , rowsIn = 1, ...widthIn] = from;
  const [, , rowsOut = 1, ...widthOut] = to;
  const around = mode === 'nearest' ? 0 : mode === 'linear' ? 1 : 2;
  const up = rowsOut % rowsIn === 0;
  if (!up && rowsIn % rowsOut !== 0) return { kind: 'whole', samples };
  const stride = up ? 1 : rowsIn / rowsOut;
  const window = {
    samples,
    rowsOut: up ? rowsIn : rowsOut,
    widthOut: elementCount(widthOut) * (up ? rowsOut / rowsIn : 1),
    rowsIn,
    widthIn: elementCount(widthIn),
    stride,
    reach: stride + around,
    lead: around,
  };
  return { kind: 'rows', window };
}

/** Rearranges blocks of block x block positions and channels into each other. */
function blocksRule(name: string, shapeOf: (shape: readonly number[], block: number) => readonly number[]): OperatorRule {
  const shapeOut = (view: NodeView): readonly number[] => {
    const shape = view.shape(0);
    const block = view.int('blocksize', 0);
    const result = shapeOf(shape, block);
    if (shape.length !== 4 || block < 1 || !result.every(Number.isInteger))
      view.refuse(`its input has shape ${shapeText(shape)}, which doesn't divide into blocks of ${block}`);
    return result;
  };
  return {
    infer: (view) => [{ dtype: view.dtype(0), shape: shapeOut(view) }],
    lower(view) {
      const [samples = 1, , rowsIn = 1, widthIn = 1] = view.shape(0);
      const [, , height = 1, width = 1] = shapeOut(view);
      const rows = Math.min(rowsIn, height);
      const window = { ...elementwiseWindow(rows), samples, widthIn: (rowsIn * widthIn) / rows, widthOut: (height * width) / rows };
      const parameters = { block: [view.int('blocksize', 0)], columnFirst: [view.text('mode', 'DCR') === 'DCR' ? 0 : 1] };
      return [{ ...moveDraft(view, name, parameters, [{ input: 0, reach: { kind: 'rows', window }, wants: CHANNELS }]), axis: CHANNELS }];
    },
  };
}

/** Wherever the samples come from, all of the map may be needed. */
function sampled(view: NodeView, name: string, parameters: Readonly<Record<string, readonly number[]>>, inputs: readonly number[]) {
  const samples = view.shape(0)[0] ?? 1;
  const given = inputs.filter((input) => view.optional(input) !== undefined);
  const drafts = given.map((input) => ({
    input,
    reach: { kind: 'whole', samples: view.shape(input)[0] === samples ? samples : 1 } as const,
    ...(input === 0 ? { wants: CHANNELS } : {}),
  }));
  return [{ ...moveDraft(view, name, parameters, drafts), axis: CHANNELS }];
}

export const SAMPLING: OperatorRules = {
  Resize: { since: 10, ...resize },
  Upsample: resize,

  DepthToSpace: blocksRule('depthToSpace', ([n = 0, c = 0, h = 0, w = 0], block) => [n, c / block ** 2, h * block, w * block]),
  SpaceToDepth: blocksRule('spaceToDepth', ([n = 0, c = 0, h = 0, w = 0], block) => [n, c * block ** 2, h / block, w / block]),

  /** Samples at the positions a grid [N, ..., dimensions] gives. */
  GridSample: {
    since: 16,
    infer: (view) => [{ dtype: view.dtype(0), shape: [...view.shape(0).slice(0, 2), ...view.shape(1).slice(1, -1)] }],
    lower: (view) => sampled(view, 'gridSample', {}, [0, 1]),
  },

  /** [N, 2, 3] -> [N, H, W, 2]: positions of a grid under an affine map; one dimension more for volumes. */
  AffineGrid: {
    since: 20,
    infer(view) {
      const [samples = 0, , ...sizes] = view.elements(1);
      return [{ dtype: view.dtype(0), shape: [samples, ...sizes, sizes.length] }];
    },
    lower(view) {
      const sizes = view.elements(1);
      const move = moveDraft(view, 'affineGrid', { sizes }, [{ input: 0, reach: { kind: 'whole', samples: sizes[0] ?? 1 } }]);
      return [{ ...move, axis: sizes.length - 1 }];
    },
  },

  /** A pooled patch of the map for each region. */
  RoiAlign: {
    since: 10,
    infer(view) {
      const size = ['output_height', 'output_width'].map((name) => view.int(name, 1));
      return [{ dtype: view.dtype(0), shape: [view.shape(1)[0] ?? 0, view.shape(0)[1] ?? 0, ...size] }];
    },
    lower(view) {
      const move = moveDraft(view, 'roiAlign', {}, [
        { input: 0, reach: { kind: 'whole', samples: 1 }, wants: CHANNELS },
        { input: 1, reach: { kind: 'whole', samples: 1 } },
        { input: 2, reach: { kind: 'whole', samples: 1 } },
      ]);
      return [{ ...move, axis: CHANNELS }];
    },
  },

  /** Values put back where max pooling took them from. */
  MaxUnpool: {
    since: 9,
    infer(view) {
      const [samples = 0, channels = 0] = view.shape(0);
      const sizes = spatialSizes(view);
      const given = view.optionalElements(2);
      if (given !== undefined) return [{ dtype: view.dtype(0), shape: given }];
      const kernel = view.ints('kernel_shape') ?? view.refuse('it has no kernel_shape');
      const [strides, pads] = [view.ints('strides'), view.ints('pads')];
      const unpooled = sizes.map(
        (size, d) => (size - 1) * (strides?.[d] ?? 1) + (kernel[d] ?? 1) - (pads?.[d] ?? 0) - (pads?.[d + sizes.length] ?? 0),
      );
      return [{ dtype: view.dtype(0), shape: [samples, channels, ...unpooled] }];
    },
    lower: (view) => sampled(view, 'maxUnpool', {}, [0, 1]),
  },

  /** Columns of patches added up into a map: [N, C * kernel area, patches] -> [N, C, ...]. */
  Col2Im: {
    since: 18,
    infer(view) {
      const [samples = 0, columns = 0] = view.shape(0);
      const [sizes, block] = [view.elements(1), view.elements(2)];
      return [{ dtype: view.dtype(0), shape: [samples, columns / elementCount(block), ...sizes] }];
    },
    lower: (view) => sampled(view, 'col2Im', { sizes: view.elements(1), block: view.elements(2) }, [0]),
  },
};

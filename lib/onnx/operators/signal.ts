// Signals: Fourier transforms, and the windows and filter banks around them.
// A transform is vector work here, a vector in and one out along an axis: its matrix is in no file.

import { shapeText } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import { alwaysFolded, type OperatorRule, type OperatorRules } from '../rule.ts';
import { type Moved, moveDraft } from './move.ts';
import { rounded } from './step.ts';

/** A number given as the only element of an input. */
function numberAt(view: NodeView, i: number, otherwise: number): number {
  return view.optionalElements(i)?.[0] ?? otherwise;
}

/** A window of raised cosines: the sum of coefficients[k] * cos(2 pi k i / length), alternating in sign. */
function windowRule(coefficients: readonly number[]): OperatorRule {
  return {
    since: 17,
    infer(view) {
      const dtype = view.elementType('output_datatype') ?? 'float32';
      const size = view.elements(0)[0] ?? 0;
      const period = view.int('periodic', 1) === 0 ? Math.max(1, size - 1) : size;
      const at = (i: number): number =>
        coefficients.reduce((sum, c, k) => sum + (k % 2 === 0 ? c : -c) * Math.cos((2 * Math.PI * k * i) / period), 0);
      return [{ dtype, shape: [size], elements: view.fold([size], () => Array.from({ length: size }, (_, i) => rounded(at(i), dtype))) }];
    },
    lower: alwaysFolded,
  };
}

/** Length of the transform and its shape: the last axis tells real (1) from complex (2) numbers. */
function transformed(view: NodeView): { axis: number; shape: number[] } {
  const shape = [...view.shape(0)];
  const rank = shape.length;
  const parts = shape[rank - 1] ?? 0;
  if (rank < 2 || parts > 2) view.refuse(`its input has shape ${shapeText(shape)}; the last dimension is 1 (real) or 2 (complex)`);
  const axis = view.axis(view.opset < 20 ? view.int('axis', 1) : numberAt(view, 2, -2), rank);
  const length = numberAt(view, 1, shape[axis] ?? 1);
  const [oneSided, inverse] = [view.int('onesided', 0) !== 0, view.int('inverse', 0) !== 0];
  // Backwards from one half, the numbers are real and as many as the whole.
  const back = oneSided && inverse;
  const whole = view.optional(1) === undefined && back ? 2 * (length - 1) : length;
  shape[axis] = oneSided && !inverse ? Math.floor(length / 2) + 1 : whole;
  shape[rank - 1] = back ? 1 : 2;
  return { axis, shape };
}

export const SIGNALS: OperatorRules = {
  HannWindow: windowRule([0.5, 0.5]),
  HammingWindow: windowRule([25 / 46, 21 / 46]),
  BlackmanWindow: windowRule([0.42, 0.5, 0.08]),

  /** Triangular filters [spectrogram bins, mel bins]. */
  MelWeightMatrix: {
    since: 17,
    infer: (view) => [
      {
        dtype: view.elementType('output_datatype') ?? 'float32',
        shape: [Math.floor((view.elements(1)[0] ?? 0) / 2) + 1, view.elements(0)[0] ?? 0],
      },
    ],
    lower: (view) => view.refuse('its frequencies are computed when the network runs', 'Make them initialisers.'),
  },

  DFT: {
    since: 17,
    infer: (view) => [{ dtype: view.dtype(0), shape: transformed(view).shape }],
    lower(view) {
      const { axis } = transformed(view);
      const parameters = { axis: [axis], inverse: [view.int('inverse', 0)], onesided: [view.int('onesided', 0)] };
      return [
        {
          body: { kind: 'move', attrs: { function: 'dft', parameters } },
          inputs: [{ value: view.value(0).id, reach: { kind: 'along', axes: [axis, view.rank(0) - 1] }, prefers: axis }],
        },
      ];
    },
  },

  /** [batch, length, 1 or 2] -> [batch, frames, bins, 2]. */
  STFT: {
    since: 17,
    infer(view) {
      const [batch = 1, length = 0] = view.shape(0);
      const step = view.elements(1)[0] ?? 0;
      const frame = numberAt(view, 3, view.optional(2)?.shape[0] ?? length);
      const bins = view.int('onesided', 1) === 0 ? frame : Math.floor(frame / 2) + 1;
      if (!(step > 0) || !(frame > 0 && frame <= length))
        view.refuse(`it takes frames of ${frame} every ${step} from a signal of ${length}`);
      return [{ dtype: view.dtype(0), shape: [batch, Math.floor((length - frame) / step) + 1, bins, 2] }];
    },
    lower(view) {
      const parameters = { step: [view.elements(1)[0] ?? 0], onesided: [view.int('onesided', 1)] };
      const window: Moved[] = view.optional(2) === undefined ? [] : [{ input: 2, reach: { kind: 'whole', samples: 1 } }];
      return [moveDraft(view, 'stft', parameters, [{ input: 0, reach: { kind: 'whole', samples: view.shape(0)[0] ?? 1 } }, ...window])];
    },
  },
};

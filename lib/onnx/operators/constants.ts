// Operators that make numbers of shapes, or of nothing: Constant, Shape, Size, Range, ConstantOfShape.
// They depend on no input of the network once its dimensions are bound, so they are always folded.

import { elementCount, shapeText } from '../model.ts';
import { alwaysFolded, type OperatorRules } from '../rule.ts';
import { rounded } from './step.ts';

export const CONSTANTS: OperatorRules = {
  Constant: {
    infer(view) {
      const tensor = view.tensor('value');
      if (tensor !== undefined) return [{ dtype: tensor.dtype, shape: tensor.shape, elements: tensor.elements() }];
      if (view.has('value_int')) return [{ dtype: 'int64', shape: [], elements: [view.int('value_int', 0)] }];
      if (view.has('value_float')) return [{ dtype: 'float32', shape: [], elements: [view.float('value_float', 0)] }];
      const ints = view.ints('value_ints');
      if (view.has('value_ints') && ints !== undefined) return [{ dtype: 'int64', shape: [ints.length], elements: ints }];
      const floats = view.floats('value_floats');
      if (view.has('value_floats') && floats !== undefined) return [{ dtype: 'float32', shape: [floats.length], elements: floats }];
      return view.refuse('it has no number or tensor as its value', 'Text and sparse tensors are not supported.');
    },
    lower: alwaysFolded,
  },

  Shape: {
    infer(view) {
      const shape = view.shape(0);
      const from = view.opset < 15 ? 0 : view.int('start', 0);
      const to = view.opset < 15 ? shape.length : view.int('end', shape.length);
      const elements = shape.slice(from, to);
      return [{ dtype: 'int64', shape: [elements.length], elements }];
    },
    lower: alwaysFolded,
  },

  Size: {
    infer: (view) => [{ dtype: 'int64', shape: [], elements: [elementCount(view.shape(0))] }],
    lower: alwaysFolded,
  },

  ConstantOfShape: {
    since: 9,
    infer(view) {
      const shape = view.elements(0);
      if (shape.some((size) => !(size >= 0))) view.refuse(`${shapeText(shape)} is not a shape`);
      const tensor = view.tensor('value');
      const element = tensor === undefined ? 0 : (tensor.elements()?.[0] ?? 0);
      const elements = view.fold(shape, () => Array<number>(elementCount(shape)).fill(element));
      return [{ dtype: tensor?.dtype ?? 'float32', shape, elements }];
    },
    lower: alwaysFolded,
  },

  Range: {
    since: 11,
    infer(view) {
      const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map((i) => view.elements(i)[0] ?? Number.NaN);
      const count = Math.max(0, Math.ceil((limit - start) / delta));
      if (!Number.isSafeInteger(count)) view.refuse(`it goes from ${start} to ${limit} in steps of ${delta}`);
      const dtype = view.dtype(0);
      const elements = view.fold([count], () => Array.from({ length: count }, (_, i) => rounded(start + i * delta, dtype)));
      return [{ dtype, shape: [count], elements }];
    },
    lower: alwaysFolded,
  },
};

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { positionsNeeded, positionsReleased, type Window } from '../../lib/base/shapes.ts';
import { importOnnx, runImport } from '../../lib/onnx/import-onnx.ts';
import { buildModel, node } from './build.ts';
import { impossible } from './impossible.ts';

const test = suite('onnx: convolution and pooling geometry');

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

const axis: fc.Arbitrary<Axis> = fc
  .record({
    size: fc.integer({ min: 1, max: 12 }),
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 3 }),
    before: fc.integer({ min: 0, max: 3 }),
    after: fc.integer({ min: 0, max: 3 }),
  })
  .filter(({ size, kernel, dilation, before, after }) => (kernel - 1) * dilation + 1 <= size + before + after);

const axesOf = (most: number): fc.Arbitrary<Axis[]> => fc.array(axis, { minLength: 1, maxLength: most });

/** Positions on an input axis that output position `out` looks at, padding left out. */
function taps({ size, kernel, stride, dilation, before }: Axis, out: number): number[] {
  return Array.from({ length: kernel }, (_, i) => out * stride - before + i * dilation).filter((at) => at >= 0 && at < size);
}

/** How often the kernel fits onto the padded axis, by trying. */
function placements({ size, kernel, stride, dilation, before, after }: Axis): number {
  const extent = (kernel - 1) * dilation + 1;
  let count = 0;
  for (let start = -before; start + extent <= size + after; start += stride) count++;
  return count;
}

function attributesOf(axes: readonly Axis[]): Record<string, readonly number[]> {
  return {
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
  };
}

function convModel(batch: number, groups: number, perGroup: number, outputs: number, axes: readonly Axis[]): Uint8Array {
  return buildModel({
    inputs: { x: [batch, groups * perGroup, ...axes.map(({ size }) => size)] },
    outputs: ['y'],
    nodes: [node('Conv', ['x', 'w'], ['y'], { ...attributesOf(axes), group: groups })],
    weights: { w: { shape: [groups * outputs, perGroup, ...axes.map(({ kernel }) => kernel)] } },
  });
}

const small = fc.integer({ min: 1, max: 3 });

test('a convolution has as many outputs as its kernel has places, in one to three dimensions', () => {
  const property = fc.property(small, small, small, small, axesOf(3), (batch, groups, perGroup, outputs, axes) => {
    const graph = importOnnx(convModel(batch, groups, perGroup, outputs, axes));
    const sizes = axes.map(placements);
    const [conv] = graph.operators;
    assert.equal(graph.tensors.find(({ id }) => id === 'y')?.shape, [batch, groups * outputs, ...sizes]);
    if (conv?.kind !== 'conv') return impossible();
    const m = sizes.reduce((count, size) => count * size, batch);
    const n = axes.reduce((count, { kernel }) => count * kernel, perGroup);
    assert.equal(conv.attrs.matrix, { m, n, k: outputs, groups });
  });
  fc.assert(property, { seed: 11, numRuns: 400 });
});

test('a pool in ceil mode has a last, partial window unless that would begin in the padding', () => {
  const property = fc.property(axis, ({ size, kernel, stride, dilation, before, after }) => {
    const extent = (kernel - 1) * dilation + 1;
    // Frameworks allow no more padding than this.
    fc.pre(after < extent && before < extent);
    let count = 0;
    let end = 0;
    for (let start = -before; start < size && (count === 0 || end < size + after); start += stride) {
      end = start + extent;
      count++;
    }
    const bytes = buildModel({
      inputs: { x: [1, 1, size] },
      outputs: ['y'],
      nodes: [
        node('MaxPool', ['x'], ['y'], {
          kernel_shape: [kernel],
          strides: [stride],
          dilations: [dilation],
          pads: [before, after],
          ceil_mode: 1,
        }),
      ],
    });
    assert.equal(runImport(bytes, {}, 'infer').values.get('y')?.shape, [1, 1, count]);
  });
  fc.assert(property, { seed: 12, numRuns: 400 });
});

test('SAME padding makes ceil(size / stride) outputs, the odd pad at the end or the beginning', () => {
  for (const autoPad of ['SAME_UPPER', 'SAME_LOWER', 'VALID']) {
    const property = fc.property(axis, ({ size, kernel, stride }) => {
      fc.pre(kernel <= size);
      const bytes = buildModel({
        inputs: { x: [1, 2, size] },
        outputs: ['y'],
        nodes: [node('Conv', ['x', 'w'], ['y'], { strides: [stride], auto_pad: autoPad })],
        weights: { w: { shape: [3, 2, kernel] } },
      });
      const [conv] = importOnnx(bytes).operators;
      if (conv?.kind !== 'conv') return impossible();
      const [before = 0, after = 0] = conv.attrs.pads;
      assert.is(
        conv.attrs.matrix.m,
        autoPad === 'VALID' ? placements({ size, kernel, stride, dilation: 1, before: 0, after: 0 }) : Math.ceil(size / stride),
      );
      assert.ok(autoPad === 'SAME_UPPER' ? after - before <= 1 && after >= before : before - after <= 1 && before >= after);
    });
    fc.assert(property, { seed: 13, numRuns: 150 });
  }
});

test("a convolution's window covers exactly the rows of its receptive field", () => {
  const property = fc.property(small, axesOf(2), (batch, axes) => {
    const [operator] = importOnnx(convModel(batch, 1, 1, 1, axes)).operators;
    const window = operator?.inputs[0]?.window as Window;
    const [rows, ...others] = axes as [Axis, ...Axis[]];
    const widthIn = others.reduce((count, { size }) => count * size, 1);
    const widthOut = others.reduce((count, other) => count * placements(other), 1);
    const rowsOut = placements(rows);
    const positions = batch * rowsOut * widthOut;
    for (let count = 1; count <= positions; count++) {
      const last = Math.floor((count - 1) / widthOut);
      const [sample, row] = [Math.floor(last / rowsOut), last % rowsOut];
      // The furthest row of this output, and of those before it, whose taps may all be padding.
      const furthest = Math.max(-1, ...Array.from({ length: row + 1 }, (_, r) => taps(rows, r)).flat());
      const needed = positionsNeeded(window, count);
      const least = (sample * rows.size + furthest + 1) * widthIn;
      assert.ok(needed >= least, `${needed} of ${least} at ${count}`);
      const lastTap = row * rows.stride - rows.before + (rows.kernel - 1) * rows.dilation;
      if (lastTap >= 0 && lastTap < rows.size) assert.is(needed, least);
    }
  });
  fc.assert(property, { seed: 14, numRuns: 300 });
});

test('a convolution releases a row when nothing later looks at it, and no earlier', () => {
  const property = fc.property(small, axesOf(2), (batch, axes) => {
    const [operator] = importOnnx(convModel(batch, 1, 1, 1, axes)).operators;
    const window = operator?.inputs[0]?.window as Window;
    const [rows, ...others] = axes as [Axis, ...Axis[]];
    const widthIn = others.reduce((count, { size }) => count * size, 1);
    const widthOut = others.reduce((count, other) => count * placements(other), 1);
    const rowsOut = placements(rows);
    const positions = batch * rowsOut * widthOut;
    let before = 0;
    for (let count = 0; count <= positions; count++) {
      const released = positionsReleased(window, count);
      assert.ok(released >= before, 'never takes a release back');
      before = released;
      const next = Math.floor(count / widthOut);
      const sample = Math.floor(next / rowsOut);
      const later = Array.from({ length: rowsOut - (next % rowsOut) }, (_, r) => taps(rows, (next % rowsOut) + r)).flat();
      const first = sample === batch ? 0 : Math.min(rows.size, ...later);
      assert.ok(released <= (sample * rows.size + first) * widthIn, `${released} at ${count}`);
      const firstTap = (next % rowsOut) * rows.stride - rows.before;
      if (sample < batch && firstTap >= 0 && firstTap < rows.size) assert.is(released, (sample * rows.size + firstTap) * widthIn);
    }
    assert.is(before, batch * rows.size * widthIn);
  });
  fc.assert(property, { seed: 15, numRuns: 300 });
});

test('pooling has the same window as a convolution of its kernel', () => {
  const property = fc.property(axis, axis, (height, width) => {
    const pool = node('AveragePool', ['x'], ['y'], {
      ...attributesOf([height, width]),
      kernel_shape: [height.kernel, width.kernel],
      ceil_mode: 0,
    });
    const bytes = buildModel({ inputs: { x: [2, 1, height.size, width.size] }, outputs: ['y'], nodes: [pool, node('Relu', ['x'], ['z'])] });
    const [conv] = importOnnx(convModel(2, 1, 1, 1, [height, width])).operators;
    const [operator] = importOnnx(bytes).operators;
    // A pool of one element, which changes nothing, is a view.
    if (operator?.kind === 'pool') assert.equal(operator.inputs[0]?.window, conv?.inputs[0]?.window);
    else assert.equal([operator?.kind, height.kernel, width.kernel], ['view', 1, 1]);
  });
  fc.assert(property, { seed: 16, numRuns: 200 });
});

test.run();

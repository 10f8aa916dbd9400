// cimbook run: a program computes on real numbers, and what it computes is compared with the reference and with real numbers.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, failOn } from '../base/problem.ts';
import { formatNumber, formatPercent, printable, textTable } from '../base/text.ts';
import { fileReason } from '../base/wording.ts';
import { verifyManifest } from '../dataflow/verify-manifest.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { loadHardware } from '../hardware/read.ts';
import { type Graph, tensorsOf } from '../ir/graph.ts';
import { openWeights } from '../onnx/weights.ts';
import type { Program } from '../program/program.ts';
import { verifyProgram } from '../program/verify.ts';
import type { RunOptions } from '../simulator/functional/context.ts';
import { type RunProgramOptions, runProgram } from '../simulator/functional/run-program.ts';
import { type WeightImage, weightImage } from '../simulator/functional/weight-image.ts';
import { agreement, topOf } from '../workload/agreement.ts';
import { calibrate } from '../workload/calibrate.ts';
import { type NumpyArray, readNumpy, writeNpz } from '../workload/npz.ts';
import type { TensorValues } from '../workload/own-quantisation.ts';
import { quantise } from '../workload/quantise.ts';
import { type Evaluation, evaluateIntegers, evaluateReal, type NetworkInputs } from '../workload/reference/evaluate.ts';
import { samplesOf, seededInputs } from '../workload/samples.ts';
import { seededWeights } from '../workload/seeded-weights.ts';
import { type Arguments, wholeNumber } from './arguments.ts';
import type { Runnable } from './commands.ts';
import { readText, writeWhole } from './files.ts';
import { BIND_FLAGS, JSON_FLAG, loadModel } from './model-flags.ts';
import { readProgram } from './program-commands.ts';
import { progress } from './progress.ts';

/** Samples that ranges are calibrated on, at most. */
const MOST_CALIBRATED = 64;
/** Names under which a file has the right classes. */
const LABELS = ['label', 'labels', 'y', 'target'];

const MODEL_FLAG = { value: 'FILE', help: 'the ONNX model it was compiled from, for weights and functions' };
const CHIP_FLAG = { value: 'FILE', help: 'the chip; hw/NAME.json by the name in the program unless given' };

const RUN: Runnable = {
  command: {
    name: 'run',
    operands: ['PROGRAM_OR_DIR'],
    summary: 'Runs a program on real numbers, instruction by instruction, and compares what it computes with the reference.',
    flags: {
      model: MODEL_FLAG,
      hw: CHIP_FLAG,
      image: { value: 'DIR', help: "stored weights from the image that cimbook image wrote there, instead of the model's" },
      input: { value: 'FILE.npz', help: 'inputs by name (NumPy), as many batches as there are; seeded random ones unless given' },
      take: { value: 'NAME=ARRAY/N,...', help: 'arrays of the file under other names, divided by N: image=images/16' },
      samples: { value: 'N', help: 'batches to run at most', default: '16' },
      'adc-bits': { value: 'N', help: "resolution of the arrays' converters; ideal unless given" },
      noise: { value: 'X', help: 'standard deviation of the noise on a column, in cells', default: '0' },
      'bit-serial': { help: 'compute bit by bit even if the converters are ideal (slow; the same numbers)' },
      output: { value: 'DIR', help: 'write outputs.npz there: real values of every output, batch after batch' },
      seed: { value: 'N', help: 'seed of noise, and of weights and inputs that are not given', default: '0' },
      ...BIND_FLAGS,
      ...JSON_FLAG,
    },
    examples: [
      'cimbook compile datasets/resnet18.onnx --hw hw/dynaplasia.json --out out/',
      'cimbook run out/ --model datasets/resnet18.onnx --seed 1',
      'cimbook run out/ --model datasets/digits.onnx --input datasets/digits.npz --take image=images/16',
    ],
  },
  run: (args, argv) => {
    const seed = wholeNumber(args.text('seed') ?? '0', 'seed', 0);
    const { program, hardware, graph, values, seeded } = openRun(args, argv, seed);
    const image = args.text('image');
    const file = args.text('input');
    const arrays = file === undefined ? undefined : taken(readArrays(file), args.text('take'));
    const given = arrays === undefined ? [seededInputs(graph, seed)] : samplesOf(graph, arrays);
    const samples = given.slice(0, wholeNumber(args.text('samples') ?? '16', 'samples', 1));
    const report = runAndCompare({
      program,
      hardware,
      graph,
      values,
      samples,
      options: { ...runOptions(args, seed), ...(image !== undefined && { image: readImage(image) }) },
    });
    const labels = labelsOf(arrays);
    const told = {
      schemaVersion: 1,
      model: { name: graph.name, hash: graph.hash },
      hardware: { name: hardware.name, hash: hardware.hash },
      seed,
      weights: seeded.length === 0 ? 'model' : 'seeded',
      input: file === undefined ? 'seeded' : 'file',
      batches: samples.length,
      outputs: report.outputs.map(({ real: _real, computed: _computed, ...rest }) => rest),
      ...(labels === undefined ? {} : { accuracy: accuracy(report.outputs[0], labels) }),
      milliseconds: report.milliseconds,
    };
    const out = args.text('output');
    if (out !== undefined) {
      const arraysOut = report.outputs.map(
        ({ name, shape, computed }) => [name, { shape: [samples.length, ...shape], values: computed }] as const,
      );
      writeWhole(out, { 'outputs.npz': writeNpz(Object.fromEntries(arraysOut)) });
    }
    return args.on('json') ? JSON.stringify(told) : textOf(told);
  },
};

/** A program, its chip, its model and the model's weights, seeded ones where it has none. */
function openRun(args: Arguments, argv: readonly string[], seed: number) {
  const path = args.text('model') ?? fail({ kind: 'usage', message: 'no model is given', next: 'Add --model FILE.' });
  const program = readProgram(args.operands[0] ?? '');
  const hardware = chipOf(program, args.text('hw'));
  const graph = loadModel(path, args, argv);
  if (graph.hash !== program.model.hash) {
    const reason = `is not what the program was compiled from ('${printable(program.model.name)}')`;
    fail({ kind: 'run', where: `model ${printable(path)}`, reason, next: 'Give that file, with the same --bind and --batch.' });
  }
  failOn(verifyManifest(program, graph));
  const seeded: string[] = [];
  const random = seededWeights(seed);
  const read = openWeights(path, graph, {
    missing: (tensor) => {
      seeded.push(tensor.name);
      return random(tensor);
    },
  });
  const values: TensorValues = ({ id }) => read(id).elements;
  return { program, hardware, graph, values, seeded };
}

const IMAGE: Runnable = {
  command: {
    name: 'image',
    operands: ['PROGRAM_OR_DIR'],
    summary: 'Writes the weight image of a program: the bytes of every tile, and which go to which array, when.',
    flags: {
      model: MODEL_FLAG,
      hw: CHIP_FLAG,
      out: { value: 'DIR', help: 'where weights.json (the index) and weights.bin (the bytes) are written' },
      seed: { value: 'N', help: 'seed of weights that the model lacks', default: '0' },
      ...BIND_FLAGS,
      ...JSON_FLAG,
    },
    examples: ['cimbook image out/ --model datasets/digits.onnx --out out/', 'cimbook run out/ --model datasets/digits.onnx --image out/'],
  },
  run: (args, argv) => {
    const seed = wholeNumber(args.text('seed') ?? '0', 'seed', 0);
    const out = args.text('out') ?? fail({ kind: 'usage', message: 'no directory is given', next: 'Add --out DIR.' });
    const { program, hardware, graph, values, seeded } = openRun(args, argv, seed);
    failOn(verifyProgram(program, hardware));
    // Stored weights are quantised by themselves; the ranges only serve what is computed.
    const network = quantise(graph, values, calibrate(graph, values, [seededInputs(graph, seed)]), program.precision);
    const { index, bytes } = weightImage(program, hardware, network, seeded.length > 0 ? `random numbers of seed ${seed}` : 'of the model');
    writeWhole(out, { [IMAGE_INDEX]: `${JSON.stringify(index)}\n`, [IMAGE_BYTES]: bytes });
    const told = {
      model: index.model.name,
      tiles: index.tiles.length,
      writes: index.writes.length,
      bytes: index.bytes,
      weights: index.weights,
    };
    if (args.on('json')) return JSON.stringify({ schemaVersion: 1, ...told });
    return `${formatNumber(told.tiles)} tiles, ${formatNumber(told.bytes)} bytes, for ${formatNumber(told.writes)} writes; weights: ${told.weights}\nWrote ${IMAGE_INDEX} and ${IMAGE_BYTES} to ${printable(out)}`;
  },
};

const IMAGE_INDEX = 'weights.json';
const IMAGE_BYTES = 'weights.bin';

/** What `image` wrote. Throws `file`; that it fits the program is seen when it runs. */
function readImage(directory: string): WeightImage {
  const index = readText(join(directory, IMAGE_INDEX), 'the index that cimbook image wrote');
  try {
    const parsed = JSON.parse(index) as WeightImage['index'];
    if (parsed.schemaVersion !== 1 || !Array.isArray(parsed.tiles) || !Array.isArray(parsed.writes))
      throw new Error('it is no index of weights');
    return { index: parsed, bytes: readFileSync(join(directory, IMAGE_BYTES)) };
  } catch (error) {
    return fail({ kind: 'file', path: directory, reason: fileReason(error), next: 'Export it again with cimbook image.' });
  }
}

interface Compared {
  readonly name: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Elements with the reference's integer. */
  readonly identical: number;
  readonly snrDecibels: number | null;
  readonly sameTop: number;
  readonly rows: number;
  readonly real: Float64Array;
  readonly computed: Float64Array;
}

interface Task {
  readonly program: Program;
  readonly hardware: Hardware;
  readonly graph: Graph;
  readonly values: TensorValues;
  readonly samples: readonly NetworkInputs[];
  readonly options: RunProgramOptions;
}

function runAndCompare({ program, hardware, graph, values, samples, options }: Task): {
  readonly outputs: readonly Compared[];
  readonly milliseconds: { readonly quantise: number; readonly run: number; readonly reference: number };
} {
  const bar = progress('running');
  const start = performance.now();
  const reals: Evaluation[] = [];
  const ranges = calibrate(graph, values, samples.slice(0, MOST_CALIBRATED), (outputs) => void reals.push(outputs));
  const network = quantise(graph, values, ranges, program.precision);
  const quantised = performance.now();
  let running = 0;
  const rows: Record<string, { integers: number[]; expected: number[]; real: number[]; computed: number[] }> = {};
  for (const [i, inputs] of samples.entries()) {
    bar.update(i / samples.length);
    const from = performance.now();
    const computed = runProgram(program, hardware, network, inputs, { ...options, verified: i > 0 });
    running += performance.now() - from;
    const expected = evaluateIntegers(network, inputs);
    const real = reals[i] ?? evaluateReal(graph, values, inputs);
    for (const [id, { integers, format }] of Object.entries(computed)) {
      rows[id] ??= { integers: [], expected: [], real: [], computed: [] };
      const row = rows[id];
      for (let e = 0; e < integers.length; e++) {
        row.integers.push(integers[e]!);
        row.expected.push(expected.get(id)?.[e] ?? Number.NaN);
        row.real.push(real.get(id)?.[e] ?? Number.NaN);
        row.computed.push(format.scale * (integers[e]! - format.zeroPoint));
      }
    }
  }
  bar.end();
  const tensors = tensorsOf(graph);
  const outputs = Object.entries(rows).map(([name, row]): Compared => {
    const shape = tensors.get(name)?.shape ?? [];
    const { snrDecibels, sameTop, rows: count } = agreement(row.real, row.computed, shape.at(-1) ?? 1);
    return {
      name,
      shape,
      elements: row.integers.length,
      identical: row.integers.filter((integer, e) => integer === row.expected[e]).length,
      snrDecibels: Number.isFinite(snrDecibels) ? snrDecibels : null,
      sameTop,
      rows: count,
      real: Float64Array.from(row.real),
      computed: Float64Array.from(row.computed),
    };
  });
  const reference = performance.now() - quantised - running;
  return { outputs, milliseconds: { quantise: quantised - start, run: running, reference } };
}

type Told = {
  readonly model: { readonly name: string };
  readonly hardware: { readonly name: string };
  readonly seed: number;
  readonly weights: string;
  readonly input: string;
  readonly batches: number;
  readonly outputs: readonly Omit<Compared, 'real' | 'computed'>[];
  readonly accuracy?: { readonly real: number; readonly computed: number };
  readonly milliseconds: { readonly run: number };
};

function textOf({ model, hardware, seed, weights, input, batches, outputs, accuracy: classes, milliseconds }: Told): string {
  const rows = outputs.map(({ name, elements, identical, snrDecibels, sameTop, rows: all }) => [
    printable(name),
    elements,
    identical === elements ? 'all' : `${identical} (${formatPercent(identical / elements)})`,
    snrDecibels === null ? 'nothing differs' : `${snrDecibels.toFixed(1)} dB`,
    `${sameTop} of ${all}`,
  ]);
  const seededBy = [...(weights === 'seeded' ? ['weights (the model has none)'] : []), ...(input === 'seeded' ? ['inputs'] : [])];
  return [
    textTable(['output', 'integers', 'as the reference', 'SNR to real numbers', 'same largest element'], rows),
    ...(seededBy.length === 0 ? [] : [`Random numbers of seed ${seed}: ${seededBy.join(' and ')}`]),
    ...(classes === undefined ? [] : [`Right classes: ${formatPercent(classes.computed)}; in real numbers ${formatPercent(classes.real)}`]),
    `${printable(model.name)} on ${printable(hardware.name)}: ${batches} batch${batches === 1 ? '' : 'es'} in ${(milliseconds.run / 1000).toFixed(1)} s`,
  ].join('\n');
}

/** Share of samples whose largest element is their label. */
function accuracy(output: Compared | undefined, labels: ArrayLike<number>): { readonly real: number; readonly computed: number } {
  const { real, computed, rows = 0, shape = [] } = output ?? {};
  const width = shape.at(-1) ?? 1;
  const share = (values: ArrayLike<number> = []): number => {
    let right = 0;
    for (let row = 0; row < rows; row++) if (topOf(values, row, width) === labels[row]) right++;
    return right / Math.max(1, rows);
  };
  return { real: share(real), computed: share(computed) };
}

function labelsOf(arrays: Readonly<Record<string, NumpyArray>> | undefined): ArrayLike<number> | undefined {
  const name = LABELS.find((label) => arrays?.[label] !== undefined);
  return name === undefined ? undefined : arrays?.[name]?.values;
}

function readArrays(path: string): Readonly<Record<string, NumpyArray>> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return fail({ kind: 'file', path, reason: fileReason(error), next: 'Give an .npz file, as numpy.savez writes it.' });
  }
  return readNumpy(bytes, path);
}

/** Arrays with those that --take names under their other names. */
function taken(arrays: Readonly<Record<string, NumpyArray>>, text: string | undefined): Readonly<Record<string, NumpyArray>> {
  const renamed = (text ?? '').split(',').flatMap((part) => {
    if (part === '') return [];
    const [, name = '', array = '', by = '1'] = /^([^=]+)=([^/]+)(?:\/(.+))?$/.exec(part) ?? [];
    const found = arrays[array];
    if (found === undefined || !(Number(by) > 0)) {
      const message =
        name === ''
          ? `--take ${part} is not NAME=ARRAY or NAME=ARRAY/N`
          : `--take ${part}: the file has no array '${array}', or ${by} is no number`;
      return fail({ kind: 'usage', message, next: `It has ${Object.keys(arrays).join(', ')}; for example --take image=images/16.` });
    }
    const values = new Float64Array(found.values).map((value) => value / Number(by));
    return [[name, { shape: found.shape, values }] as const];
  });
  return { ...arrays, ...Object.fromEntries(renamed) };
}

/** The chip a program was made for: by its file, or by its name among those shipped. */
function chipOf(program: Program, path: string | undefined): Hardware {
  if (path !== undefined) return loadHardware(path, program.precision);
  const own = fileURLToPath(new URL(`../../hw/${encodeURIComponent(program.hardware.name)}.json`, import.meta.url));
  const hardware = existsSync(own) ? loadHardware(own, program.precision) : undefined;
  if (hardware === undefined || hardware.hash !== program.hardware.hash) {
    const message = `the program is for chip '${printable(program.hardware.name)}', which is not one of those shipped`;
    return fail({ kind: 'usage', message, next: 'Add --hw FILE.' });
  }
  return hardware;
}

function runOptions(args: Arguments, seed: number): RunOptions {
  const bits = args.text('adc-bits');
  const noise = Number(args.text('noise'));
  if (!(noise >= 0))
    fail({ kind: 'usage', message: `--noise ${args.text('noise')} is not a number from 0`, next: 'For example --noise 0.5.' });
  return {
    seed,
    bitSerial: args.on('bit-serial'),
    converter: { noise, ...(bits === undefined ? {} : { bits: wholeNumber(bits, 'adc-bits', 1) }) },
  };
}

export const RUN_COMMANDS: readonly Runnable[] = [RUN, IMAGE];

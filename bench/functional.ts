// Functional runs beside ONNX Runtime: npm run bench -- --only functional [--models NAME,...] (names in datasets/; the digits and
// the CNNs unless given). Each program runs on real numbers; weights that a model lacks are seeded, and ONNX Runtime gets the same.

import { existsSync, readFileSync } from 'node:fs';
import { formatPercent, textTable } from '../lib/base/text.ts';
import { emit } from '../lib/emit/emit.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { type Graph, tensorsOf } from '../lib/ir/graph.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';
import { openWeights } from '../lib/onnx/weights.ts';
import { schedule } from '../lib/optimizer/schedule.ts';
import { runProgram } from '../lib/simulator/functional/run-program.ts';
import { agreement } from '../lib/workload/agreement.ts';
import { calibrate } from '../lib/workload/calibrate.ts';
import { quantise } from '../lib/workload/quantise.ts';
import { evaluateIntegers, type NetworkInputs } from '../lib/workload/reference/evaluate.ts';
import { seededInputs } from '../lib/workload/samples.ts';
import { seededWeights } from '../lib/workload/seeded-weights.ts';
import { digits, rightOf } from '../test/functional/digits.ts';
import { runOnnx, withSeededWeights } from '../test/functional/onnx-runtime.ts';

const SEED = 1;
const CHIP = 'hw/dynaplasia.json';
const MODELS = ['digits', 'digits-qlinear', 'digits-qdq', 'resnet18', 'mobilenetv2', 'efficientnetb0', 'resnet50'];
/** Seeded runs: one sample to calibrate on and run, as random weights make every sample alike. */
const BATCH = 1;

/** Of language models: tokens of one pass, and those before. */
const TOKENS = 6;
const PAST = 4;

const random = seededWeights(SEED);

async function row(name: string): Promise<(string | number)[]> {
  const path = `datasets/${name}.onnx`;
  const isDigits = name.startsWith('digits');
  const data = isDigits ? digits() : undefined;
  const graph: Graph = importOnnx(path, { defaults: { batch: data?.labels.length ?? BATCH, sequence: TOKENS, past: PAST } });
  const read = openWeights(path, graph, { missing: random });
  const values = ({ id }: { readonly id: string }) => read(id).elements;
  const inputs: NetworkInputs = data?.inputs ?? seededInputs(graph, SEED);
  let ranges = {};
  if (data === undefined) ranges = calibrate(graph, values, [inputs]);
  else {
    const smaller = importOnnx(path, { bind: { batch: (data.calibration.image?.length ?? 0) / 64 } });
    const readSmaller = openWeights(path, smaller);
    ranges = calibrate(smaller, ({ id }) => readSmaller(id).elements, [data.calibration]);
  }
  const hardware = loadHardware(CHIP);
  const network = quantise(graph, values, ranges, hardware.precision);
  const program = emit(graph, await schedule(graph, hardware), hardware);
  const before = process.cpuUsage();
  const computed = runProgram(program, hardware, network, inputs);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const expected = evaluateIntegers(network, inputs);
  const real = await runOnnx(isDigits ? readFileSync(path) : withSeededWeights(path, random), graph, inputs);

  const id = graph.outputs[0] ?? '';
  const { integers = new Int32Array(0), format = { scale: 1, zeroPoint: 0 } } = computed[id] ?? {};
  const meant = Float64Array.from(integers, (integer) => format.scale * (integer - format.zeroPoint));
  const runtime = real[id] ?? new Float64Array(0);
  const width = tensorsOf(graph).get(id)?.shape.at(-1) ?? 1;
  const { snrDecibels, sameTop, rows } = agreement(runtime, meant, width);
  const identical = integers.filter((integer, i) => integer === expected.get(id)?.[i]).length;
  const steps = runtime.map((value, i) => Math.abs(Math.round(value / format.scale) + format.zeroPoint - integers[i]!));
  const same = steps.filter((step) => step === 0).length / steps.length;
  return [
    name,
    rows,
    seconds.toFixed(1),
    identical === integers.length ? 'all' : formatPercent(identical / integers.length),
    formatPercent(same),
    Math.max(...steps),
    snrDecibels.toFixed(1),
    `${sameTop} of ${rows}`,
    data === undefined
      ? ''
      : `${formatPercent(rightOf(meant, data.labels) / rows)} (${formatPercent(rightOf(runtime, data.labels) / rows)})`,
  ];
}

export async function functional(asked: readonly string[] = MODELS): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const name of asked) if (existsSync(`datasets/${name}.onnx`)) rows.push(await row(name));
  const columns = ['model', 'rows', 'run s', 'integers as the reference', 'integers as ONNX Runtime', 'most steps', 'SNR dB', 'same top'];
  console.log(`\nPrograms on ${CHIP}, 8 bits; ONNX Runtime in float32; CPU seconds; target: resnet18 under 60`);
  console.log(textTable([...columns, 'right (float32)'], rows));
}

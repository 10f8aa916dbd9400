// `npx tsx bench/joint.ts`: simulated cycles of joint beside its rivals, six networks, two chips, batch 1 and 8; geometric means of the ratios.

import { textTable } from '../lib/base/text.ts';
import { compile } from '../lib/compile.ts';
import { loadHardware } from '../lib/hardware/read.ts';
import { importOnnx } from '../lib/onnx/import-onnx.ts';

const MODELS = ['vgg16', 'resnet18', 'resnet50', 'mobilenetv2', 'efficientnetb0', 'vitb16'];
const RIVALS = ['static:1', 'cim-mlc', 'cmswitch'];

for (const chip of ['dynaplasia-paper', 'dynaplasia']) {
  const hardware = loadHardware(`hw/${chip}.json`, { weightBits: 8, activationBits: 8 });
  const ratios = new Map(RIVALS.map((rival) => [rival, [] as number[]]));
  const rows: (string | number)[][] = [];
  for (const model of MODELS) {
    for (const batch of [1, 8]) {
      const graph = importOnnx(`datasets/${model}.onnx`, { bind: { batch } });
      const own = await compile(graph, hardware, { optimizer: 'joint' });
      const cycles = own.trace?.makespanCycles ?? 0;
      const others: number[] = [];
      for (const rival of RIVALS) {
        const other = (await compile(graph, hardware, { optimizer: rival })).trace?.makespanCycles ?? 0;
        others.push(other);
        ratios.get(rival)?.push(other / cycles);
      }
      rows.push([model, batch, ...others, cycles, own.plan.lowerBoundCycles, Math.round(own.milliseconds.compile)]);
    }
  }
  console.log(`\n${chip}\n${textTable(['model', 'batch', ...RIVALS, 'joint', 'lower bound', 'joint compiles in ms'], rows)}`);
  for (const [rival, list] of ratios) {
    const mean = Math.exp(list.reduce((sum, ratio) => sum + Math.log(ratio), 0) / list.length);
    console.log(`joint over ${rival}: ${mean.toFixed(2)}x (geometric mean), least ${Math.min(...list).toFixed(2)}x`);
  }
}

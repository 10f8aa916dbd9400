// npm run pictures: the pictures of README and docs, from the built package. VGG-16 on the paper's chip.

import { mkdirSync, writeFileSync } from 'node:fs';
import { chipMap, compile, importOnnx, loadHardware, timeline } from 'cimbook';

const graph = importOnnx('datasets/vgg16.onnx', { bind: { batch: 1 } });
const hardware = loadHardware('hw/dynaplasia-paper.json');
const { plan, trace } = await compile(graph, hardware);
const pictures = { 'chip-map': chipMap(plan, hardware), timeline: timeline(trace) };

mkdirSync('docs/pictures', { recursive: true });
for (const [name, figure] of Object.entries(pictures)) {
  const path = `docs/pictures/${name}.png`;
  writeFileSync(path, await figure.toPNG({ scale: 1.5 }));
  console.log(path);
}
process.exit(0);
